// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What only sockets have: paths, a line at the door, descriptors that run out.

#include "transports/unix_socket/unix_socket.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "event/base/log.h"
#include "event/process.h"
#include "gtest/gtest.h"

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
    EXPECT_EQ(rmdir(folder_.c_str()), 0) << "something is left in it";
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

TEST_F(UnixSocketTest, APathHasSoManyBytes) {
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

TEST_F(UnixSocketTest, AnybodyMayConnectAndItsEndLeavesNothing) {
  std::unique_ptr<Acceptor> acceptor = Listen();
  struct stat now;
  ASSERT_EQ(lstat(address().c_str(), &now), 0);
  EXPECT_EQ(now.st_mode & 0777, 0666u);
  acceptor.reset();
  EXPECT_NE(lstat(address().c_str(), &now), 0);
}

TEST_F(UnixSocketTest, TakesThePlaceOfTheDeadButNotOfTheLivingNorOfAFile) {
  {
    // One that died without cleaning up.
    std::unique_ptr<Acceptor> first = Listen();
    ASSERT_EQ(rename(address().c_str(), (address() + "2").c_str()), 0);
    first.reset();
    ASSERT_EQ(rename((address() + "2").c_str(), address().c_str()), 0);
  }
  std::unique_ptr<Acceptor> second = Listen();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(ListenCode(address()), absl::StatusCode::kAlreadyExists);
  // Somebody has put something else in its place: that is not ours to remove.
  ASSERT_EQ(unlink(address().c_str()), 0);
  const event::UniqueFd file(creat(address().c_str(), 0600));
  second.reset();
  EXPECT_EQ(access(address().c_str(), F_OK), 0);
  EXPECT_EQ(ListenCode(address()), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ListenCode(folder_ + "/no/where"),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(UnixSocketTest, AFullLineIsToldApartFromAnEmptyHouse) {
  EXPECT_EQ(transport_.Connect(address()).status().code(),
            absl::StatusCode::kUnavailable);
  std::unique_ptr<Acceptor> acceptor = Listen();
  std::vector<std::unique_ptr<Connection>> line;
  absl::Status failed;
  while (failed.ok() && line.size() <= 2 * kListenBacklog) {
    absl::StatusOr<std::unique_ptr<Connection>> connection =
        transport_.Connect(address());
    if (connection.ok()) {
      line.push_back(*std::move(connection));
      // The socket is in the line by itself; we may not have so many.
      line.back().reset();
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

TEST_F(UnixSocketTest, WithoutADescriptorTheLineWaitsAndIsServedLater) {
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
  // It tries, pauses, and tries again.
  for (int turn = 0; turn < 3; ++turn) loop()->RunTurn(absl::InfiniteFuture());
  const size_t accepted = accepting.accepted.size();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
  event::SetLogSink(sink);
  EXPECT_EQ(starved, absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(accepted, 0u);
  EXPECT_EQ(said, 1) << "once per shortage";
  while (accepting.accepted.empty()) loop()->RunTurn(absl::InfiniteFuture());
}

}  // namespace
}  // namespace transports
}  // namespace le
