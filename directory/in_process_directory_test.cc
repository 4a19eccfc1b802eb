// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/in_process_directory.h"

#include <memory>

#include "event/testing/sim.h"
#include "gtest/gtest.h"
#include "transports/loopback/loopback.h"

namespace le {
namespace directory {
namespace {

class CountingObserver final : public Opening::Observer {
 public:
  void OnIntroduced(std::unique_ptr<transports::Connection>,
                    transports::IncomingFrame, const Introduced&) override {}
  void OnRefused(const absl::Status&) override {}
  void OnCauseChanged() override { ++changes; }

  int changes = 0;
};

// One thread polls an opening that waits, while another thread changes the
// bindings. Each change of the bindings changes the opening's cause().
TEST(InProcessDirectoryTest, APollRunsWhileAnotherThreadChangesTheBindings) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    event::Simulation sim(seed);
    event::SimProcess* const process = sim.AddProcess("p", {0, 1000, 1000});
    const auto transport = transports::NewLoopback(process);
    InProcessDirectory directory(process);
    CountingObserver observer;
    bool done = false;
    sim.Spawn(process, "client", [&] {
      event::Loop* const loop = event::Thread::Current()->loop();
      const auto introducer = directory.IntroducerFor(transport.get());
      InterfaceDescription client;
      client.interface_name = "s";
      client.protocol_id = "p";
      const auto opening = introducer->Open(loop, client, true, &observer);
      while (!done) EXPECT_FALSE(opening->Poll());
      loop->RunTurn(loop->Now());
    });
    sim.Spawn(process, "other", [&] {
      for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(directory.SetBindings("").ok());
        EXPECT_TRUE(directory.SetBindings("<*>.* -> <self>.*\n").ok());
      }
      done = true;
    });
    ASSERT_EQ(static_cast<int>(sim.Run()),
              static_cast<int>(event::Simulation::Outcome::kEnded))
        << sim.Report();
    EXPECT_GT(observer.changes, 0);
  }
}

}  // namespace
}  // namespace directory
}  // namespace le
