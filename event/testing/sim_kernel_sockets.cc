// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// SimKernel: the calls for sockets.

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/testing/sim_kernel.h"
#include "event/testing/sim_kernel_impl.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83  // since Linux 6.16
#endif

namespace le {
namespace event {
namespace {

constexpr size_t kMaxDescriptorsInPacket = 253;
// The number that the kernel reports for an unknown user.
constexpr uid_t kOverflowId = 65534;

// The path of an address, or "" if the address has no path. Abstract names are
// not modelled.
std::string PathOf(const struct sockaddr* address, socklen_t size) {
  if (size < sizeof(sa_family_t) || address->sa_family != AF_UNIX) return "";
  const auto* const unix_address =
      reinterpret_cast<const struct sockaddr_un*>(address);
  const size_t length = size - offsetof(struct sockaddr_un, sun_path);
  if (length > 0 && unix_address->sun_path[0] == '\0') {
    NotModelled("an abstract address");
  }
  return std::string(unix_address->sun_path,
                     strnlen(unix_address->sun_path, length));
}

size_t SizeOf(const struct msghdr* message) {
  size_t size = 0;
  for (size_t i = 0; i < message->msg_iovlen; ++i) {
    size += message->msg_iov[i].iov_len;
  }
  return size;
}

// Puts the descriptors and credentials of a message's control data into
// `packet`. Returns a negative errno if they are not allowed.
int TakeControl(const SimKernelProcess* process, const struct msghdr* message,
                SimPacket* packet) {
  auto* const raw = const_cast<struct msghdr*>(message);
  for (struct cmsghdr* c = CMSG_FIRSTHDR(raw); c != nullptr;
       c = CMSG_NXTHDR(raw, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_RIGHTS) {
      const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      if (packet->files.size() + count > kMaxDescriptorsInPacket) {
        return -EINVAL;
      }
      for (size_t i = 0; i < count; ++i) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
        SimFile* const file = process->Get(fd);
        if (file == nullptr) return -EBADF;
        packet->files.push_back(SimFileRef::Share(file));
      }
    } else if (c->cmsg_type == SCM_CREDENTIALS) {
      struct ucred who;
      if (c->cmsg_len != CMSG_LEN(sizeof(who))) return -EINVAL;
      memcpy(&who, CMSG_DATA(c), sizeof(who));
      const bool own = who.pid == process->who.pid &&
                       who.uid == process->who.uid &&
                       who.gid == process->who.gid;
      if (!own && !process->privileged()) return -EPERM;
      packet->has_credentials = true;
      packet->credentials = {who.pid, who.uid, who.gid};
    } else {
      return -EINVAL;
    }
  }
  return 0;
}

// Writes the control data of a received message.
class ControlWriter {
 public:
  explicit ControlWriter(struct msghdr* message)
      : message_(message),
        next_(static_cast<char*>(message->msg_control)),
        left_(message->msg_control == nullptr ? 0 : message->msg_controllen) {}
  // The number of descriptors that fit into the rest of the buffer.
  size_t DescriptorRoom() const {
    return left_ <= sizeof(struct cmsghdr)
               ? 0
               : (left_ - sizeof(struct cmsghdr)) / sizeof(int);
  }
  void Add(int type, const void* data, size_t size) {
    if (left_ < sizeof(struct cmsghdr)) {
      message_->msg_flags |= MSG_CTRUNC;
      return;
    }
    size_t length = CMSG_LEN(size);
    if (left_ < length) {
      message_->msg_flags |= MSG_CTRUNC;
      length = left_;
    }
    struct cmsghdr header = {};
    header.cmsg_level = SOL_SOCKET;
    header.cmsg_type = type;
    header.cmsg_len = length;
    memcpy(next_, &header, sizeof(header));
    memcpy(next_ + CMSG_LEN(0), data, length - CMSG_LEN(0));
    const size_t space = std::min(left_, CMSG_SPACE(size));
    next_ += space;
    left_ -= space;
  }
  size_t used() const {
    return static_cast<size_t>(next_ -
                               static_cast<char*>(message_->msg_control));
  }

 private:
  struct msghdr* const message_;
  char* next_;
  size_t left_;
};

void GiveControl(SimKernelProcess* process, const SimSock* sock,
                 const SimPacket& packet, int flags, struct msghdr* message) {
  if (message->msg_control == nullptr) {
    if (sock->pass_credentials() || !packet.files.empty()) {
      message->msg_flags |= MSG_CTRUNC;
    }
    message->msg_controllen = 0;
    return;
  }
  ControlWriter writer(message);
  if (sock->pass_credentials()) {
    struct ucred who = {0, kOverflowId, kOverflowId};
    if (packet.has_credentials) {
      who = {packet.credentials.pid, packet.credentials.uid,
             packet.credentials.gid};
    }
    writer.Add(SCM_CREDENTIALS, &who, sizeof(who));
  }
  if (!packet.files.empty()) {
    int fds[kMaxDescriptorsInPacket];
    size_t count = 0;
    const size_t room = std::min(writer.DescriptorRoom(), packet.files.size());
    for (; count < room; ++count) {
      fds[count] = process->Install(packet.files[count],
                                    (flags & MSG_CMSG_CLOEXEC) != 0);
      if (fds[count] < 0) break;
    }
    if (count > 0) writer.Add(SCM_RIGHTS, fds, count * sizeof(int));
    if (count < packet.files.size()) message->msg_flags |= MSG_CTRUNC;
  }
  message->msg_controllen = writer.used();
}

}  // namespace

SimSock* SimKernel::Impl::SocketAt(const SimKernelProcess* process, int fd,
                                   int* error) {
  SimFile* const file = process->Get(fd);
  auto* const socket = dynamic_cast<SimSocketFile*>(file);
  *error = file == nullptr ? -EBADF : -ENOTSOCK;
  return socket == nullptr ? nullptr : socket->sock();
}

bool SimKernel::Impl::HasProcess(pid_t pid) const {
  return std::any_of(
      processes.begin(), processes.end(), [pid](const auto& process) {
        return process->who.pid == pid && !process->process->ended();
      });
}

// ---- Making and connecting -------------------------------------------------

int SimKernel::Socket(int domain, int type, int protocol) {
  SimKernelProcess* const process = impl_->Enter();
  const int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (domain != AF_UNIX || kind != SOCK_SEQPACKET || protocol != 0) {
    NotModelled("a socket other than AF_UNIX, SOCK_SEQPACKET");
  }
  auto file = SimFileRef::Adopt(new SimSocketFile(
      &impl_->files,
      event::Ref<SimSock>::Adopt(new SimSock(&impl_->sockets, process->who))));
  if ((type & SOCK_NONBLOCK) != 0) file->flags |= O_NONBLOCK;
  return impl_->Return(
      process->Install(std::move(file), (type & SOCK_CLOEXEC) != 0));
}

int SimKernel::SocketPair(int domain, int type, int protocol, int fds[2]) {
  SimKernelProcess* const process = impl_->Enter();
  const int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (domain != AF_UNIX || kind != SOCK_SEQPACKET || protocol != 0) {
    NotModelled("a socket pair other than AF_UNIX, SOCK_SEQPACKET");
  }
  if (!process->HasRoomFor(2)) return impl_->Return(-EMFILE);
  event::Ref<SimSock> socks[2];
  for (int i = 0; i < 2; ++i) {
    socks[i] =
        event::Ref<SimSock>::Adopt(new SimSock(&impl_->sockets, process->who));
    auto file = SimFileRef::Adopt(new SimSocketFile(&impl_->files, socks[i]));
    if ((type & SOCK_NONBLOCK) != 0) file->flags |= O_NONBLOCK;
    fds[i] = process->Install(std::move(file), (type & SOCK_CLOEXEC) != 0);
  }
  SimSock::Pair(socks[0].get(), socks[1].get());
  return 0;
}

int SimKernel::Bind(int fd, const struct sockaddr* address, socklen_t size) {
  SimKernelProcess* const process = impl_->Enter();
  int error = 0;
  SimSock* const sock = impl_->SocketAt(process, fd, &error);
  if (sock == nullptr) return impl_->Return(error);
  const std::string path = PathOf(address, size);
  if (path.empty()) NotModelled("binding without a path");
  SimInodeRef inode;
  error = impl_->file_system.Make(path, S_IFSOCK | 0777, process->who, &inode);
  if (error < 0) return impl_->Return(error == -EEXIST ? -EADDRINUSE : error);
  if (!sock->name().empty()) {
    impl_->file_system.Unlink(path, process->who);
    return impl_->Return(-EINVAL);
  }
  sock->Bind(path, inode);
  return 0;
}

int SimKernel::Listen(int fd, int backlog) {
  SimKernelProcess* const process = impl_->Enter();
  int error = 0;
  SimSock* const sock = impl_->SocketAt(process, fd, &error);
  if (sock == nullptr) return impl_->Return(error);
  return impl_->Return(sock->Listen(process->who, backlog));
}

int SimKernel::Connect(int fd, const struct sockaddr* address, socklen_t size) {
  SimKernelProcess* const process = impl_->Enter();
  const std::string path = PathOf(address, size);
  for (;;) {
    int error = 0;
    SimSock* const sock = impl_->SocketAt(process, fd, &error);
    if (sock == nullptr) return impl_->Return(error);
    sock->BeforeConnect();
    SimInodeRef inode;
    error = impl_->file_system.Find(path, process->who, &inode);
    if (error < 0) return impl_->Return(error);
    if (!SimFileSystem::May(*inode, /*wanted=*/2, process->who)) {
      return impl_->Return(-EACCES);
    }
    if (!inode->is_socket()) return impl_->Return(-ECONNREFUSED);
    SimSock* const listener = inode->sock;
    error = sock->Connect(listener, process->who);
    SimSocketFile* const file = sock->file();
    if (error != -EAGAIN || file->nonblocking()) return impl_->Return(error);
    const event::Ref<SimSock> kept = event::Ref<SimSock>::Share(listener);
    const uint64_t wakes = listener->backlog_wakes();
    impl_->Wait(
        process, "room in a backlog", absl::InfiniteFuture(), {file},
        [listener, wakes] { return listener->backlog_wakes() != wakes; });
  }
}

int SimKernel::Accept4(int fd, struct sockaddr* address, socklen_t*,
                       int flags) {
  SimKernelProcess* const process = impl_->Enter();
  if (address != nullptr) NotModelled("asking accept4 for the address");
  int error = 0;
  SimSock* const sock = impl_->SocketAt(process, fd, &error);
  if (error != -EBADF && !process->HasRoomFor(1)) return impl_->Return(-EMFILE);
  if (sock == nullptr) return impl_->Return(error);
  SimSocketFile* const listening = sock->file();
  for (;;) {
    event::Ref<SimSock> accepted;
    const bool waits = !listening->nonblocking();
    error = sock->Accept(&accepted, waits);
    if (error == -EAGAIN && waits) {
      impl_->Wait(process, "a connection", absl::InfiniteFuture(), {listening},
                  [sock] { return sock->CanAccept(); });
      continue;
    }
    if (error < 0) return impl_->Return(error);
    auto file = SimFileRef::Adopt(
        new SimSocketFile(&impl_->files, std::move(accepted)));
    if ((flags & SOCK_NONBLOCK) != 0) file->flags |= O_NONBLOCK;
    return impl_->Return(
        process->Install(std::move(file), (flags & SOCK_CLOEXEC) != 0));
  }
}

// ---- Sending and receiving -------------------------------------------------

ssize_t SimKernel::Impl::Send(SimKernelProcess* process, int fd,
                              const struct msghdr* message, int flags) {
  if ((flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL)) != 0) NotModelled("a send flag");
  if (message->msg_name != nullptr) NotModelled("sending to an address");
  int error = 0;
  SimSock* const sock = SocketAt(process, fd, &error);
  if (sock == nullptr) return error;
  error = sock->BeforeSend();
  if (error < 0) return error;
  const size_t size = SizeOf(message);
  const bool wait = (flags & MSG_DONTWAIT) == 0 && !sock->file()->nonblocking();
  const size_t most_in_flight =
      process->privileged() ? SIZE_MAX
                            : static_cast<size_t>(process->files.rlim_cur);
  for (bool first = true;; first = false) {
    {
      SimPacket packet;
      error = TakeControl(process, message, &packet);
      if (error < 0) return error;
      // Check this only in the first round: after a wait Linux does not check
      // again.
      if (first && packet.has_credentials &&
          !HasProcess(packet.credentials.pid)) {
        return -ESRCH;
      }
      error = first ? sock->CheckSize(size) : 0;
      if (error < 0) return error;
      if (sock->CanSend()) {
        packet.bytes.reserve(size);
        for (size_t i = 0; i < message->msg_iovlen; ++i) {
          const auto* const bytes =
              static_cast<const uint8_t*>(message->msg_iov[i].iov_base);
          packet.bytes.insert(packet.bytes.end(), bytes,
                              bytes + message->msg_iov[i].iov_len);
        }
        error = sock->Send(&packet, process->who, most_in_flight);
        return error < 0 ? error : static_cast<ssize_t>(size);
      }
    }
    if (!wait) return -EAGAIN;
    // A waiting sender is woken only when three quarters of the send buffer are
    // free.
    SimFile* const file = sock->file();
    const uint64_t wakes = file->wakes();
    Wait(process, "room to send", absl::InfiniteFuture(), {file},
         [file, wakes] { return file->wakes() != wakes; });
  }
}

ssize_t SimKernel::Impl::Receive(SimKernelProcess* process, int fd,
                                 struct msghdr* message, int flags) {
  constexpr int kKnown =
      MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_NOSIGNAL;
  if ((flags & ~kKnown) != 0) NotModelled("a receive flag");
  if (message->msg_name != nullptr)
    NotModelled("asking for the sender's address");
  int error = 0;
  SimSock* const sock = SocketAt(process, fd, &error);
  if (sock == nullptr) return error;
  const bool wait = (flags & MSG_DONTWAIT) == 0 && !sock->file()->nonblocking();
  SimPacket* packet = nullptr;
  for (;;) {
    error = sock->Receive(&packet);
    if (error != -EAGAIN || !wait) break;
    if (!Wait(process, "a packet", sim->Now() + sock->receive_timeout(),
              {sock->file()}, [sock] { return sock->CanReceive(); })) {
      break;
    }
  }
  if (error < 0) return error;
  message->msg_flags = flags & MSG_CMSG_CLOEXEC;
  if (packet == nullptr) {
    message->msg_controllen = 0;
    return 0;
  }
  size_t copied = 0;
  for (size_t i = 0; i < message->msg_iovlen; ++i) {
    const size_t part =
        std::min(message->msg_iov[i].iov_len, packet->bytes.size() - copied);
    if (part == 0) continue;
    memcpy(message->msg_iov[i].iov_base, packet->bytes.data() + copied, part);
    copied += part;
  }
  const size_t size = packet->bytes.size();
  if (copied < size) message->msg_flags |= MSG_TRUNC;
  GiveControl(process, sock, *packet, flags, message);
  if ((flags & MSG_PEEK) == 0) sock->PopPacket();
  return static_cast<ssize_t>((flags & MSG_TRUNC) != 0 ? size : copied);
}

ssize_t SimKernel::Send(int fd, const void* buffer, size_t size, int flags) {
  struct iovec part = {const_cast<void*>(buffer), size};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  return SendMsg(fd, &message, flags);
}

ssize_t SimKernel::SendMsg(int fd, const struct msghdr* message, int flags) {
  SimKernelProcess* const process = impl_->Enter();
  return impl_->ReturnSize(impl_->Send(process, fd, message, flags));
}

ssize_t SimKernel::Recv(int fd, void* buffer, size_t size, int flags) {
  struct iovec part = {buffer, size};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  return RecvMsg(fd, &message, flags);
}

ssize_t SimKernel::RecvMsg(int fd, struct msghdr* message, int flags) {
  SimKernelProcess* const process = impl_->Enter();
  return impl_->ReturnSize(impl_->Receive(process, fd, message, flags));
}

// ---- Options ---------------------------------------------------------------

int SimKernel::SetSockOpt(int fd, int level, int option, const void* value,
                          socklen_t size) {
  SimKernelProcess* const process = impl_->Enter();
  int error = 0;
  SimSock* const sock = impl_->SocketAt(process, fd, &error);
  if (sock == nullptr) return impl_->Return(error);
  int number = 0;
  if (size < sizeof(number)) return impl_->Return(-EINVAL);
  if (level == SOL_SOCKET && option == SO_RCVTIMEO) {
    struct timeval timeout;
    if (size < sizeof(timeout)) return impl_->Return(-EINVAL);
    memcpy(&timeout, value, sizeof(timeout));
    sock->SetReceiveTimeout(absl::DurationFromTimeval(timeout));
    return 0;
  }
  memcpy(&number, value, sizeof(number));
  if (level == SOL_SOCKET && option == SO_PASSCRED) {
    sock->SetPassCredentials(number != 0);
    return 0;
  }
  if (level == SOL_SOCKET && option == SO_PASSRIGHTS) {
    sock->SetPassRights(number != 0);
    return 0;
  }
  if (level == SOL_SOCKET && option == SO_SNDBUF) {
    sock->SetSendBuffer(number);
    return 0;
  }
  NotModelled(absl::StrCat("setting socket option ", option));
}

int SimKernel::GetSockOpt(int fd, int level, int option, void* value,
                          socklen_t* size) {
  SimKernelProcess* const process = impl_->Enter();
  int error = 0;
  SimSock* const sock = impl_->SocketAt(process, fd, &error);
  if (sock == nullptr) return impl_->Return(error);
  if (level != SOL_SOCKET) NotModelled("an option not of SOL_SOCKET");
  auto give = [&](const void* result, size_t result_size) {
    *size = static_cast<socklen_t>(std::min<size_t>(*size, result_size));
    memcpy(value, result, *size);
    return 0;
  };
  auto give_number = [&](int number) { return give(&number, sizeof(number)); };
  switch (option) {
    case SO_PEERCRED: {
      struct ucred who = {0, static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
      if (const Credentials* const peer = sock->peer()) {
        who = {peer->pid, peer->uid, peer->gid};
      }
      return give(&who, sizeof(who));
    }
    case SO_PEERPIDFD: {
      const Credentials* const peer = sock->peer();
      if (peer == nullptr) return impl_->Return(-ENODATA);
      const bool ended = !impl_->HasProcess(peer->pid);
      const int made = process->Install(
          SimFileRef::Adopt(new SimPidFd(&impl_->files, peer->pid, ended)),
          /*close_on_exec=*/true);
      return made < 0 ? impl_->Return(made) : give_number(made);
    }
    case SO_SNDBUF:
      return give_number(sock->send_buffer());
    case SO_ERROR:
      return give_number(sock->TakeError());
    case SO_PASSCRED:
      return give_number(sock->pass_credentials() ? 1 : 0);
    case SO_PASSRIGHTS:
      return give_number(sock->pass_rights() ? 1 : 0);
    case SO_TYPE:
      return give_number(SOCK_SEQPACKET);
    case SO_DOMAIN:
      return give_number(AF_UNIX);
    case SO_ACCEPTCONN:
      return give_number(sock->state() == SimSock::State::kListening ? 1 : 0);
  }
  NotModelled(absl::StrCat("getting socket option ", option));
}

int SimKernel::GetSockName(int fd, struct sockaddr* address, socklen_t* size) {
  SimKernelProcess* const process = impl_->Enter();
  int error = 0;
  SimSock* const sock = impl_->SocketAt(process, fd, &error);
  if (sock == nullptr) return impl_->Return(error);
  struct sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  memcpy(name.sun_path, sock->name().data(), sock->name().size());
  socklen_t length = offsetof(struct sockaddr_un, sun_path);
  length += static_cast<socklen_t>(sock->name().size());
  // The length of a path includes its terminator.
  if (!sock->name().empty() && name.sun_path[0] != '\0') ++length;
  memcpy(address, &name, std::min(*size, length));
  *size = length;
  return 0;
}

int SimKernel::Shutdown(int fd, int how) {
  SimKernelProcess* const process = impl_->Enter();
  int error = 0;
  SimSock* const sock = impl_->SocketAt(process, fd, &error);
  return impl_->Return(sock == nullptr ? error : sock->Shutdown(how));
}

}  // namespace event
}  // namespace le
