// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <string>
#include <vector>

#include "event/base/unique_fd.h"
#include "gtest/gtest.h"

namespace le {
namespace event {
namespace {

class FailNth : public sys::Interceptor {
 public:
  FailNth(int nth, int error) : nth_(nth), error_(error) {
    sys::SetInterceptor(this);
  }
  ~FailNth() override { sys::SetInterceptor(nullptr); }
  int Fail(const char* call) override {
    calls.push_back(call);
    return static_cast<int>(calls.size()) == nth_ ? error_ : 0;
  }
  std::vector<std::string> calls;

 private:
  const int nth_;
  const int error_;
};

TEST(SysTest, CallsGoThroughAndAreSeen) {
  FailNth interceptor(0, 0);
  UniqueFd fd(sys::EventFd(3, EFD_CLOEXEC));
  ASSERT_TRUE(fd);
  uint64_t value = 0;
  EXPECT_EQ(sys::Read(fd.get(), &value, sizeof(value)), 8);
  EXPECT_EQ(value, 3u);
  fd.reset();
  EXPECT_EQ(interceptor.calls,
            (std::vector<std::string>{"EventFd", "Read", "Close"}));
}

TEST(SysTest, TheChosenCallFailsWithTheChosenErrno) {
  UniqueFd fd(sys::EventFd(3, EFD_CLOEXEC));
  FailNth interceptor(2, ENOBUFS);
  uint64_t value = 1;
  EXPECT_EQ(sys::Write(fd.get(), &value, sizeof(value)), 8);
  EXPECT_EQ(sys::Write(fd.get(), &value, sizeof(value)), -1);
  EXPECT_EQ(errno, ENOBUFS);
  EXPECT_EQ(sys::Read(fd.get(), &value, sizeof(value)), 8);
  EXPECT_EQ(value, 4u);
}

TEST(SysTest, CloseClosesEvenWhenItIsMadeToFail) {
  const int fd = sys::EventFd(0, EFD_CLOEXEC);
  {
    FailNth interceptor(1, EINTR);
    EXPECT_EQ(sys::Close(fd), -1);
    EXPECT_EQ(errno, EINTR);
  }
  EXPECT_EQ(sys::Fcntl(fd, F_GETFD, 0), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST(SysTest, MmapFailsByItsOwnConvention) {
  FailNth interceptor(1, ENOMEM);
  EXPECT_EQ(
      sys::Mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      MAP_FAILED);
}

TEST(SysTest, DupIsCloseOnExec) {
  UniqueFd fd(sys::EventFd(0, 0));
  UniqueFd copy(sys::Dup(fd.get()));
  EXPECT_NE(sys::Fcntl(copy.get(), F_GETFD, 0) & FD_CLOEXEC, 0);
}

TEST(UniqueFdTest, MovesAndReleases) {
  UniqueFd fd(sys::EventFd(0, EFD_CLOEXEC));
  const int number = fd.get();
  UniqueFd other(std::move(fd));
  EXPECT_EQ(other.get(), number);
  const int released = other.release();
  EXPECT_FALSE(other);
  EXPECT_EQ(sys::Close(released), 0);
}

}  // namespace
}  // namespace event
}  // namespace le
