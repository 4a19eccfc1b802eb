// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A simulated kernel. The production code runs on it in a simulation, whose
// seed decides the order of threads.
//
//   Simulation sim(seed);
//   SimKernel kernel(&sim);
//   SimProcess* p = kernel.AddProcess("p", 1000, 1000);
//   sim.Spawn(p, "main", [&] {
//     const int fd = sys::Socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
//     ...
//   });
//   sim.Run();
//   EXPECT_EQ(kernel.Leftovers(), "");
//
// The kernel answers the calls of sys.h that this project makes. It gives the
// same results as Linux. If a call, flag or option is not modelled, the program
// names it and ends.
//
// A call may switch to another thread before it takes effect, and the calling
// process may be killed at this moment. (Clock(), CoarseClock() and GetRandom()
// never switch.) While the calling thread holds an event::Mutex, the switch is
// always to a thread of another process. If that thread locked the same mutex,
// it would deadlock. So a mutex that two processes share must not be held
// during a call. A call that waits lets all other threads run, so its caller
// must hold no lock. Time is the simulation's.
//
// Only threads of processes that AddProcess() has added may make calls. The
// controller (the test's own thread) may call only Clock(), CoarseClock(),
// GetRandom() and FutexWake().
//
// A test can run one thread at a time. A thread that has nothing to do waits at
// its parker (Thread::Current()->parker()). The controller gives work to one
// thread and calls Run(). Run() returns when all threads wait again, in a call
// or at their parkers.

#ifndef LE_MESSAGING_EVENT_TESTING_SIM_KERNEL_H_
#define LE_MESSAGING_EVENT_TESTING_SIM_KERNEL_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "event/base/kernel.h"
#include "event/testing/sim.h"

namespace le {
namespace event {

class SimKernel final : public sys::Kernel {
 public:
  // During its lifetime, this object is the kernel (sys::SetKernel()). From now
  // on killed processes of `sim` are abandoned: no destructor runs, and their
  // memory is not freed.
  explicit SimKernel(Simulation* sim);
  ~SimKernel();
  SimKernel(const SimKernel&) = delete;
  SimKernel& operator=(const SimKernel&) = delete;

  // ---- The world: for the controller and simulated threads ----

  // Adds a process whose loops and parkers make system calls. Its descriptors
  // 0, 1 and 2 are /dev/null. User 0 has the rights of root.
  SimProcess* AddProcess(std::string name, uid_t uid, gid_t gid);
  // Like fork(): gives `child` a duplicate of every descriptor of `parent`.
  // `child` must have just been added.
  void InheritDescriptors(SimProcess* parent, SimProcess* child);
  // Makes `fd` of `process` a duplicate of descriptor `other_fd` of `other`.
  void GiveDescriptor(SimProcess* other, int other_fd, SimProcess* process,
                      int fd);
  // Sends a signal, like kill(). If all threads block the signal, it becomes
  // pending. Otherwise it ends the process. SIGKILL always ends the process.
  void Signal(SimProcess* process, int signal);
  // Makes a folder or a regular file. The parent folder must exist. At first
  // "/", "/tmp" and "/run" exist.
  void MakeFolder(const std::string& path, mode_t mode, uid_t uid, gid_t gid);
  void MakeFile(const std::string& path, std::string content, mode_t mode,
                uid_t uid, gid_t gid);
  // Sets SO_SNDBUF of new sockets. It is 212,992 at first.
  void SetDefaultSendBuffer(int bytes);
  // Sets the largest SO_SNDBUF that a process may set. It is 212,992 at first.
  void SetMaxSendBuffer(int bytes);

  // Sets RLIMIT_NOFILE of all current and later processes.
  void SetDescriptorLimit(size_t limit);

  // Lists the file descriptors of `process` that refer to a file of this kind,
  // such as "socket". Each has its own line.
  std::string DescriptorsOf(const SimProcess* process,
                            absl::string_view kind) const;
  // How many descriptors a process has. 0 if the process has ended.
  size_t DescriptorCount(const SimProcess* process) const;
  // Lists the open file descriptors of all processes, one in each line. If no
  // process has one, lists the remaining files, for example those in flight
  // (sent and not received yet). Returns "" if no file remains.
  std::string Leftovers() const;
  // The number of descriptors in flight that a user has sent.
  size_t InFlight(uid_t uid) const;

  // ---- For simulated threads: calls that the project does not make ----

  // Like pipe2(). `flags`: O_CLOEXEC, and perhaps O_NONBLOCK.
  int Pipe(int fds[2], int flags);
  // Sets how long close() takes when it closes the last file descriptor of a
  // file. `fd` is any file descriptor of that file. The close of a socket also
  // closes the files of its unread packets, and takes their times too.
  void SetCloseTime(int fd, absl::Duration time);
  // From now on, calls `observer` with the name of the calling thread before
  // each close that takes time.
  void ObserveSlowCloses(
      std::function<void(const std::string& thread)> observer);
  // Ends the calling thread's process, like exit(). First sends the messages
  // that the thread has batched in this turn of its loop.
  [[noreturn]] void Exit();
  // Returns after `time` of the simulation has passed. Use it for a handler
  // that computes for long.
  void Spend(absl::Duration time);

  // ---- sys::Kernel ----
  int Close(int fd) override;
  ssize_t Read(int fd, void* buffer, size_t size) override;
  ssize_t Write(int fd, const void* buffer, size_t size) override;
  int Dup(int fd) override;
  int Fcntl(int fd, int command, intptr_t argument) override;
  int Ioctl(int fd, unsigned long request, void* argument) override;
  int Poll(struct pollfd* fds, nfds_t count, int timeout_ms) override;
  int Socket(int domain, int type, int protocol) override;
  int SocketPair(int domain, int type, int protocol, int fds[2]) override;
  int Connect(int fd, const struct sockaddr* address, socklen_t size) override;
  int Bind(int fd, const struct sockaddr* address, socklen_t size) override;
  int Listen(int fd, int backlog) override;
  int Accept4(int fd, struct sockaddr* address, socklen_t* size,
              int flags) override;
  ssize_t Send(int fd, const void* buffer, size_t size, int flags) override;
  ssize_t SendMsg(int fd, const struct msghdr* message, int flags) override;
  ssize_t Recv(int fd, void* buffer, size_t size, int flags) override;
  ssize_t RecvMsg(int fd, struct msghdr* message, int flags) override;
  int SetSockOpt(int fd, int level, int option, const void* value,
                 socklen_t size) override;
  int GetSockOpt(int fd, int level, int option, void* value,
                 socklen_t* size) override;
  int GetSockName(int fd, struct sockaddr* address, socklen_t* size) override;
  int Shutdown(int fd, int how) override;
  int EpollCreate(int flags) override;
  int EpollCtl(int epoll, int operation, int fd,
               struct epoll_event* event) override;
  int EpollWait(int epoll, struct epoll_event* events, int count,
                int timeout_ms) override;
  int EpollPWait2(int epoll, struct epoll_event* events, int count,
                  const struct timespec* timeout) override;
  int EventFd(unsigned initial, int flags) override;
  int TimerFdCreate(int clock, int flags) override;
  int TimerFdSetTime(int fd, int flags, const struct itimerspec* value,
                     struct itimerspec* old_value) override;
  int SignalFd(int fd, const sigset_t* mask, int flags) override;
  int FutexWait(uint32_t* word, uint32_t expected,
                const struct timespec* deadline) override;
  int FutexWake(uint32_t* word, int count) override;
  int Open(const char* path, int flags, mode_t mode) override;
  int Unlink(const char* path) override;
  int Rename(const char* from, const char* to) override;
  ssize_t GetDents(int fd, void* buffer, size_t size) override;
  int Flock(int fd, int operation) override;
  int Mkdir(const char* path, mode_t mode) override;
  int Chmod(const char* path, mode_t mode) override;
  int Stat(const char* path, struct stat* result) override;
  int Lstat(const char* path, struct stat* result) override;
  int Fstat(int fd, struct stat* result) override;
  // Fails like a kernel without inotify.
  int InotifyInit(int flags) override;
  int InotifyAddWatch(int inotify, const char* path, uint32_t events) override;
  int SigMask(int how, const sigset_t* set, sigset_t* old_set) override;
  int SigPending(sigset_t* set) override;
  int SigTimedWait(const sigset_t* set,
                   const struct timespec* timeout) override;
  void Clock(struct timespec* now) override;
  void CoarseClock(struct timespec* now) override;
  int GetRLimit(int resource, struct rlimit* limit) override;
  int SetRLimit(int resource, const struct rlimit* limit) override;
  ssize_t GetRandom(void* buffer, size_t size, unsigned flags) override;
  void SchedYield() override;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TESTING_SIM_KERNEL_H_
