// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// One run: a directory, servers and clients of several users, and the faults.

#ifndef LE_MESSAGING_TESTS_SIMULATION_WORLD_H_
#define LE_MESSAGING_TESTS_SIMULATION_WORLD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "event/testing/sim.h"
#include "tests/simulation/referee.h"

namespace le {
namespace simulation {

// The parameters of a run, drawn from the seed. A shrunk run has smaller ones.
struct Plan {
  uint64_t seed = 1;
  int clients = 0;
  int servers = 0;
  int operations = 0;  // of each client
  int blows = 0;       // kills, restarts, new bindings
  // Kinds of trouble.
  bool kill_clients = false;
  bool kill_servers = false;
  bool kill_directory = false;
  bool rebind = false;
  bool break_connections = false;
  bool few_descriptors = false;
  bool small_queues = false;
  bool hide_services = false;
  bool threads = false;
  bool misbehave = false;   // servers close, kill and leave clients unanswered
  bool exits = false;       // clients call exit(), wherever they are
  bool slow = false;        // handlers take time
  bool plain_code = false;  // clients that seldom run their loop
  // On the simulated kernel only.
  bool kernel = false;          // the run is on it
  bool small_buffers = false;   // of sockets
  bool failing_calls = false;   // system calls, with what the kernel may answer
  bool slow_programs = false;   // whose handlers take time
  bool full_logs = false;       // that nobody reads
  bool large_messages = false;  // larger than what a socket takes at once
  bool forks = false;      // programs leave a child that has what they have
  bool strangers = false;  // who do not keep to the protocols

  static Plan Draw(uint64_t seed);
  bool sends_large() const { return kernel && large_messages; }
  bool has_strangers() const { return kernel && strangers; }
  bool kills() const {
    return kill_clients || kill_servers || kill_directory || exits;
  }
  // As flags of the command line.
  std::string ToFlags() const;
};

struct Result {
  std::string failure;  // "": none
  uint64_t steps = 0;
  std::map<std::string, uint64_t> faults;
  std::string trace;
};

// The user of the strangers, which are bound to some services.
constexpr uid_t kStrangerUser = 399;
// The user of a client that is bound to a stranger's service, always.
constexpr uid_t kGuestUser = 398;

class World {
 public:
  // Makes one in the setting that the plan names.
  static std::unique_ptr<World> New(const Plan& plan);
  virtual ~World();
  Result Run(bool trace);

  // ---- For the programs that run in it ----
  const Plan& plan() const { return plan_; }
  event::Simulation* sim() { return &sim_; }
  Referee* referee() { return &referee_; }
  // A descriptor that the calling process may send.
  virtual int NewDescriptor() = 0;
  // Takes time, as a busy handler does; in some runs.
  virtual void Compute() {}
  // Leaves a child with all descriptors of the calling process; in some runs. It
  // goes when its parent is killed, and otherwise last of all.
  virtual void ForkSometimes() {}
  // The children live on after their parents, but not for ever.
  virtual void EndForks() {}
  const BindingHistory& bindings() const { return bindings_; }
  // Below `bound`.
  uint64_t Roll(uint64_t bound) { return sim_.Random(bound); }
  bool OneIn(uint64_t n) { return sim_.Random(n) == 0; }
  // No more faults: each client with a binding to an offered service must be
  // served now.
  bool calm() const { return calm_; }
  // A client has just taken a message of a session.
  void NoteTaken(int client, int session) {
    const event::Instant now = sim_.Now();
    const auto [it, is_first] = takes_.try_emplace({client, session});
    if (!is_first && now - it->second.last >= kPause) {
      it->second.pause_ended = now;
    }
    it->second.last = now;
  }
  // Whether it has taken messages without a pause for this time. A message may
  // have been read from the socket before a pause, and be taken after it.
  bool TakesSteadily(int client, int session, absl::Duration time) {
    const auto it = takes_.find({client, session});
    return it != takes_.end() && sim_.Now() - it->second.last < kPause &&
           sim_.Now() - it->second.pause_ended >= time;
  }
  bool clients_are_done() const { return clients_done_ == plan_.clients; }
  void ClientIsDone() {
    ++clients_done_;
    if (clients_are_done()) EndForks();
  }
  // Blocks the calling thread, as a slow computation does, or anything else that
  // is none of the library's business.
  void PassTime(absl::Duration time);
  // As exit() on the calling thread. Does not return.
  void Exit();

  // Numbers a request among those of all clients.
  uint64_t NumberRequest() { return ++requests_; }
  // A server has responded to it, and the response is on its way.
  void Answered(uint64_t request) { answered_.emplace(request, sim_.Now()); }
  bool WasAnsweredBefore(uint64_t request, event::Instant deadline) const {
    const auto it = answered_.find(request);
    return it != answered_.end() && it->second < deadline;
  }

  // Whether all that a client sends before it exits must arrive or be named in
  // its log as dropped.
  bool MayKnowLastWords() const {
    return !plan_.kernel || (!plan_.failing_calls && !plan_.full_logs);
  }
  // For a session of an exiting client: how many messages have certainly left.
  struct LastWords {
    uint64_t incarnation;
    uint64_t certain;
  };
  void NoteLastWords(int session, LastWords words) {
    last_words_[{event::Process::Current()->credentials().pid, session}] =
        words;
  }
  // Null: that client has not exited, or has said that it drops some.
  const LastWords* FindLastWords(pid_t client, int session) const {
    const auto it = last_words_.find({client, session});
    return it == last_words_.end() || has_dropped_.count(client) > 0
               ? nullptr
               : &it->second;
  }

 protected:
  explicit World(const Plan& plan);
  void Spawn(event::SimProcess* process, std::function<void()> body) {
    sim_.Spawn(process, "main", std::move(body));
  }
  // A process that must not die by itself.
  event::SimProcess* NewProcess(const std::string& name, uid_t uid);
  // The calling process has logged that it ends, and drops messages.
  void NoteDropped() {
    has_dropped_.insert(event::Process::Current()->credentials().pid);
  }
  // The latest bindings, as the directory reads them.
  std::string BindingsText() const;
  void BindingsAreLoaded();

  // ---- The setting ----
  virtual event::SimProcess* AddProcess(const std::string& name, uid_t uid) = 0;
  // Spawns the main thread of a directory. The last one has ended.
  virtual void SpawnDirectory(event::SimProcess* process) = 0;
  // Before a program's main thread runs in it.
  virtual void Prepare(event::SimProcess* process) = 0;
  virtual void LoadBindings() = 0;
  virtual void BeginTroubles() = 0;
  virtual void EndTroubles() = 0;
  // Kernel objects that remain when all programs have ended. "": none.
  virtual std::string Leftovers() = 0;

 private:
  struct Actor {
    std::string name;
    uid_t uid = 0;
    int number = 0;
    bool is_client = false;
    event::SimProcess* process = nullptr;
  };

  void Start(Actor* actor);
  void StartDirectory();
  void KillDirectory();
  void Kill(Actor* actor);
  void Rebind(BindingHistory::Table table);
  BindingHistory::Table AllBindings() const;
  BindingHistory::Table SomeBindings();
  void StrikeBlow();
  void CheckEnd(event::Simulation::Outcome outcome);

  const Plan plan_;
  event::Simulation sim_;
  Referee referee_;
  BindingHistory bindings_;
  std::vector<std::unique_ptr<Actor>> actors_;
  event::SimProcess* directory_ = nullptr;
  static constexpr absl::Duration kPause = absl::Milliseconds(500);
  struct Takes {
    event::Instant last;
    event::Instant pause_ended = absl::InfinitePast();
  };
  std::map<std::pair<int, int>, Takes> takes_;
  bool calm_ = false;
  int clients_done_ = 0;
  uint64_t requests_ = 0;
  std::unordered_map<uint64_t, event::Instant> answered_;
  std::map<std::pair<pid_t, int>, LastWords> last_words_;
  std::set<pid_t> has_dropped_;
  int processes_ = 0;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_WORLD_H_
