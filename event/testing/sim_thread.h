// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A simulated thread. Only the simulation and the simulated kernel include this
// file.

#ifndef LE_MESSAGING_EVENT_TESTING_SIM_THREAD_H_
#define LE_MESSAGING_EVENT_TESTING_SIM_THREAD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "event/testing/fiber.h"
#include "event/testing/sim.h"
#include "event/user_code.h"

namespace le {
namespace event {

// The exception that unwinds a thread when its process is killed, or when it
// calls ExitThread().
struct SimUnwind : ThreadUnwind {};

class SimThread {
 public:
  SimThread(Simulation* sim, SimProcess* process, std::string name,
            std::function<void()> body, int number)
      : sim(sim),
        process(process),
        name(std::move(name)),
        body(std::move(body)),
        number(number) {}

  enum class State { kRunnable, kBlocked, kEnded };

  // The body of the thread's fiber.
  void Main();

  Simulation* const sim;
  SimProcess* const process;  // null for the controller
  const std::string name;
  std::function<void()> body;
  const int number;

  State state = State::kRunnable;
  const char* waits_for = "";
  Instant deadline = absl::InfiniteFuture();
  bool timed_out = false;
  int locks_held = 0;  // number of event::Mutex
  // While the thread is blocked: returns whether the thread may continue before
  // the deadline. If null, only MakeRunnable() lets it continue.
  bool (*ready)(void* context) = nullptr;
  void* ready_context = nullptr;
  // Used by the simulated kernel. There is one bit for each signal.
  uint64_t blocked_signals = 0;
  uint64_t pending_signals = 0;
  // The number of a step of the simulation. Before this step, the thread is
  // chosen only if no other thread can run.
  uint64_t passed_over_until = 0;
  // Whether the thread unwinds because its process was killed. Then it does not
  // switch or throw again.
  bool unwinding = false;
  // How many switch points the thread has reached since its process was killed.
  int ghost_steps = 0;
  // The thread that called Kill() and waits for the end of this thread.
  SimThread* killer = nullptr;
  std::vector<SimThread*> joiners;
  std::unique_ptr<Fiber> fiber;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TESTING_SIM_THREAD_H_
