// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kernel/call.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "event/base/sys.h"

namespace le {
namespace kernel_test {
namespace {

namespace sys = ::le::event::sys;

constexpr size_t kBufferSize = 256 * 1024;
// Room for SCM_MAX_FD descriptors and credentials.
constexpr size_t kControlSize = 2048;
constexpr int kMaxEvents = 16;

// All calls receive into this buffer, even if several processes are fibers of
// one real process. That is safe: the received bytes are read before any
// process makes another call.
unsigned char g_received[kBufferSize];

// Each payload is a part of one pattern.
constexpr size_t kPayloadOffsets = 4096;
constexpr size_t kMaxPayload = kBufferSize - kPayloadOffsets;

const unsigned char* PayloadOf(uint32_t payload) {
  static const unsigned char* const pattern = [] {
    static unsigned char bytes[kBufferSize];
    uint64_t state = 1;
    for (unsigned char& byte : bytes) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<unsigned char>(state >> 56);
    }
    return bytes;
  }();
  return pattern + payload * 8 % kPayloadOffsets;
}

int64_t Hash(const unsigned char* bytes, size_t size) {
  uint64_t hash = size + 1;
  for (; size >= 8; bytes += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, bytes, 8);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  for (size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return static_cast<int64_t>(hash >> 1);
}

class Caller {
 public:
  Caller(const Request& request, const MakePipe& make_pipe, Response* response)
      : request_(request), make_pipe_(make_pipe), response_(response) {}

  void Make();

 private:
  int fd() const { return request_.fd; }
  int arg(int i) const { return static_cast<int>(request_.args[i]); }
  size_t size() const {
    return std::min(static_cast<size_t>(request_.args[0]), kMaxPayload);
  }

  bool Ended(int64_t result) {
    response_->result = result;
    response_->error = result < 0 ? errno : 0;
    return result >= 0;
  }
  void Answer(int64_t word) {
    if (response_->word_count < kMaxWords) {
      response_->words[response_->word_count++] = word;
    }
  }
  void Made(int fd) {
    const int tag = request_.tags[response_->fd_count];
    sys::Fcntl(fd, F_SETSIG, tag);
    Have(fd, tag);
  }
  void Have(int fd, int tag) {
    if (response_->fd_count == kMaxFds) return;
    response_->fds[response_->fd_count] = fd;
    response_->tags[response_->fd_count++] = tag;
  }
  void EndedMaking(int fd) {
    if (Ended(fd)) Made(fd);
  }

  struct sockaddr_un Address() const;
  void AnswerAddress(const struct sockaddr_un& address, socklen_t size);
  void SendMsg();
  void RecvMsg();
  void AnswerControl(struct msghdr* message);
  void SetSockOpt();
  void GetSockOpt();
  void Ioctl();
  void EpollCtl();
  void EpollWait();
  void TimerSet();
  void Poll();
  void PollAll();
  void SetLimit();

  const Request& request_;
  const MakePipe& make_pipe_;
  Response* const response_;
};

struct sockaddr_un Caller::Address() const {
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, request_.path, sizeof(address.sun_path) - 1);
  return address;
}

// Adds only the last letter of a path to the response, because the folders of
// the two kernels differ.
void Caller::AnswerAddress(const struct sockaddr_un& address, socklen_t size) {
  const size_t length = strnlen(address.sun_path, sizeof(address.sun_path));
  Answer(size <= offsetof(struct sockaddr_un, sun_path) ? size
         : length == 0                                  ? -1
                       : 1000 + address.sun_path[length - 1]);
}

void Caller::SendMsg() {
  struct iovec span = {const_cast<unsigned char*>(PayloadOf(request_.payload)),
                       size()};
  alignas(struct cmsghdr) unsigned char control[kControlSize] = {};
  struct msghdr message = {};
  message.msg_iov = &span;
  message.msg_iovlen = 1;
  size_t used = 0;
  if (request_.fd_count > 0) {
    auto* const rights = reinterpret_cast<struct cmsghdr*>(control);
    const size_t bytes = sizeof(int) * static_cast<size_t>(request_.fd_count);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(rights), request_.fds, bytes);
    used += CMSG_SPACE(bytes);
  }
  if (request_.args[2] != kNoCredentials) {
    auto* const sender = reinterpret_cast<struct cmsghdr*>(control + used);
    const struct ucred credentials = {request_.pid, request_.uid, request_.gid};
    sender->cmsg_level = SOL_SOCKET;
    sender->cmsg_type = SCM_CREDENTIALS;
    sender->cmsg_len = CMSG_LEN(sizeof(credentials));
    std::memcpy(CMSG_DATA(sender), &credentials, sizeof(credentials));
    used += CMSG_SPACE(sizeof(credentials));
  }
  if (used > 0) {
    message.msg_control = control;
    message.msg_controllen = used;
  }
  Ended(sys::SendMsg(fd(), &message, arg(1)));
}

void Caller::RecvMsg() {
  struct iovec span = {g_received, size()};
  alignas(struct cmsghdr) unsigned char control[kControlSize] = {};
  struct msghdr message = {};
  message.msg_iov = &span;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen =
      std::min(static_cast<size_t>(request_.args[2]), sizeof(control));
  if (!Ended(sys::RecvMsg(fd(), &message, arg(1)))) return;
  Answer(Hash(g_received,
              std::min(static_cast<size_t>(response_->result), size())));
  Answer(message.msg_flags);
  AnswerControl(&message);
}

void Caller::AnswerControl(struct msghdr* message) {
  const auto* const control =
      static_cast<const unsigned char*>(message->msg_control);
  const size_t size = message->msg_controllen;
  Answer(static_cast<int64_t>(size));
  for (size_t at = 0; at + sizeof(struct cmsghdr) <= size;) {
    struct cmsghdr header;
    std::memcpy(&header, control + at, sizeof(header));
    Answer(header.cmsg_level);
    Answer(header.cmsg_type);
    Answer(static_cast<int64_t>(header.cmsg_len));
    if (header.cmsg_len < sizeof(header)) return;
    const size_t bytes = std::min(header.cmsg_len, size - at) - sizeof(header);
    const unsigned char* const data = control + at + sizeof(header);
    if (header.cmsg_type == SCM_RIGHTS) {
      for (size_t i = 0; i + sizeof(int) <= bytes; i += sizeof(int)) {
        int received;
        std::memcpy(&received, data + i, sizeof(received));
        Have(received, sys::Fcntl(received, F_GETSIG, 0));
      }
    } else if (bytes >= sizeof(struct ucred)) {
      struct ucred credentials;
      std::memcpy(&credentials, data, sizeof(credentials));
      response_->pid_at = response_->word_count;
      Answer(credentials.pid);
      Answer(credentials.uid);
      Answer(credentials.gid);
    }
    at += CMSG_ALIGN(header.cmsg_len);
  }
}

void Caller::SetSockOpt() {
  const int value = arg(1);
  Ended(sys::SetSockOpt(fd(), SOL_SOCKET, arg(0), &value, sizeof(value)));
}

void Caller::GetSockOpt() {
  if (arg(0) == SO_PEERCRED) {
    struct ucred credentials = {};
    socklen_t size = sizeof(credentials);
    if (!Ended(sys::GetSockOpt(fd(), SOL_SOCKET, SO_PEERCRED, &credentials,
                               &size))) {
      return;
    }
    response_->pid_at = response_->word_count;
    Answer(credentials.pid);
    Answer(credentials.uid);
    Answer(credentials.gid);
    return;
  }
  int value = -1;
  socklen_t size = sizeof(value);
  if (!Ended(sys::GetSockOpt(fd(), SOL_SOCKET, arg(0), &value, &size))) return;
  if (arg(0) == kPeerPidFd) {
    Made(value);
  } else {
    Answer(value);
  }
}

void Caller::Ioctl() {
  int value = -1;
  if (Ended(sys::Ioctl(fd(), static_cast<unsigned long>(arg(0)), &value))) {
    Answer(value);
  }
}

void Caller::EpollCtl() {
  struct epoll_event event = {};
  event.events = static_cast<uint32_t>(request_.args[1]);
  event.data.u64 = static_cast<uint64_t>(request_.args[2]);
  Ended(sys::EpollCtl(fd(), arg(0), request_.fds[0], &event));
}

void Caller::EpollWait() {
  struct epoll_event events[kMaxEvents] = {};
  const int count = std::min(arg(0), kMaxEvents);
  if (!Ended(sys::EpollWait(fd(), events, count, arg(1)))) return;
  for (int i = 0; i < response_->result; ++i) {
    Answer(events[i].events);
    Answer(static_cast<int64_t>(events[i].data.u64));
  }
}

void Caller::TimerSet() {
  struct itimerspec when = {};
  if (request_.args[0] == kPast) when.it_value.tv_nsec = 1;
  if (request_.args[0] == kFarFuture) when.it_value.tv_sec = 4000000000;
  if (!Ended(sys::TimerFdSetTime(fd(), TFD_TIMER_ABSTIME, &when, nullptr))) {
    return;
  }
  // A timer with a deadline in the past expires in an interrupt: wait for it.
  struct pollfd expired = {fd(), POLLIN, 0};
  if (request_.args[0] == kPast) sys::Poll(&expired, 1, -1);
}

void Caller::Poll() {
  struct pollfd polled[kMaxFds];
  for (int i = 0; i < request_.fd_count; ++i) {
    polled[i] = {request_.fds[i], static_cast<short>(request_.events[i]), 0};
  }
  if (!Ended(
          sys::Poll(polled, static_cast<nfds_t>(request_.fd_count), arg(0)))) {
    return;
  }
  for (int i = 0; i < request_.fd_count; ++i) Answer(polled[i].revents);
}

// Adds to the response the readiness of each file descriptor from 0 to
// args[0] - 1. A number that is not open has POLLNVAL.
void Caller::PollAll() {
  struct pollfd polled[kMaxFds];
  const int count = std::min(arg(0), kMaxFds);
  for (int i = 0; i < count; ++i) {
    polled[i] = {i, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
  }
  if (!Ended(sys::Poll(polled, static_cast<nfds_t>(count), 0))) return;
  for (int i = 0; i < count; ++i) Answer(polled[i].revents);
}

void Caller::SetLimit() {
  struct rlimit limit;
  if (!Ended(sys::GetRLimit(RLIMIT_NOFILE, &limit))) return;
  limit.rlim_cur = static_cast<rlim_t>(request_.args[0]);
  Ended(sys::SetRLimit(RLIMIT_NOFILE, &limit));
}

void Caller::Make() {
  switch (request_.op) {
    case Op::kSocket:
      EndedMaking(sys::Socket(AF_UNIX, SOCK_SEQPACKET | arg(0), 0));
      return;
    case Op::kSocketPair:
    case Op::kPipe: {
      int fds[2] = {-1, -1};
      if (Ended(request_.op == Op::kPipe
                    ? make_pipe_(fds, arg(0))
                    : sys::SocketPair(AF_UNIX, SOCK_SEQPACKET | arg(0), 0,
                                      fds))) {
        Made(fds[0]);
        Made(fds[1]);
      }
      return;
    }
    case Op::kBind:
    case Op::kConnect: {
      const struct sockaddr_un address = Address();
      const auto* const general =
          reinterpret_cast<const struct sockaddr*>(&address);
      Ended(request_.op == Op::kBind
                ? sys::Bind(fd(), general, sizeof(address))
                : sys::Connect(fd(), general, sizeof(address)));
      return;
    }
    case Op::kListen:
      Ended(sys::Listen(fd(), arg(0)));
      return;
    case Op::kAccept:
      EndedMaking(sys::Accept4(fd(), nullptr, nullptr, arg(0)));
      return;
    case Op::kSend:
      Ended(sys::Send(fd(), PayloadOf(request_.payload), size(), arg(1)));
      return;
    case Op::kSendMsg:
      SendMsg();
      return;
    case Op::kRecv:
      if (Ended(sys::Recv(fd(), g_received, size(), arg(1)))) {
        Answer(Hash(g_received,
                    std::min(static_cast<size_t>(response_->result), size())));
      }
      return;
    case Op::kRecvMsg:
      RecvMsg();
      return;
    case Op::kRead:
      if (Ended(sys::Read(fd(), g_received, size()))) {
        Answer(Hash(g_received, static_cast<size_t>(response_->result)));
      }
      return;
    case Op::kWrite: {
      // An eventfd accepts eight bytes: a number.
      const int64_t value = request_.args[1];
      Ended(size() == sizeof(value)
                ? sys::Write(fd(), &value, sizeof(value))
                : sys::Write(fd(), PayloadOf(request_.payload), size()));
      return;
    }
    case Op::kShutdown:
      Ended(sys::Shutdown(fd(), arg(0)));
      return;
    case Op::kClose:
      Ended(sys::Close(fd()));
      return;
    case Op::kDup: {
      const int made = sys::Dup(fd());
      if (Ended(made)) Have(made, sys::Fcntl(made, F_GETSIG, 0));
      return;
    }
    case Op::kFcntl:
      Ended(sys::Fcntl(fd(), arg(0), arg(1)));
      return;
    case Op::kIoctl:
      Ioctl();
      return;
    case Op::kSetSockOpt:
      SetSockOpt();
      return;
    case Op::kGetSockOpt:
      GetSockOpt();
      return;
    case Op::kGetSockName: {
      struct sockaddr_un address = {};
      socklen_t size = sizeof(address);
      if (Ended(sys::GetSockName(
              fd(), reinterpret_cast<struct sockaddr*>(&address), &size))) {
        AnswerAddress(address, size);
      }
      return;
    }
    case Op::kEpollCreate:
      EndedMaking(sys::EpollCreate(EPOLL_CLOEXEC));
      return;
    case Op::kEpollCtl:
      EpollCtl();
      return;
    case Op::kEpollWait:
      EpollWait();
      return;
    case Op::kEventFd:
      EndedMaking(sys::EventFd(static_cast<unsigned>(arg(0)), arg(1)));
      return;
    case Op::kTimerFd:
      EndedMaking(sys::TimerFdCreate(CLOCK_MONOTONIC, arg(0)));
      return;
    case Op::kTimerSet:
      TimerSet();
      return;
    case Op::kPoll:
      Poll();
      return;
    case Op::kPollAll:
      PollAll();
      return;
    case Op::kSetLimit:
      SetLimit();
      return;
    case Op::kUnlink:
      Ended(sys::Unlink(request_.path));
      return;
    case Op::kChmod:
      Ended(sys::Chmod(request_.path, static_cast<mode_t>(request_.args[1])));
      return;
    case Op::kKill:
      return;
  }
}

}  // namespace

void Perform(const Request& request, const MakePipe& make_pipe,
             Response* response) {
  response->result = 0;
  response->error = 0;
  response->fd_count = 0;
  response->word_count = 0;
  response->pid_at = -1;
  Caller(request, make_pipe, response).Make();
}

}  // namespace kernel_test
}  // namespace le
