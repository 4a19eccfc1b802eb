// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A program that uses the C API. It is a client of the service that a stranger
// offers (stranger.h). The stranger forges frames of the directory, for example
// with a wrong user of the server. The guest checks that the library reports
// nothing from forged frames.

#ifndef LE_MESSAGING_TESTS_SIMULATION_GUEST_H_
#define LE_MESSAGING_TESTS_SIMULATION_GUEST_H_

#include <sys/types.h>

#include "le_messaging_ext.h"
#include "legato.h"
#include "tests/simulation/world.h"

namespace le {
namespace simulation {

class Guest {
 public:
  // `server`: the process of the stranger.
  Guest(World* world, pid_t server) : world_(world), server_(server) {}
  // Opens and closes a session `Plan::operations` times. Each wait has a
  // deadline, so Run() returns.
  void Run();

 private:
  void Open();
  void Request();
  // Checks the reported credentials of the server, or the reported cause of a
  // failure.
  void Check();
  void RunLoopFor(absl::Duration time);
  uint32_t SomeMs();

  World* const world_;
  const pid_t server_;
  le_msg_SessionRef_t session_ = nullptr;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_GUEST_H_
