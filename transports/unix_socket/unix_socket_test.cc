// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tests of properties that only sockets have: paths, the kernel's backlog, and
// a lack of file descriptors.

#include "transports/unix_socket/unix_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "event/base/log.h"
#include "event/process.h"
#include "gtest/gtest.h"
#include "transports/unix_socket/ancillary.h"

namespace le {
namespace transports {
namespace {

class Accepting : public Acceptor::Observer {
 public:
  std::vector<std::unique_ptr<Connection>> accepted;

 private:
  void OnAccepted(std::unique_ptr<Connection> connection) override {
    accepted.push_back(std::move(connection));
  }
};

class UnixSocketTest : public ::testing::Test {
 protected:
  UnixSocketTest() {
    char folder[] = "/tmp/le_unix_XXXXXX";
    EXPECT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  ~UnixSocketTest() override {
    unlink(address().c_str());
    EXPECT_EQ(rmdir(folder_.c_str()), 0) << "the folder is not empty";
  }

  std::string address() const { return folder_ + "/s"; }
  std::unique_ptr<Acceptor> Listen() {
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor =
        transport_.Listen(address());
    EXPECT_TRUE(acceptor.ok()) << acceptor.status();
    return acceptor.ok() ? *std::move(acceptor) : nullptr;
  }
  absl::StatusCode ListenCode(const std::string& at) {
    return transport_.Listen(at).status().code();
  }
  static event::Loop* loop() { return event::Thread::Current()->loop(); }

  std::string folder_;
  UnixTransport transport_{event::Process::Current()};
};

TEST_F(UnixSocketTest, APathHasALimitedLength) {
  const std::string front = folder_ + "/";
  const std::string longest =
      front + std::string(kMaxSocketPathBytes - front.size(), 'p');
  absl::StatusOr<std::unique_ptr<Acceptor>> acceptor =
      transport_.Listen(longest);
  ASSERT_TRUE(acceptor.ok()) << acceptor.status();
  EXPECT_TRUE(transport_.Connect(longest).ok());
  for (const std::string& bad :
       {longest + "p", std::string(), std::string("a\0b", 3)}) {
    EXPECT_EQ(ListenCode(bad), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_EQ(transport_.Connect(bad).status().code(),
              absl::StatusCode::kInvalidArgument)
        << bad;
  }
}

TEST_F(UnixSocketTest, AnyUserMayConnectAndTheEndRemovesThePath) {
  std::unique_ptr<Acceptor> acceptor = Listen();
  struct stat now;
  ASSERT_EQ(lstat(address().c_str(), &now), 0);
  EXPECT_EQ(now.st_mode & 0777, 0666u);
  acceptor.reset();
  EXPECT_NE(lstat(address().c_str(), &now), 0);
}

TEST_F(UnixSocketTest, ReplacesOnlyTheSocketOfADeadProcess) {
  {
    // This acceptor leaves its socket's path behind, like a process that dies.
    std::unique_ptr<Acceptor> first = Listen();
    ASSERT_EQ(rename(address().c_str(), (address() + "2").c_str()), 0);
    first.reset();
    ASSERT_EQ(rename((address() + "2").c_str(), address().c_str()), 0);
  }
  std::unique_ptr<Acceptor> second = Listen();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(ListenCode(address()), absl::StatusCode::kAlreadyExists);
  // Replace the socket by a file, which the acceptor must not remove.
  ASSERT_EQ(unlink(address().c_str()), 0);
  const event::UniqueFd file(creat(address().c_str(), 0600));
  second.reset();
  EXPECT_EQ(access(address().c_str(), F_OK), 0);
  EXPECT_EQ(ListenCode(address()), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ListenCode(folder_ + "/no/where"),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(UnixSocketTest, AFullBacklogHasItsOwnError) {
  EXPECT_EQ(transport_.Connect(address()).status().code(),
            absl::StatusCode::kUnavailable);
  std::unique_ptr<Acceptor> acceptor = Listen();
  std::vector<std::unique_ptr<Connection>> backlog;
  absl::Status failed;
  while (failed.ok() && backlog.size() <= 2 * kListenBacklog) {
    absl::StatusOr<std::unique_ptr<Connection>> connection =
        transport_.Connect(address());
    if (connection.ok()) {
      backlog.push_back(*std::move(connection));
      // Close this end, because the process has a limit of open files. The
      // connection stays in the backlog.
      backlog.back().reset();
    } else {
      failed = connection.status();
    }
  }
  EXPECT_EQ(failed.code(), absl::StatusCode::kAborted) << failed;
  Accepting accepting;
  ASSERT_TRUE(acceptor->Attach(loop(), &accepting).ok());
  loop()->RunTurn(absl::InfinitePast());
  EXPECT_EQ(accepting.accepted.size(), 1u);
  EXPECT_TRUE(transport_.Connect(address()).ok());
}

TEST_F(UnixSocketTest, WithoutADescriptorTheBacklogIsServedLater) {
  std::unique_ptr<Acceptor> acceptor = Listen();
  Accepting accepting;
  ASSERT_TRUE(acceptor->Attach(loop(), &accepting).ok());
  absl::StatusOr<std::unique_ptr<Connection>> connection =
      transport_.Connect(address());
  ASSERT_TRUE(connection.ok());
  static int said;
  said = 0;
  const event::LogSink sink =
      event::SetLogSink([](event::LogLevel, absl::string_view) { ++said; });
  struct rlimit old, none;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  none = old;
  none.rlim_cur = 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::StatusCode starved =
      transport_.Connect(address()).status().code();
  // The acceptor tries, pauses, and retries.
  for (int turn = 0; turn < 3; ++turn) loop()->RunTurn(absl::InfiniteFuture());
  const size_t accepted = accepting.accepted.size();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
  event::SetLogSink(sink);
  EXPECT_EQ(starved, absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(accepted, 0u);
  EXPECT_EQ(said, 1) << "once per shortage";
  while (accepting.accepted.empty()) loop()->RunTurn(absl::InfiniteFuture());
}

// A descriptor that arrives does not get the number of a standard descriptor
// that is closed.
TEST(AncillaryTest, NothingTakesThePlaceOfAStandardDescriptor) {
  const pid_t child = fork();
  if (child == 0) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0) _exit(1);
    for (int closed = 0; closed < 3; ++closed) close(closed);
    char byte = 'x';
    struct iovec part = {&byte, 1};
    struct msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    OutgoingAncillary outgoing;
    outgoing.AddDescriptor(pair[0]);
    outgoing.PutInto(&message);
    if (sendmsg(pair[0], &message, 0) != 1) _exit(2);
    IncomingAncillary incoming;
    incoming.PutInto(&message);
    if (recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC) != 1) _exit(3);
    incoming.TakeFrom(message);
    const event::UniqueFd received = incoming.TakeDescriptor();
    if (received.get() < 3) _exit(4);
    if (fcntl(received.get(), F_GETFD) != FD_CLOEXEC) _exit(5);
    for (int closed = 0; closed < 3; ++closed) {
      if (fcntl(closed, F_GETFD) >= 0) _exit(6);
    }
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// A process that connects by system calls, and lives until End(). With an empty
// address it does not connect.
class Connecting {
 public:
  explicit Connecting(const std::string& address) {
    int told[2];
    EXPECT_EQ(pipe2(told, O_CLOEXEC), 0);
    end_.reset(told[1]);
    struct sockaddr_un to = {};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address.data(), address.size());
    pid_ = fork();
    if (pid_ == 0) {
      close(told[1]);
      const int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
      if (!address.empty() &&
          connect(fd, reinterpret_cast<struct sockaddr*>(&to), sizeof(to)) !=
              0) {
        _exit(1);
      }
      char byte;
      _exit(read(told[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(told[0]);
  }
  ~Connecting() { End(); }
  Connecting(const Connecting&) = delete;
  Connecting& operator=(const Connecting&) = delete;

  pid_t pid() const { return pid_; }
  // Ends the process. The pid may be reused when this returns.
  void End() {
    end_.reset();
    int status = 0;
    if (pid_ > 0) waitpid(pid_, &status, 0);
    pid_ = 0;
  }

 private:
  event::UniqueFd end_;
  pid_t pid_ = 0;
};

// Makes the next process get `pid`, if no process has this pid. Returns false
// if the test has no permission for this.
bool Choose(pid_t pid) {
  const event::UniqueFd file(
      open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC));
  const std::string text = std::to_string(pid - 1);
  return file && write(file.get(), text.data(), text.size()) ==
                     static_cast<ssize_t>(text.size());
}

// A process connects and ends, and another process gets its pid. Expected:
// peer() still returns the credentials of the process that connected, and
// PeerPidFd() never returns a pidfd of the later process.
TEST_F(UnixSocketTest, AReusedPidIsNotTheProcessThatConnected) {
  std::unique_ptr<Acceptor> acceptor = Listen();
  Accepting accepting;
  ASSERT_TRUE(acceptor->Attach(loop(), &accepting).ok());
  Connecting first(address());
  while (accepting.accepted.empty()) loop()->RunTurn(absl::InfiniteFuture());
  Connection* const connection = accepting.accepted[0].get();
  const pid_t pid = first.pid();
  ASSERT_EQ(connection->peer()->pid, pid);
  absl::StatusOr<event::UniqueFd> living = connection->PeerPidFd();
  first.End();
  std::unique_ptr<Connecting> second;
  for (int tries = 0; tries < 100 && Choose(pid); ++tries) {
    second = std::make_unique<Connecting>("");
    if (second->pid() == pid) break;
    second.reset();
  }
  EXPECT_EQ(connection->peer()->pid, pid);
  if (living.ok()) {
    struct pollfd dead = {living->get(), POLLIN, 0};
    EXPECT_EQ(poll(&dead, 1, 0), 1) << "it is the living one's";
  }
  absl::StatusOr<event::UniqueFd> late = connection->PeerPidFd();
  if (late.ok()) {
    struct pollfd dead = {late->get(), POLLIN, 0};
    EXPECT_EQ(poll(&dead, 1, 0), 1) << "it is the living one's";
  }
  if (second == nullptr) GTEST_SKIP() << "no permission to choose a pid";
}

// A connection is passed, and the child of a fork also holds the receiver's
// socket. The receiver closes before it has received the connection. Expected:
// the connection's far end learns of the close.
TEST_F(UnixSocketTest, AChildDoesNotKeepAnUnreceivedConnection) {
  std::unique_ptr<Acceptor> acceptor = Listen();
  Accepting accepting;
  ASSERT_TRUE(acceptor->Attach(loop(), &accepting).ok());
  std::unique_ptr<Connection> client = *transport_.Connect(address());
  std::unique_ptr<Connection> server = *transport_.Connect(address());
  while (accepting.accepted.size() < 2) loop()->RunTurn(absl::InfiniteFuture());
  OutgoingFrame frame;
  frame.connection = &accepting.accepted[0];
  ASSERT_EQ(accepting.accepted[1]->Send(frame), IoResult::kOk);
  accepting.accepted.erase(accepting.accepted.begin());  // it was passed
  Connecting child("");
  server->SetDescriptorPolicy(Connection::DescriptorPolicy::kLeaveUnread);
  server->Close();
  IncomingFrame none;
  // The child still has the socket.
  EXPECT_EQ(client->Receive(&none, nullptr, absl::InfinitePast()),
            IoResult::kClosed);
}

// ---- A passed socket --------------------------------------------------------

class PassedSocketTest : public UnixSocketTest {
 protected:
  // Returns a socket that is made by system calls. If `path` is not empty, the
  // socket is bound to it.
  static event::UniqueFd Bound(const std::string& path,
                               int type = SOCK_SEQPACKET) {
    event::UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    struct sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, path.data(), path.size());
    if (!path.empty()) {
      EXPECT_EQ(bind(fd.get(), reinterpret_cast<struct sockaddr*>(&name),
                     sizeof(name)),
                0);
    }
    return fd;
  }
  static event::UniqueFd Listening(const std::string& path,
                                   int type = SOCK_SEQPACKET) {
    event::UniqueFd fd = Bound(path, type);
    EXPECT_EQ(listen(fd.get(), 16), 0);
    return fd;
  }
  void ExpectError(event::UniqueFd passed, const std::string& error) {
    transport_.UseListener(std::move(passed));
    const auto acceptor = transport_.Listen(address());
    EXPECT_EQ(acceptor.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(acceptor.status().message(), "the passed socket " + error);
  }
  // Removes the socket of a case that is over.
  void Unlink() { EXPECT_EQ(unlink(address().c_str()), 0); }
};

// One acceptor ends, and another one uses the same socket. Expected: a
// connection that was made in between is accepted.
TEST_F(PassedSocketTest, ItsBacklogIsServedByOneAcceptorAfterAnother) {
  const event::UniqueFd kept = Listening(address());
  for (int i = 0; i < 2; ++i) {
    const auto client = transport_.Connect(address());
    ASSERT_TRUE(client.ok()) << client.status();
    transport_.UseListener(event::UniqueFd(dup(kept.get())));
    const std::unique_ptr<Acceptor> acceptor = Listen();
    Accepting server;
    ASSERT_TRUE(acceptor->Attach(loop(), &server).ok());
    while (server.accepted.empty()) loop()->RunTurn(absl::InfiniteFuture());
    EXPECT_NE(fcntl(kept.get(), F_GETFL) & O_NONBLOCK, 0);
  }
  // The path may be named in another way.
  transport_.UseListener(event::UniqueFd(dup(kept.get())));
  EXPECT_TRUE(transport_.Listen(folder_ + "//./s").ok());
  Unlink();
}

TEST_F(PassedSocketTest, ReportsWhatIsWrongWithTheSocket) {
  const std::string other = folder_ + "/t";
  ExpectError(event::UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)),
              "is not a socket");
  ExpectError(event::UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
              "is not of AF_UNIX with SOCK_SEQPACKET");
  ExpectError(Listening(address(), SOCK_STREAM),
              "is not of AF_UNIX with SOCK_SEQPACKET");
  Unlink();
  ExpectError(Bound(address()), "does not listen");
  Unlink();
  ExpectError(Bound(""), "does not listen");
  ExpectError(Listening(other),
              "is bound to '" + other + "', not to '" + address() + "'");
  unlink(other.c_str());
  event::UniqueFd deleted = Listening(address());
  Unlink();
  const std::string gone = "cannot be reached: '" + address() + "' was deleted";
  ExpectError(std::move(deleted), gone);
  event::UniqueFd replaced = Listening(address());
  Unlink();
  event::UniqueFd(creat(address().c_str(), 0600)).reset();
  ExpectError(std::move(replaced), gone);
  // After an error, Listen() makes its own socket.
  Unlink();
  EXPECT_NE(Listen(), nullptr);
}

}  // namespace
}  // namespace transports
}  // namespace le
