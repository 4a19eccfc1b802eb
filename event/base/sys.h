// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The thin layer through which every system call of the project goes.
//
// Each function makes the system call of the same name, with its conventions:
// -1 and errno on failure, and no retries. In addition a test can make any call
// fail (see Interceptor), or let another kernel answer it (see SetKernel()). In
// production this costs a relaxed load and a predicted branch.
//
// File descriptors 0 to 2 are the standard ones, for programs and log lines. A
// file descriptor that is made here never has such a number, even if one of
// these is closed.
//
// Callers make file descriptors close-on-exec by flags (SOCK_CLOEXEC,
// O_CLOEXEC, ...). Functions without such flags always set it, and their
// comments say so.

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

// A call that is about to be made, with the details on which an interceptor may
// let its failure depend.
struct Call {
  const char* name;  // the function's name here ("SendMsg")
  int fd = -1;       // the file descriptor, if the call has exactly one
  // EpollCtl: the operation. GetSockOpt, SetSockOpt: the option. Fcntl: the
  // command. Recv, RecvMsg: the flags. EpollWait: the timeout. SendMsg: 1 if it
  // sends a descriptor. Poll: 1 if it may wait. Otherwise 0.
  int detail = 0;
  // Only for Poll:
  const struct pollfd* fds = nullptr;
  nfds_t fd_count = 0;
};

// Decides which system calls fail. The real process has one at most.
class Interceptor {
 public:
  virtual ~Interceptor() = default;
  // Returns 0 to make the call, or the errno with which it fails without being
  // made. Called on any thread. Must not call a function of this layer. It may
  // first do, on the same thread, the work that a blocking call would wait for.
  virtual int FailCall(const Call& call) = 0;
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
  // Called after Dup() has made `fd`, and before Close() closes it, so that a
  // test can count descriptors.
  virtual void OnDup(int fd) { static_cast<void>(fd); }
  virtual void OnClose(int fd) { static_cast<void>(fd); }
};

// Null: no interceptor. Waits until no other thread is inside the former one.
// After that the former one may be destroyed.
void SetInterceptor(Interceptor* interceptor);

// Sets the kernel that answers the calls. Null: the operating system. Call it
// only while no other thread makes calls.
void SetKernel(Kernel* kernel);

// ---- Descriptors ----

// Never retry it: on Linux the file descriptor is closed even if the call
// fails. (An interceptor changes only the result; the file descriptor is
// closed.)
int Close(int fd);
ssize_t Read(int fd, void* buffer, size_t size);
ssize_t Write(int fd, const void* buffer, size_t size);
// A duplicate with close-on-exec set.
int Dup(int fd);
// For a received file descriptor. Returns `fd`, or if its number is a standard
// one, a duplicate with close-on-exec set. -1 and errno: it could not be
// duplicated, and is closed. Interceptors are not asked.
int MoveFromStandard(int fd);
// For programs: opens /dev/null as each standard file descriptor that is
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
// Its precision is a nanosecond. ENOSYS before Linux 5.11. `timeout` null: no
// limit.
int EpollPWait2(int epoll, struct epoll_event* events, int count,
                const struct timespec* timeout);
int EventFd(unsigned initial, int flags);
int TimerFdCreate(int clock, int flags);
int TimerFdSetTime(int fd, int flags, const struct itimerspec* value,
                   struct itimerspec* old_value);
int SignalFd(int fd, const sigset_t* mask, int flags);
// Waits while *word == expected, until the instant `deadline` of
// CLOCK_MONOTONIC (null: no limit). Only threads of this process can wake it.
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

// The calling thread's signal mask, like pthread_sigmask().
int SigMask(int how, const sigset_t* set, sigset_t* old_set);
int SigPending(sigset_t* set);
// Removes and returns a pending signal of `set`.
int SigTimedWait(const sigset_t* set, const struct timespec* timeout);
// CLOCK_MONOTONIC. Cannot fail.
void Clock(struct timespec* now);
// CLOCK_MONOTONIC_COARSE: the time of the kernel's last tick. Cannot fail.
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
