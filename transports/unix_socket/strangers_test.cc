// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tests of descriptors from strangers: which thread closes them, and when an
// end refuses them.

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/process.h"
#include "gtest/gtest.h"
#include "transports/closer.h"
#include "transports/framing/framing.h"
#include "transports/unix_socket/unix_connection.h"
#include "transports/unix_socket/unix_socket.h"

namespace le {
namespace transports {
namespace {

// If `knows_rights` is false, simulates a kernel without SO_PASSRIGHTS. Records
// which thread closes which descriptor.
class Kernel final : public event::sys::Interceptor {
 public:
  Kernel() { event::sys::SetInterceptor(this); }
  ~Kernel() override {
    LastFrom(INT_MAX);
    while (AnyCloseWaits()) std::this_thread::yield();
    event::sys::SetInterceptor(nullptr);
  }
  int FailCall(const event::sys::Call& call) override {
    return std::strcmp(call.name, "SetSockOpt") == 0 &&
                   call.detail == SO_PASSRIGHTS && !knows_rights
               ? ENOPROTOOPT
               : 0;
  }
  void OnClose(int fd) override {
    std::unique_lock<std::mutex> lock(mutex_);
    closed_by_[fd] = std::this_thread::get_id();
    pthread_sigmask(SIG_BLOCK, nullptr, &signals_of_closer_);
    changed_.notify_all();
    if (fd < lasts_from_ || std::this_thread::get_id() == test_) return;
    ++lasting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return lasts_from_ == INT_MAX || ends_ > 0; });
    if (ends_ > 0) --ends_;
  }
  // Lets one close end that blocks.
  void EndOne() {
    std::lock_guard<std::mutex> lock(mutex_);
    ++ends_;
    changed_.notify_all();
  }
  // From now on the close of a descriptor whose number is at least `fd` blocks
  // until EndOne() or LastFrom(INT_MAX). (A close on the test's own thread does
  // not block, because the test would never end.)
  void LastFrom(int fd) {
    std::lock_guard<std::mutex> lock(mutex_);
    lasts_from_ = fd;
    changed_.notify_all();
  }
  void WaitUntilLasting(int closes) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return lasting_ == closes; });
  }
  // Waits until `fd` is closed. Returns the id of the thread that has closed
  // it.
  std::thread::id ClosedBy(int fd) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return closed_by_.count(fd) != 0; });
    return closed_by_[fd];
  }
  // Whether `signal` was blocked in the thread that last closed a file
  // descriptor.
  bool Blocked(int signal) {
    std::lock_guard<std::mutex> lock(mutex_);
    return sigismember(&signals_of_closer_, signal) == 1;
  }
  void Forget() {
    std::lock_guard<std::mutex> lock(mutex_);
    closed_by_.clear();
  }

  bool knows_rights = true;

 private:
  const std::thread::id test_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int, std::thread::id> closed_by_;
  sigset_t signals_of_closer_;
  int lasts_from_ = INT_MAX;
  int lasting_ = 0;
  int ends_ = 0;
};

class Kept final : public event::Held {
  void OnReleased() override {}
};

// A process that can start only `threads` threads. For this process every user
// is a stranger.
class OtherProcess final : public event::Process {
 public:
  explicit OtherProcess(int threads) : left_(threads) {}
  void Die(absl::string_view message) override { real_->Die(message); }
  event::Credentials credentials() override { return real_->credentials(); }
  bool IsOverflowUser(uid_t) override { return true; }
  event::Instant Now() override { return real_->Now() + is_ahead; }
  std::unique_ptr<event::Loop> CreateLoop() override {
    return real_->CreateLoop();
  }
  std::unique_ptr<event::Parker> CreateParker() override {
    return real_->CreateParker();
  }
  std::unique_ptr<event::ThreadHandle> StartThread(
      const std::string& name, std::function<void()> body) override {
    ++started_;
    return left_-- > 0 ? real_->StartThread(name, std::move(body)) : nullptr;
  }
  int started() const { return started_; }
  void ExitThread() override { real_->ExitThread(); }
  uint64_t Random() override { return real_->Random(); }
  std::string GetEnv(const char* name) override { return real_->GetEnv(name); }

  // How far Now() is ahead. Threads that this process starts have the real
  // clock.
  absl::Duration is_ahead;

 private:
  event::Process* const real_ = event::Process::Current();
  int left_;
  int started_ = 0;
};

// Receives all frames and closes their file descriptors.
class Reader final : public Connection::Observer {
 public:
  Reader(event::Process* process, Connection* connection, BufferPool* pool)
      : process_(process), connection_(connection), pool_(pool) {}
  void OnReadable() override {
    IncomingFrame frame;
    while (connection_->Receive(&frame, pool_, absl::InfinitePast()) ==
           IoResult::kOk) {
      ++frames;
      CloseSentBy(process_, getuid(), std::move(frame.descriptor));
    }
  }

  int frames = 0;

 private:
  event::Process* const process_;
  Connection* const connection_;
  BufferPool* const pool_;
};

class StrangersTest : public ::testing::Test, private Acceptor::Observer {
 protected:
  StrangersTest() { WaitForCloses(); }
  ~StrangersTest() override {
    acceptor_.reset();
    rmdir(folder_);
  }

  // Makes an end like a directory's (end_), and a raw far end (far_).
  void Connect() {
    transport_.RefuseDescriptors();
    auto listening = transport_.Listen(address_);
    ASSERT_TRUE(listening.ok()) << listening.status();
    acceptor_ = *std::move(listening);
    far_.reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    struct sockaddr_un to = {};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address_.data(), address_.size());
    ASSERT_EQ(connect(far_.get(), reinterpret_cast<struct sockaddr*>(&to),
                      sizeof(to)),
              0);
    end_fd_ = LowestFree();
    AcceptOne();
  }
  void AcceptOne() {
    ASSERT_TRUE(acceptor_->Attach(loop_, this).ok());
    while (end_ == nullptr) loop_->RunTurn(absl::InfiniteFuture());
  }
  // Makes an end like a server's end of a session (end_), and a raw far end
  // (far_).
  void BeginSession(Connection::Trust trust, event::HeldRef held = {},
                    uid_t payer = event::kUnknownPeer) {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    far_.reset(pair[1]);
    end_fd_ = pair[0];
    end_ = std::make_unique<UnixConnection>(event::UniqueFd(pair[0]), &process_,
                                            false);
    end_->SetTrust(trust, payer, std::move(held));
  }
  // Sends a frame with a descriptor. Returns 0 or the error.
  int SendDescriptor() {
    FrameHeader header;
    header.type = 1;
    header.flags = FrameHeader::kDescriptor;
    return SendDescriptors(&header, 1);
  }
  // Sends a packet with `count` descriptors. If `header` is null, the packet
  // has no bytes.
  int SendDescriptors(FrameHeader* header, int count) {
    struct iovec part = {header, header == nullptr ? 0 : sizeof(*header)};
    const event::UniqueFd sent(eventfd(0, EFD_CLOEXEC));
    int fds[kMost];
    std::fill_n(fds, count, sent.get());
    const size_t size = static_cast<size_t>(count) * sizeof(int);
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(fds))] = {};
    struct msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(size);
    struct cmsghdr* const c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(c), fds, size);
    while (sendmsg(far_.get(), &message, MSG_NOSIGNAL) < 0) {
      // Retry, because other tests of this user may have many file descriptors
      // in flight.
      if (errno != ETOOMANYREFS) return errno;
      std::this_thread::yield();
    }
    return 0;
  }
  // Passes end_ to a new owner. Returns the new owner's end.
  std::unique_ptr<Connection> PassOn(bool owner_lets_descriptors_in) {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    UnixConnection to_server(event::UniqueFd(pair[0]), &process_, false);
    UnixConnection server(event::UniqueFd(pair[1]), &process_, false);
    OutgoingFrame frame;
    frame.connection = &end_;
    frame.owner_lets_descriptors_in = owner_lets_descriptors_in;
    EXPECT_EQ(to_server.Send(frame), IoResult::kOk);
    IncomingFrame introduced;
    EXPECT_EQ(server.Receive(&introduced, pool_.get(), absl::InfiniteFuture()),
              IoResult::kOk);
    return std::move(introduced.connection);
  }
  void ExpectTaken(Connection* connection) {
    EXPECT_EQ(SendDescriptor(), 0);
    IncomingFrame received;
    ASSERT_EQ(
        connection->Receive(&received, pool_.get(), absl::InfiniteFuture()),
        IoResult::kOk);
    EXPECT_TRUE(received.descriptor);
  }
  void ExpectTakenOncePassedOn() { ExpectTaken(PassOn(false).get()); }
  // Whether the kernel can refuse file descriptors.
  bool KernelRefuses() {
    const event::UniqueFd probe(socket(AF_UNIX, SOCK_SEQPACKET, 0));
    const int off = 0;
    return setsockopt(probe.get(), SOL_SOCKET, SO_PASSRIGHTS, &off,
                      sizeof(off)) == 0;
  }
  // Makes all closing threads of `user` block in a close, until
  // LastFrom(INT_MAX).
  void BlockClosers(Kernel* kernel, uid_t user) {
    constexpr int kThreads = 4;
    kernel->LastFrom(kLasting);
    for (int i = 0; i < kThreads; ++i) {
      CloseElsewhere(&process_, user,
                     event::UniqueFd(fcntl(0, F_DUPFD_CLOEXEC, kLasting)));
    }
    kernel->WaitUntilLasting(kThreads);
  }
  static int OpenDescriptors() {
    int count = 0;
    for (int fd = 0; fd < kLasting; ++fd) {
      if (fcntl(fd, F_GETFD) >= 0) ++count;
    }
    return count;
  }
  // Waits until no file descriptor waits to be closed. While one waits, a
  // receive also peeks at packets. A peek opens and closes copies of a packet's
  // descriptors.
  static void WaitForCloses() {
    while (AnyCloseWaits()) std::this_thread::yield();
  }
  static int LowestFree() {
    const event::UniqueFd probe(open("/dev/null", O_RDONLY | O_CLOEXEC));
    return probe.get();
  }

  void OnAccepted(std::unique_ptr<Connection> connection) override {
    end_ = std::move(connection);
  }

  static constexpr int kLasting = 700;  // the argument of LastFrom()
  static constexpr int kMost = 20;      // file descriptors in a packet

  char folder_[32] = "/tmp/le_strangers_XXXXXX";
  const std::string address_ = std::string(mkdtemp(folder_)) + "/s";
  OtherProcess process_{INT_MAX};
  event::Loop* const loop_ = event::Thread::Current()->loop();
  UnixTransport transport_{&process_};
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<Connection> end_;
  int end_fd_ = -1;
  event::UniqueFd far_;
  const BufferPool::Ptr pool_ = BufferPool::Create(100);
};

TEST_F(StrangersTest, TheKernelRefusesDescriptorsUntilPassing) {
  if (!KernelRefuses()) GTEST_SKIP() << "this kernel cannot";
  Connect();
  EXPECT_EQ(SendDescriptor(), EPERM);
  ExpectTakenOncePassedOn();
}

// A connection that refuses file descriptors has none unread, so this thread
// may close it.
TEST_F(StrangersTest, TheKernelRefusesDescriptorsUntilSetTrust) {
  if (!KernelRefuses()) GTEST_SKIP() << "this kernel cannot";
  Kernel kernel;
  BlockClosers(&kernel, getuid());
  for (const bool is_taken : {false, true}) {
    acceptor_.reset();
    Connect();
    std::unique_ptr<Connection> client = PassOn(true);
    EXPECT_EQ(SendDescriptor(), EPERM);
    if (is_taken) {
      client->SetTrust(Connection::Trust::kStranger, getuid(), {});
      ExpectTaken(client.get());
      continue;
    }
    ASSERT_GT(send(far_.get(), "unread", 6, 0), 0);
    const int before = OpenDescriptors();
    client.reset();
    EXPECT_EQ(OpenDescriptors(), before - 1);
  }
  kernel.LastFrom(INT_MAX);
}

// A connection is prepared for passing on, but passing fails. Expected: the
// connection still refuses file descriptors.
TEST_F(StrangersTest, AnEndWhosePassingFailsRefusesDescriptors) {
  Connect();
  if (SendDescriptor() != EPERM) GTEST_SKIP() << "this kernel cannot";
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  close(pair[1]);
  UnixConnection to_server(event::UniqueFd(pair[0]), event::Process::Current(),
                           false);
  OutgoingFrame frame;
  frame.connection = &end_;
  ASSERT_EQ(to_server.Send(frame), IoResult::kClosed);
  EXPECT_EQ(SendDescriptor(), EPERM);
  ExpectTakenOncePassedOn();
}

TEST_F(StrangersTest, AnotherThreadClosesThemOnAnOldKernel) {
  Kernel kernel;
  kernel.knows_rights = false;
  Connect();
  ASSERT_EQ(SendDescriptor(), 0);
  const int comes_as = LowestFree();
  kernel.Forget();
  IncomingFrame frame;
  ASSERT_EQ(end_->Receive(&frame, pool_.get(), absl::InfiniteFuture()),
            IoResult::kOk);
  EXPECT_FALSE(frame.descriptor);
  EXPECT_TRUE(frame.descriptor_lost);
  EXPECT_NE(kernel.ClosedBy(comes_as), std::this_thread::get_id());
  // A descriptor that was not received is closed together with the socket.
  ASSERT_EQ(SendDescriptor(), 0);
  kernel.Forget();
  end_->Close();
  EXPECT_NE(kernel.ClosedBy(end_fd_), std::this_thread::get_id());
}

// A connection was made before this process could refuse file descriptors.
TEST_F(StrangersTest, AnotherThreadClosesDescriptorsOfAPassedSocketsBacklog) {
  Kernel kernel;
  event::UniqueFd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  struct sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  const auto* const raw = reinterpret_cast<struct sockaddr*>(&to);
  ASSERT_EQ(bind(listener.get(), raw, sizeof(to)), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  far_.reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(far_.get(), raw, sizeof(to)), 0);
  ASSERT_EQ(SendDescriptor(), 0);

  transport_.RefuseDescriptors();
  transport_.UseListener(std::move(listener));
  acceptor_ = *transport_.Listen(address_);
  AcceptOne();
  const int comes_as = LowestFree();
  kernel.Forget();
  IncomingFrame frame;
  ASSERT_EQ(end_->Receive(&frame, pool_.get(), absl::InfiniteFuture()),
            IoResult::kOk);
  EXPECT_FALSE(frame.descriptor);
  EXPECT_NE(kernel.ClosedBy(comes_as), std::this_thread::get_id());

  if (KernelRefuses()) {
    end_.reset();
    far_.reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(far_.get(), raw, sizeof(to)), 0);
    EXPECT_EQ(SendDescriptor(), EPERM);
  }
  unlink(address_.c_str());
}

// ---- Sessions with strangers -----------------------------------------------

using Trust = Connection::Trust;

TEST_F(StrangersTest, AnotherThreadClosesUnreadDescriptors) {
  Kernel kernel;
  for (const bool with_bytes : {true, false}) {
    BeginSession(Trust::kStranger);
    WaitForCloses();
    FrameHeader header;
    header.flags = FrameHeader::kDescriptor;
    ASSERT_EQ(SendDescriptors(with_bytes ? &header : nullptr, 1), 0);
    kernel.Forget();
    end_->Close();
    EXPECT_NE(kernel.ClosedBy(end_fd_), std::this_thread::get_id())
        << with_bytes;
  }
  // If nothing is unread, this thread closes the socket.
  BeginSession(Trust::kStranger);
  kernel.Forget();
  end_->Close();
  EXPECT_EQ(kernel.ClosedBy(end_fd_), std::this_thread::get_id());
}

// Descriptors of packets that break the rules, and of an incomplete frame.
TEST_F(StrangersTest, AnotherThreadClosesDescriptorsWithoutAFrame) {
  struct Case {
    const char* name;
    uint16_t flags;
    uint32_t length;
    int descriptors;
    bool promises_plain;
  };
  Kernel kernel;
  for (const Case& c : {
           Case{"not announced", 0, 0, 1, false},
           Case{"two", FrameHeader::kDescriptor, 0, 2, false},
           Case{"a part", FrameHeader::kDescriptor | FrameHeader::kFragmented,
                80, 1, false},
           Case{"no part", FrameHeader::kDescriptor, 80, 1, false},
           Case{"a broken promise", FrameHeader::kDescriptor, 0, 1, true},
       }) {
    BeginSession(Trust::kStranger);
    WaitForCloses();
    IncomingFrame frame;
    if (c.promises_plain) {
      FrameHeader promise;
      promise.type = 1;
      promise.flags = FrameHeader::kPlainNext;
      ASSERT_GT(send(far_.get(), &promise, sizeof(promise), 0), 0);
      ASSERT_EQ(end_->Receive(&frame, pool_.get(), absl::InfinitePast()),
                IoResult::kOk);
    }
    FrameHeader header;
    header.type = 1;
    header.flags = c.flags;
    header.length = c.length;
    ASSERT_EQ(SendDescriptors(&header, c.descriptors), 0) << c.name;
    const int comes_as = LowestFree();
    kernel.Forget();
    end_->Receive(&frame, pool_.get(), absl::InfinitePast());
    end_->Close();
    frame = IncomingFrame();
    EXPECT_NE(kernel.ClosedBy(comes_as), std::this_thread::get_id()) << c.name;
  }
}

// A packet without bytes closes the connection. `held` is kept until the
// packet's descriptors are closed.
TEST_F(StrangersTest, AnotherThreadClosesThemForAnEmptyPacket) {
  Kernel kernel;
  Kept kept;
  const auto held = event::HeldRef::Adopt(&kept);
  BeginSession(Trust::kStranger, held);
  ASSERT_EQ(SendDescriptors(nullptr, 1), 0);
  const int comes_as = LowestFree();
  kernel.Forget();
  kernel.LastFrom(comes_as);
  IncomingFrame frame;
  ASSERT_EQ(end_->Receive(&frame, pool_.get(), absl::InfinitePast()),
            IoResult::kClosed);
  EXPECT_NE(kernel.ClosedBy(comes_as), std::this_thread::get_id());
  kernel.WaitUntilLasting(1);
  end_.reset();
  EXPECT_EQ(kept.holders(), 2);
  kernel.LastFrom(INT_MAX);
  while (kept.holders() > 1) std::this_thread::yield();
}

TEST_F(StrangersTest, ASessionMayTakeNoDescriptors) {
  Kernel kernel;
  for (const bool knows_rights : {true, false}) {
    kernel.knows_rights = knows_rights;
    BeginSession(Trust::kNoDescriptors);
    WaitForCloses();
    const int error = SendDescriptor();
    if (error == EPERM) continue;
    ASSERT_EQ(error, 0);
    const int comes_as = LowestFree();
    kernel.Forget();
    IncomingFrame frame;
    ASSERT_EQ(end_->Receive(&frame, pool_.get(), absl::InfinitePast()),
              IoResult::kOk);
    EXPECT_FALSE(frame.descriptor);
    EXPECT_TRUE(frame.descriptor_lost);
    EXPECT_FALSE(frame.lost_by_sender);
    EXPECT_NE(kernel.ClosedBy(comes_as), std::this_thread::get_id());
  }
}

// The descriptor is sent before SetTrust() is called.
TEST_F(StrangersTest, ADescriptorSentBeforeTheRefusalIsClosed) {
  Kernel kernel;
  BeginSession(Trust::kStranger);
  ASSERT_EQ(SendDescriptor(), 0);
  const int comes_as = LowestFree();
  kernel.Forget();
  end_->SetTrust(Trust::kNoDescriptors, getuid(), {});
  IncomingFrame frame;
  ASSERT_EQ(end_->Receive(&frame, pool_.get(), absl::InfinitePast()),
            IoResult::kOk);
  EXPECT_FALSE(frame.descriptor);
  EXPECT_NE(kernel.ClosedBy(comes_as), std::this_thread::get_id());
}

// A close that blocks delays only closes of the same user. Each waiting close
// keeps `held`.
TEST_F(StrangersTest, ClosesOfOneUserDoNotDelayOthers) {
  constexpr uid_t kOne = 1, kTwo = 2;
  event::Process* const process = &process_;
  Kept kept;
  const auto held = event::HeldRef::Adopt(&kept);
  Kernel kernel;
  const int lasting = fcntl(0, F_DUPFD_CLOEXEC, 700);
  ASSERT_GE(lasting, 700);
  kernel.LastFrom(700);
  CloseElsewhere(process, kOne, event::UniqueFd(lasting), held);
  for (int i = 0; i < 20; ++i) {
    CloseElsewhere(process, kOne,
                   event::UniqueFd(fcntl(0, F_DUPFD_CLOEXEC, 700)), held);
  }
  kernel.WaitUntilLasting(4);
  EXPECT_EQ(kept.holders(), 22);
  const int other = LowestFree();
  kernel.Forget();
  CloseElsewhere(process, kTwo, event::UniqueFd(dup(0)));
  EXPECT_NE(kernel.ClosedBy(other), std::this_thread::get_id());
  kernel.LastFrom(INT_MAX);
  while (kept.holders() > 1) std::this_thread::yield();
}

// Twenty users occupy all shared threads. Expected: a further user has a thread
// of its own, and no second one.
TEST_F(StrangersTest, ManyUsersDelayNoOtherUser) {
  constexpr int kUsers = 20, kThreadsOfAUser = 4;
  Kept kept;
  const auto held = event::HeldRef::Adopt(&kept);
  Kernel kernel;
  kernel.LastFrom(kLasting);
  const auto block = [&](int user) {
    for (int i = 0; i < kThreadsOfAUser; ++i) {
      CloseElsewhere(&process_, static_cast<uid_t>(user),
                     event::UniqueFd(fcntl(0, F_DUPFD_CLOEXEC, kLasting)),
                     held);
    }
  };
  for (int user = 1; user < kUsers; ++user) {
    block(user);
    kernel.WaitUntilLasting(user * kThreadsOfAUser);
  }
  EXPECT_FALSE(AnyCloseWaits());
  block(kUsers);
  kernel.WaitUntilLasting(kUsers * kThreadsOfAUser);
  EXPECT_FALSE(AnyCloseWaits());
  block(kUsers + 1);
  kernel.WaitUntilLasting(kUsers * kThreadsOfAUser + 1);
  const int started = process_.started();
  const int second = fcntl(0, F_DUPFD_CLOEXEC, 600);
  const int others = fcntl(0, F_DUPFD_CLOEXEC, 650);
  kernel.Forget();
  CloseElsewhere(&process_, kUsers + 1, event::UniqueFd(second), held);
  EXPECT_EQ(process_.started(), started);
  CloseElsewhere(&process_, kUsers + 2, event::UniqueFd(others), held);
  EXPECT_NE(kernel.ClosedBy(others), std::this_thread::get_id());
  EXPECT_TRUE(AnyCloseWaits());
  kernel.LastFrom(INT_MAX);
  EXPECT_NE(kernel.ClosedBy(second), std::this_thread::get_id());
  while (kept.holders() > 1) std::this_thread::yield();
}

// An operator must be able to find the cause. Each user is reported once.
TEST_F(StrangersTest, ClosesThatLastLongAreLogged) {
  static std::mutex log_mutex;
  static std::vector<std::string> log;
  event::SetLogSink([](event::LogLevel, absl::string_view line) {
    std::lock_guard<std::mutex> lock(log_mutex);
    log.emplace_back(line);
  });
  Kernel kernel;
  const auto lines = [&](const std::string& user, const std::string& closes) {
    std::lock_guard<std::mutex> lock(log_mutex);
    return std::count_if(log.begin(), log.end(), [&](const std::string& line) {
      return line.find("from " + user + " are slow") != std::string::npos &&
             line.find(closes) != std::string::npos;
    });
  };
  kernel.LastFrom(kLasting);
  for (const uid_t user : {uid_t{1}, uid_t{1}, uid_t{2}}) {
    CloseElsewhere(&process_, user,
                   event::UniqueFd(fcntl(0, F_DUPFD_CLOEXEC, kLasting)));
  }
  kernel.WaitUntilLasting(3);
  CloseElsewhere(&process_, 3, event::UniqueFd(dup(0)));
  EXPECT_EQ(lines("user 1", ""), 0);
  process_.is_ahead = absl::Seconds(5);
  for (int i = 0; i < 5; ++i) {
    CloseElsewhere(&process_, 3, event::UniqueFd(dup(0)));
    WaitForCloses();
  }
  EXPECT_EQ(lines("user 1", ""), 1);
  EXPECT_EQ(lines("user 1", ", 2 are being closed, and 0 wait"), 1);
  EXPECT_EQ(lines("user 2", ", 1 are being closed, and 0 wait"), 1);
  kernel.LastFrom(INT_MAX);
  while (AnyCloseIsUnfinished()) std::this_thread::yield();
  event::SetLogSink(nullptr);
}

// An unread packet with a client's connection is dropped. Expected: the close
// of this connection is charged to the client's user. So blocked closes of
// unknown users do not delay it.
TEST_F(StrangersTest, ADroppedClientIsClosedAsItsUser) {
  event::Process* const process = &process_;
  Kept kept;
  const auto held = event::HeldRef::Adopt(&kept);
  Kernel kernel;
  int to_server[2], to_client[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, to_server),
            0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, to_client),
            0);
  UnixConnection directory(event::UniqueFd(to_server[0]), process, false);
  UnixConnection server(event::UniqueFd(to_server[1]), process, false);
  server.SetDescriptorPolicy(Connection::DescriptorPolicy::kLeaveUnread);
  far_.reset(to_client[0]);
  end_ = std::make_unique<UnixConnection>(event::UniqueFd(to_client[1]),
                                          process, false);
  OutgoingFrame frame;
  frame.connection = &end_;
  ASSERT_EQ(directory.Send(frame), IoResult::kOk);
  kernel.LastFrom(700);
  for (int i = 0; i < 4; ++i) {
    CloseElsewhere(process, static_cast<uid_t>(-1),
                   event::UniqueFd(fcntl(0, F_DUPFD_CLOEXEC, 700)), held);
  }
  kernel.WaitUntilLasting(4);
  const int comes_as = LowestFree();
  kernel.Forget();
  server.Close();
  EXPECT_NE(kernel.ClosedBy(comes_as), std::this_thread::get_id());
  kernel.LastFrom(INT_MAX);
  while (kept.holders() > 1) std::this_thread::yield();
}

// Tests that another thread closes this process's copy of a passed connection.
// The new owner may already have closed its copy. Then this close is the last
// one, and the far end can make it block. If the parameter is true, the frame
// is gathered; otherwise it is sent at once.
class PassedOnTest : public StrangersTest,
                     public ::testing::WithParamInterface<bool>,
                     private Connection::Observer,
                     private event::Task {
 protected:
  void OnReadable() override {}
  void Run() override {
    // Send a first frame, so that the next frame of this turn is gathered.
    if (GetParam()) {
      ASSERT_EQ(to_server_->Send(OutgoingFrame()), IoResult::kOk);
    }
    OutgoingFrame frame;
    frame.connection = &end_;
    ASSERT_EQ(to_server_->Send(frame), IoResult::kOk);
  }
  void PassOnInATurn() {
    ASSERT_TRUE(to_server_->Attach(StrangersTest::loop_, this).ok());
    StrangersTest::loop_->Post(this);
    StrangersTest::loop_->RunTurn(absl::InfiniteFuture());
  }
  void MakeServer() {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    to_server_ = std::make_unique<UnixConnection>(event::UniqueFd(pair[0]),
                                                  &process_, false);
    server_.reset(pair[1]);
  }

  std::unique_ptr<Connection> to_server_;
  event::UniqueFd server_;
};

TEST_P(PassedOnTest, AnotherThreadClosesThisProcessesCopy) {
  Kernel kernel;
  MakeServer();
  Kept kept;
  const auto held = event::HeldRef::Adopt(&kept);
  BeginSession(Trust::kTrusted);
  end_->KeepUntilClosed(held);
  kernel.Forget();
  kernel.LastFrom(end_fd_);
  PassOnInATurn();
  ASSERT_NE(kernel.ClosedBy(end_fd_), std::this_thread::get_id());
  kernel.WaitUntilLasting(1);
  EXPECT_EQ(kept.holders(), 2);
  kernel.LastFrom(INT_MAX);
  while (kept.holders() > 1) std::this_thread::yield();
}

INSTANTIATE_TEST_SUITE_P(All, PassedOnTest, ::testing::Bool());

// ---- File descriptors that wait to be closed -------------------------------

constexpr int kMaxWaiting = static_cast<int>(kMaxClosesOfAUser);

// A packet with too many file descriptors ends its session. Such a packet is
// not received while any file descriptor of any user waits to be closed. So all
// users together exceed their limits by at most one packet.
TEST_F(StrangersTest, BrokenPacketsAreNotReceivedWhileACloseWaits) {
  Kernel kernel;
  BlockClosers(&kernel, getuid());
  std::vector<std::unique_ptr<Connection>> ends;
  std::vector<event::UniqueFd> far_ends;
  constexpr int kSessions = 16;
  for (int i = 0; i < kSessions; ++i) {
    BeginSession(Trust::kStranger, {}, static_cast<uid_t>(i % 2));
    FrameHeader header;
    ASSERT_EQ(SendDescriptors(&header, kMost), 0);
    ends.push_back(std::move(end_));
    far_ends.push_back(std::move(far_));
  }
  const int before = OpenDescriptors();
  IncomingFrame frame;
  CloseElsewhere(&process_, getuid(), event::UniqueFd(dup(0)));  // waits
  for (const auto& end : ends) {
    EXPECT_EQ(end->Receive(&frame, pool_.get(), absl::InfinitePast()),
              IoResult::kClosed);
  }
  // No file descriptor was received: only the one from dup() is new.
  EXPECT_LE(OpenDescriptors() - before, 1);
  kernel.LastFrom(INT_MAX);
}

// The kernel reports the directory as the far end of each connection of a
// client. So SetTrust() sets the payer: the server's user.
TEST_F(StrangersTest, ConnectionsOfOtherUsersAreReadMeanwhile) {
  constexpr uid_t kOne = 1, kTwo = 2;
  Kernel kernel;
  BlockClosers(&kernel, kOne);
  for (int i = 0; i < kMaxWaiting; ++i) {
    CloseElsewhere(&process_, kOne, event::UniqueFd(dup(0)));
  }
  IncomingFrame frame;
  for (const uid_t user : {kOne, kTwo}) {
    BeginSession(Trust::kStranger, {}, user);
    ASSERT_EQ(SendDescriptor(), 0);
    EXPECT_EQ(end_->Receive(&frame, pool_.get(), absl::InfinitePast()),
              user == kTwo ? IoResult::kOk : IoResult::kWouldBlock);
  }
  kernel.LastFrom(INT_MAX);
}

// With kNoDescriptors the transport closes each file descriptor at its arrival.
// With kStranger the Reader closes it, like a program that does not fetch
// descriptors. Expected: while too many are not closed, the session is not
// read.
TEST_F(StrangersTest, ASessionIsLeftUnreadWhileTooManyAreNotClosed) {
  constexpr int kFrames = 2 * kMaxWaiting;
  for (const Trust trust : {Trust::kNoDescriptors, Trust::kStranger}) {
    Kernel kernel;
    kernel.knows_rights = false;
    BlockClosers(&kernel, getuid());
    BeginSession(trust);
    for (int i = 0; i < kFrames; ++i) ASSERT_EQ(SendDescriptor(), 0);
    const int before = OpenDescriptors();
    Reader reader(&process_, end_.get(), pool_.get());
    ASSERT_TRUE(end_->Attach(loop_, &reader).ok());
    while (reader.frames < kMaxWaiting) loop_->RunTurn(absl::InfiniteFuture());
    // The transport does nothing meanwhile, also after a pause.
    while (loop_->RunTurn(absl::InfinitePast())) {
    }
    EXPECT_FALSE(loop_->RunTurn(process_.Now() + absl::Milliseconds(60)));
    EXPECT_EQ(reader.frames, kMaxWaiting);
    EXPECT_LE(OpenDescriptors() - before, kMaxWaiting);
    kernel.LastFrom(INT_MAX);
    while (reader.frames < kFrames) loop_->RunTurn(absl::InfiniteFuture());
    end_.reset();
  }
}

// Sessions of a user that has kMaxClosesOfAUser waiting closes. So the sessions
// are not read. Four more closes are under way; EndOne() ends one of these.
class UnreadSessionsTest : public StrangersTest {
 protected:
  // Each session has one unread frame.
  void Begin(int sessions, bool with_descriptors) {
    BlockClosers(&kernel_, getuid());
    for (int i = 0; i < kMaxWaiting; ++i) {
      CloseElsewhere(&process_, getuid(),
                     event::UniqueFd(fcntl(0, F_DUPFD_CLOEXEC, kLasting)));
    }
    for (int i = 0; i < sessions; ++i) {
      BeginSession(Trust::kStranger);
      if (with_descriptors) {
        ASSERT_EQ(SendDescriptor(), 0);
      } else {
        FrameHeader header;
        header.type = 1;
        ASSERT_GT(send(far_.get(), &header, sizeof(header), 0), 0);
      }
      far_ends_.push_back(std::move(far_));
      readers_.push_back(
          std::make_unique<Reader>(&process_, end_.get(), pool_.get()));
      ASSERT_TRUE(end_->Attach(loop_, readers_.back().get()).ok());
      ends_.push_back(std::move(end_));
    }
    RunTurns();
    EXPECT_EQ(FramesRead(), 0);
  }
  ~UnreadSessionsTest() override { kernel_.LastFrom(INT_MAX); }
  // Runs turns until nothing happens for longer than any pause of a connection.
  void RunTurns() {
    while (loop_->RunTurn(process_.Now() + absl::Milliseconds(60))) {
      ASSERT_LT(++turns_, 1000) << "it spins";
    }
  }
  // Returns when the closing thread has begun its next close.
  void EndOne() {
    kernel_.EndOne();
    kernel_.WaitUntilLasting(++begun_);
  }
  int FramesRead() const {
    int frames = 0;
    for (const auto& reader : readers_) frames += reader->frames;
    return frames;
  }

  Kernel kernel_;
  std::vector<event::UniqueFd> far_ends_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<std::unique_ptr<Connection>> ends_;

 private:
  int turns_ = 0;
  int begun_ = 4;  // closes
};

TEST_F(UnreadSessionsTest, EachCloseMakesRoomForOne) {
  Begin(20, /*with_descriptors=*/true);
  for (int ended = 1; ended <= 3; ++ended) {
    EndOne();
    RunTurns();
    EXPECT_EQ(FramesRead(), ended);
  }
}

TEST_F(UnreadSessionsTest, AreAllReadWhileThereIsRoom) {
  Begin(20, /*with_descriptors=*/false);
  EndOne();
  RunTurns();
  EXPECT_EQ(FramesRead(), 20);
}

// One of two sessions is notified that it may be read. Then this session or the
// other one is detached. Expected: the session that is left is read.
class TwoUnreadSessionsTest : public UnreadSessionsTest,
                              public ::testing::WithParamInterface<int> {};

TEST_P(TwoUnreadSessionsTest, OneThatLeavesMakesRoomForTheOther) {
  Begin(2, /*with_descriptors=*/true);
  EndOne();
  ends_[GetParam()]->Detach();
  RunTurns();
  EXPECT_EQ(readers_[1 - GetParam()]->frames, 1);
}

INSTANTIATE_TEST_SUITE_P(All, TwoUnreadSessionsTest, ::testing::Range(0, 2));

// Only a directory may pass a connection, not the far end of a session.
TEST_F(StrangersTest, AConnectionOfAStrangerBreaksTheProtocol) {
  Kernel kernel;
  BeginSession(Trust::kStranger);
  FrameHeader header;
  header.type = 1;
  header.flags = FrameHeader::kConnection;
  ASSERT_EQ(SendDescriptors(&header, 1), 0);
  const int comes_as = LowestFree();
  kernel.Forget();
  IncomingFrame frame;
  EXPECT_EQ(end_->Receive(&frame, pool_.get(), absl::InfiniteFuture()),
            IoResult::kClosed);
  EXPECT_EQ(frame.connection, nullptr);
  EXPECT_NE(kernel.ClosedBy(comes_as), std::this_thread::get_id());
}

// This thread closes file descriptors of root and of the process's own user.
TEST_F(StrangersTest, OnlyDescriptorsOfStrangersAreClosedElsewhere) {
  Kernel kernel;
  event::Process* const process = event::Process::Current();
  const auto is_closed_here = [&](uid_t user) {
    const int fd = LowestFree();
    kernel.Forget();
    CloseSentBy(process, user, event::UniqueFd(dup(0)));
    return kernel.ClosedBy(fd) == std::this_thread::get_id();
  };
  EXPECT_TRUE(is_closed_here(0));
  EXPECT_TRUE(is_closed_here(getuid()));
  EXPECT_FALSE(is_closed_here(getuid() + 1));
}

// A signal handler in a closing thread might be delayed by a long close.
TEST_F(StrangersTest, NoSignalHandlerRunsInAClosingThread) {
  Kernel kernel;
  const int fd = LowestFree();
  kernel.Forget();
  CloseElsewhere(&process_, 1, event::UniqueFd(dup(0)));
  EXPECT_NE(kernel.ClosedBy(fd), std::this_thread::get_id());
  for (int signal : {SIGTERM, SIGUSR1, SIGALRM, SIGRTMIN}) {
    EXPECT_TRUE(kernel.Blocked(signal)) << signal;
    sigset_t own;
    pthread_sigmask(SIG_BLOCK, nullptr, &own);
    EXPECT_EQ(sigismember(&own, signal), 0) << signal;
  }
}

TEST_F(StrangersTest, WithoutAThreadTheCallerCloses) {
  Kernel kernel;
  OtherProcess process(0);
  const int fd = LowestFree();
  kernel.Forget();
  CloseElsewhere(&process, 1, event::UniqueFd(dup(0)));
  EXPECT_EQ(kernel.ClosedBy(fd), std::this_thread::get_id());
}

// The only closing thread is inside a blocked close. Expected: the closing
// thread closes the second file descriptor afterwards.
TEST_F(StrangersTest, WithoutANewThreadAnExistingThreadCloses) {
  Kernel kernel;
  OtherProcess process(1);
  Kept kept;
  const auto held = event::HeldRef::Adopt(&kept);
  kernel.LastFrom(700);
  CloseElsewhere(&process, 1, event::UniqueFd(fcntl(0, F_DUPFD_CLOEXEC, 700)),
                 held);
  kernel.WaitUntilLasting(1);
  const int fd = LowestFree();
  kernel.Forget();
  CloseElsewhere(&process, 2, event::UniqueFd(dup(0)), held);
  EXPECT_EQ(kept.holders(), 3);
  kernel.LastFrom(INT_MAX);
  EXPECT_NE(kernel.ClosedBy(fd), std::this_thread::get_id());
  while (kept.holders() > 1) std::this_thread::yield();
}

}  // namespace
}  // namespace transports
}  // namespace le
