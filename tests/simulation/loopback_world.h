// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The world over the loopback transport with faults. It is fast, since it needs
// no simulated kernel.

#ifndef LE_MESSAGING_TESTS_SIMULATION_LOOPBACK_WORLD_H_
#define LE_MESSAGING_TESTS_SIMULATION_LOOPBACK_WORLD_H_

#include <memory>
#include <string>

#include "event/loop.h"
#include "tests/simulation/faulty_transport.h"
#include "tests/simulation/world.h"

namespace le {
namespace simulation {

class LoopbackWorld final : public World {
 public:
  explicit LoopbackWorld(const Plan& plan);
  ~LoopbackWorld() override;
  int NewDescriptor() override { return descriptors_.New(); }

 private:
  class Reload;

  event::SimProcess* AddProcess(const std::string& name, uid_t uid) override;
  void SpawnDirectory(event::SimProcess* process) override;
  void Prepare(event::SimProcess* process) override;
  void SpawnAdministrator();
  void LoadBindings() override;
  void BeginTroubles() override;
  void EndTroubles() override;
  std::string Leftovers() override;

  Descriptors descriptors_;
  transports::LoopbackNetwork network_;
  Weather weather_;
  std::unique_ptr<Reload> reload_;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_LOOPBACK_WORLD_H_
