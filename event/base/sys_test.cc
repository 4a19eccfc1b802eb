// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>
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
  int FailCall(const sys::Call& call) override {
    calls.push_back(call.name);
    return static_cast<int>(calls.size()) == nth_ ? error_ : 0;
  }
  std::vector<std::string> calls;

 private:
  const int nth_;
  const int error_;
};

TEST(SysTest, TheInterceptorSeesEachCall) {
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

TEST(SysTest, TheInterceptorGetsTheDetailsOfACall) {
  class Listener : public sys::Interceptor {
   public:
    Listener() { sys::SetInterceptor(this); }
    ~Listener() override { sys::SetInterceptor(nullptr); }
    int FailCall(const sys::Call& call) override {
      last = call;
      return 0;
    }
    sys::Call last = {""};
  };
  int ends[2];
  ASSERT_EQ(sys::SocketPair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends),
            0);
  const UniqueFd near(ends[0]), far(ends[1]);
  Listener listener;

  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  char byte = 1;
  struct iovec part = {&byte, 1};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  EXPECT_EQ(sys::SendMsg(near.get(), &message, 0), 1);
  EXPECT_STREQ(listener.last.name, "SendMsg");
  EXPECT_EQ(listener.last.fd, near.get());
  EXPECT_EQ(listener.last.detail, 0);

  auto* const header = reinterpret_cast<struct cmsghdr*>(control);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  *reinterpret_cast<int*>(CMSG_DATA(header)) = near.get();
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  EXPECT_EQ(sys::SendMsg(near.get(), &message, 0), 1);
  EXPECT_EQ(listener.last.detail, 1);

  sys::Fcntl(far.get(), F_GETFD, 0);
  EXPECT_STREQ(listener.last.name, "Fcntl");
  EXPECT_EQ(listener.last.fd, far.get());
  EXPECT_EQ(listener.last.detail, F_GETFD);
}

TEST(SysTest, TheInterceptorMaySetTheClock) {
  class Stopped : public sys::Interceptor {
   public:
    int FailCall(const sys::Call&) override { return 0; }
    bool Clock(struct timespec* now) override {
      *now = {7, 8};
      return stopped;
    }
    bool stopped = true;
  };
  Stopped interceptor;
  sys::SetInterceptor(&interceptor);
  struct timespec now = {};
  sys::Clock(&now);
  EXPECT_EQ(now.tv_sec, 7);
  EXPECT_EQ(now.tv_nsec, 8);
  interceptor.stopped = false;
  struct timespec before = {};
  sys::Clock(&before);
  sys::Clock(&now);
  sys::SetInterceptor(nullptr);
  EXPECT_GE(std::make_pair(now.tv_sec, now.tv_nsec),
            std::make_pair(before.tv_sec, before.tv_nsec));
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

TEST(SysTest, AFailedCloseStillCloses) {
  const int fd = sys::EventFd(0, EFD_CLOEXEC);
  {
    FailNth interceptor(1, EINTR);
    EXPECT_EQ(sys::Close(fd), -1);
    EXPECT_EQ(errno, EINTR);
  }
  EXPECT_EQ(sys::Fcntl(fd, F_GETFD, 0), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST(SysTest, DupIsCloseOnExec) {
  UniqueFd fd(sys::EventFd(0, 0));
  UniqueFd copy(sys::Dup(fd.get()));
  EXPECT_NE(sys::Fcntl(copy.get(), F_GETFD, 0) & FD_CLOEXEC, 0);
}

// Accepts a connection at an address that the kernel chooses.
int AcceptOne() {
  const int listener = sys::Socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  const int client = sys::Socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  socklen_t size = sizeof(address.sun_family);
  auto* const any = reinterpret_cast<struct sockaddr*>(&address);
  if (sys::Bind(listener, any, size) != 0) return -1;
  size = sizeof(address);
  if (getsockname(listener, any, &size) != 0) return -1;
  if (sys::Listen(listener, 1) != 0) return -1;
  if (sys::Connect(client, any, size) != 0) return -1;
  return sys::Accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
}

// The standard descriptors are closed. Expected: no new descriptor gets one of
// their numbers, because other code may write to these numbers.
TEST(SysTest, NothingTakesThePlaceOfAStandardDescriptor) {
  const pid_t child = fork();
  if (child == 0) {
    int pair[2];
    for (int closed = 0; closed < 3; ++closed) close(closed);
    if (sys::SocketPair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
      _exit(100);
    }
    sigset_t signals;
    sigemptyset(&signals);
    const int made[] = {
        pair[0],
        pair[1],
        sys::Socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0),
        sys::EpollCreate(EPOLL_CLOEXEC),
        sys::EventFd(0, EFD_CLOEXEC),
        sys::TimerFdCreate(CLOCK_MONOTONIC, TFD_CLOEXEC),
        sys::SignalFd(-1, &signals, SFD_CLOEXEC),
        sys::Open("/dev/null", O_RDONLY | O_CLOEXEC, 0),
        sys::Dup(pair[0]),
        sys::InotifyInit(IN_CLOEXEC),
        AcceptOne(),
        sys::MoveFromStandard(open("/dev/null", O_RDONLY)),
    };
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); ++i) {
      if (made[i] < 3 || fcntl(made[i], F_GETFD) != FD_CLOEXEC) {
        _exit(static_cast<int>(i) + 1);
      }
    }
    for (int closed = 0; closed < 3; ++closed) {
      if (fcntl(closed, F_GETFD) >= 0) _exit(101);
    }
    sys::OpenMissingStandard();
    for (int missing = 0; missing < 3; ++missing) {
      if (fcntl(missing, F_GETFD) != 0) _exit(102);
    }
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
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
