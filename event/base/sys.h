// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The thin layer through which every system call of the project goes.
//
// Each function is the kernel's of the same name, with its conventions: -1 and
// errno on failure, nothing retried. The layer adds one seam: a test can make
// any call fail (see Interceptor), or have another kernel answer it (see
// SetKernel()). In production this costs a relaxed load and a predicted branch.
//
// Descriptors 0 to 2 are the standard ones, for programs and log lines. A
// descriptor that is made here never has such a number, even if these are
// closed.
//
// Descriptors are made close-on-exec by the callers' flags (SOCK_CLOEXEC,
// O_CLOEXEC, ...); the functions that take no such flags set it themselves and
// say so.

#ifndef LE_MESSAGING_EVENT_BASE_SYS_H_
#define LE_MESSAGING_EVENT_BASE_SYS_H_

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <time.h>

#include <cstddef>
#include <cstdint>

#include "event/base/kernel.h"

namespace le {
namespace event {
namespace sys {

// A call that is about to be made: the details on which its failure may depend.
struct Call {
  const char* name;  // the function's name here ("SendMsg")
  int fd = -1;       // what it works on, if that is one descriptor
  // A detail on which the kernel's answer depends: EpollCtl's operation, the
  // option of Get- and SetSockOpt, Fcntl's command, Recv's and RecvMsg's flags,
  // EpollWait's timeout; 1 if SendMsg carries a descriptor, and if Poll may
  // wait. Else 0.
  int detail = 0;
  // Poll's.
  const struct pollfd* fds = nullptr;
  nfds_t fd_count = 0;
};

// Decides which system calls fail. One for the whole (real) process.
class Interceptor {
 public:
  virtual ~Interceptor() = default;
  // `call` is the function's name here ("SendMsg"). Returns 0 to let the call
  // through, or the errno with which it is to fail without being made. Any
  // thread; must not call into this layer.
  virtual int Fail(const char* call) = 0;
  // As Fail(), with details of the call. It may first do the work that a blocking
  // call would wait for, on the same thread.
  virtual int FailCall(const Call& call) { return Fail(call.name); }
  // Sets the time of either clock. False: the kernel's time is used.
  virtual bool Clock(struct timespec* now) {
    static_cast<void>(now);
    return false;
  }
  // Fills the buffer instead of the kernel's GetRandom(). False: the kernel
  // fills it.
  virtual bool Random(void* buffer, size_t size) {
    static_cast<void>(buffer);
    static_cast<void>(size);
    return false;
  }
  // Dup() has made `fd`; Close() has closed it. A test can count descriptors.
  virtual void OnDup(int fd) { static_cast<void>(fd); }
  virtual void OnClose(int fd) { static_cast<void>(fd); }
};

// Null: every call goes through. Only while no other thread makes calls.
void SetInterceptor(Interceptor* interceptor);

// The kernel for calls that the interceptor lets through. Null: the operating
// system's. Only while no other thread makes calls.
void SetKernel(Kernel* kernel);

// ---- Descriptors ----

// Never retry this: on Linux the descriptor is gone even if it fails. (An
// interceptor only falsifies the result: the descriptor is closed.)
int Close(int fd);
ssize_t Read(int fd, void* buffer, size_t size);
ssize_t Write(int fd, const void* buffer, size_t size);
// A duplicate with close-on-exec set.
int Dup(int fd);
// For a received descriptor: returns it, or a duplicate if its number is a
// standard one, with close-on-exec set. -1 and errno: it could not be
// duplicated, and is closed. No interceptor makes this fail.
int MoveFromStandard(int fd);
// For a program: opens /dev/null in the place of each standard descriptor that is
// closed.
void OpenMissingStandard();
int Fcntl(int fd, int command, intptr_t argument);
int Ioctl(int fd, unsigned long request, void* argument);
int Poll(struct pollfd* fds, nfds_t count, int timeout_ms);

// ---- Sockets ----

int Socket(int domain, int type, int protocol);
int SocketPair(int domain, int type, int protocol, int fds[2]);
int Connect(int fd, const struct sockaddr* address, socklen_t size);
int Bind(int fd, const struct sockaddr* address, socklen_t size);
int Listen(int fd, int backlog);
int Accept4(int fd, struct sockaddr* address, socklen_t* size, int flags);
ssize_t Send(int fd, const void* buffer, size_t size, int flags);
ssize_t SendMsg(int fd, const struct msghdr* message, int flags);
ssize_t Recv(int fd, void* buffer, size_t size, int flags);
ssize_t RecvMsg(int fd, struct msghdr* message, int flags);
int SetSockOpt(int fd, int level, int option, const void* value,
               socklen_t size);
int GetSockOpt(int fd, int level, int option, void* value, socklen_t* size);
int GetSockName(int fd, struct sockaddr* address, socklen_t* size);
int Shutdown(int fd, int how);

// ---- Waiting ----

int EpollCreate(int flags);
int EpollCtl(int epoll, int operation, int fd, struct epoll_event* event);
int EpollWait(int epoll, struct epoll_event* events, int count, int timeout_ms);
// To the nanosecond; ENOSYS before Linux 5.11. `timeout` null: without end.
int EpollPWait2(int epoll, struct epoll_event* events, int count,
                const struct timespec* timeout);
int EventFd(unsigned initial, int flags);
int TimerFdCreate(int clock, int flags);
int TimerFdSetTime(int fd, int flags, const struct itimerspec* value,
                   struct itimerspec* old_value);
int SignalFd(int fd, const sigset_t* mask, int flags);
// Waits while *word == expected, until the instant `deadline` of
// CLOCK_MONOTONIC (null: without end). Private to the process.
int FutexWait(uint32_t* word, uint32_t expected,
              const struct timespec* deadline);
int FutexWake(uint32_t* word, int count);

// ---- Files ----

int Open(const char* path, int flags, mode_t mode);
int Unlink(const char* path);
int Flock(int fd, int operation);
int Mkdir(const char* path, mode_t mode);
int Chmod(const char* path, mode_t mode);
int Stat(const char* path, struct stat* result);
int Lstat(const char* path, struct stat* result);
int Fstat(int fd, struct stat* result);
int InotifyInit(int flags);
int InotifyAddWatch(int inotify, const char* path, uint32_t events);

// ---- Process ----

// The calling thread's, as pthread_sigmask() has it.
int SigMask(int how, const sigset_t* set, sigset_t* old_set);
int SigPending(sigset_t* set);
// Takes a pending signal of `set`.
int SigTimedWait(const sigset_t* set, const struct timespec* timeout);
// CLOCK_MONOTONIC. Cannot fail.
void Clock(struct timespec* now);
// CLOCK_MONOTONIC_COARSE: the same, as of the kernel's last tick. Cannot fail.
void CoarseClock(struct timespec* now);
int GetRLimit(int resource, struct rlimit* limit);
int SetRLimit(int resource, const struct rlimit* limit);
ssize_t GetRandom(void* buffer, size_t size, unsigned flags);
// Cannot fail.
void SchedYield();

}  // namespace sys
}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_SYS_H_
