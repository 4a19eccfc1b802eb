// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs the conformance tests for the transports of this project.

#include "transports/testing/conformance.h"

#include <unistd.h>

#include <cstdlib>

#include "event/process.h"
#include "transports/loopback/loopback.h"
#include "transports/unix_socket/unix_socket.h"

namespace le {
namespace transports {
namespace {

class LoopbackFixture : public ConformanceFixture {
 public:
  Transport* transport() override { return &transport_; }
  std::string NewAddress() override { return std::to_string(++addresses_); }

 private:
  LoopbackNetwork network_;
  LoopbackTransport transport_{&network_, event::Process::Current()};
  int addresses_ = 0;
};

class UnixFixture : public ConformanceFixture {
 public:
  UnixFixture() { EXPECT_NE(mkdtemp(folder_), nullptr); }
  ~UnixFixture() override { rmdir(folder_); }
  Transport* transport() override { return &transport_; }
  std::string NewAddress() override {
    return std::string(folder_) + "/" + std::to_string(++addresses_);
  }

 private:
  char folder_[32] = "/tmp/le_conformance_XXXXXX";
  UnixTransport transport_{event::Process::Current()};
  int addresses_ = 0;
};

std::string FixtureName(const ::testing::TestParamInfo<FixtureFactory>& info) {
  return info.index == 0 ? "Loopback" : "Unix";
}

INSTANTIATE_TEST_SUITE_P(Ours, TransportConformanceTest,
                         ::testing::Values(&NewFixture<LoopbackFixture>,
                                           &NewFixture<UnixFixture>),
                         FixtureName);

TEST(ConformanceTest, OneTransportDoesNotPassConnectionsOfAnother) {
  const std::shared_ptr<LocalTransport> loopback =
      NewLoopback(event::Process::Current());
  UnixFixture fixture;
  const std::string address = fixture.NewAddress();
  const auto acceptor = fixture.transport()->Listen(address);
  ASSERT_TRUE(acceptor.ok()) << acceptor.status();
  auto connected = fixture.transport()->Connect(address);
  ASSERT_TRUE(connected.ok()) << connected.status();
  LocalTransport::Pair pair = loopback->ConnectedPair();
  OutgoingFrame frame;
  frame.connection = &pair.accepting;
  EXPECT_EQ((*connected)->Send(frame), IoResult::kNotIdle);
  EXPECT_NE(pair.accepting, nullptr);
  frame.connection = &*connected;
  EXPECT_EQ(pair.connecting->Send(frame), IoResult::kNotIdle);
  EXPECT_NE(*connected, nullptr);
}

}  // namespace
}  // namespace transports
}  // namespace le
