// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/bindings_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "event/base/sys.h"
#include "event/base/unique_fd.h"

namespace le {
namespace directory {

namespace sys = event::sys;

namespace {

constexpr char kSuffix[] = ".bindings";
constexpr char kOwnFile[] = "50-sdir.bindings";
constexpr char kOwnHeader[] =
    "# Written by 'sdir bind --persist' and 'sdir unbind --persist'.\n";
// Not read as a bindings file: the name begins with a dot, and does not end
// with kSuffix.
constexpr char kNewFile[] = ".50-sdir.bindings.new";
constexpr mode_t kOwnMode = 0644;

absl::Status Wrong(const char* what, const std::string& name,
                   absl::string_view error) {
  return absl::InvalidArgumentError(
      absl::StrCat("bindings ", what, " '", name, "': ", error));
}

enum class Kind { kAny, kRegular, kRegularAndNoLink };

// Returns the text of the file. An error if it has more than `room` bytes.
absl::StatusOr<std::string> ReadFile(const std::string& name, Kind kind,
                                     size_t room) {
  int flags = O_RDONLY | O_CLOEXEC;
  if (kind != Kind::kAny) flags |= O_NONBLOCK;
  if (kind == Kind::kRegularAndNoLink) flags |= O_NOFOLLOW;
  const event::UniqueFd file(sys::Open(name.c_str(), flags, 0));
  struct stat found = {};
  if (!file && errno == ELOOP && kind == Kind::kRegularAndNoLink) {
    return Wrong("file", name, "a symbolic link, which is not followed");
  }
  if (!file || sys::Fstat(file.get(), &found) != 0) {
    return Wrong("file", name, std::strerror(errno));
  }
  if (kind != Kind::kAny && !S_ISREG(found.st_mode)) {
    return Wrong("file", name,
                 kind == Kind::kRegular ? "not a regular file any more"
                                        : "not a regular file");
  }
  std::string text;
  char part[65536];
  for (;;) {
    const ssize_t size = sys::Read(file.get(), part, sizeof(part));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Wrong("file", name, std::strerror(errno));
    if (size == 0) return text;
    text.append(part, static_cast<size_t>(size));
    if (text.size() > room) {
      return Wrong(
          "file", name,
          absl::StrCat("too long: all files together may have at most ",
                       kMaxBindingsBytes, " bytes"));
    }
  }
}

bool WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t size = sys::Write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    text.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

}  // namespace

std::string BindingsFiles::Describe() const {
  return absl::StrCat(file_, !file_.empty() && has_folder() ? " and " : "",
                      has_folder() ? absl::StrCat(folder_, "/*", kSuffix) : "");
}

std::string BindingsFiles::own_file() const {
  return absl::StrCat(folder_, "/", kOwnFile);
}

absl::StatusOr<std::vector<std::string>> BindingsFiles::NamesInFolder() const {
  // The path may name a pipe. With O_NONBLOCK, the open does not wait for the
  // pipe's writer.
  const event::UniqueFd folder(
      sys::Open(folder_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0));
  if (!folder) return Wrong("folder", folder_, std::strerror(errno));
  std::vector<std::string> names;
  alignas(struct dirent64) char buffer[32768];
  for (;;) {
    const ssize_t size = sys::GetDents(folder.get(), buffer, sizeof(buffer));
    if (size < 0) return Wrong("folder", folder_, std::strerror(errno));
    if (size == 0) break;
    for (ssize_t at = 0; at < size;) {
      const auto* const entry =
          reinterpret_cast<const struct dirent64*>(buffer + at);
      at += entry->d_reclen;
      const absl::string_view name = entry->d_name;
      if (absl::EndsWith(name, kSuffix) && name[0] != '.') {
        names.emplace_back(name);
      }
    }
    if (names.size() > kMaxBindingsFiles) {
      return Wrong("folder", folder_,
                   absl::StrCat("it has more than ", kMaxBindingsFiles,
                                " files '*", kSuffix, "'"));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<std::vector<BindingsText>> BindingsFiles::Read(
    bool again) const {
  std::vector<BindingsText> all;
  size_t room = kMaxBindingsBytes;
  const auto add = [&](const std::string& name, Kind kind) {
    absl::StatusOr<std::string> text = ReadFile(name, kind, room);
    if (!text.ok()) return text.status();
    room -= text->size();
    all.push_back({name, *std::move(text)});
    return absl::OkStatus();
  };
  if (!file_.empty()) {
    const absl::Status added = add(file_, again ? Kind::kRegular : Kind::kAny);
    if (!added.ok()) return added;
  }
  if (!has_folder()) return all;
  const absl::StatusOr<std::vector<std::string>> names = NamesInFolder();
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    const absl::Status added =
        add(absl::StrCat(folder_, "/", name), Kind::kRegularAndNoLink);
    if (!added.ok()) return added;
  }
  return all;
}

absl::StatusOr<BindingsFiles::Edited> BindingsFiles::Edit(
    const ClientKey& client, absl::string_view line,
    const UserContext& context) const {
  absl::StatusOr<std::vector<BindingsText>> all = Read(/*again=*/true);
  if (!all.ok()) return all.status();
  Edited edited;
  edited.all = *std::move(all);
  const auto it = std::find_if(
      edited.all.begin(), edited.all.end(),
      [this](const BindingsText& text) { return text.file == own_file(); });
  edited.own = static_cast<size_t>(it - edited.all.begin());
  if (it == edited.all.end()) edited.all.push_back({own_file(), kOwnHeader});
  absl::StatusOr<std::string> text =
      EditBindings(edited.all[edited.own], client, line, context);
  if (text.ok()) edited.all[edited.own].text = *text;
  if (absl::IsNotFound(text.status()) || line.empty()) {
    const ParsedBindings parsed = ParseBindings(edited.all, context);
    for (size_t i = 0; i < parsed.bindings.size(); ++i) {
      if (!(parsed.bindings[i].client == client)) continue;
      const ParsedBindings::Position at = parsed.positions[i];
      const std::string where =
          absl::StrCat(edited.all[at.file].file, ":", at.line);
      if (text.ok()) {
        edited.remark = absl::StrCat("; ", where,
                                     " has it, too: the next load binds again");
      } else {
        return absl::NotFoundError(
            absl::StrCat(text.status().message(), ": ", where,
                         " has it; edit that file, and load it"));
      }
    }
  }
  if (!text.ok()) return text.status();
  return edited;
}

absl::Status BindingsFiles::Write(const std::string& text) const {
  const std::string made = absl::StrCat(folder_, "/", kNewFile);
  const auto failed = [&] {
    const int error = errno;
    sys::Unlink(made.c_str());
    return absl::PermissionDeniedError(
        absl::StrCat("directoryd cannot write ", own_file(), ": ",
                     std::strerror(error), "; nothing has changed"));
  };
  sys::Unlink(made.c_str());  // left by a process that died here
  event::UniqueFd file(sys::Open(
      made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnMode));
  if (!file || !WriteAll(file.get(), text)) return failed();
  file.reset();
  if (sys::Rename(made.c_str(), own_file().c_str()) != 0) return failed();
  return absl::OkStatus();
}

}  // namespace directory
}  // namespace le
