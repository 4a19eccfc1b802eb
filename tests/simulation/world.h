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
#include "tests/simulation/typed_calls.h"

namespace le {
namespace simulation {

// The parameters of a run, drawn from the seed. Shrinking makes them smaller.
struct Plan {
  uint64_t seed = 1;
  int clients = 0;
  int servers = 0;
  int operations = 0;  // the number for each client
  int blows = 0;       // the number of kills, restarts and new bindings
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
  bool misbehave = false;   // servers close sessions, and do not answer
  bool exits = false;       // clients call exit() at any point
  bool slow = false;        // few handlers pause, for a few ms
  bool plain_code = false;  // clients rarely run their loop
  bool typed = false;       // a typed server and its client take part
  bool inspects = false;    // an administrator inspects servers
  // On the simulated kernel only.
  bool kernel = false;          // the run is on the simulated kernel
  bool small_buffers = false;   // sockets have small buffers
  bool failing_calls = false;   // system calls fail
  bool slow_programs = false;   // many handlers take tens of ms
  bool full_logs = false;       // no process reads the log
  bool large_messages = false;  // larger than the buffer of a socket
  bool forks = false;           // programs fork; the child keeps descriptors
  bool strangers = false;       // strangers break the protocols

  static Plan Draw(uint64_t seed);
  bool sends_large() const { return kernel && large_messages; }
  bool has_strangers() const { return kernel && strangers; }
  bool kills() const {
    return kill_clients || kill_servers || kill_directory || exits;
  }
  // Whether no session ends before its client closes it.
  bool keeps_sessions() const {
    return !kills() && !break_connections && !failing_calls && !misbehave &&
           !few_descriptors && !rebind;
  }
  // The flags of the command line that replay the plan.
  std::string ToFlags() const;
};

struct Result {
  std::string failure;  // "": none
  uint64_t steps = 0;
  std::map<std::string, uint64_t> faults;
  std::string trace;
};

// The user of the strangers. Bindings allow them some services.
constexpr uid_t kStrangerUser = 399;
// The user of the Guest, which always has a binding to a stranger's service.
constexpr uid_t kGuestUser = 398;

class World {
 public:
  // Creates a KernelWorld or a LoopbackWorld, as the plan demands.
  static std::unique_ptr<World> New(const Plan& plan);
  virtual ~World();
  Result Run(bool trace);

  // ---- For the programs that run in this world ----
  const Plan& plan() const { return plan_; }
  event::Simulation* sim() { return &sim_; }
  Referee* referee() { return &referee_; }
  TypedCalls* typed_calls() { return &typed_calls_; }
  // A descriptor that the calling process may send.
  virtual int NewDescriptor() = 0;
  // Like NewDescriptor(). On the kernel, its last close takes long.
  virtual int NewSlowDescriptor() { return NewDescriptor(); }
  // In some runs, lets time pass as a busy handler does.
  virtual void Compute() {}
  // In some runs, forks a child that keeps all descriptors of the calling
  // process. The child is killed with its parent, or else by EndForks().
  virtual void ForkSometimes() {}
  // Kills all forked children. Called when all clients are done.
  virtual void EndForks() {}
  const BindingHistory& bindings() const { return bindings_; }
  // A random number below `bound`.
  uint64_t Roll(uint64_t bound) { return sim_.Random(bound); }
  bool OneIn(uint64_t n) { return sim_.Random(n) == 0; }
  // True after the last fault. From then on, each client with a binding to an
  // offered service must be served.
  bool calm() const { return calm_; }
  // Records that a client has received a message of a session.
  void NoteTaken(int client, int session) {
    const event::Instant now = sim_.Now();
    const auto [it, is_first] = takes_.try_emplace({client, session});
    if (is_first || now - it->second.last >= kPause) {
      it->second.pause_ended = now;
    }
    it->second.last = now;
  }
  // Whether the client has received messages of the session for `time` without
  // a pause. One message proves little: perhaps the library read the message
  // before a pause, and the client received it after the pause.
  bool TakesSteadily(int client, int session, absl::Duration time) {
    const auto it = takes_.find({client, session});
    return it != takes_.end() && sim_.Now() - it->second.last < kPause &&
           sim_.Now() - it->second.pause_ended >= time;
  }
  bool clients_are_done() const {
    return clients_done_ == plan_.clients + (plan_.typed ? 1 : 0);
  }
  void ClientIsDone() {
    ++clients_done_;
    if (clients_are_done()) EndForks();
  }
  // Blocks the calling thread outside the library, as a slow computation does.
  void PassTime(absl::Duration time);
  // Ends the calling process as exit() does. Does not return.
  void Exit();

  // Records that a server has received a message of this thread of a client.
  void NoteArrived(int client, uint32_t thread) {
    arrived_.emplace(client, thread);
  }
  bool HasArrived(int client, uint32_t thread) const {
    return arrived_.count({client, thread}) > 0;
  }

  // Returns a number that no other request of any client has.
  uint64_t NumberRequest() { return ++requests_; }
  // Records that a server has sent the response to a request.
  void Answered(uint64_t request) { answered_.emplace(request, sim_.Now()); }
  bool WasAnsweredBefore(uint64_t request, event::Instant deadline) const {
    const auto it = answered_.find(request);
    return it != answered_.end() && it->second < deadline;
  }

  // Whether the run can check the messages that a client sends before exit():
  // they must arrive, or the log must report that messages are dropped.
  bool MayKnowLastWords() const {
    return !plan_.kernel || (!plan_.failing_calls && !plan_.full_logs);
  }
  // For a session of a client that has exited: its opening, and the number of
  // messages that must arrive.
  struct LastWords {
    uint64_t incarnation;
    uint64_t certain;
  };
  void NoteLastWords(int session, LastWords words) {
    last_words_[{event::Process::Current()->credentials().pid, session}] =
        words;
  }
  // Returns null if the client has not exited, or has logged that it drops
  // messages.
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
  // Adds a process. The run fails if the process dies by itself.
  event::SimProcess* NewProcess(const std::string& name, uid_t uid);
  // Records that the calling process has logged that it drops messages.
  void NoteDropped() {
    has_dropped_.insert(event::Process::Current()->credentials().pid);
  }
  // The services that programs offer: users and names.
  std::vector<std::pair<uid_t, std::string>> Services() const;
  // The latest bindings, as the text of a bindings file.
  std::string BindingsText() const;
  void BindingsAreLoaded();

  // ---- The setting ----
  virtual event::SimProcess* AddProcess(const std::string& name, uid_t uid) = 0;
  // Spawns the main thread of a directory. The former directory has ended.
  virtual void SpawnDirectory(event::SimProcess* process) = 0;
  // Called before the main thread of a program runs in the process.
  virtual void Prepare(event::SimProcess* process) = 0;
  virtual void LoadBindings() = 0;
  virtual void BeginTroubles() = 0;
  virtual void EndTroubles() = 0;
  // Called at the end of the run. Describes kernel objects or file descriptors
  // that remain, or a process that does not end. "": there is none.
  virtual std::string Leftovers() = 0;

 private:
  struct Actor {
    std::string name;
    uid_t uid = 0;
    int number = 0;
    bool is_client = false;
    bool is_typed = false;
    event::SimProcess* process = nullptr;
  };

  void Add(const char* name, int number, uid_t uid, bool is_client,
           bool is_typed);
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
  TypedCalls typed_calls_;
  BindingHistory bindings_;
  std::vector<std::unique_ptr<Actor>> actors_;
  event::SimProcess* directory_ = nullptr;
  static constexpr absl::Duration kPause = absl::Milliseconds(500);
  struct Takes {
    event::Instant last;
    event::Instant pause_ended;
  };
  std::map<std::pair<int, int>, Takes> takes_;
  bool calm_ = false;
  int clients_done_ = 0;
  uint64_t requests_ = 0;
  std::unordered_map<uint64_t, event::Instant> answered_;
  std::set<std::pair<int, uint32_t>> arrived_;
  std::map<std::pair<pid_t, int>, LastWords> last_words_;
  std::set<pid_t> has_dropped_;
  int processes_ = 0;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_WORLD_H_
