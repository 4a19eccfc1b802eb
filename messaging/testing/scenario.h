// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The test kit: one scenario, every transport.
//
// A scenario is a few parties, each a process as far as le_msg can tell, that
// talk by the C API. Write each party's body once; RunScenario() runs it
//
//   kSimulated      over loopback, one thread running at a time, in an order
//                   that a seed decides, in virtual time
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
// A process of kUnixProcesses is this test program run again, up to the same
// RunScenario() call: so whatever stands before that call runs in each of them,
// and a test may call RunScenario() once only. Parties share no memory: what
// they must tell each other out of band goes by Signal().

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

// What a party can do besides calling le_msg. For the thread that runs its
// body.
class Party {
 public:
  virtual ~Party() = default;

  // Something has happened, and stays so.
  virtual void Signal(const std::string& event) = 0;
  // Waits for it without running the event loop...
  virtual void Await(const std::string& event) = 0;
  // ...or while running the loop of this thread.
  virtual void RunLoopUntil(const std::string& event) = 0;
  // Runs the loop until the condition holds; it is looked at after each turn.
  virtual void RunLoopUntil(const std::function<bool()>& condition) = 0;

  // Kills a party as SIGKILL does; returns when it is dead. Only where
  // CanKill().
  virtual void Kill(const std::string& party) = 0;
  // Starts one that is dead, or that was added with Start::kLater.
  virtual void Start(const std::string& party) = 0;
  // The directory, likewise.
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
  // Bindings at the start, in the directory's file format. Without: every
  // client interface is bound to the service of the same name.
  void SetBindings(std::string text) { bindings_ = std::move(text); }

  const std::vector<std::unique_ptr<Role>>& roles() const { return roles_; }
  const std::string& bindings() const { return bindings_; }

 private:
  std::vector<std::unique_ptr<Role>> roles_;
  std::string bindings_ = "<*>.* -> <self>.*\n";
};

// Runs the scenario until every body that was started has returned or died.
// Failures become those of the current test. kSimulated runs it once for each
// of `seeds` seeds; the environment variable LE_SEED names a single one.
void RunScenario(const Scenario& scenario, Setting setting, int seeds = 20);

// For INSTANTIATE_TEST_SUITE_P.
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
