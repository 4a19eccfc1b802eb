// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/bindings_files.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/testing/numbered_users.h"
#include "event/base/sys.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class BindingsFilesTest : public ::testing::Test {
 protected:
  BindingsFilesTest() {
    EXPECT_NE(mkdtemp(parent_), nullptr);
    folder_ = absl::StrCat(parent_, "/d");
    EXPECT_EQ(mkdir(folder_.c_str(), 0755), 0);
    context_.users = &users_;
    context_.self = 500;
  }
  ~BindingsFilesTest() override {
    for (const std::string& path : made_) unlink(path.c_str());
    unlink(files().own_file().c_str());
    EXPECT_EQ(rmdir(folder_.c_str()), 0) << "the test has left a file";
    rmdir(parent_);
  }

  std::string one() const { return absl::StrCat(parent_, "/one"); }
  BindingsFiles files() const { return BindingsFiles("", folder_); }
  std::string In(const std::string& name) const {
    return absl::StrCat(folder_, "/", name);
  }
  void Make(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
    made_.push_back(path);
  }
  static std::string Text(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static std::vector<std::string> Names(
      const absl::StatusOr<std::vector<BindingsText>>& read) {
    std::vector<std::string> names;
    if (!read.ok()) return {std::string(read.status().message())};
    for (const BindingsText& text : *read) names.push_back(text.file);
    return names;
  }
  std::string ReadError() const {
    return std::string(files().Read(true).status().message());
  }
  static ClientKey Client(uid_t uid, const std::string& name) {
    return {uid, name};
  }
  // Edits and writes the own file. Returns the error, or "".
  std::string Change(const ClientKey& client, const std::string& line) const {
    const auto edited = files().Edit(client, line, context_);
    if (!edited.ok()) return std::string(edited.status().message());
    return std::string(files().Write(edited->all[edited->own].text).message());
  }

  char parent_[32] = "/tmp/le_bindings_XXXXXX";
  std::string folder_;
  std::vector<std::string> made_;
  NumberedUsers users_;
  UserContext context_;
};

// ---- Reading ---------------------------------------------------------------

TEST_F(BindingsFilesTest, ReadsTheFileAndThoseOfTheFolderByName) {
  Make(one(), "one");
  for (const char* name :
       {"b.bindings", "a.bindings", "10.bindings", ".c.bindings", "d.bindings~",
        "e", "bindings", "f.bindings.dpkg-new"}) {
    Make(In(name), name);
  }
  EXPECT_THAT(Names(BindingsFiles(one(), folder_).Read(true)),
              ElementsAre(one(), In("10.bindings"), In("a.bindings"),
                          In("b.bindings")));
  EXPECT_THAT(Names(BindingsFiles(one(), "").Read(true)), ElementsAre(one()));
  const auto read = files().Read(false);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->back().text, "b.bindings");
  EXPECT_EQ(BindingsFiles("a", "b").Describe(), "a and b/*.bindings");
  EXPECT_EQ(BindingsFiles("a", "").Describe(), "a");
  EXPECT_EQ(BindingsFiles("", "b").Describe(), "b/*.bindings");
}

TEST_F(BindingsFilesTest, AFileThatCannotBeReadIsAnError) {
  EXPECT_EQ(BindingsFiles("", one()).Read(false).status().message(),
            "bindings folder '" + one() + "': No such file or directory");
  Make(one(), "");
  EXPECT_EQ(BindingsFiles("", one()).Read(false).status().message(),
            "bindings folder '" + one() + "': Not a directory");
  const std::string bad = In("a.bindings");
  made_.push_back(bad);
  ASSERT_EQ(symlink(one().c_str(), bad.c_str()), 0);
  EXPECT_EQ(ReadError(), "bindings file '" + bad +
                             "': a symbolic link, which is not followed");
  unlink(bad.c_str());
  ASSERT_EQ(mkfifo(bad.c_str(), 0600), 0);
  EXPECT_EQ(ReadError(), "bindings file '" + bad + "': not a regular file");
  unlink(bad.c_str());
  ASSERT_EQ(mkdir(bad.c_str(), 0700), 0);
  EXPECT_EQ(ReadError(), "bindings file '" + bad + "': not a regular file");
  rmdir(bad.c_str());
}

TEST_F(BindingsFilesTest, LimitsTheTextOfAllFilesTogether) {
  const std::string half(kMaxBindingsBytes / 2, '#');
  Make(In("a.bindings"), half);
  Make(In("b.bindings"), half);
  EXPECT_TRUE(files().Read(true).ok());
  Make(In("c.bindings"), "#");
  EXPECT_EQ(ReadError(), "bindings file '" + In("c.bindings") +
                             "': too long: all files together may have at "
                             "most 16777216 bytes");
}

TEST_F(BindingsFilesTest, LimitsTheFilesOfAFolder) {
  for (size_t i = 0; i < kMaxBindingsFiles; ++i) {
    Make(In(absl::StrCat(i, ".bindings")), "");
  }
  EXPECT_TRUE(files().Read(true).ok());
  Make(In("x.bindings"), "");
  EXPECT_EQ(ReadError(), "bindings folder '" + folder_ +
                             "': it has more than 1000 files '*.bindings'");
}

// ---- Parsing ---------------------------------------------------------------

TEST_F(BindingsFilesTest, DiagnosticsNameTheFile) {
  const std::vector<BindingsText> texts = {
      {"x", "<1>.a -> <2>.a\n<1>.b -> <2>.b\n"},
      {"y", "<1>.b -> <2>.b\n\n<1>.a -> <3>.a\n<1>.c\n"},
      {"z", "<1>.d -> <2>.a\n<1>.d -> <3>.a"}};
  const ParsedBindings parsed = ParseBindings(texts, context_);
  EXPECT_EQ(Print(parsed.warnings, texts), "y:1:1: the same binding as in x:2");
  EXPECT_EQ(Print(parsed.errors, texts),
            "y:3:1: this client interface is bound to another service in x:1\n"
            "y:4:6: expected a blank and '->' after the interface\n"
            "z:2:1: this client interface is bound to another service in line "
            "1");
}

// ---- Editing ---------------------------------------------------------------

TEST_F(BindingsFilesTest, OneBindingIsEdited) {
  const auto edit = [this](const std::string& text, const ClientKey& client,
                           const std::string& line) {
    const auto edited = EditBindings({"f", text}, client, line, context_);
    return edited.ok() ? *edited
                       : "ERROR " + std::string(edited.status().message());
  };
  const std::string a = "<1>.a -> <2>.a";
  const std::string text = "# c\n<1>.a -> <3>.x # d\n\n<1>.b -> <2>.b\n";
  EXPECT_EQ(edit("", Client(1, "a"), a), a + "\n");
  EXPECT_EQ(edit(text, Client(1, "a"), a),
            "# c\n\n<1>.b -> <2>.b\n" + a + "\n");
  EXPECT_EQ(edit(text, Client(1, "a"), ""), "# c\n\n<1>.b -> <2>.b\n");
  EXPECT_EQ(edit(a + "\n" + a, Client(1, "a"), ""), "");
  EXPECT_EQ(edit("<1>.b -> <2>.b", Client(1, "a"), a),
            "<1>.b -> <2>.b\n" + a + "\n");
  EXPECT_EQ(edit(text, {absl::nullopt, "a"}, ""),
            "ERROR f has no binding of <*>.a");
  EXPECT_EQ(edit("x", Client(1, "a"), a),
            "ERROR f:1:1: expected '<', as in <user>.clientInterface, found "
            "'x'");
}

TEST_F(BindingsFilesTest, TheOwnFileIsReplaced) {
  EXPECT_EQ(Change(Client(1, "a"), "<1>.a -> <2>.a"), "");
  EXPECT_EQ(Text(files().own_file()),
            "# Written by 'sdir bind --persist' and 'sdir unbind --persist'.\n"
            "<1>.a -> <2>.a\n");
  EXPECT_THAT(Names(files().Read(true)), ElementsAre(files().own_file()));
  EXPECT_EQ(Change(Client(1, "a"), "<1>.a -> <3>.a"), "");
  EXPECT_THAT(Text(files().own_file()), HasSubstr("\n<1>.a -> <3>.a\n"));
  // A process died while it wrote.
  Make(In(".50-sdir.bindings.new"), "half of a te");
  EXPECT_EQ(Change(Client(1, "a"), ""), "");
  EXPECT_THAT(Text(files().own_file()), Not(HasSubstr("<1>.a")));
  EXPECT_NE(access(In(".50-sdir.bindings.new").c_str(), F_OK), 0);
}

TEST_F(BindingsFilesTest, SaysWhichOtherFileHasABinding) {
  Make(In("10.bindings"), "\n<1>.a -> <2>.a\n");
  EXPECT_EQ(Change(Client(1, "a"), ""),
            files().own_file() + " has no binding of <1>.a: " +
                In("10.bindings") + ":2 has it; edit that file, and load it");
  EXPECT_EQ(Change(Client(1, "b"), ""),
            files().own_file() + " has no binding of <1>.b");
  EXPECT_NE(access(files().own_file().c_str(), F_OK), 0);
  // The own file has it, too.
  Make(files().own_file(), "<1>.a -> <2>.a\n");
  const auto edited = files().Edit(Client(1, "a"), "", context_);
  ASSERT_TRUE(edited.ok()) << edited.status();
  EXPECT_EQ(edited->remark, "; " + In("10.bindings") +
                                ":2 has it, too: the next load binds again");
}

// Fails each call of one system function, with one error.
class Fails final : public event::sys::Interceptor {
 public:
  Fails(const char* name, int error) : name_(name), error_(error) {
    event::sys::SetInterceptor(this);
  }
  ~Fails() override { event::sys::SetInterceptor(nullptr); }
  int FailCall(const event::sys::Call& call) override {
    return std::strcmp(call.name, name_) == 0 ? error_ : 0;
  }

 private:
  const char* const name_;
  const int error_;
};

TEST_F(BindingsFilesTest, AnErrorLeavesTheFileAsItWas) {
  Make(files().own_file(), "<1>.a -> <2>.a\n");
  const struct {
    const char* call;
    int error;
  } cases[] = {{"Open", EACCES}, {"Write", ENOSPC}, {"Rename", EROFS}};
  for (const auto& c : cases) {
    const Fails fails(c.call, c.error);
    EXPECT_EQ(files().Write("new").message(),
              absl::StrCat("directoryd cannot write ", files().own_file(), ": ",
                           std::strerror(c.error), "; nothing has changed"));
  }
  EXPECT_EQ(Text(files().own_file()), "<1>.a -> <2>.a\n");
}

TEST_F(BindingsFilesTest, ALinkAtTheNewFilesNameIsNotFollowed) {
  Make(one(), "precious");
  ASSERT_EQ(symlink(one().c_str(), In(".50-sdir.bindings.new").c_str()), 0);
  EXPECT_TRUE(files().Write("new").ok());
  EXPECT_EQ(Text(one()), "precious");
  EXPECT_EQ(Text(files().own_file()), "new");
}

}  // namespace
}  // namespace directory
}  // namespace le
