// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/testing/sim_setting.h"

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/client.h"
#include "directory/server.h"
#include "directory/testing/numbered_users.h"
#include "event/testing/sim.h"
#include "messaging/facade/local_parts.h"
#include "messaging/session/runtime.h"
#include "messaging/testing/party_loop.h"
#include "messaging/testing/signal_board.h"
#include "transports/loopback/loopback.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

using event::SimProcess;
using event::Simulation;

constexpr char kAddress[] = "directory";

// The most steps of a run. Half a million requests take 10 million steps. An
// endless run reaches this number within seconds.
constexpr uint64_t kMaxSteps = 50000000;

class SimRun {
 public:
  SimRun(const Scenario& scenario, uint64_t seed)
      : scenario_(scenario), sim_(seed) {}

  void Run() {
    // The directory starts before the parties run.
    SimProcess* const starter = sim_.AddProcess("starter", {0, 1000, 1000});
    sim_.Spawn(starter, "main", [this] {
      StartDirectory();
      for (const auto& role : scenario_.roles()) {
        if (role->start == Scenario::Start::kAtOnce) Start(role->name);
      }
    });
    sim_.SetStepLimit(kMaxSteps);
    Simulation::Outcome outcome = sim_.Run();
    bool all_ended = true;
    for (const auto& party : parties_) {
      all_ended = all_ended && party.second->ended();
    }
    EXPECT_TRUE(outcome != Simulation::Outcome::kStepLimit && all_ended)
        << "the run does not end:\n"
        << sim_.Report();
    for (const auto& party : parties_) {
      const Scenario::Role& role = *Find(party.first);
      EXPECT_EQ(!party.second->death_message().empty(),
                role.expect == Scenario::Expect::kDeath)
          << "party '" << party.first
          << "' died of: " << party.second->death_message();
    }
    KillDirectory();
    for (const auto& party : parties_) sim_.Kill(party.second);
    outcome = sim_.Run();
    EXPECT_EQ(static_cast<int>(outcome),
              static_cast<int>(Simulation::Outcome::kEnded))
        << sim_.Report();
  }

 private:
  // The transport and the directory client of a process. Start() arranges that
  // the transport's connections are closed when the process ends.
  struct Endpoint {
    Endpoint(transports::LoopbackNetwork* network, event::Process* process)
        : transport(network, process), client(process, &transport, kAddress) {}
    transports::LoopbackTransport transport;
    directory::DirectoryClient client;
  };

  class SimParty final : public Party {
   public:
    explicit SimParty(SimRun* run) : run_(run) {}
    void Signal(const std::string& event) override {
      run_->board_.Signal(event);
    }
    void Await(const std::string& event) override { run_->board_.Await(event); }
    void RunLoopUntil(const std::string& event) override {
      run_->board_.RunLoopUntil(event);
    }
    void RunLoopUntil(const std::function<bool()>& condition) override {
      RunTurnsUntil(condition);
    }
    void Kill(const std::string& party) override {
      run_->sim_.Kill(run_->parties_.at(party));
    }
    void Start(const std::string& party) override { run_->Start(party); }
    void KillDirectory() override { run_->KillDirectory(); }
    void StartDirectory() override { run_->StartDirectory(); }

   private:
    SimRun* const run_;
  };

  const Scenario::Role* Find(const std::string& name) const {
    for (const auto& role : scenario_.roles()) {
      if (role->name == name) return role.get();
    }
    return nullptr;
  }

  void Start(const std::string& name) {
    const Scenario::Role* const role = Find(name);
    ASSERT_NE(role, nullptr) << "no party is called " << name;
    SimProcess* const process = sim_.AddProcess(name, {0, 1000, 1000});
    auto endpoint = std::make_shared<Endpoint>(&network_, process);
    process->OnExit([endpoint] { endpoint->transport.CloseAll(); });
    Runtime::Parts parts;
    parts.introducer =
        std::shared_ptr<directory::Introducer>(endpoint, &endpoint->client);
    parts.make_local_introducer =
        MakerOfLocalIntroducer(process, &transports::NewLoopback);
    Runtime::Install(process, std::move(parts));
    parties_[name] = process;
    sim_.Spawn(process, "main", [this, role] {
      SimParty party(this);
      role->body(&party);
      if (!::testing::Test::HasFatalFailure()) return;
      // The other parties may wait for this one without end.
      for (const auto& other : parties_) {
        if (other.first != role->name) sim_.Kill(other.second);
      }
    });
  }

  // Returns when the directory listens.
  void StartDirectory() {
    const std::string ready = absl::StrCat("directory ", ++directories_);
    directory_ = sim_.AddProcess(ready, {0, 1000, 1000});
    auto transport =
        std::make_shared<transports::LoopbackTransport>(&network_, directory_);
    directory_->OnExit([transport] { transport->CloseAll(); });
    sim_.Spawn(directory_, "main", [this, ready, transport] {
      event::Loop* const loop = event::Thread::Current()->loop();
      directory::NumberedUsers users;
      directory::DirectoryServer server(event::Process::Current(), loop, &users,
                                        {});
      EXPECT_TRUE(server.Load(scenario_.bindings(), "bindings").ok());
      const absl::Status listening = server.Listen(transport.get(), kAddress);
      EXPECT_TRUE(listening.ok()) << listening;
      board_.Signal(ready);
      loop->Run();
    });
    board_.Await(ready);
  }
  void KillDirectory() {
    if (directory_ != nullptr) sim_.Kill(directory_);
    directory_ = nullptr;
  }

  const Scenario& scenario_;
  SignalBoard board_;
  transports::LoopbackNetwork network_;
  std::map<std::string, SimProcess*> parties_;
  SimProcess* directory_ = nullptr;
  int directories_ = 0;
  Simulation sim_;
};

}  // namespace

void RunSimulated(const Scenario& scenario, int seeds) {
  const char* const only = std::getenv("LE_SEED");
  const uint64_t first = only == nullptr ? 1 : std::strtoull(only, nullptr, 10);
  if (only != nullptr) seeds = 1;
  for (uint64_t seed = first; seed < first + static_cast<uint64_t>(seeds);
       ++seed) {
    SimRun(scenario, seed).Run();
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << "with seed " << seed
                    << "; to replay it, set LE_SEED=" << seed;
      return;
    }
  }
}

}  // namespace testing
}  // namespace messaging
}  // namespace le
