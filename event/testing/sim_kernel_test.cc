// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/testing/sim_kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <functional>
#include <string>
#include <utility>

#include "event/base/mutex.h"
#include "event/base/sys.h"
#include "gtest/gtest.h"

namespace le {
namespace event {
namespace {

using Outcome = Simulation::Outcome;

constexpr uid_t kUser = 1000;

struct sockaddr_un AddressOf(const std::string& path) {
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int NewSocket(int flags = 0) {
  return sys::Socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
}

int BindTo(int fd, const std::string& path) {
  const struct sockaddr_un address = AddressOf(path);
  return sys::Bind(fd, reinterpret_cast<const struct sockaddr*>(&address),
                   sizeof(address));
}

int ConnectTo(int fd, const std::string& path) {
  const struct sockaddr_un address = AddressOf(path);
  return sys::Connect(fd, reinterpret_cast<const struct sockaddr*>(&address),
                      sizeof(address));
}

int NewListener(const std::string& path, int backlog = 5) {
  const int fd = NewSocket();
  EXPECT_EQ(BindTo(fd, path), 0) << strerror(errno);
  EXPECT_EQ(sys::Listen(fd, backlog), 0);
  EXPECT_EQ(sys::Chmod(path.c_str(), 0666), 0);
  return fd;
}

std::string Received(int fd, int flags = 0) {
  char bytes[100];
  const ssize_t size = sys::Recv(fd, bytes, sizeof(bytes), flags);
  return size < 0 ? strerror(errno)
                  : std::string(bytes, static_cast<size_t>(size));
}

uint32_t Ready(int fd) {
  struct pollfd poll = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
  sys::Poll(&poll, 1, 0);
  return static_cast<uint32_t>(poll.revents);
}

class SimKernelTest : public ::testing::Test {
 protected:
  // Starts a process with one thread, which runs `body`.
  SimProcess* Start(const std::string& name, std::function<void()> body,
                    uid_t uid = kUser) {
    SimProcess* const process = kernel_.AddProcess(name, uid, uid);
    sim_.Spawn(process, "main", std::move(body));
    return process;
  }
  void RunToTheEnd() {
    EXPECT_EQ(sim_.Run(), Outcome::kEnded) << sim_.Report();
    EXPECT_EQ(kernel_.Leftovers(), "");
  }

  Simulation sim_{7};
  SimKernel kernel_{&sim_};
};

TEST_F(SimKernelTest, NewDescriptorsGetTheLowestFreeNumber) {
  Start("p", [] {
    EXPECT_EQ(sys::EventFd(0, EFD_CLOEXEC), 3);
    EXPECT_EQ(sys::EventFd(0, EFD_CLOEXEC), 4);
    EXPECT_EQ(sys::Close(3), 0);
    EXPECT_EQ(sys::Close(3), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(sys::Dup(4), 3);
    struct rlimit files = {4, 4096};
    EXPECT_EQ(sys::SetRLimit(RLIMIT_NOFILE, &files), 0);
    EXPECT_EQ(sys::Dup(3), -1);
    EXPECT_EQ(errno, EMFILE);
  });
  RunToTheEnd();
}

TEST_F(SimKernelTest, NothingTakesThePlaceOfAStandardDescriptor) {
  Start("p", [] {
    EXPECT_EQ(sys::Close(1), 0);
    EXPECT_EQ(NewSocket(), 3);
    int pair[2];
    EXPECT_EQ(sys::SocketPair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    EXPECT_GE(pair[0], 4);
    EXPECT_GE(pair[1], 4);
    EXPECT_EQ(sys::Dup(3), 6);
    EXPECT_EQ(sys::Fcntl(1, F_GETFD, 0), -1);
    sys::OpenMissingStandard();
    EXPECT_EQ(sys::Fcntl(1, F_GETFD, 0), 0);
  });
  RunToTheEnd();
}

TEST_F(SimKernelTest, TheSenderSeesWhetherPacketsAreUnread) {
  Start("p", [] {
    int pair[2];
    EXPECT_EQ(sys::SocketPair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    int bytes = -1;
    EXPECT_EQ(sys::Ioctl(pair[0], TIOCOUTQ, &bytes), 0);
    EXPECT_EQ(bytes, 0);
    EXPECT_EQ(sys::Send(pair[0], "x", 1, 0), 1);
    EXPECT_EQ(sys::Ioctl(pair[0], TIOCOUTQ, &bytes), 0);
    EXPECT_GT(bytes, 0);
    EXPECT_EQ(sys::Ioctl(pair[1], FIONREAD, &bytes), 0);
    EXPECT_EQ(bytes, 1);
    char received;
    EXPECT_EQ(sys::Recv(pair[1], &received, 1, 0), 1);
    EXPECT_EQ(sys::Ioctl(pair[0], TIOCOUTQ, &bytes), 0);
    EXPECT_EQ(bytes, 0);
    EXPECT_EQ(sys::InotifyInit(0), -1);
    EXPECT_EQ(errno, ENOSYS);
  });
  RunToTheEnd();
}

TEST_F(SimKernelTest, AnInterceptorMayFailItsCalls) {
  class NoEventFd final : public sys::Interceptor {
   public:
    int FailCall(const sys::Call& call) override {
      return strcmp(call.name, "EventFd") == 0 ? ENFILE : 0;
    }
  } no_event_fd;
  sys::SetInterceptor(&no_event_fd);
  Start("p", [] {
    EXPECT_EQ(sys::EventFd(0, EFD_CLOEXEC), -1);
    EXPECT_EQ(errno, ENFILE);
    EXPECT_EQ(NewSocket(), 3);
  });
  RunToTheEnd();
  sys::SetInterceptor(nullptr);
}

TEST_F(SimKernelTest, PacketsArriveWholeAndInOrder) {
  Start("server", [] {
    const int listener = NewListener("/tmp/s");
    const int fd = sys::Accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_EQ(Received(fd), "one");
    EXPECT_EQ(Received(fd, MSG_PEEK), "two");
    EXPECT_EQ(Received(fd), "two");
    EXPECT_EQ(Received(fd), "");
    EXPECT_EQ(Received(fd), "");
    EXPECT_EQ(sys::Send(fd, "x", 1, MSG_NOSIGNAL), -1);
    EXPECT_EQ(errno, EPIPE);
  });
  Start("client", [] {
    const int fd = NewSocket();
    while (ConnectTo(fd, "/tmp/s") < 0) {
    }
    EXPECT_EQ(sys::Send(fd, "one", 3, MSG_NOSIGNAL), 3);
    EXPECT_EQ(sys::Send(fd, "two", 3, MSG_NOSIGNAL), 3);
  });
  RunToTheEnd();
}

TEST_F(SimKernelTest, ABufferIsChargedForEachPacketAsLinuxDoes) {
  Start("p", [] {
    int ends[2];
    ASSERT_EQ(sys::SocketPair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends),
              0);
    char packet[64] = {};
    int sent = 0;
    while (sys::Send(ends[0], packet, sizeof(packet), 0) > 0) ++sent;
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(sent, 278);
    // A waiting sender is woken when three quarters of the send buffer are
    // free.
    EXPECT_EQ(Ready(ends[0]), 0u);
    for (; Ready(ends[0]) == 0; --sent) EXPECT_NE(Received(ends[1]), "");
    EXPECT_EQ(sent, 69);
    const std::string big(212992 - 31, 'x');
    EXPECT_EQ(sys::Send(ends[1], big.data(), big.size(), 0), -1);
    EXPECT_EQ(errno, EMSGSIZE);
    EXPECT_EQ(sys::Send(ends[1], big.data(), big.size() - 1, 0),
              static_cast<ssize_t>(big.size() - 1));
  });
  RunToTheEnd();
}

TEST_F(SimKernelTest, ClosingWithUnreadPacketsResetsThePeer) {
  Start("p", [] {
    int ends[2];
    ASSERT_EQ(sys::SocketPair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    EXPECT_EQ(sys::Send(ends[0], "x", 1, 0), 1);
    EXPECT_EQ(sys::Send(ends[1], "y", 1, 0), 1);
    EXPECT_EQ(sys::Close(ends[1]), 0);
    EXPECT_EQ(Ready(ends[0]), static_cast<uint32_t>(POLLIN | POLLOUT | POLLERR |
                                                    POLLHUP | POLLRDHUP));
    EXPECT_EQ(Received(ends[0]), strerror(ECONNRESET));
    EXPECT_EQ(Received(ends[0]), "y");
    EXPECT_EQ(Received(ends[0]), "");
  });
  RunToTheEnd();
}

TEST_F(SimKernelTest, ConnectNeedsAListenerWithRoom) {
  Start("p", [] {
    EXPECT_EQ(ConnectTo(NewSocket(), "/tmp/s"), -1);
    EXPECT_EQ(errno, ENOENT);
    const int listener = NewListener("/tmp/s", 1);
    EXPECT_EQ(ConnectTo(NewSocket(SOCK_NONBLOCK), "/tmp/s"), 0);
    EXPECT_EQ(ConnectTo(NewSocket(SOCK_NONBLOCK), "/tmp/s"), 0);
    EXPECT_EQ(ConnectTo(NewSocket(SOCK_NONBLOCK), "/tmp/s"), -1);
    EXPECT_EQ(errno, EAGAIN);
    sys::Close(listener);
    EXPECT_EQ(ConnectTo(NewSocket(SOCK_NONBLOCK), "/tmp/s"), -1);
    EXPECT_EQ(errno, ECONNREFUSED);
  });
  RunToTheEnd();
}

TEST_F(SimKernelTest, CredentialsComeFromTheKernel) {
  Start("server", [] {
    const int listener = NewListener("/tmp/s");
    const int fd = sys::Accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    struct ucred who = {};
    socklen_t size = sizeof(who);
    ASSERT_EQ(sys::GetSockOpt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size), 0);
    EXPECT_EQ(who.uid, 2000u);
    EXPECT_EQ(Received(fd), "x");
  });
  Start(
      "client",
      [] {
        const int fd = NewSocket();
        while (ConnectTo(fd, "/tmp/s") < 0) {
        }
        alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
        struct iovec part = {const_cast<char*>("x"), 1};
        struct msghdr message = {};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof(control);
        struct cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_CREDENTIALS;
        header->cmsg_len = CMSG_LEN(sizeof(struct ucred));
        const struct ucred forged = {1, 0, 0};
        memcpy(CMSG_DATA(header), &forged, sizeof(forged));
        EXPECT_EQ(sys::SendMsg(fd, &message, 0), -1);
        EXPECT_EQ(errno, EPERM);
        EXPECT_EQ(sys::Send(fd, "x", 1, 0), 1);
      },
      2000);
  RunToTheEnd();
}

// Sends `fd` over `socket`.
ssize_t SendDescriptor(int socket, int fd) {
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  struct iovec part = {const_cast<char*>("x"), 1};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  struct cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof(fd));
  return sys::SendMsg(socket, &message, MSG_DONTWAIT);
}

TEST_F(SimKernelTest, AReceiverMayRefuseDescriptors) {
  Start("p", [] {
    int ends[2];
    ASSERT_EQ(sys::SocketPair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    constexpr int kPassRights = 83;  // SO_PASSRIGHTS
    const auto set = [&](int value) {
      EXPECT_EQ(sys::SetSockOpt(ends[1], SOL_SOCKET, kPassRights, &value,
                                sizeof(value)),
                0);
    };
    set(0);
    EXPECT_EQ(SendDescriptor(ends[0], 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(SendDescriptor(ends[1], 0), 1) << "the other way";
    set(1);
    EXPECT_EQ(SendDescriptor(ends[0], 0), 1);
  });
  RunToTheEnd();
}

TEST_F(SimKernelTest, DescriptorsInFlightAreCountedAndCollected) {
  Start("p", [this] {
    int ends[2];
    ASSERT_EQ(sys::SocketPair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    struct rlimit files = {10, 10};
    ASSERT_EQ(sys::SetRLimit(RLIMIT_NOFILE, &files), 0);
    int sent = 0;
    while (SendDescriptor(ends[0], ends[1]) == 1) ++sent;
    EXPECT_EQ(errno, ETOOMANYREFS);
    EXPECT_EQ(sent, 11);
    EXPECT_EQ(kernel_.InFlight(kUser), 11u);
    // The packets in the queue of ends[1] refer to ends[1] itself. Once both
    // file descriptors are closed, no process can reach that socket.
    sys::Close(ends[0]);
    sys::Close(ends[1]);
  });
  RunToTheEnd();
  EXPECT_EQ(kernel_.InFlight(kUser), 0u);
}

TEST_F(SimKernelTest, AKilledProcessReleasesItsFiles) {
  bool destroyed = false;
  struct Witness {
    bool* const seen;
    ~Witness() { *seen = true; }
  };
  SimProcess* const victim = Start("victim", [&destroyed] {
    const Witness witness = {&destroyed};
    const int listener = NewListener("/tmp/s");
    const int fd = sys::Accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_EQ(Received(fd), "never");
  });
  Start("killer", [&] {
    const int fd = NewSocket();
    while (ConnectTo(fd, "/tmp/s") < 0) {
    }
    for (int i = 0; i < 20; ++i) Ready(fd);
    sim_.Kill(victim);
    EXPECT_EQ(Received(fd), "");
  });
  RunToTheEnd();
  EXPECT_FALSE(destroyed);
}

TEST_F(SimKernelTest, EpollReportsInOrderAndEachEdgeOnce) {
  Start("p", [] {
    const int epoll = sys::EpollCreate(EPOLL_CLOEXEC);
    const int level = sys::EventFd(0, EFD_CLOEXEC);
    const int edge = sys::EventFd(0, EFD_CLOEXEC);
    struct epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = level;
    EXPECT_EQ(sys::EpollCtl(epoll, EPOLL_CTL_ADD, level, &event), 0);
    event.events = EPOLLIN | EPOLLET;
    event.data.fd = edge;
    EXPECT_EQ(sys::EpollCtl(epoll, EPOLL_CTL_ADD, edge, &event), 0);
    EXPECT_EQ(sys::EpollCtl(epoll, EPOLL_CTL_ADD, edge, &event), -1);
    EXPECT_EQ(errno, EEXIST);
    const uint64_t one = 1;
    sys::Write(edge, &one, sizeof(one));
    sys::Write(level, &one, sizeof(one));
    struct epoll_event got[3];
    ASSERT_EQ(sys::EpollWait(epoll, got, 3, -1), 2);
    EXPECT_EQ(got[0].data.fd, edge);
    EXPECT_EQ(got[1].data.fd, level);
    ASSERT_EQ(sys::EpollWait(epoll, got, 3, 0), 1);
    EXPECT_EQ(got[0].data.fd, level);
    // One epoll watches another.
    const int outer = sys::EpollCreate(EPOLL_CLOEXEC);
    event.events = EPOLLIN;
    EXPECT_EQ(sys::EpollCtl(outer, EPOLL_CTL_ADD, epoll, &event), 0);
    EXPECT_EQ(sys::EpollWait(outer, got, 3, 0), 1);
    uint64_t value = 0;
    EXPECT_EQ(sys::Read(level, &value, sizeof(value)), 8);
    EXPECT_EQ(sys::EpollWait(outer, got, 3, 10), 0);
    EXPECT_EQ(sys::EpollCtl(epoll, EPOLL_CTL_ADD, outer, &event), -1);
    EXPECT_EQ(errno, ELOOP);
    EXPECT_EQ(sys::EpollCtl(epoll, EPOLL_CTL_DEL, level, nullptr), 0);
  });
  RunToTheEnd();
}

TEST_F(SimKernelTest, LoopsParkersAndTimersRunOnIt) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Simulation sim(seed);
    SimKernel kernel(&sim);
    SimProcess* const process = kernel.AddProcess("p", kUser, kUser);
    Parker* parker = nullptr;
    bool rung = false;
    sim.Spawn(process, "waits", [&] {
      parker = Thread::Current()->parker();
      while (!rung) parker->Park(absl::InfiniteFuture());
      parker = nullptr;
    });
    sim.Spawn(process, "loop", [&] {
      class Rings final : public Timer {
       public:
        explicit Rings(std::function<void()> f) : f_(std::move(f)) {}
        void OnExpiry() override { f_(); }

       private:
        const std::function<void()> f_;
      } timer([&] {
        rung = true;
        if (parker != nullptr) parker->Unpark();
        Thread::Current()->loop()->Stop();
      });
      Loop* const loop = Thread::Current()->loop();
      loop->StartTimer(&timer, loop->Now() + absl::Seconds(5));
      loop->Run();
    });
    const Instant start = sim.Now();
    EXPECT_EQ(sim.Run(), Outcome::kEnded) << sim.Report();
    EXPECT_EQ(sim.Now(), start + absl::Seconds(5));
    EXPECT_EQ(kernel.Leftovers(), "");
  }
}

TEST_F(SimKernelTest, APipeFillsBlocksAndBreaks) {
  bool went_on = false;
  SimProcess* const writer = Start("writer", [this, &went_on] {
    int ends[2];
    ASSERT_EQ(kernel_.Pipe(ends, O_CLOEXEC | O_NONBLOCK), 0);
    const std::string page(4096, 'x');
    int pages = 0;
    while (sys::Write(ends[1], page.data(), page.size()) == 4096) ++pages;
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(pages, 16);
    sys::Close(ends[0]);
    sys::Write(ends[1], "x", 1);
    went_on = true;
  });
  RunToTheEnd();
  EXPECT_FALSE(went_on);
  EXPECT_EQ(writer->death_message(), "signal 13");
}

TEST_F(SimKernelTest, ASignalFdIsForBlockedSignals) {
  SimProcess* const process = Start("p", [] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    EXPECT_EQ(sys::SigMask(SIG_BLOCK, &set, nullptr), 0);
    const int fd = sys::SignalFd(-1, &set, 0);
    char info[128];
    EXPECT_EQ(sys::Read(fd, info, sizeof(info)), 128);
  });
  Start("killer", [this, process] {
    kernel_.Spend(absl::Seconds(1));
    kernel_.Signal(process, SIGTERM);
  });
  RunToTheEnd();
  EXPECT_EQ(process->death_message(), "");
}

TEST_F(SimKernelTest, FilesFoldersAndLocks) {
  Start("p", [this] {
    EXPECT_EQ(sys::Mkdir("/run/x", 0755), 0);
    const int lock =
        sys::Open("/run/x/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    EXPECT_EQ(sys::Flock(lock, LOCK_EX | LOCK_NB), 0);
    const int other = sys::Open("/run/x/lock", O_RDWR | O_CLOEXEC, 0);
    EXPECT_EQ(sys::Flock(other, LOCK_EX | LOCK_NB), -1);
    EXPECT_EQ(errno, EWOULDBLOCK);
    sys::Close(lock);
    EXPECT_EQ(sys::Flock(other, LOCK_EX | LOCK_NB), 0);
    kernel_.MakeFile("/run/f", "text", 0644, 0, 0);
    const int file = sys::Open("/run/f", O_RDONLY | O_CLOEXEC, 0);
    char text[10];
    EXPECT_EQ(sys::Read(file, text, sizeof(text)), 4);
    EXPECT_EQ(sys::Open("/run/f", O_RDWR, 0), -1);
    EXPECT_EQ(errno, EACCES);
  });
  RunToTheEnd();
}

TEST_F(SimKernelTest, EntriesOfAFolderAndRename) {
  // Returns the names, read with a buffer that has room for few of them.
  const auto names = [](const char* folder) {
    std::string all;
    const int fd = sys::Open(folder, O_RDONLY | O_CLOEXEC, 0);
    alignas(struct dirent64) char buffer[64];
    for (ssize_t size;
         (size = sys::GetDents(fd, buffer, sizeof(buffer))) > 0;) {
      for (ssize_t at = 0; at < size;) {
        const auto* const entry =
            reinterpret_cast<const struct dirent64*>(buffer + at);
        all += std::string(entry->d_name) + " ";
        at += entry->d_reclen;
      }
    }
    sys::Close(fd);
    return all;
  };
  Start("p", [this, names] {
    EXPECT_EQ(sys::Mkdir("/run/x", 0755), 0);
    EXPECT_EQ(names("/run/x"), "");
    for (const char* file : {"/run/x/c", "/run/x/aaaaaaaa", "/run/x/b"}) {
      const int fd = sys::Open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
      EXPECT_EQ(sys::Write(fd, file, strlen(file)),
                static_cast<ssize_t>(strlen(file)));
      sys::Close(fd);
    }
    EXPECT_EQ(names("/run/x"), "aaaaaaaa b c ");
    EXPECT_EQ(sys::Rename("/run/x/b", "/run/x/c"), 0);
    EXPECT_EQ(names("/run/x"), "aaaaaaaa c ");
    const int file = sys::Open("/run/x/c", O_RDONLY | O_CLOEXEC, 0);
    char text[10];
    EXPECT_EQ(sys::Read(file, text, sizeof(text)), 8);
    EXPECT_EQ(std::string(text, 8), "/run/x/b");
    EXPECT_EQ(sys::GetDents(file, text, sizeof(text)), -1);
    EXPECT_EQ(errno, ENOTDIR);
    EXPECT_EQ(sys::Rename("/run/x/b", "/run/x/d"), -1);
    EXPECT_EQ(errno, ENOENT);
    kernel_.MakeFolder("/roots", 0755, 0, 0);
    EXPECT_EQ(sys::Rename("/run/x/c", "/roots/c"), -1);
    EXPECT_EQ(errno, EACCES);
  });
  RunToTheEnd();
}

TEST_F(SimKernelTest, ACloseMayTakeTime) {
  Start("p", [this] {
    const int fd = NewSocket();
    kernel_.SetCloseTime(fd, absl::Seconds(3));
    const Instant before = sim_.Now();
    EXPECT_EQ(sys::Close(fd), 0);
    EXPECT_EQ(sim_.Now(), before + absl::Seconds(3));
  });
  RunToTheEnd();
}

TEST_F(SimKernelTest, TheCloseOfASocketClosesItsUnreadDescriptors) {
  std::string slow_thread;
  kernel_.ObserveSlowCloses(
      [&](const std::string& thread) { slow_thread = thread; });
  Start("p", [&] {
    int ends[2];
    ASSERT_EQ(sys::SocketPair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    const int fd = NewSocket();
    kernel_.SetCloseTime(fd, absl::Seconds(3));
    EXPECT_EQ(SendDescriptor(ends[0], fd), 1);
    const Instant before = sim_.Now();
    EXPECT_EQ(sys::Close(fd), 0);
    EXPECT_EQ(sim_.Now(), before);
    EXPECT_EQ(slow_thread, "");
    EXPECT_EQ(sys::Close(ends[1]), 0);
    EXPECT_EQ(sim_.Now(), before + absl::Seconds(3));
    EXPECT_EQ(slow_thread, "main");
    EXPECT_EQ(sys::Close(ends[0]), 0);
  });
  RunToTheEnd();
}

TEST(SimKernelLockTest, OnlyOtherProcessesRunBetweenTwoCallsWithALockHeld) {
  int between = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Simulation sim(seed);
    SimKernel kernel(&sim);
    SimProcess* const process = kernel.AddProcess("p", kUser, kUser);
    int calls = 0;
    for (int i = 0; i < 2; ++i) {
      sim.Spawn(process, "t", [&calls] {
        static Mutex mutex;
        const MutexLock lock(&mutex);
        for (int n = 0; n < 3; ++n) {
          sys::SchedYield();
          ++calls;
        }
      });
    }
    sim.Spawn(kernel.AddProcess("other", kUser, kUser), "main", [&] {
      for (int n = 0; n < 10; ++n) {
        sys::SchedYield();
        between += calls % 3 != 0 ? 1 : 0;
      }
    });
    ASSERT_EQ(sim.Run(), Outcome::kEnded) << sim.Report();
    EXPECT_EQ(calls, 6);
  }
  EXPECT_GT(between, 0);
}

TEST(SimKernelLockTest, AProcessIsKilledBetweenTwoCallsWithALockHeld) {
  int killed = 0;
  for (uint64_t steps = 1; steps < 6; ++steps) {
    Simulation sim(steps);
    SimKernel kernel(&sim);
    SimProcess* const process = kernel.AddProcess("p", kUser, kUser);
    int calls = 0;
    bool holds = false;
    sim.Spawn(process, "main", [&] {
      auto* const mutex = new Mutex;
      const MutexLock lock(mutex);
      holds = true;
      for (; calls < 3; ++calls) EXPECT_GE(NewSocket(), 0);
      holds = false;
    });
    sim.RunSteps(steps);
    killed += holds ? 1 : 0;
    const int calls_before = calls;
    sim.Kill(process);
    EXPECT_EQ(sim.Run(), Outcome::kEnded);
    EXPECT_EQ(calls, calls_before);
    EXPECT_EQ(kernel.Leftovers(), "");
  }
  EXPECT_EQ(killed, 3);
}

TEST_F(SimKernelTest, AWaitWithALockHeldIsFound) {
  // Fibers may be threads, which the child of a fork cannot start. So let the
  // child execute the test program again.
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        Start("p", [] {
          Mutex mutex;
          const MutexLock lock(&mutex);
          struct pollfd none = {-1, 0, 0};
          sys::Poll(&none, 1, 1000);
        });
        sim_.Run();
      },
      "with a lock held");
}

}  // namespace
}  // namespace event
}  // namespace le
