// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/faults/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace le {
namespace faults {
namespace {

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

constexpr Errno Harmless(int value) { return {value, Cost::kNothing}; }
constexpr Errno Costly(int value) { return {value, Cost::kSession}; }

}  // namespace

const std::vector<Kind>& Kinds() {
  // Security modules and system call filters return EACCES and EPERM. They may
  // refuse nearly any call.
  static const auto* const kinds = new std::vector<Kind>{
      {"SendMsg",
       "SendMsg",
       0,
       {Harmless(EINTR), Harmless(EAGAIN), Harmless(ENOBUFS), Harmless(ENOMEM),
        // If each try returns EMSGSIZE, no packet is small enough.
        Costly(EMSGSIZE),
        // The peer has closed, or has shut down its receiving direction.
        Costly(EPIPE), Costly(ECONNRESET), Costly(ECONNREFUSED),
        Costly(ENOTCONN), Costly(EACCES)},
       nullptr},
      {"SendMsg",
       "SendMsg with a descriptor",
       1,
       {Harmless(EINTR), Harmless(EAGAIN), Harmless(ENOBUFS), Harmless(ENOMEM),
        Harmless(ETOOMANYREFS), Costly(EMSGSIZE), Costly(EPIPE),
        Costly(ECONNRESET),
        // The caller has closed the descriptor, or its file cannot be sent.
        Harmless(EBADF), Harmless(EINVAL), Harmless(EPERM), Harmless(EACCES)},
       nullptr},
      {"Send",
       "Send",
       kAny,
       {Harmless(EINTR), Harmless(EAGAIN), Harmless(ENOBUFS), Harmless(ENOMEM),
        Costly(EMSGSIZE), Costly(EPIPE), Costly(ECONNRESET),
        Costly(ECONNREFUSED), Costly(ENOTCONN), Costly(EACCES)},
       nullptr},
      {"Recv",
       "Recv",
       kAny,
       {Harmless(EINTR), Harmless(EAGAIN), Costly(ECONNRESET), Costly(ENOMEM),
        Costly(ENOBUFS), Costly(EACCES)},
       nullptr},
      {"RecvMsg",
       "RecvMsg",
       kAny,
       {Harmless(EINTR),
        // A blocking socket may return EAGAIN too: the process that had the
        // socket before may have set O_NONBLOCK.
        Harmless(EAGAIN), Costly(ECONNRESET), Costly(ENOMEM), Costly(ENOBUFS),
        Costly(EACCES)},
       nullptr},
      {"EpollCtl",
       "EpollCtl ADD",
       EPOLL_CTL_ADD,
       {Harmless(ENOMEM), Harmless(ENOSPC)},
       nullptr},
      {"EpollCtl", "EpollCtl MOD", EPOLL_CTL_MOD, {}, "allocates nothing"},
      {"EpollCtl", "EpollCtl DEL", EPOLL_CTL_DEL, {}, "allocates nothing"},
      {"EpollWait", "EpollWait", kAny, {Harmless(EINTR)}, nullptr},
      // ENOSYS and EPERM are permanent. Another test covers them.
      {"EpollPWait2", "EpollPWait2", kAny, {Harmless(EINTR)}, nullptr},
      {"Poll", "Poll", kAny, {Harmless(EINTR), Costly(ENOMEM)}, nullptr},
      {"Read", "Read", kAny, {Harmless(EINTR), Harmless(EAGAIN)}, nullptr},
      {"Socket",
       "Socket",
       kAny,
       {Harmless(EMFILE), Harmless(ENFILE), Harmless(ENOMEM), Harmless(ENOBUFS),
        Harmless(EACCES)},
       nullptr},
      {"Connect",
       "Connect",
       kAny,
       {Harmless(EAGAIN), Harmless(ECONNREFUSED), Harmless(ENOENT),
        Harmless(EINTR), Harmless(ENOMEM), Harmless(ENFILE), Harmless(EACCES)},
       nullptr},
      {"Accept4",
       "Accept4",
       kAny,
       {Harmless(EMFILE), Harmless(ENFILE), Harmless(ENOMEM), Harmless(ENOBUFS),
        Harmless(ECONNABORTED), Harmless(EINTR), Harmless(EAGAIN),
        Harmless(EPERM)},
       nullptr},
      {"Dup", "Dup", kAny, {Harmless(EMFILE)}, nullptr},
      {"GetSockOpt",
       "GetSockOpt SO_PEERPIDFD",
       SO_PEERPIDFD,
       {Harmless(ENOPROTOOPT), Harmless(EMFILE), Harmless(ESRCH)},
       nullptr},
      {"GetSockOpt",
       "GetSockOpt",
       kAny,
       {Harmless(ENOMEM), Harmless(ENOBUFS), Harmless(EACCES)},
       nullptr},
      {"SetSockOpt",
       "SetSockOpt",
       kAny,
       {Harmless(ENOMEM), Harmless(ENOBUFS), Harmless(EACCES)},
       nullptr},
      {"Ioctl", "Ioctl", kAny, {Harmless(ENOMEM), Harmless(EACCES)}, nullptr},
      {"Fcntl", "Fcntl F_SETFL", F_SETFL, {Harmless(EACCES)}, nullptr},
      {"Fcntl",
       "Fcntl F_GETFD",
       F_GETFD,
       {},
       "fails only if the descriptor is not open, which is a caller's misuse"},
      {"Shutdown", "Shutdown", kAny, {}, "the socket is connected"},
      {"SigMask", "SigMask", kAny, {}, "allocates nothing"},
      {"Close", "Close", kAny, {Harmless(EINTR), Harmless(EIO)}, nullptr},
      {"Bind",
       "Bind",
       kAny,
       {Harmless(EADDRINUSE), Harmless(ENOMEM), Harmless(EACCES),
        Harmless(ENOSPC), Harmless(EROFS), Harmless(ENOENT)},
       nullptr},
      {"Listen", "Listen", kAny, {Harmless(ENOMEM), Harmless(EACCES)}, nullptr},
      {"Chmod",
       "Chmod",
       kAny,
       {Harmless(EPERM), Harmless(EROFS), Harmless(ENOENT), Harmless(EIO)},
       nullptr},
      {"Lstat",
       "Lstat",
       kAny,
       {Harmless(EACCES), Harmless(ENOENT), Harmless(ENOMEM)},
       nullptr},
      {"Unlink",
       "Unlink",
       kAny,
       {Harmless(EACCES), Harmless(ENOENT), Harmless(EROFS), Harmless(EIO)},
       nullptr},
      {"GetRLimit", "GetRLimit", kAny, {Harmless(EPERM)}, nullptr},
      {"GetRandom",
       "GetRandom",
       kAny,
       {Harmless(EINTR), Harmless(ENOSYS)},
       nullptr},
      // EAGAIN: another thread has changed the word.
      {"FutexWait",
       "FutexWait",
       kAny,
       {Harmless(EINTR), Harmless(EAGAIN)},
       nullptr},
      {"FutexWake", "FutexWake", kAny, {}, "allocates nothing"},
      {"Write", "Write", kAny, {}, "an eventfd is full only after 2^64 wakes"},
  };
  return *kinds;
}

const Kind* KindOf(const event::sys::Call& call) {
  for (const Kind& kind : Kinds()) {
    if (strcmp(kind.call, call.name) == 0 &&
        (kind.detail == kAny || kind.detail == call.detail)) {
      return &kind;
    }
  }
  return nullptr;
}

const std::vector<FatalCall>& FatalCalls() {
  static const auto* const calls = new std::vector<FatalCall>{
      {"EpollCreate",
       {EMFILE, ENFILE, ENOMEM},
       "a thread that uses the library for the first time gets no loop"},
      {"EventFd", {EMFILE, ENFILE, ENOMEM}, "like EpollCreate"},
      {"EpollCtl", {ENOMEM, ENOSPC}, "nothing could wake a thread's new loop"},
      {"TimerFdCreate",
       {EMFILE, ENFILE, ENOMEM},
       "le_event_GetFd() has no descriptor to return"},
  };
  return *calls;
}

bool MayLast(int error) {
  // EINTR: the signal was handled before the next try. ECONNABORTED: the next
  // try accepts another connection. EAGAIN: before the next try the library
  // waits until the descriptor is ready, or until a backlog may have room.
  return error != EINTR && error != EAGAIN && error != ECONNABORTED;
}

const char* ErrnoName(int error) { return strerrorname_np(error); }

}  // namespace faults
}  // namespace le
