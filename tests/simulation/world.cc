// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/world.h"

#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/simulation/client_program.h"
#include "tests/simulation/kernel_world.h"
#include "tests/simulation/loopback_world.h"
#include "tests/simulation/server_program.h"
#include "tests/simulation/stranger.h"
#include "tests/simulation/typed_client.h"
#include "tests/simulation/typed_server.h"

namespace le {
namespace simulation {

using event::SimProcess;
using event::Simulation;

namespace {

constexpr uid_t kDirectoryUser = 100;
constexpr uid_t kServerUsers[] = {201, 201, 202};
constexpr uid_t kClientUsers[] = {301, 302};
constexpr uid_t kTypedServerUser = 203;
constexpr uid_t kTypedClientUser = 303;

// The program is on the heap. Over loopback, a kill of its process unwinds the
// stacks of the threads, but does not destroy the program. A real process that
// is killed runs no destructor either.
template <typename Program>
void RunAndDelete(Program* program) {
  program->Run();
  delete program;
}

// The first, the second and a fourth server offer "x". All but one of them
// stand by.
const std::vector<std::string> kServices[] = {{"x", "y"}, {"x"}, {"z"}};
const std::vector<std::string> kInterfaces[] = {{"a", "b"}, {"b", "c"}};

constexpr char kNoLoop[] = "an event loop cannot be made: ";

// More steps than any run needs. On the kernel each system call may end a step.
constexpr uint64_t kMaxSteps = 400000;

std::string ToText(const BindingHistory::Table& table) {
  std::string text;
  for (const auto& entry : table) {
    absl::StrAppend(&text, "<", entry.first.first, ">.", entry.first.second,
                    " -> <", entry.second.uid, ">.", entry.second.service,
                    "\n");
  }
  return text;
}

}  // namespace

// ---- Plans -----------------------------------------------------------------

Plan Plan::Draw(uint64_t seed) {
  Simulation dice(seed ^ 0x9e3779b97f4a7c15);
  auto one_in = [&](uint64_t n) { return dice.Random(n) == 0; };
  Plan plan;
  plan.seed = seed;
  plan.clients = static_cast<int>(1 + dice.Random(4));
  plan.servers = static_cast<int>(1 + dice.Random(3));
  plan.operations = static_cast<int>(5 + dice.Random(60));
  plan.blows = static_cast<int>(dice.Random(14));
  // Each run has only some kinds of faults: one kind may hide a defect that
  // another kind shows.
  plan.kill_clients = one_in(3);
  plan.kill_servers = one_in(3);
  plan.kill_directory = one_in(3);
  plan.rebind = one_in(3);
  plan.break_connections = one_in(4);
  plan.few_descriptors = one_in(4);
  plan.small_queues = one_in(3);
  plan.hide_services = one_in(3);
  plan.threads = one_in(2);
  plan.misbehave = one_in(2);
  plan.exits = one_in(4);
  plan.slow = one_in(3);
  plan.plain_code = one_in(4);
  if (one_in(50)) {
    // Some runs have many clients with few operations each.
    plan.clients = static_cast<int>(10 + dice.Random(40));
    plan.operations = static_cast<int>(1 + dice.Random(5));
  }
  // Draw a new kind after the others, so that it does not change the rest of
  // the plan.
  plan.small_buffers = one_in(3);
  plan.failing_calls = one_in(3);
  plan.slow_programs = one_in(3);
  plan.full_logs = one_in(4);
  plan.large_messages = one_in(4);
  plan.forks = one_in(4);
  plan.strangers = one_in(3);
  plan.typed = one_in(4);
  plan.inspects = one_in(3);
  // In some runs two servers stand by for one service.
  if (one_in(10)) plan.servers = 4;
  return plan;
}

std::string Plan::ToFlags() const {
  std::string flags =
      absl::StrCat("--first=", seed, " --seeds=1 --clients=", clients,
                   " --servers=", servers, " --operations=", operations,
                   " --blows=", blows, " --only=");
  const char* separator = "";
  auto kind = [&](bool on, const char* name) {
    if (!on) return;
    absl::StrAppend(&flags, separator, name);
    separator = ",";
  };
  kind(kill_clients, "kill_clients");
  kind(kill_servers, "kill_servers");
  kind(kill_directory, "kill_directory");
  kind(rebind, "rebind");
  kind(break_connections, "break_connections");
  kind(few_descriptors, "few_descriptors");
  kind(small_queues, "small_queues");
  kind(hide_services, "hide_services");
  kind(threads, "threads");
  kind(misbehave, "misbehave");
  kind(exits, "exits");
  kind(slow, "slow");
  kind(plain_code, "plain_code");
  kind(small_buffers, "small_buffers");
  kind(failing_calls, "failing_calls");
  kind(slow_programs, "slow_programs");
  kind(full_logs, "full_logs");
  kind(large_messages, "large_messages");
  kind(forks, "forks");
  kind(strangers, "strangers");
  kind(typed, "typed");
  kind(inspects, "inspects");
  if (kernel) absl::StrAppend(&flags, " --kernel");
  return flags;
}

// ---- The run ---------------------------------------------------------------

World::World(const Plan& plan)
    : plan_(plan),
      sim_(plan.seed),
      referee_(&sim_),
      typed_calls_(&referee_, plan.keeps_sessions()) {
  sim_.SetStepLimit(kMaxSteps);
}

World::~World() = default;

std::unique_ptr<World> World::New(const Plan& plan) {
  if (plan.kernel) return std::make_unique<KernelWorld>(plan);
  return std::make_unique<LoopbackWorld>(plan);
}

std::vector<std::pair<uid_t, std::string>> World::Services() const {
  std::vector<std::pair<uid_t, std::string>> services = {
      {kStrangerUser, Stranger::kService}};
  for (size_t i = 0; i < std::size(kServices); ++i) {
    for (const std::string& name : kServices[i]) {
      services.emplace_back(kServerUsers[i], name);
    }
  }
  return services;
}

std::string World::BindingsText() const { return ToText(bindings_.latest()); }

void World::BindingsAreLoaded() { bindings_.Loaded(sim_.steps()); }

BindingHistory::Table World::AllBindings() const {
  BindingHistory::Table table;
  const int servers = plan_.servers;
  for (uid_t client : kClientUsers) {
    table[{client, "a"}] = {201, "x"};
    table[{client, "b"}] = servers >= 3 ? BindingHistory::Target{202, "z"}
                                        : BindingHistory::Target{201, "y"};
    table[{client, "c"}] = {201, "y"};
  }
  if (plan_.typed) {
    table[{kTypedClientUser, TypedClient::kInterface}] = {
        kTypedServerUser, TypedServer::kService};
  }
  if (plan_.has_strangers()) {
    table[{kStrangerUser, "a"}] = {201, "x"};
    table[{kStrangerUser, "b"}] = {201, "y"};
    table[{kStrangerUser, Stranger::kFull}] = {kStrangerUser, Stranger::kFull};
    table[{kGuestUser, Stranger::kService}] = {kStrangerUser,
                                               Stranger::kService};
  }
  return table;
}

BindingHistory::Table World::SomeBindings() {
  BindingHistory::Table table;
  for (const auto& entry : AllBindings()) {
    if (entry.first.first == kGuestUser) {
      table.insert(entry);
      continue;
    }
    if (OneIn(4)) continue;
    table[entry.first] = OneIn(3)
                             ? BindingHistory::Target{201, OneIn(2) ? "x" : "y"}
                             : entry.second;
  }
  return table;
}

SimProcess* World::NewProcess(const std::string& name, uid_t uid) {
  SimProcess* const process =
      AddProcess(absl::StrCat(name, ".", ++processes_), uid);
  process->OnExit([this, process] {
    const std::string& why = process->death_message();
    if (why.empty()) return;
    // A process without a descriptor for its event loop ends by design.
    if (plan_.few_descriptors && absl::StartsWith(why, kNoLoop)) return;
    referee_.Fail(absl::StrCat(process->name(), " died: ", why));
  });
  return process;
}

void World::StartDirectory() {
  directory_ = NewProcess("directory", kDirectoryUser);
  SpawnDirectory(directory_);
}

void World::KillDirectory() {
  if (directory_ == nullptr || directory_->ended()) return;
  referee_.Count("directory killed");
  sim_.Kill(directory_);
}

void World::Add(const char* name, int number, uid_t uid, bool is_client,
                bool is_typed) {
  actors_.push_back(std::make_unique<Actor>());
  Actor* const actor = actors_.back().get();
  actor->name = absl::StrCat(name, " ", number);
  actor->number = number;
  actor->uid = uid;
  actor->is_client = is_client;
  actor->is_typed = is_typed;
}

void World::Start(Actor* actor) {
  actor->process = NewProcess(actor->name, actor->uid);
  SimProcess* const process = actor->process;
  Prepare(process);
  const int number = actor->number;
  const uid_t uid = actor->uid;
  if (actor->is_typed) {
    Spawn(process, [this, is_client = actor->is_client] {
      if (is_client) {
        RunAndDelete(new TypedClient(this));
      } else {
        RunAndDelete(new TypedServer(this));
      }
    });
  } else if (actor->is_client) {
    Spawn(process, [this, number, uid] {
      ClientProgram(this, number, uid, kInterfaces[number % 2]).Run();
    });
  } else {
    Spawn(process, [this, number, uid] {
      ServerProgram(this, uid, kServices[number % 3]).Run();
    });
  }
}

void World::Kill(Actor* actor) {
  if (actor->process->ended()) return;
  referee_.Count(actor->is_client ? "client killed" : "server killed");
  sim_.Kill(actor->process);
}

void World::PassTime(absl::Duration time) {
  event::Parker* const parker = event::Thread::Current()->parker();
  const event::Instant until = sim_.Now() + time;
  while (sim_.Now() < until) parker->Park(until);
}

void World::Exit() {
  referee_.Count("client exited");
  event::Thread::BeforeProcessEnds();
  for (const auto& actor : actors_) {
    if (actor->process == event::Process::Current()) sim_.Kill(actor->process);
  }
}

void World::Rebind(BindingHistory::Table table) {
  bindings_.Ordered(std::move(table));
  LoadBindings();
}

void World::StrikeBlow() {
  Actor* const actor = actors_[Roll(actors_.size())].get();
  switch (Roll(4)) {
    case 0:
      if (plan_.kill_directory) {
        KillDirectory();
      }
      return;
    case 1:
      if (plan_.rebind) {
        referee_.Count("bindings changed");
        Rebind(SomeBindings());
      }
      return;
    case 2:
      if (actor->is_client ? plan_.kill_clients : plan_.kill_servers) {
        Kill(actor);
      }
      return;
    default:
      // Start the directory again if it was killed, otherwise one program that
      // has ended.
      if (directory_->ended()) return StartDirectory();
      for (const auto& dead : actors_) {
        if (dead->process->ended()) return Start(dead.get());
      }
  }
}

Result World::Run(bool trace) {
  if (trace) sim_.EnableTrace();
  BeginTroubles();
  bindings_.Ordered(AllBindings());
  for (int i = 0; i < plan_.clients; ++i) {
    Add("client", i, kClientUsers[i % 2], /*is_client=*/true,
        /*is_typed=*/false);
  }
  for (int i = 0; i < plan_.servers; ++i) {
    Add("server", i, kServerUsers[i % 3], /*is_client=*/false,
        /*is_typed=*/false);
  }
  if (plan_.typed) {
    Add("typed client", 0, kTypedClientUser, /*is_client=*/true,
        /*is_typed=*/true);
    Add("typed server", 0, kTypedServerUser, /*is_client=*/false,
        /*is_typed=*/true);
  }
  StartDirectory();
  for (const auto& actor : actors_) {
    if (OneIn(2)) sim_.RunSteps(Roll(50));
    Start(actor.get());
  }

  for (int i = 0; i < plan_.blows && !referee_.failed(); ++i) {
    if (OneIn(2)) {
      sim_.RunSteps(Roll(300));
    } else {
      sim_.RunFor(absl::Milliseconds(static_cast<int64_t>(Roll(200))));
    }
    StrikeBlow();
  }
  if (!referee_.failed()) sim_.RunFor(absl::Milliseconds(200));

  // From now on each client must be served.
  EndTroubles();
  if (directory_->ended()) StartDirectory();
  for (const auto& actor : actors_) {
    if (actor->process->ended()) Start(actor.get());
  }
  Rebind(AllBindings());
  calm_ = true;
  Simulation::Outcome outcome = Simulation::Outcome::kEnded;
  if (!referee_.failed()) outcome = sim_.Run();
  CheckEnd(outcome);

  Result result;
  result.failure = referee_.verdict();
  result.steps = sim_.steps();
  result.faults = referee_.faults();
  result.trace = sim_.trace();
  sim_.Kill(directory_);
  for (const auto& actor : actors_) sim_.Kill(actor->process);
  return result;
}

void World::CheckEnd(Simulation::Outcome outcome) {
  // All programs must have ended, except the directory.
  for (const auto& actor : actors_) {
    if (!actor->process->ended()) {
      referee_.Fail(absl::StrCat("the run does not end:\n", sim_.Report()));
    }
  }
  if (referee_.failed()) return;
  if (outcome != Simulation::Outcome::kBlocked) {
    referee_.Fail(absl::StrCat("the run spins:\n", sim_.Report()));
  }
  const std::string left = Leftovers();
  if (!left.empty()) referee_.Fail(left);
}

}  // namespace simulation
}  // namespace le
