// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "absl/base/optimization.h"

// Headers older than the kernel do not know it; the number is the same on all
// architectures.
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

namespace le {
namespace event {
namespace sys {
namespace {

std::atomic<Interceptor*> g_interceptor{nullptr};

inline bool IsIntercepted() {
  return ABSL_PREDICT_FALSE(g_interceptor.load(std::memory_order_relaxed) !=
                            nullptr);
}

// Whether the call has been made to fail. errno says how, then.
inline bool Intercepted(const char* name, int fd = -1, int detail = 0,
                        const struct pollfd* fds = nullptr,
                        nfds_t fd_count = 0) {
  Interceptor* const interceptor =
      g_interceptor.load(std::memory_order_relaxed);
  if (ABSL_PREDICT_TRUE(interceptor == nullptr)) return false;
  const int saved_errno = errno;
  const int error = interceptor->FailCall({name, fd, detail, fds, fd_count});
  errno = error != 0 ? error : saved_errno;
  return error != 0;
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
  constexpr int kFirstOther = STDERR_FILENO + 1;
  if (ABSL_PREDICT_TRUE(fd < 0 || fd >= kFirstOther)) return fd;
  const int other = ::fcntl(fd, F_DUPFD_CLOEXEC, kFirstOther);
  const int error = errno;
  ::close(fd);
  errno = error;
  return other;
}

void OpenMissingStandard() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // Takes the lowest number that is free, which is this one.
    if (::open("/dev/null", O_RDWR) != fd) return;
  }
}

void SetInterceptor(Interceptor* interceptor) {
  g_interceptor.store(interceptor, std::memory_order_release);
}

int Close(int fd) {
  Interceptor* const interceptor =
      g_interceptor.load(std::memory_order_relaxed);
  if (ABSL_PREDICT_FALSE(interceptor != nullptr)) interceptor->OnClose(fd);
  // The result may be falsified, the effect may not.
  const int result = ::close(fd);
  return Intercepted("Close", fd) ? -1 : result;
}

ssize_t Read(int fd, void* buffer, size_t size) {
  if (Intercepted("Read", fd)) return -1;
  return ::read(fd, buffer, size);
}

ssize_t Write(int fd, const void* buffer, size_t size) {
  if (Intercepted("Write", fd)) return -1;
  return ::write(fd, buffer, size);
}

int Dup(int fd) {
  if (Intercepted("Dup", fd)) return -1;
  const int made = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  Interceptor* const interceptor =
      g_interceptor.load(std::memory_order_relaxed);
  if (ABSL_PREDICT_FALSE(interceptor != nullptr) && made >= 0) {
    interceptor->OnDup(made);
  }
  return made;
}

int Fcntl(int fd, int command, intptr_t argument) {
  if (Intercepted("Fcntl", fd, command)) return -1;
  return ::fcntl(fd, command, argument);
}

int Ioctl(int fd, unsigned long request, void* argument) {
  if (Intercepted("Ioctl", fd)) return -1;
  return ::ioctl(fd, request, argument);
}

int Poll(struct pollfd* fds, nfds_t count, int timeout_ms) {
  if (Intercepted("Poll", -1, timeout_ms != 0, fds, count)) return -1;
  return ::poll(fds, count, timeout_ms);
}

int Socket(int domain, int type, int protocol) {
  if (Intercepted("Socket")) return -1;
  return MoveFromStandard(::socket(domain, type, protocol));
}

int SocketPair(int domain, int type, int protocol, int fds[2]) {
  if (Intercepted("SocketPair")) return -1;
  if (::socketpair(domain, type, protocol, fds) != 0) return -1;
  fds[0] = MoveFromStandard(fds[0]);
  fds[1] = MoveFromStandard(fds[1]);
  if (fds[0] >= 0 && fds[1] >= 0) return 0;
  const int error = errno;
  if (fds[0] >= 0) ::close(fds[0]);
  if (fds[1] >= 0) ::close(fds[1]);
  errno = error;
  return -1;
}

int Connect(int fd, const struct sockaddr* address, socklen_t size) {
  if (Intercepted("Connect", fd)) return -1;
  return ::connect(fd, address, size);
}

int Bind(int fd, const struct sockaddr* address, socklen_t size) {
  if (Intercepted("Bind", fd)) return -1;
  return ::bind(fd, address, size);
}

int Listen(int fd, int backlog) {
  if (Intercepted("Listen", fd)) return -1;
  return ::listen(fd, backlog);
}

int Accept4(int fd, struct sockaddr* address, socklen_t* size, int flags) {
  if (Intercepted("Accept4", fd)) return -1;
  return MoveFromStandard(::accept4(fd, address, size, flags));
}

ssize_t Send(int fd, const void* buffer, size_t size, int flags) {
  if (Intercepted("Send", fd)) return -1;
  return ::send(fd, buffer, size, flags);
}

ssize_t SendMsg(int fd, const struct msghdr* message, int flags) {
  if (IsIntercepted() &&
      Intercepted("SendMsg", fd, CarriesDescriptor(message) ? 1 : 0)) {
    return -1;
  }
  return ::sendmsg(fd, message, flags);
}

int SendMMsg(int fd, struct mmsghdr* messages, unsigned count, int flags) {
  if (Intercepted("SendMMsg", fd)) return -1;
  return ::sendmmsg(fd, messages, count, flags);
}

ssize_t Recv(int fd, void* buffer, size_t size, int flags) {
  if (Intercepted("Recv", fd, flags)) return -1;
  return ::recv(fd, buffer, size, flags);
}

ssize_t RecvMsg(int fd, struct msghdr* message, int flags) {
  if (Intercepted("RecvMsg", fd, flags)) return -1;
  return ::recvmsg(fd, message, flags);
}

int RecvMMsg(int fd, struct mmsghdr* messages, unsigned count, int flags,
             struct timespec* timeout) {
  if (Intercepted("RecvMMsg", fd)) return -1;
  return ::recvmmsg(fd, messages, count, flags, timeout);
}

int SetSockOpt(int fd, int level, int option, const void* value,
               socklen_t size) {
  if (Intercepted("SetSockOpt", fd, option)) return -1;
  return ::setsockopt(fd, level, option, value, size);
}

int GetSockOpt(int fd, int level, int option, void* value, socklen_t* size) {
  if (Intercepted("GetSockOpt", fd, option)) return -1;
  return ::getsockopt(fd, level, option, value, size);
}

int GetSockName(int fd, struct sockaddr* address, socklen_t* size) {
  if (Intercepted("GetSockName", fd)) return -1;
  return ::getsockname(fd, address, size);
}

int Shutdown(int fd, int how) {
  if (Intercepted("Shutdown", fd)) return -1;
  return ::shutdown(fd, how);
}

int EpollCreate(int flags) {
  if (Intercepted("EpollCreate")) return -1;
  return MoveFromStandard(::epoll_create1(flags));
}

int EpollCtl(int epoll, int operation, int fd, struct epoll_event* event) {
  if (Intercepted("EpollCtl", epoll, operation)) return -1;
  return ::epoll_ctl(epoll, operation, fd, event);
}

int EpollWait(int epoll, struct epoll_event* events, int count,
              int timeout_ms) {
  if (Intercepted("EpollWait", epoll, timeout_ms)) return -1;
  return ::epoll_wait(epoll, events, count, timeout_ms);
}

int EpollPWait2(int epoll, struct epoll_event* events, int count,
                const struct timespec* timeout) {
  if (Intercepted("EpollPWait2", epoll)) return -1;
  return static_cast<int>(
      ::syscall(SYS_epoll_pwait2, epoll, events, count, timeout, nullptr, 0));
}

int EventFd(unsigned initial, int flags) {
  if (Intercepted("EventFd")) return -1;
  return MoveFromStandard(::eventfd(initial, flags));
}

int TimerFdCreate(int clock, int flags) {
  if (Intercepted("TimerFdCreate")) return -1;
  return MoveFromStandard(::timerfd_create(clock, flags));
}

int TimerFdSetTime(int fd, int flags, const struct itimerspec* value,
                   struct itimerspec* old_value) {
  if (Intercepted("TimerFdSetTime", fd)) return -1;
  return ::timerfd_settime(fd, flags, value, old_value);
}

int SignalFd(int fd, const sigset_t* mask, int flags) {
  if (Intercepted("SignalFd")) return -1;
  return MoveFromStandard(::signalfd(fd, mask, flags));
}

int FutexWait(uint32_t* word, uint32_t expected,
              const struct timespec* deadline) {
  if (Intercepted("FutexWait")) return -1;
  return static_cast<int>(
      ::syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
                expected, deadline, nullptr, FUTEX_BITSET_MATCH_ANY));
}

int FutexWake(uint32_t* word, int count) {
  if (Intercepted("FutexWake")) return -1;
  return static_cast<int>(::syscall(SYS_futex, word,
                                    FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count,
                                    nullptr, nullptr, 0));
}

int MemfdCreate(const char* name, unsigned flags) {
  if (Intercepted("MemfdCreate")) return -1;
  return MoveFromStandard(::memfd_create(name, flags));
}

int Ftruncate(int fd, off_t size) {
  if (Intercepted("Ftruncate", fd)) return -1;
  return ::ftruncate(fd, size);
}

int Fallocate(int fd, int mode, off_t offset, off_t size) {
  if (Intercepted("Fallocate", fd)) return -1;
  return ::fallocate(fd, mode, offset, size);
}

void* Mmap(void* address, size_t size, int protection, int flags, int fd,
           off_t offset) {
  if (Intercepted("Mmap")) return MAP_FAILED;
  return ::mmap(address, size, protection, flags, fd, offset);
}

int Munmap(void* address, size_t size) {
  if (Intercepted("Munmap")) return -1;
  return ::munmap(address, size);
}

int Open(const char* path, int flags, mode_t mode) {
  if (Intercepted("Open")) return -1;
  return MoveFromStandard(::open(path, flags, mode));
}

int Unlink(const char* path) {
  if (Intercepted("Unlink")) return -1;
  return ::unlink(path);
}

int Rename(const char* from, const char* to) {
  if (Intercepted("Rename")) return -1;
  return ::rename(from, to);
}

int Flock(int fd, int operation) {
  if (Intercepted("Flock", fd)) return -1;
  return ::flock(fd, operation);
}

int Mkdir(const char* path, mode_t mode) {
  if (Intercepted("Mkdir")) return -1;
  return ::mkdir(path, mode);
}

int Rmdir(const char* path) {
  if (Intercepted("Rmdir")) return -1;
  return ::rmdir(path);
}

int Chmod(const char* path, mode_t mode) {
  if (Intercepted("Chmod")) return -1;
  return ::chmod(path, mode);
}

int Fchmod(int fd, mode_t mode) {
  if (Intercepted("Fchmod", fd)) return -1;
  return ::fchmod(fd, mode);
}

int Chown(const char* path, uid_t uid, gid_t gid) {
  if (Intercepted("Chown")) return -1;
  return ::chown(path, uid, gid);
}

int Stat(const char* path, struct stat* result) {
  if (Intercepted("Stat")) return -1;
  return ::stat(path, result);
}

int Lstat(const char* path, struct stat* result) {
  if (Intercepted("Lstat")) return -1;
  return ::lstat(path, result);
}

int Fstat(int fd, struct stat* result) {
  if (Intercepted("Fstat", fd)) return -1;
  return ::fstat(fd, result);
}

int SigMask(int how, const sigset_t* set, sigset_t* old_set) {
  if (Intercepted("SigMask")) return -1;
  const int error = ::pthread_sigmask(how, set, old_set);
  if (error == 0) return 0;
  errno = error;
  return -1;
}

int SigPending(sigset_t* set) {
  if (Intercepted("SigPending")) return -1;
  return ::sigpending(set);
}

int SigTimedWait(const sigset_t* set, const struct timespec* timeout) {
  if (Intercepted("SigTimedWait")) return -1;
  return ::sigtimedwait(set, nullptr, timeout);
}

namespace {

void ReadClock(clockid_t clock, struct timespec* now) {
  Interceptor* const interceptor =
      g_interceptor.load(std::memory_order_relaxed);
  if (ABSL_PREDICT_FALSE(interceptor != nullptr) && interceptor->Clock(now)) {
    return;
  }
  ::clock_gettime(clock, now);
}

}  // namespace

void Clock(struct timespec* now) { ReadClock(CLOCK_MONOTONIC, now); }

void CoarseClock(struct timespec* now) {
  ReadClock(CLOCK_MONOTONIC_COARSE, now);
}

int GetRLimit(int resource, struct rlimit* limit) {
  if (Intercepted("GetRLimit")) return -1;
  return ::getrlimit(resource, limit);
}

int SetRLimit(int resource, const struct rlimit* limit) {
  if (Intercepted("SetRLimit")) return -1;
  return ::setrlimit(resource, limit);
}

ssize_t GetRandom(void* buffer, size_t size, unsigned flags) {
  if (Intercepted("GetRandom")) return -1;
  return ::getrandom(buffer, size, flags);
}

}  // namespace sys
}  // namespace event
}  // namespace le
