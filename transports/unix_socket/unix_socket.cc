// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/unix_socket/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
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

// Splits a path before its last part.
std::pair<std::string, std::string> Split(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {path.substr(0, slash + 1), path.substr(slash + 1)};
}

// Whether both paths name the same entry of the same folder. The folders may be
// named differently.
bool SameEntry(const std::string& a, const std::string& b) {
  const auto of_a = Split(a);
  const auto of_b = Split(b);
  struct stat folder_a;
  struct stat folder_b;
  return of_a.second == of_b.second &&
         sys::Stat(of_a.first.c_str(), &folder_a) == 0 &&
         sys::Stat(of_b.first.c_str(), &folder_b) == 0 &&
         folder_a.st_ino == folder_b.st_ino &&
         folder_a.st_dev == folder_b.st_dev;
}

absl::Status CheckListener(int fd, const std::string& address) {
  auto failed = [](absl::string_view what) {
    return absl::FailedPreconditionError(
        absl::StrCat("the passed socket ", what));
  };
  auto number = [fd](int option) {
    int value = -1;
    socklen_t size = sizeof(value);
    return sys::GetSockOpt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value
                                                                       : -1;
  };
  const int domain = number(SO_DOMAIN);
  if (domain < 0) return failed("is not a socket");
  if (domain != AF_UNIX || number(SO_TYPE) != SOCK_SEQPACKET) {
    return failed("is not of AF_UNIX with SOCK_SEQPACKET");
  }
  if (number(SO_ACCEPTCONN) != 1) return failed("does not listen");
  struct sockaddr_un name = {};
  socklen_t size = sizeof(name);
  if (sys::GetSockName(fd, reinterpret_cast<struct sockaddr*>(&name), &size) !=
      0) {
    return failed(absl::StrCat("has no address: ", std::strerror(errno)));
  }
  const std::string path(name.sun_path,
                         strnlen(name.sun_path, sizeof(name.sun_path)));
  if (path.empty()) return failed("is not bound to a path");
  if (!SameEntry(path, address)) {
    return failed(
        absl::StrCat("is bound to '", path, "', not to '", address, "'"));
  }
  struct stat found;
  if (sys::Lstat(address.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) {
    return failed(
        absl::StrCat("cannot be reached: '", address, "' was deleted"));
  }
  return absl::OkStatus();
}

class UnixAcceptor final : public Acceptor,
                           private event::Watch,
                           private event::Timer {
 public:
  UnixAcceptor(event::UniqueFd socket, std::string path,
               const absl::optional<struct stat>& identity,
               event::Process* process, UnixConnection::Strangers strangers)
      : socket_(std::move(socket)),
        path_(std::move(path)),
        identity_(identity),
        process_(process),
        strangers_(strangers) {}

  ~UnixAcceptor() override {
    if (added()) loop_->RemoveWatch(this);
    if (!identity_.has_value()) return;
    // Remove the path only if it still names this socket, because another
    // process may have replaced it.
    struct stat now;
    if (sys::Lstat(path_.c_str(), &now) == 0 &&
        now.st_ino == identity_->st_ino && now.st_dev == identity_->st_dev) {
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
      const auto strangers = StrangersOf(accepted.get());
      // The observer may destroy this acceptor, so use no member after the
      // call.
      observer_->OnAccepted(std::make_unique<UnixConnection>(
          std::move(accepted), process_, /*socket_is_nonblocking=*/true,
          /*promised_plain=*/false, strangers));
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

  // A connection that waited in the backlog of a passed socket may have been
  // made before this process turned SO_PASSRIGHTS off.
  UnixConnection::Strangers StrangersOf(int accepted) const {
    const bool may_differ = !identity_.has_value() &&
                            strangers_ == UnixConnection::Strangers::kRefused;
    return may_differ && !UnixConnection::RefusesDescriptors(accepted)
               ? UnixConnection::Strangers::kDropped
               : strangers_;
  }

  void OnExpiry() override {
    if (!loop_->AddWatch(this, socket_.get(), kReadable)) {
      loop_->StartTimer(this, loop_->Now() + kAcceptPause);
    }
  }

  const event::UniqueFd socket_;
  const std::string path_;
  // Identifies the socket whose path the destructor removes. Empty if the path
  // must not be removed.
  const absl::optional<struct stat> identity_;
  event::Process* const process_;
  const UnixConnection::Strangers strangers_;
  event::Loop* loop_ = nullptr;
  Observer* observer_ = nullptr;
  bool said_why_ = false;  // whether the reason of the pause was logged
};

// Makes the kernel refuse the descriptors of peers that connect from now on.
UnixConnection::Strangers RefuseAt(int listener) {
  const int off = 0;
  const bool refused = sys::SetSockOpt(listener, SOL_SOCKET, SO_PASSRIGHTS,
                                       &off, sizeof(off)) == 0;
  return refused ? UnixConnection::Strangers::kRefused
                 : UnixConnection::Strangers::kDropped;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Acceptor>> UnixTransport::ListenWith(
    event::UniqueFd listener, const std::string& address) {
  const absl::Status listens = CheckListener(listener.get(), address);
  if (!listens.ok()) return listens;
  const int flags = sys::Fcntl(listener.get(), F_GETFL, 0);
  if (flags < 0 ||
      sys::Fcntl(listener.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return absl::InternalError(
        absl::StrCat("cannot make the passed socket "
                     "non-blocking: ",
                     std::strerror(errno)));
  }
  // No second listen(): it would replace the credentials that clients see.
  const auto strangers = refuses_descriptors_
                             ? RefuseAt(listener.get())
                             : UnixConnection::Strangers::kTaken;
  return std::unique_ptr<Acceptor>(std::make_unique<UnixAcceptor>(
      std::move(listener), address, absl::nullopt, process_, strangers));
}

absl::StatusOr<std::unique_ptr<Acceptor>> UnixTransport::Listen(
    const std::string& address) {
  if (listener_) return ListenWith(std::move(listener_), address);
  struct sockaddr_un raw;
  absl::Status made = MakeAddress(address, &raw);
  if (!made.ok()) return made;
  absl::StatusOr<event::UniqueFd> socket = NewSocket(SOCK_NONBLOCK);
  if (!socket.ok()) return socket.status();
  const auto strangers = refuses_descriptors_
                             ? RefuseAt(socket->get())
                             : UnixConnection::Strangers::kTaken;
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
    if (sys::Lstat(address.c_str(), &old) != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot inspect the old socket '", address,
                       "': ", std::strerror(errno)));
    }
    if (!S_ISSOCK(old.st_mode)) {
      return absl::AlreadyExistsError(
          absl::StrCat("'", address, "' exists and is not a socket"));
    }
    if (sys::Unlink(address.c_str()) != 0 || !bind()) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot replace the old socket '", address,
                       "': ", std::strerror(errno)));
    }
  }
  struct stat identity = {};
  if (sys::Chmod(address.c_str(), 0666) != 0 ||
      sys::Listen(socket->get(), backlog_) != 0 ||
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
  int error = EAGAIN;
  for (int i = 0; i < kConnectTries && error == EAGAIN; ++i) {
    error = ConnectTo(socket->get(), raw);
  }
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
