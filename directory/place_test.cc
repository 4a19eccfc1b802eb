// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/place.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "directory/testing/small_world.h"
#include "event/testing/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class FindPlaceTest : public ::testing::Test {
 protected:
  void SetEnv(const std::string& name, const std::string& value) {
    process_->SetEnv(name, value);
  }
  // Calls FindPlace(). Returns "explicit FOLDER", "FOLDER" or the error.
  std::string Find(const std::string& flag = "",
                   Place::Kind kept = Place::Kind::kNone) {
    const absl::StatusOr<Place> place = FindPlace(process_, flag, kept);
    if (!place.ok()) return place.status().ToString();
    return (place->is_explicit() ? "explicit " : "") + place->folder;
  }

  event::Simulation sim_{1};
  event::SimProcess* const process_ = sim_.AddProcess("test", {0, 7, 7});
};

TEST_F(FindPlaceTest, AFlagHasTheHighestPriority) {
  SetEnv("LE_MESSAGING_DIR", "/named");
  SetEnv("XDG_RUNTIME_DIR", "/run/user/7");
  EXPECT_EQ(Find("/flag"), "explicit /flag");
}

TEST_F(FindPlaceTest, TheEnvironmentHasPriorityOverFolders) {
  SetEnv("LE_MESSAGING_DIR", "/named");
  SetEnv("XDG_RUNTIME_DIR", "/run/user/7");
  EXPECT_EQ(Find(), "explicit /named");
  const NoSystemFolder none;
  EXPECT_EQ(Find(), "explicit /named");
}

TEST_F(FindPlaceTest, TheUsersFolderIsUsedWithoutASystemFolder) {
  const NoSystemFolder none;
  SetEnv("XDG_RUNTIME_DIR", "/run/user/7");
  EXPECT_EQ(Find(), "/run/user/7/le_messaging");
  SetEnv("LE_MESSAGING_DIR", "");
  EXPECT_EQ(Find(), "/run/user/7/le_messaging");
}

TEST_F(FindPlaceTest, TheErrorNamesTheVariableToSet) {
  const NoSystemFolder none;
  const absl::StatusOr<Place> place = FindPlace(process_, "");
  EXPECT_EQ(place.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(
      std::string(place.status().message()),
      AllOf(HasSubstr("no folder /run/le_messaging"),
            HasSubstr("XDG_RUNTIME_DIR"),
            HasSubstr("set LE_MESSAGING_DIR to the folder of directoryd")));
}

TEST_F(FindPlaceTest, AProcessThatHasUsedTheSystemsFolderWaitsForIt) {
  const NoSystemFolder none;
  SetEnv("XDG_RUNTIME_DIR", "/run/user/7");
  EXPECT_EQ(Find("", Place::Kind::kSystem), "/run/le_messaging");
  EXPECT_EQ(Find("", Place::Kind::kUser), "/run/user/7/le_messaging");
  EXPECT_EQ(Find("", Place::Kind::kExplicit), "/run/user/7/le_messaging");
  SetEnv("LE_MESSAGING_DIR", "/named");
  EXPECT_EQ(Find("", Place::Kind::kSystem), "explicit /named");
}

TEST(PlaceTest, NamesTheFilesInItsFolder) {
  Place place;
  place.folder = "/folder";
  EXPECT_EQ(place.address(), "/folder/directory");
  EXPECT_EQ(place.lock_file(), "/folder/lock");
}

// The test runs in a child with an empty /run of its own.
TEST_F(FindPlaceTest, TheSystemFolderHasPriorityOverTheUsers) {
  constexpr int kNotPermitted = 100;
  SetEnv("XDG_RUNTIME_DIR", "/run/user/7");
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (!EnterEmptyRun()) _exit(kNotPermitted);
    const std::string without = Find();
    // A file at the folder's path is ignored.
    const bool made_file = mknod("/run/le_messaging", S_IFREG, 0) == 0;
    const std::string with_file = Find();
    unlink("/run/le_messaging");
    const bool made_folder = mkdir("/run/le_messaging", 0755) == 0;
    const std::string with_folder = Find();
    const std::string used_the_other = Find("", Place::Kind::kUser);
    if (!made_file || !made_folder) _exit(kNotPermitted);
    if (without != "/run/user/7/le_messaging") _exit(1);
    if (with_file != "/run/user/7/le_messaging") _exit(2);
    if (with_folder != "/run/le_messaging") _exit(3);
    if (used_the_other != "/run/user/7/le_messaging") _exit(4);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNotPermitted) {
    GTEST_SKIP() << "no mount of our own is permitted here";
  }
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace directory
}  // namespace le
