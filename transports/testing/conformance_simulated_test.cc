// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs the conformance tests for the Unix transport in a simulated process, on
// a simulated kernel. With --gtest_repeat each repetition has another order of
// threads.

#include <cstdio>
#include <string>

#include "event/testing/sim.h"
#include "event/testing/sim_kernel.h"
#include "transports/testing/conformance.h"
#include "transports/unix_socket/unix_socket.h"

namespace le {
namespace transports {
namespace {

class SimulatedUnixFixture : public ConformanceFixture {
 public:
  Transport* transport() override { return &transport_; }
  std::string NewAddress() override {
    return "/tmp/" + std::to_string(++addresses_);
  }
  bool simulated() override { return true; }

 private:
  UnixTransport transport_{event::Process::Current()};
  int addresses_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Simulated, TransportConformanceTest,
                         ::testing::Values(&NewFixture<SimulatedUnixFixture>));

}  // namespace
}  // namespace transports
}  // namespace le

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  le::event::Simulation sim(1);
  le::event::SimKernel kernel(&sim);
  sim.SetStepLimit(UINT64_MAX);
  int result = 1;
  sim.Spawn(kernel.AddProcess("tests", 1000, 1000), "main",
            [&result] { result = RUN_ALL_TESTS(); });
  if (sim.Run() != le::event::Simulation::Outcome::kEnded) {
    std::printf("the run does not end:\n%s", sim.Report().c_str());
    return 1;
  }
  const std::string left = kernel.Leftovers();
  if (!left.empty()) std::printf("still open:\n%s", left.c_str());
  return left.empty() ? result : 1;
}
