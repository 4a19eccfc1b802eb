// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The thin layer for system calls. (Some code makes system calls without this
// layer; event/DESIGN.md lists that code.)
//
// Except MoveFromStandard() and OpenMissingStandard(), each function makes one
// call of the operating system, with its conventions: -1 and errno on failure,
// and no retries. A test can make a call fail (see Interceptor), or let another
// kernel answer it (see SetKernel()). In production this layer adds one relaxed
// load and a few predicted branches to each call.
//
// File descriptors 0 to 2 are the standard ones: the user's program and log
// lines use them. A function of this layer that makes a file descriptor never
// returns such a number, even if the number is free. But a file descriptor from
// RecvMsg(), Fcntl() or GetSockOpt() (SO_PEERPIDFD) may have such a number (see
// MoveFromStandard()).
//
// To make a file descriptor close-on-exec, a caller passes a flag
// (SOCK_CLOEXEC, O_CLOEXEC, ...). The duplicates of Dup() and
// MoveFromStandard() are always close-on-exec.

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

// Describes a system call. An interceptor decides by this description whether
// the call fails.
struct Call {
  const char* name;  // the name of the function in this header ("SendMsg")
  // The file descriptor. EpollCtl: that of epoll. Poll, SignalFd, and calls
  // without a file descriptor: -1.
  int fd = -1;
  // Depends on the call:
  //  - EpollCtl: the operation.
  //  - GetSockOpt, SetSockOpt: the option.
  //  - Fcntl: the command.
  //  - Recv, RecvMsg: the flags.
  //  - EpollWait: the timeout.
  //  - SendMsg: 1 if it sends a file descriptor, otherwise 0.
  //  - Poll: 1 if it may wait, otherwise 0.
  //  - Other calls: 0.
  int detail = 0;
  // Only for Poll:
  const struct pollfd* fds = nullptr;
  nfds_t fd_count = 0;
};

// Decides which system calls fail. There is at most one interceptor: all
// simulated processes of a test share it.
class Interceptor {
 public:
  virtual ~Interceptor() = default;
  // Returns 0 to make the call. Otherwise the call is not made, and fails with
  // the returned errno. (Exception: Close() closes the file descriptor before
  // it calls FailCall().) Any thread may call FailCall(). FailCall() may call
  // functions of this layer, for example to do the work for which a blocking
  // call would wait. FailCall() is called for these calls too.
  virtual int FailCall(const Call& call) = 0;
  // May set the time that Clock() or CoarseClock() returns. Returns false to
  // use the kernel's time.
  virtual bool Clock(struct timespec* now) {
    static_cast<void>(now);
    return false;
  }
  // May fill the buffer in place of GetRandom(). Returns false to let the
  // kernel fill it.
  virtual bool Random(void* buffer, size_t size) {
    static_cast<void>(buffer);
    static_cast<void>(size);
    return false;
  }
  // With OnDup() and OnClose(), a test can count file descriptors. OnDup() is
  // called after Dup() has made `fd`. OnClose() is called before Close() closes
  // `fd`.
  virtual void OnDup(int fd) { static_cast<void>(fd); }
  virtual void OnClose(int fd) { static_cast<void>(fd); }
};

// Sets the interceptor. Null removes it. Waits until no other thread is inside
// the former interceptor. After the call, the former interceptor may be
// destroyed.
void SetInterceptor(Interceptor* interceptor);

// Sets the kernel that answers the calls. Null means the operating system.
// Call it only while no other thread makes calls.
void SetKernel(Kernel* kernel);

// ---- File descriptors ----

// Never retry a failed Close(): on Linux the file descriptor is closed even if
// the call fails. This is also true if an interceptor makes the call fail.
int Close(int fd);
ssize_t Read(int fd, void* buffer, size_t size);
ssize_t Write(int fd, const void* buffer, size_t size);
// Returns a duplicate with close-on-exec set.
int Dup(int fd);
// For a file descriptor that was received or has just been made. If its number
// is not a standard one, returns `fd`. Otherwise closes `fd` and returns a
// duplicate with close-on-exec set. If duplicating fails, returns -1 and sets
// errno. An interceptor cannot make it fail.
int MoveFromStandard(int fd);
// Opens /dev/null in place of each standard file descriptor that is closed. For
// programs, not for libraries.
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
// Its precision is a nanosecond. Fails with ENOSYS before Linux 5.11. If
// `timeout` is null, it waits without limit.
int EpollPWait2(int epoll, struct epoll_event* events, int count,
                const struct timespec* timeout);
int EventFd(unsigned initial, int flags);
int TimerFdCreate(int clock, int flags);
int TimerFdSetTime(int fd, int flags, const struct itimerspec* value,
                   struct itimerspec* old_value);
int SignalFd(int fd, const sigset_t* mask, int flags);
// Waits while *word == expected, at most until the time `deadline` of
// CLOCK_MONOTONIC. If `deadline` is null, it waits without limit. FutexWake()
// wakes only threads of its own process.
int FutexWait(uint32_t* word, uint32_t expected,
              const struct timespec* deadline);
int FutexWake(uint32_t* word, int count);

// ---- Files ----

int Open(const char* path, int flags, mode_t mode);
int Unlink(const char* path);
int Rename(const char* from, const char* to);
// Fills the buffer with the next entries of a folder (struct dirent64), like
// getdents64(2). Returns the size of these entries, and 0 at the end.
ssize_t GetDents(int fd, void* buffer, size_t size);
int Flock(int fd, int operation);
int Mkdir(const char* path, mode_t mode);
int Chmod(const char* path, mode_t mode);
int Stat(const char* path, struct stat* result);
int Lstat(const char* path, struct stat* result);
int Fstat(int fd, struct stat* result);
int InotifyInit(int flags);
int InotifyAddWatch(int inotify, const char* path, uint32_t events);

// ---- Process ----

// Changes the calling thread's signal mask, like pthread_sigmask().
int SigMask(int how, const sigset_t* set, sigset_t* old_set);
int SigPending(sigset_t* set);
// Removes and returns a pending signal of `set`.
int SigTimedWait(const sigset_t* set, const struct timespec* timeout);
// Reads CLOCK_MONOTONIC. Cannot fail.
void Clock(struct timespec* now);
// Reads CLOCK_MONOTONIC_COARSE, the time of the kernel's last tick. Cannot
// fail.
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
