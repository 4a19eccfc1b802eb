// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/place_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "event/base/sys.h"
#include "event/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

using ::testing::HasSubstr;

class PlaceHolderTest : public ::testing::Test {
 protected:
  PlaceHolderTest() {
    EXPECT_NE(mkdtemp(parent_), nullptr);
    place_.folder = std::string(parent_) + "/d";
  }
  ~PlaceHolderTest() override {
    Delete();
    rmdir(parent_);
  }

  // Makes a file at the path of the socket.
  void MakeSocket() {
    const int fd = open(place_.address().c_str(), O_CREAT | O_CLOEXEC, 0666);
    ASSERT_GE(fd, 0);
    close(fd);
  }
  void Delete() {
    unlink(place_.address().c_str());
    unlink(place_.lock_file().c_str());
    rmdir(place_.folder.c_str());
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat found = {};
    EXPECT_EQ(stat(path.c_str(), &found), 0) << path;
    return found.st_mode & 07777;
  }

  char parent_[32] = "/tmp/le_place_XXXXXX";
  Place place_;
  event::Loop* const loop_ = event::Thread::Current()->loop();
};

// ---- HoldPlace() -----------------------------------------------------------

TEST_F(PlaceHolderTest, TheModeDoesNotDependOnTheUmask) {
  for (mode_t mask : {022, 027, 077, 0777}) {
    const mode_t before = umask(mask);
    const auto lock = HoldPlace(place_);
    umask(before);
    ASSERT_TRUE(lock.ok()) << lock.status();
    EXPECT_EQ(ModeOf(place_.folder), 0755u) << std::oct << mask;
    Delete();
  }
}

TEST_F(PlaceHolderTest, AnExistingFolderKeepsItsMode) {
  ASSERT_EQ(mkdir(place_.folder.c_str(), 0700), 0);
  EXPECT_TRUE(HoldPlace(place_).ok());
  EXPECT_EQ(ModeOf(place_.folder), 0700u);
}

TEST_F(PlaceHolderTest, TheNameOfTheFolderMayEndWithASlash) {
  place_.folder += '/';
  EXPECT_TRUE(HoldPlace(place_).ok());
}

TEST_F(PlaceHolderTest, NoFolderAboveIsMade) {
  Place below = place_;
  below.folder += "/e";
  EXPECT_THAT(std::string(HoldPlace(below).status().message()),
              HasSubstr("cannot make the folder"));
}

TEST_F(PlaceHolderTest, OneDirectoryHoldsThePlace) {
  auto first = HoldPlace(place_);
  ASSERT_TRUE(first.ok());
  const auto second = HoldPlace(place_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("another directory runs here: it holds "));
  first->reset();
  EXPECT_TRUE(HoldPlace(place_).ok());
}

TEST_F(PlaceHolderTest, ALinkIsNotFollowed) {
  ASSERT_EQ(mkdir(place_.folder.c_str(), 0755), 0);
  ASSERT_EQ(symlink("/dev/null", place_.lock_file().c_str()), 0);
  EXPECT_THAT(std::string(HoldPlace(place_).status().message()),
              HasSubstr("cannot open the lock file"));
}

// Fails flock() with each of these errors in turn.
class FlockFails final : public event::sys::Interceptor {
 public:
  explicit FlockFails(std::vector<int> errors) : errors_(std::move(errors)) {
    event::sys::SetInterceptor(this);
  }
  ~FlockFails() override { event::sys::SetInterceptor(nullptr); }
  int FailCall(const event::sys::Call& call) override {
    if (std::string(call.name) != "Flock" || errors_.empty()) return 0;
    const int error = errors_.front();
    errors_.erase(errors_.begin());
    return error;
  }

 private:
  std::vector<int> errors_;
};

TEST_F(PlaceHolderTest, TheErrorSaysWhyTheFileCannotBeLocked) {
  for (int error : {ENOLCK, EBADF, ENOSYS, EOPNOTSUPP}) {
    const FlockFails fails({error});
    const auto lock = HoldPlace(place_);
    EXPECT_EQ(lock.status().code(), absl::StatusCode::kInternal);
    EXPECT_THAT(std::string(lock.status().message()),
                HasSubstr(std::string("/lock: ") + strerror(error)));
  }
}

TEST_F(PlaceHolderTest, RetriesAfterASignal) {
  const FlockFails fails({EINTR, EINTR});
  EXPECT_TRUE(HoldPlace(place_).ok());
}

// Fails open() with one error.
class OpenFails final : public event::sys::Interceptor {
 public:
  explicit OpenFails(int error) : error_(error) {
    event::sys::SetInterceptor(this);
  }
  ~OpenFails() override { event::sys::SetInterceptor(nullptr); }
  int FailCall(const event::sys::Call& call) override {
    return std::string(call.name) == "Open" ? error_ : 0;
  }

 private:
  const int error_;
};

TEST_F(PlaceHolderTest, APassedSocketNeedsNoLockInAFolderOfAnother) {
  for (int error : {EACCES, EROFS}) {
    const OpenFails fails(error);
    EXPECT_FALSE(HoldPlace(place_).ok());
    const auto lock = HoldPlace(place_, /*passed_socket=*/true);
    ASSERT_TRUE(lock.ok()) << lock.status();
    EXPECT_FALSE(*lock);
  }
  const OpenFails fails(EMFILE);
  EXPECT_FALSE(HoldPlace(place_, /*passed_socket=*/true).ok());
}

TEST_F(PlaceHolderTest, APassedSocketIsHeldIfThatIsPossible) {
  const auto first = HoldPlace(place_, /*passed_socket=*/true);
  ASSERT_TRUE(first.ok() && *first);
  EXPECT_EQ(HoldPlace(place_, /*passed_socket=*/true).status().code(),
            absl::StatusCode::kAlreadyExists);
}

// ---- PlaceWatch ------------------------------------------------------------

class PlaceWatchTest : public PlaceHolderTest {
 protected:
  void Begin() {
    lock_ = HoldPlace(place_);
    ASSERT_TRUE(lock_.ok()) << lock_.status();
    MakeSocket();
    const absl::Status started =
        watch_.Start(place_, *lock_, [this] { ++lost_; });
    ASSERT_TRUE(started.ok()) << started;
  }
  void RunUntilLost() {
    while (lost_ == 0) loop_->RunTurn(absl::InfiniteFuture());
  }

  absl::StatusOr<event::UniqueFd> lock_;
  PlaceWatch watch_{loop_};
  int lost_ = 0;
};

TEST_F(PlaceWatchTest, NoticesThatEitherFileIsDeletedOrRenamed) {
  const std::string other = place_.folder + "/other";
  for (const std::string& file : {place_.address(), place_.lock_file()}) {
    Begin();
    ASSERT_EQ(unlink(file.c_str()), 0);
    RunUntilLost();
    EXPECT_EQ(lost_, 1);
    Delete();
    lost_ = 0;
    Begin();
    ASSERT_EQ(rename(file.c_str(), other.c_str()), 0);
    RunUntilLost();
    unlink(other.c_str());
    Delete();
    lost_ = 0;
  }
}

TEST_F(PlaceWatchTest, NoticesThatTheFolderIsDeletedOrRenamed) {
  Begin();
  Delete();
  RunUntilLost();
  EXPECT_EQ(lost_, 1);
  lost_ = 0;
  Begin();
  const std::string other = place_.folder + "2";
  ASSERT_EQ(rename(place_.folder.c_str(), other.c_str()), 0);
  RunUntilLost();
  ASSERT_EQ(rename(other.c_str(), place_.folder.c_str()), 0);
}

TEST_F(PlaceWatchTest, NoticesThatAFileIsReplaced) {
  Begin();
  const std::string other = place_.folder + "/other";
  close(open(other.c_str(), O_CREAT | O_CLOEXEC, 0666));
  ASSERT_EQ(rename(other.c_str(), place_.address().c_str()), 0);
  RunUntilLost();
}

TEST_F(PlaceWatchTest, NoticesAFileThatWasDeletedBeforeItsStart) {
  lock_ = HoldPlace(place_);
  unlink(place_.lock_file().c_str());
  MakeSocket();
  ASSERT_TRUE(watch_.Start(place_, *lock_, [this] { ++lost_; }).ok());
  RunUntilLost();
}

TEST_F(PlaceWatchTest, WithoutALockItWatchesTheSocketAlone) {
  lock_ = HoldPlace(place_);
  MakeSocket();
  unlink(place_.lock_file().c_str());
  const event::UniqueFd none;
  ASSERT_TRUE(watch_.Start(place_, none, [this] { ++lost_; }).ok());
  while (loop_->RunTurn(absl::InfinitePast())) {
  }
  EXPECT_EQ(lost_, 0);
  ASSERT_EQ(unlink(place_.address().c_str()), 0);
  RunUntilLost();
}

TEST_F(PlaceWatchTest, IgnoresOtherFiles) {
  Begin();
  const std::string other = place_.folder + "/other";
  close(open(other.c_str(), O_CREAT | O_CLOEXEC, 0666));
  unlink(other.c_str());
  while (loop_->RunTurn(absl::InfinitePast())) {
  }
  EXPECT_EQ(lost_, 0);
  ASSERT_EQ(unlink(place_.address().c_str()), 0);
  RunUntilLost();
}

TEST_F(PlaceWatchTest, AMissingSocketIsAnError) {
  lock_ = HoldPlace(place_);
  EXPECT_FALSE(watch_.Start(place_, *lock_, [] {}).ok());
}

}  // namespace
}  // namespace directory
}  // namespace le
