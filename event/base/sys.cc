// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "absl/base/optimization.h"

// Older headers do not define this number. It is the same on x86, ARM, RISC-V,
// POWER and s390.
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

namespace le {
namespace event {
namespace sys {
namespace {

// The first file descriptor that is not a standard one.
constexpr int kFirstOther = STDERR_FILENO + 1;

class OperatingSystem final : public Kernel {
 public:
  int Close(int fd) override { return ::close(fd); }
  ssize_t Read(int fd, void* buffer, size_t size) override {
    return ::read(fd, buffer, size);
  }
  ssize_t Write(int fd, const void* buffer, size_t size) override {
    return ::write(fd, buffer, size);
  }
  int Dup(int fd) override { return ::fcntl(fd, F_DUPFD_CLOEXEC, kFirstOther); }
  int Fcntl(int fd, int command, intptr_t argument) override {
    return ::fcntl(fd, command, argument);
  }
  int Ioctl(int fd, unsigned long request, void* argument) override {
    return ::ioctl(fd, request, argument);
  }
  int Poll(struct pollfd* fds, nfds_t count, int timeout_ms) override {
    return ::poll(fds, count, timeout_ms);
  }
  int Socket(int domain, int type, int protocol) override {
    return ::socket(domain, type, protocol);
  }
  int SocketPair(int domain, int type, int protocol, int fds[2]) override {
    return ::socketpair(domain, type, protocol, fds);
  }
  int Connect(int fd, const struct sockaddr* address, socklen_t size) override {
    return ::connect(fd, address, size);
  }
  int Bind(int fd, const struct sockaddr* address, socklen_t size) override {
    return ::bind(fd, address, size);
  }
  int Listen(int fd, int backlog) override { return ::listen(fd, backlog); }
  int Accept4(int fd, struct sockaddr* address, socklen_t* size,
              int flags) override {
    return ::accept4(fd, address, size, flags);
  }
  ssize_t Send(int fd, const void* buffer, size_t size, int flags) override {
    return ::send(fd, buffer, size, flags);
  }
  ssize_t SendMsg(int fd, const struct msghdr* message, int flags) override {
    return ::sendmsg(fd, message, flags);
  }
  ssize_t Recv(int fd, void* buffer, size_t size, int flags) override {
    return ::recv(fd, buffer, size, flags);
  }
  ssize_t RecvMsg(int fd, struct msghdr* message, int flags) override {
    return ::recvmsg(fd, message, flags);
  }
  int SetSockOpt(int fd, int level, int option, const void* value,
                 socklen_t size) override {
    return ::setsockopt(fd, level, option, value, size);
  }
  int GetSockOpt(int fd, int level, int option, void* value,
                 socklen_t* size) override {
    return ::getsockopt(fd, level, option, value, size);
  }
  int GetSockName(int fd, struct sockaddr* address, socklen_t* size) override {
    return ::getsockname(fd, address, size);
  }
  int Shutdown(int fd, int how) override { return ::shutdown(fd, how); }
  int EpollCreate(int flags) override { return ::epoll_create1(flags); }
  int EpollCtl(int epoll, int operation, int fd,
               struct epoll_event* event) override {
    return ::epoll_ctl(epoll, operation, fd, event);
  }
  int EpollWait(int epoll, struct epoll_event* events, int count,
                int timeout_ms) override {
    return ::epoll_wait(epoll, events, count, timeout_ms);
  }
  int EpollPWait2(int epoll, struct epoll_event* events, int count,
                  const struct timespec* timeout) override {
    return static_cast<int>(
        ::syscall(SYS_epoll_pwait2, epoll, events, count, timeout, nullptr, 0));
  }
  int EventFd(unsigned initial, int flags) override {
    return ::eventfd(initial, flags);
  }
  int TimerFdCreate(int clock, int flags) override {
    return ::timerfd_create(clock, flags);
  }
  int TimerFdSetTime(int fd, int flags, const struct itimerspec* value,
                     struct itimerspec* old_value) override {
    return ::timerfd_settime(fd, flags, value, old_value);
  }
  int SignalFd(int fd, const sigset_t* mask, int flags) override {
    return ::signalfd(fd, mask, flags);
  }
  int FutexWait(uint32_t* word, uint32_t expected,
                const struct timespec* deadline) override {
    return static_cast<int>(
        ::syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
                  expected, deadline, nullptr, FUTEX_BITSET_MATCH_ANY));
  }
  int FutexWake(uint32_t* word, int count) override {
    return static_cast<int>(::syscall(SYS_futex, word,
                                      FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count,
                                      nullptr, nullptr, 0));
  }
  int Open(const char* path, int flags, mode_t mode) override {
    return ::open(path, flags, mode);
  }
  int Unlink(const char* path) override { return ::unlink(path); }
  int Rename(const char* from, const char* to) override {
    return ::rename(from, to);
  }
  ssize_t GetDents(int fd, void* buffer, size_t size) override {
    return ::syscall(SYS_getdents64, fd, buffer, size);
  }
  int Flock(int fd, int operation) override { return ::flock(fd, operation); }
  int Mkdir(const char* path, mode_t mode) override {
    return ::mkdir(path, mode);
  }
  int Chmod(const char* path, mode_t mode) override {
    return ::chmod(path, mode);
  }
  int Stat(const char* path, struct stat* result) override {
    return ::stat(path, result);
  }
  int Lstat(const char* path, struct stat* result) override {
    return ::lstat(path, result);
  }
  int Fstat(int fd, struct stat* result) override {
    return ::fstat(fd, result);
  }
  int InotifyInit(int flags) override { return ::inotify_init1(flags); }
  int InotifyAddWatch(int inotify, const char* path, uint32_t events) override {
    return ::inotify_add_watch(inotify, path, events);
  }
  int SigMask(int how, const sigset_t* set, sigset_t* old_set) override {
    const int error = ::pthread_sigmask(how, set, old_set);
    if (error == 0) return 0;
    errno = error;
    return -1;
  }
  int SigPending(sigset_t* set) override { return ::sigpending(set); }
  int SigTimedWait(const sigset_t* set,
                   const struct timespec* timeout) override {
    return ::sigtimedwait(set, nullptr, timeout);
  }
  void Clock(struct timespec* now) override {
    ::clock_gettime(CLOCK_MONOTONIC, now);
  }
  void CoarseClock(struct timespec* now) override {
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, now);
  }
  int GetRLimit(int resource, struct rlimit* limit) override {
    return ::getrlimit(resource, limit);
  }
  int SetRLimit(int resource, const struct rlimit* limit) override {
    return ::setrlimit(resource, limit);
  }
  ssize_t GetRandom(void* buffer, size_t size, unsigned flags) override {
    return ::getrandom(buffer, size, flags);
  }
  void SchedYield() override { ::sched_yield(); }
};

OperatingSystem g_operating_system;

// Whether an interceptor, or a kernel other than the operating system, is set.
std::atomic<bool> g_diverted{false};
std::atomic<Interceptor*> g_interceptor{nullptr};
std::atomic<Kernel*> g_kernel{&g_operating_system};

inline bool IsDiverted() { return g_diverted.load(std::memory_order_relaxed); }

// Gives access to the interceptor. While an Inside exists, its thread counts as
// inside the interceptor.
class Inside {
 public:
  Inside() {
    ++depth_;
    ++g_threads_;
    interceptor_ = g_interceptor.load();
  }
  ~Inside() {
    --g_threads_;
    --depth_;
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

  Interceptor* get() const { return interceptor_; }

  // Waits until no other thread is inside an interceptor.
  static void AwaitOthers() {
    while (g_threads_.load() > depth_) ::sched_yield();
  }

 private:
  static std::atomic<int> g_threads_;
  static thread_local int depth_;
  Interceptor* interceptor_;
};
std::atomic<int> Inside::g_threads_{0};
thread_local int Inside::depth_ = 0;

Kernel* CurrentKernel() { return g_kernel.load(std::memory_order_relaxed); }

void NoteDiversion() {
  g_diverted.store(
      g_interceptor.load() != nullptr || CurrentKernel() != &g_operating_system,
      std::memory_order_release);
}

// Whether the interceptor makes the call fail. If so, errno is set.
bool Fails(const Call& call) {
  const Inside interceptor;
  if (interceptor.get() == nullptr) return false;
  const int saved_errno = errno;
  const int error = interceptor.get()->FailCall(call);
  errno = error != 0 ? error : saved_errno;
  return error != 0;
}

// Makes a call. `make` calls the kernel that it gets as its argument. The
// compiler knows the type of g_operating_system, so make(&g_operating_system)
// makes no virtual call.
template <typename MakeCall>
inline auto Make(const Call& call, MakeCall make)
    -> decltype(make(&g_operating_system)) {
  if (ABSL_PREDICT_TRUE(!IsDiverted())) return make(&g_operating_system);
  if (Fails(call)) return -1;
  return make(CurrentKernel());
}

template <typename Read>
inline void ReadClock(struct timespec* now, Read read) {
  if (ABSL_PREDICT_TRUE(!IsDiverted())) return read(&g_operating_system);
  const Inside interceptor;
  if (interceptor.get() != nullptr && interceptor.get()->Clock(now)) return;
  read(CurrentKernel());
}

bool CarriesDescriptor(const struct msghdr* message) {
  auto* const raw = const_cast<struct msghdr*>(message);
  for (struct cmsghdr* c = CMSG_FIRSTHDR(raw); c != nullptr;
       c = CMSG_NXTHDR(raw, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) return true;
  }
  return false;
}

}  // namespace

int MoveFromStandard(int fd) {
  if (ABSL_PREDICT_TRUE(fd < 0 || fd >= kFirstOther)) return fd;
  Kernel* const kernel = CurrentKernel();
  const int other = kernel->Fcntl(fd, F_DUPFD_CLOEXEC, kFirstOther);
  const int error = errno;
  kernel->Close(fd);
  errno = error;
  return other;
}

void OpenMissingStandard() {
  Kernel* const kernel = CurrentKernel();
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (kernel->Fcntl(fd, F_GETFD, 0) >= 0) continue;
    // open() returns the lowest free number, which is `fd`.
    if (kernel->Open("/dev/null", O_RDWR, 0) != fd) return;
  }
}

void SetInterceptor(Interceptor* interceptor) {
  g_interceptor.store(interceptor);
  NoteDiversion();
  Inside::AwaitOthers();
}

void SetKernel(Kernel* kernel) {
  g_kernel.store(kernel != nullptr ? kernel : &g_operating_system,
                 std::memory_order_release);
  NoteDiversion();
}

int Close(int fd) {
  if (ABSL_PREDICT_TRUE(!IsDiverted())) return g_operating_system.Close(fd);
  {
    const Inside interceptor;
    if (interceptor.get() != nullptr) interceptor.get()->OnClose(fd);
  }
  // Close the file descriptor even if the interceptor then changes the result.
  const int result = CurrentKernel()->Close(fd);
  return Fails({"Close", fd}) ? -1 : result;
}

ssize_t Read(int fd, void* buffer, size_t size) {
  return Make({"Read", fd},
              [&](auto* kernel) { return kernel->Read(fd, buffer, size); });
}

ssize_t Write(int fd, const void* buffer, size_t size) {
  return Make({"Write", fd},
              [&](auto* kernel) { return kernel->Write(fd, buffer, size); });
}

int Dup(int fd) {
  if (ABSL_PREDICT_TRUE(!IsDiverted())) return g_operating_system.Dup(fd);
  if (Fails({"Dup", fd})) return -1;
  const int made = CurrentKernel()->Dup(fd);
  const Inside interceptor;
  if (interceptor.get() != nullptr && made >= 0) interceptor.get()->OnDup(made);
  return made;
}

int Fcntl(int fd, int command, intptr_t argument) {
  return Make({"Fcntl", fd, command}, [&](auto* kernel) {
    return kernel->Fcntl(fd, command, argument);
  });
}

int Ioctl(int fd, unsigned long request, void* argument) {
  return Make({"Ioctl", fd}, [&](auto* kernel) {
    return kernel->Ioctl(fd, request, argument);
  });
}

int Poll(struct pollfd* fds, nfds_t count, int timeout_ms) {
  return Make({"Poll", -1, timeout_ms != 0, fds, count}, [&](auto* kernel) {
    return kernel->Poll(fds, count, timeout_ms);
  });
}

int Socket(int domain, int type, int protocol) {
  return MoveFromStandard(Make({"Socket"}, [&](auto* kernel) {
    return kernel->Socket(domain, type, protocol);
  }));
}

int SocketPair(int domain, int type, int protocol, int fds[2]) {
  const int result = Make({"SocketPair"}, [&](auto* kernel) {
    return kernel->SocketPair(domain, type, protocol, fds);
  });
  if (result != 0) return result;
  fds[0] = MoveFromStandard(fds[0]);
  fds[1] = MoveFromStandard(fds[1]);
  if (fds[0] >= 0 && fds[1] >= 0) return 0;
  const int error = errno;
  if (fds[0] >= 0) CurrentKernel()->Close(fds[0]);
  if (fds[1] >= 0) CurrentKernel()->Close(fds[1]);
  errno = error;
  return -1;
}

int Connect(int fd, const struct sockaddr* address, socklen_t size) {
  return Make({"Connect", fd},
              [&](auto* kernel) { return kernel->Connect(fd, address, size); });
}

int Bind(int fd, const struct sockaddr* address, socklen_t size) {
  return Make({"Bind", fd},
              [&](auto* kernel) { return kernel->Bind(fd, address, size); });
}

int Listen(int fd, int backlog) {
  return Make({"Listen", fd},
              [&](auto* kernel) { return kernel->Listen(fd, backlog); });
}

int Accept4(int fd, struct sockaddr* address, socklen_t* size, int flags) {
  return MoveFromStandard(Make({"Accept4", fd}, [&](auto* kernel) {
    return kernel->Accept4(fd, address, size, flags);
  }));
}

ssize_t Send(int fd, const void* buffer, size_t size, int flags) {
  return Make({"Send", fd}, [&](auto* kernel) {
    return kernel->Send(fd, buffer, size, flags);
  });
}

ssize_t SendMsg(int fd, const struct msghdr* message, int flags) {
  if (ABSL_PREDICT_TRUE(!IsDiverted())) {
    return g_operating_system.SendMsg(fd, message, flags);
  }
  if (Fails({"SendMsg", fd, CarriesDescriptor(message) ? 1 : 0})) return -1;
  return CurrentKernel()->SendMsg(fd, message, flags);
}

ssize_t Recv(int fd, void* buffer, size_t size, int flags) {
  return Make({"Recv", fd, flags}, [&](auto* kernel) {
    return kernel->Recv(fd, buffer, size, flags);
  });
}

ssize_t RecvMsg(int fd, struct msghdr* message, int flags) {
  return Make({"RecvMsg", fd, flags}, [&](auto* kernel) {
    return kernel->RecvMsg(fd, message, flags);
  });
}

int SetSockOpt(int fd, int level, int option, const void* value,
               socklen_t size) {
  return Make({"SetSockOpt", fd, option}, [&](auto* kernel) {
    return kernel->SetSockOpt(fd, level, option, value, size);
  });
}

int GetSockOpt(int fd, int level, int option, void* value, socklen_t* size) {
  return Make({"GetSockOpt", fd, option}, [&](auto* kernel) {
    return kernel->GetSockOpt(fd, level, option, value, size);
  });
}

int GetSockName(int fd, struct sockaddr* address, socklen_t* size) {
  return Make({"GetSockName", fd}, [&](auto* kernel) {
    return kernel->GetSockName(fd, address, size);
  });
}

int Shutdown(int fd, int how) {
  return Make({"Shutdown", fd},
              [&](auto* kernel) { return kernel->Shutdown(fd, how); });
}

int EpollCreate(int flags) {
  return MoveFromStandard(Make({"EpollCreate"}, [&](auto* kernel) {
    return kernel->EpollCreate(flags);
  }));
}

int EpollCtl(int epoll, int operation, int fd, struct epoll_event* event) {
  return Make({"EpollCtl", epoll, operation}, [&](auto* kernel) {
    return kernel->EpollCtl(epoll, operation, fd, event);
  });
}

int EpollWait(int epoll, struct epoll_event* events, int count,
              int timeout_ms) {
  return Make({"EpollWait", epoll, timeout_ms}, [&](auto* kernel) {
    return kernel->EpollWait(epoll, events, count, timeout_ms);
  });
}

int EpollPWait2(int epoll, struct epoll_event* events, int count,
                const struct timespec* timeout) {
  return Make({"EpollPWait2", epoll}, [&](auto* kernel) {
    return kernel->EpollPWait2(epoll, events, count, timeout);
  });
}

int EventFd(unsigned initial, int flags) {
  return MoveFromStandard(Make({"EventFd"}, [&](auto* kernel) {
    return kernel->EventFd(initial, flags);
  }));
}

int TimerFdCreate(int clock, int flags) {
  return MoveFromStandard(Make({"TimerFdCreate"}, [&](auto* kernel) {
    return kernel->TimerFdCreate(clock, flags);
  }));
}

int TimerFdSetTime(int fd, int flags, const struct itimerspec* value,
                   struct itimerspec* old_value) {
  return Make({"TimerFdSetTime", fd}, [&](auto* kernel) {
    return kernel->TimerFdSetTime(fd, flags, value, old_value);
  });
}

int SignalFd(int fd, const sigset_t* mask, int flags) {
  return MoveFromStandard(Make({"SignalFd"}, [&](auto* kernel) {
    return kernel->SignalFd(fd, mask, flags);
  }));
}

int FutexWait(uint32_t* word, uint32_t expected,
              const struct timespec* deadline) {
  return Make({"FutexWait"}, [&](auto* kernel) {
    return kernel->FutexWait(word, expected, deadline);
  });
}

int FutexWake(uint32_t* word, int count) {
  return Make({"FutexWake"},
              [&](auto* kernel) { return kernel->FutexWake(word, count); });
}

int Open(const char* path, int flags, mode_t mode) {
  return MoveFromStandard(Make(
      {"Open"}, [&](auto* kernel) { return kernel->Open(path, flags, mode); }));
}

int Unlink(const char* path) {
  return Make({"Unlink"}, [&](auto* kernel) { return kernel->Unlink(path); });
}

int Rename(const char* from, const char* to) {
  return Make({"Rename"},
              [&](auto* kernel) { return kernel->Rename(from, to); });
}

ssize_t GetDents(int fd, void* buffer, size_t size) {
  return Make({"GetDents", fd},
              [&](auto* kernel) { return kernel->GetDents(fd, buffer, size); });
}

int Flock(int fd, int operation) {
  return Make({"Flock", fd},
              [&](auto* kernel) { return kernel->Flock(fd, operation); });
}

int Mkdir(const char* path, mode_t mode) {
  return Make({"Mkdir"},
              [&](auto* kernel) { return kernel->Mkdir(path, mode); });
}

int Chmod(const char* path, mode_t mode) {
  return Make({"Chmod"},
              [&](auto* kernel) { return kernel->Chmod(path, mode); });
}

int Stat(const char* path, struct stat* result) {
  return Make({"Stat"},
              [&](auto* kernel) { return kernel->Stat(path, result); });
}

int Lstat(const char* path, struct stat* result) {
  return Make({"Lstat"},
              [&](auto* kernel) { return kernel->Lstat(path, result); });
}

int Fstat(int fd, struct stat* result) {
  return Make({"Fstat", fd},
              [&](auto* kernel) { return kernel->Fstat(fd, result); });
}

int InotifyInit(int flags) {
  return MoveFromStandard(Make({"InotifyInit"}, [&](auto* kernel) {
    return kernel->InotifyInit(flags);
  }));
}

int InotifyAddWatch(int inotify, const char* path, uint32_t events) {
  return Make({"InotifyAddWatch", inotify}, [&](auto* kernel) {
    return kernel->InotifyAddWatch(inotify, path, events);
  });
}

int SigMask(int how, const sigset_t* set, sigset_t* old_set) {
  return Make({"SigMask"},
              [&](auto* kernel) { return kernel->SigMask(how, set, old_set); });
}

int SigPending(sigset_t* set) {
  return Make({"SigPending"},
              [&](auto* kernel) { return kernel->SigPending(set); });
}

int SigTimedWait(const sigset_t* set, const struct timespec* timeout) {
  return Make({"SigTimedWait"},
              [&](auto* kernel) { return kernel->SigTimedWait(set, timeout); });
}

void Clock(struct timespec* now) {
  ReadClock(now, [&](auto* kernel) { kernel->Clock(now); });
}

void CoarseClock(struct timespec* now) {
  ReadClock(now, [&](auto* kernel) { kernel->CoarseClock(now); });
}

int GetRLimit(int resource, struct rlimit* limit) {
  return Make({"GetRLimit"},
              [&](auto* kernel) { return kernel->GetRLimit(resource, limit); });
}

int SetRLimit(int resource, const struct rlimit* limit) {
  return Make({"SetRLimit"},
              [&](auto* kernel) { return kernel->SetRLimit(resource, limit); });
}

ssize_t GetRandom(void* buffer, size_t size, unsigned flags) {
  return Make({"GetRandom"}, [&](auto* kernel) {
    const Inside interceptor;
    if (interceptor.get() != nullptr &&
        interceptor.get()->Random(buffer, size)) {
      return static_cast<ssize_t>(size);
    }
    return kernel->GetRandom(buffer, size, flags);
  });
}

void SchedYield() {
  if (ABSL_PREDICT_TRUE(!IsDiverted())) return g_operating_system.SchedYield();
  CurrentKernel()->SchedYield();
}

}  // namespace sys
}  // namespace event
}  // namespace le
