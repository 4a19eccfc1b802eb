// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The test kit: one scenario, every transport.
//
// A scenario has a few parties, which communicate by the C API. The library
// treats each party as a process. A test has one body for each party.
// RunScenario() runs the bodies in one of these settings:
//
//   kSimulated      over loopback, in virtual time. One thread runs at a time,
//                   and a seed decides the order
//   kThreads        over loopback, a thread for each party
//   kUnixThreads    over Unix sockets, a thread for each party
//   kUnixProcesses  over Unix sockets, a process for each party, with a real
//                   directoryd
//
//   TEST_P(EchoTest, Answers) {
//     Scenario scenario;
//     scenario.Add("server", [](Party* party) {
//       ... le_msg_AdvertiseService(service);
//       party->RunLoopUntil("done");
//     });
//     scenario.Add("client", [](Party* party) {
//       ... EXPECT_EQ(...);
//       party->Signal("done");
//     });
//     RunScenario(scenario, GetParam());
//   }
//   INSTANTIATE_TEST_SUITE_P(Everywhere, EchoTest, AllSettings(), SettingName);
//
// In kUnixProcesses each party is a process of the same test program. Each
// process runs the test until the call of RunScenario(). So the code before
// this call runs in each process. A test may call RunScenario() only once.
// Parties share no memory. To communicate without messages, they use Signal().

#ifndef LE_MESSAGING_MESSAGING_TESTING_SCENARIO_H_
#define LE_MESSAGING_MESSAGING_TESTING_SCENARIO_H_

#if __cplusplus < 201703L
#error "le_messaging needs C++17: --cxxopt=-std=c++17 (README.md, Depend on it)"
#endif

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "gtest/gtest.h"

namespace le {
namespace messaging {
namespace testing {

enum class Setting { kSimulated, kThreads, kUnixThreads, kUnixProcesses };

// Functions for the body of a party. Only the thread that runs the body may
// call them.
class Party {
 public:
  virtual ~Party() = default;

  // Reports an event to all parties. The event stays reported.
  virtual void Signal(const std::string& event) = 0;
  // Waits for an event. The event loop does not run.
  virtual void Await(const std::string& event) = 0;
  // Runs the loop of this thread until an event is reported.
  virtual void RunLoopUntil(const std::string& event) = 0;
  // Runs the loop until the condition is true. The condition is checked after
  // each turn.
  virtual void RunLoopUntil(const std::function<bool()>& condition) = 0;

  // Kills a party as SIGKILL does. Returns when it is dead. Only in settings
  // with CanKill().
  virtual void Kill(const std::string& party) = 0;
  // Starts a party that is dead, or that was added with Start::kLater.
  virtual void Start(const std::string& party) = 0;
  // Kill and start the directory.
  virtual void KillDirectory() = 0;
  virtual void StartDirectory() = 0;
};

// Threads cannot be killed.
inline bool CanKill(Setting setting) {
  return setting == Setting::kSimulated || setting == Setting::kUnixProcesses;
}

class Scenario {
 public:
  enum class Start { kAtOnce, kLater };
  enum class Expect { kSuccess, kDeath };

  struct Role {
    std::string name;
    std::function<void(Party*)> body;
    Start start = Start::kAtOnce;
    // kDeath: the library must end this process, as it does for misuse.
    Expect expect = Expect::kSuccess;
  };

  Role& Add(std::string name, std::function<void(Party*)> body) {
    roles_.push_back(std::make_unique<Role>());
    roles_.back()->name = std::move(name);
    roles_.back()->body = std::move(body);
    return *roles_.back();
  }
  // Sets the bindings at the start, in the directory's file format. The default
  // binds every client interface to the service of the same name.
  void SetBindings(std::string text) { bindings_ = std::move(text); }

  const std::vector<std::unique_ptr<Role>>& roles() const { return roles_; }
  const std::string& bindings() const { return bindings_; }

 private:
  std::vector<std::unique_ptr<Role>> roles_;
  std::string bindings_ = "<*>.* -> <self>.*\n";
};

// Runs the scenario until each started party has ended: its body has returned,
// or the party was killed or has died. Each failure of a party is a failure of
// the current test. If the body of a party returns after a failed ASSERT_...(),
// the other parties are killed. (In kThreads and kUnixThreads the test program
// ends instead.) In kUnixProcesses the other parties are also killed after a
// failed EXPECT_...() and after an unexpected death. kSimulated runs the
// scenario once for each of `seeds` seeds, until a run fails. If the
// environment variable LE_SEED is set, it is the only seed.
void RunScenario(const Scenario& scenario, Setting setting, int seeds = 20);

// These are for INSTANTIATE_TEST_SUITE_P.
inline auto AllSettings() {
  return ::testing::Values(Setting::kSimulated, Setting::kThreads,
                           Setting::kUnixThreads, Setting::kUnixProcesses);
}
inline auto KillingSettings() {
  return ::testing::Values(Setting::kSimulated, Setting::kUnixProcesses);
}
std::string SettingName(const ::testing::TestParamInfo<Setting>& info);

}  // namespace testing
}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_TESTING_SCENARIO_H_
