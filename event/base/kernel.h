// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_BASE_KERNEL_H_
#define LE_MESSAGING_EVENT_BASE_KERNEL_H_

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

namespace le {
namespace event {
namespace sys {

// Answers the system calls that sys.h declares and describes. The default is
// the operating system; a test can set another kernel (SetKernel()). Any thread
// may make calls.
class Kernel {
 public:
  // ---- File descriptors ----
  virtual int Close(int fd) = 0;
  virtual ssize_t Read(int fd, void* buffer, size_t size) = 0;
  virtual ssize_t Write(int fd, const void* buffer, size_t size) = 0;
  virtual int Dup(int fd) = 0;
  virtual int Fcntl(int fd, int command, intptr_t argument) = 0;
  virtual int Ioctl(int fd, unsigned long request, void* argument) = 0;
  virtual int Poll(struct pollfd* fds, nfds_t count, int timeout_ms) = 0;

  // ---- Sockets ----
  virtual int Socket(int domain, int type, int protocol) = 0;
  virtual int SocketPair(int domain, int type, int protocol, int fds[2]) = 0;
  virtual int Connect(int fd, const struct sockaddr* address,
                      socklen_t size) = 0;
  virtual int Bind(int fd, const struct sockaddr* address, socklen_t size) = 0;
  virtual int Listen(int fd, int backlog) = 0;
  virtual int Accept4(int fd, struct sockaddr* address, socklen_t* size,
                      int flags) = 0;
  virtual ssize_t Send(int fd, const void* buffer, size_t size, int flags) = 0;
  virtual ssize_t SendMsg(int fd, const struct msghdr* message, int flags) = 0;
  virtual ssize_t Recv(int fd, void* buffer, size_t size, int flags) = 0;
  virtual ssize_t RecvMsg(int fd, struct msghdr* message, int flags) = 0;
  virtual int SetSockOpt(int fd, int level, int option, const void* value,
                         socklen_t size) = 0;
  virtual int GetSockOpt(int fd, int level, int option, void* value,
                         socklen_t* size) = 0;
  virtual int GetSockName(int fd, struct sockaddr* address,
                          socklen_t* size) = 0;
  virtual int Shutdown(int fd, int how) = 0;

  // ---- Waiting ----
  virtual int EpollCreate(int flags) = 0;
  virtual int EpollCtl(int epoll, int operation, int fd,
                       struct epoll_event* event) = 0;
  virtual int EpollWait(int epoll, struct epoll_event* events, int count,
                        int timeout_ms) = 0;
  virtual int EpollPWait2(int epoll, struct epoll_event* events, int count,
                          const struct timespec* timeout) = 0;
  virtual int EventFd(unsigned initial, int flags) = 0;
  virtual int TimerFdCreate(int clock, int flags) = 0;
  virtual int TimerFdSetTime(int fd, int flags, const struct itimerspec* value,
                             struct itimerspec* old_value) = 0;
  virtual int SignalFd(int fd, const sigset_t* mask, int flags) = 0;
  virtual int FutexWait(uint32_t* word, uint32_t expected,
                        const struct timespec* deadline) = 0;
  virtual int FutexWake(uint32_t* word, int count) = 0;

  // ---- Files ----
  virtual int Open(const char* path, int flags, mode_t mode) = 0;
  virtual int Unlink(const char* path) = 0;
  virtual int Rename(const char* from, const char* to) = 0;
  virtual ssize_t GetDents(int fd, void* buffer, size_t size) = 0;
  virtual int Flock(int fd, int operation) = 0;
  virtual int Mkdir(const char* path, mode_t mode) = 0;
  virtual int Chmod(const char* path, mode_t mode) = 0;
  virtual int Stat(const char* path, struct stat* result) = 0;
  virtual int Lstat(const char* path, struct stat* result) = 0;
  virtual int Fstat(int fd, struct stat* result) = 0;
  virtual int InotifyInit(int flags) = 0;
  virtual int InotifyAddWatch(int inotify, const char* path,
                              uint32_t events) = 0;

  // ---- Process ----
  virtual int SigMask(int how, const sigset_t* set, sigset_t* old_set) = 0;
  virtual int SigPending(sigset_t* set) = 0;
  virtual int SigTimedWait(const sigset_t* set,
                           const struct timespec* timeout) = 0;
  virtual void Clock(struct timespec* now) = 0;
  virtual void CoarseClock(struct timespec* now) = 0;
  virtual int GetRLimit(int resource, struct rlimit* limit) = 0;
  virtual int SetRLimit(int resource, const struct rlimit* limit) = 0;
  virtual ssize_t GetRandom(void* buffer, size_t size, unsigned flags) = 0;
  virtual void SchedYield() = 0;

 protected:
  // This destructor is not virtual. So the object for the operating system has
  // a trivial destructor, and code in exit() can still make calls.
  ~Kernel() = default;
};

}  // namespace sys
}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_KERNEL_H_
