// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/unix_socket/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/base/unique_fd.h"
#include "event/peer_log.h"
#include "transports/unix_socket/unix_connection.h"

namespace le {
namespace transports {

namespace sys = event::sys;

namespace {

// The interval between attempts to accept while no file descriptor is free.
constexpr absl::Duration kAcceptPause = absl::Milliseconds(50);

absl::Status MakeAddress(const std::string& path, struct sockaddr_un* address) {
  *address = {};
  address->sun_family = AF_UNIX;
  if (path.empty() || path.size() > kMaxSocketPathBytes ||
      path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", path, "' cannot be a socket's path: it must have 1 to ",
        kMaxSocketPathBytes, " bytes; choose a shorter folder"));
  }
  std::memcpy(address->sun_path, path.data(), path.size());
  return absl::OkStatus();
}

absl::StatusOr<event::UniqueFd> NewSocket(int flags) {
  event::UniqueFd socket(
      sys::Socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
  if (!socket) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot make a socket: ", std::strerror(errno)));
  }
  return socket;
}

int ConnectTo(int fd, const struct sockaddr_un& address) {
  for (;;) {
    if (sys::Connect(fd, reinterpret_cast<const struct sockaddr*>(&address),
                     sizeof(address)) == 0) {
      return 0;
    }
    if (errno != EINTR) return errno;
  }
}

class UnixAcceptor final : public Acceptor,
                           private event::Watch,
                           private event::Timer {
 public:
  UnixAcceptor(event::UniqueFd socket, std::string path,
               const struct stat& identity, event::Process* process,
               UnixConnection::Strangers strangers)
      : socket_(std::move(socket)),
        path_(std::move(path)),
        identity_(identity),
        process_(process),
        strangers_(strangers) {}

  ~UnixAcceptor() override {
    if (added()) loop_->RemoveWatch(this);
    // Remove the path only if it still names this socket, because another
    // process may have replaced it.
    struct stat now;
    if (sys::Lstat(path_.c_str(), &now) == 0 &&
        now.st_ino == identity_.st_ino && now.st_dev == identity_.st_dev) {
      sys::Unlink(path_.c_str());
    }
  }

  absl::Status Attach(event::Loop* loop, Observer* observer) override {
    loop_ = loop;
    observer_ = observer;
    if (!loop->AddWatch(this, socket_.get(), kReadable)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("cannot watch a socket: ", std::strerror(errno)));
    }
    return absl::OkStatus();
  }

 private:
  void OnReady(uint32_t) override {
    event::UniqueFd accepted(sys::Accept4(socket_.get(), nullptr, nullptr,
                                          SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (accepted) {
      said_why_ = false;
      // The observer may destroy this acceptor, so use no member after the
      // call.
      observer_->OnAccepted(std::make_unique<UnixConnection>(
          std::move(accepted), process_, /*socket_is_nonblocking=*/true,
          /*promised_plain=*/false, strangers_));
      return;
    }
    switch (errno) {
      case EAGAIN:
      case EINTR:
      case ECONNABORTED:
        return;
      default:
        // The socket stays readable, so watching it again at once would spin.
        if (!said_why_) {
          said_why_ = true;
          event::LogForPeer(event::LogLevel::kWarning, event::kUnknownPeer,
                            absl::StrCat("cannot accept at '", path_,
                                         "' for now: ", std::strerror(errno)));
        }
        loop_->RemoveWatch(this);
        loop_->StartTimer(this, loop_->Now() + kAcceptPause);
    }
  }

  void OnExpiry() override {
    if (!loop_->AddWatch(this, socket_.get(), kReadable)) {
      loop_->StartTimer(this, loop_->Now() + kAcceptPause);
    }
  }

  const event::UniqueFd socket_;
  const std::string path_;
  const struct stat identity_;
  event::Process* const process_;
  const UnixConnection::Strangers strangers_;
  event::Loop* loop_ = nullptr;
  Observer* observer_ = nullptr;
  bool said_why_ = false;  // whether the reason of the pause was logged
};

}  // namespace

absl::StatusOr<std::unique_ptr<Acceptor>> UnixTransport::Listen(
    const std::string& address) {
  struct sockaddr_un raw;
  absl::Status made = MakeAddress(address, &raw);
  if (!made.ok()) return made;
  absl::StatusOr<event::UniqueFd> socket = NewSocket(SOCK_NONBLOCK);
  if (!socket.ok()) return socket.status();
  auto strangers = UnixConnection::Strangers::kTaken;
  if (refuses_descriptors_) {
    const int off = 0;
    const bool refused = sys::SetSockOpt(socket->get(), SOL_SOCKET,
                                         SO_PASSRIGHTS, &off, sizeof(off)) == 0;
    strangers = refused ? UnixConnection::Strangers::kRefused
                        : UnixConnection::Strangers::kDropped;
  }
  auto bind = [&] {
    return sys::Bind(socket->get(), reinterpret_cast<struct sockaddr*>(&raw),
                     sizeof(raw)) == 0;
  };
  if (!bind()) {
    if (errno != EADDRINUSE) {
      return absl::InvalidArgumentError(absl::StrCat(
          "cannot make the socket '", address, "': ", std::strerror(errno)));
    }
    absl::StatusOr<event::UniqueFd> probe = NewSocket(SOCK_NONBLOCK);
    if (!probe.ok()) return probe.status();
    const int error = ConnectTo(probe->get(), raw);
    if (error != ECONNREFUSED) {
      return absl::AlreadyExistsError(
          absl::StrCat("'", address, "' is in use"));
    }
    // The path names a socket of a dead process, or a file that is not a
    // socket.
    struct stat old;
    if (sys::Lstat(address.c_str(), &old) != 0 || !S_ISSOCK(old.st_mode)) {
      return absl::AlreadyExistsError(
          absl::StrCat("'", address, "' exists and is not a socket"));
    }
    if (sys::Unlink(address.c_str()) != 0 || !bind()) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot make the socket '", address,
                       "' in the place of an old one: ", std::strerror(errno)));
    }
  }
  struct stat identity = {};
  if (sys::Chmod(address.c_str(), 0666) != 0 ||
      sys::Listen(socket->get(), kListenBacklog) != 0 ||
      sys::Lstat(address.c_str(), &identity) != 0) {
    const int error = errno;
    sys::Unlink(address.c_str());
    return absl::InternalError(absl::StrCat("cannot listen at '", address,
                                            "': ", std::strerror(error)));
  }
  return std::unique_ptr<Acceptor>(std::make_unique<UnixAcceptor>(
      *std::move(socket), address, identity, process_, strangers));
}

absl::StatusOr<std::unique_ptr<Connection>> UnixTransport::Connect(
    const std::string& address) {
  struct sockaddr_un raw;
  absl::Status made = MakeAddress(address, &raw);
  if (!made.ok()) return made;
  absl::StatusOr<event::UniqueFd> socket = NewSocket(SOCK_NONBLOCK);
  if (!socket.ok()) return socket.status();
  const int error = ConnectTo(socket->get(), raw);
  if (error == EAGAIN) {
    return absl::AbortedError(
        absl::StrCat("'", address, "' has a full backlog now"));
  }
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("'", address, "': ", std::strerror(error)));
  }
  return std::unique_ptr<Connection>(std::make_unique<UnixConnection>(
      *std::move(socket), process_, /*socket_is_nonblocking=*/true));
}

}  // namespace transports
}  // namespace le
