// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Many processes in one, in an order that a seed decides.
//
// Exactly one simulated thread runs at any time. When it waits, parks, ends or
// says that it may yield, the seed chooses the next one. Time is virtual: it
// stands still until every thread waits, then jumps to the earliest deadline.
// The same seed and the same code give the same run, switch by switch.
//
//   Simulation sim(seed);
//   SimProcess* server = sim.AddProcess("server", {/*pid*/ 0, 1000, 1000});
//   sim.Spawn(server, "main", [] { ... Thread::Current()->loop()->Run(); });
//   ...
//   EXPECT_EQ(sim.Run(), Simulation::Outcome::kEnded) << sim.Report();
//
// A switch happens in Parker::Park(), where a loop waits, in
// Process::YieldPoint(), where a thread ends, and where a thread releases the
// last event::Mutex that it holds; nowhere else. Post() and Unpark() may be
// called with a lock held. A thread that releases a lock may also be passed
// over for many steps, as on a busy machine: most races need other threads to
// get far meanwhile. Do not release an event::Mutex while another kind of lock
// is held: threads share one thread of the operating system, so the next one to
// take that lock would deadlock.

#ifndef LE_MESSAGING_EVENT_TESTING_SIM_H_
#define LE_MESSAGING_EVENT_TESTING_SIM_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "event/process.h"

namespace le {
namespace event {

class Fiber;
class SimProcess;
class SimThread;

// For one thread, the controller, which is outside the simulation. Simulated
// threads may call the functions whose comment says so.
class Simulation {
 public:
  enum class Outcome {
    kEnded,      // no thread is left
    kBlocked,    // every thread waits, and none has a deadline
    kTimeLimit,  // nothing left to do before `limit`
    kSteps,      // the requested number of steps has been made
    kStepLimit,  // more steps than a run that ends takes
  };
  // A run with more steps than this is taken for endless.
  static constexpr uint64_t kDefaultStepLimit = 2000000;

  explicit Simulation(uint64_t seed);
  // Kills the remaining processes.
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  uint64_t seed() const { return seed_; }

  // A process without threads. A pid of 0 becomes one that is not in use. Lives
  // as long as the simulation. Simulated threads too.
  SimProcess* AddProcess(std::string name, Credentials credentials);
  // A thread of that process, which must not have ended. It does not run
  // before the caller waits. Simulated threads too.
  void Spawn(SimProcess* process, std::string name, std::function<void()> body);

  // ---- The controller only ----

  // Runs until all threads have ended, or wait without a deadline. The caller
  // must know whether the latter is a deadlock.
  Outcome Run();
  // Runs until there is nothing left to do before `limit`, and sets the time to
  // it.
  Outcome RunUntil(Instant limit);
  Outcome RunFor(absl::Duration time) { return RunUntil(now_ + time); }
  // Runs so many steps at most.
  Outcome RunSteps(uint64_t steps);

  // ---- Simulated threads too ----

  // As SIGKILL: when this returns, no thread of the process is left, and no
  // code of its user has run in between: no destructor of a thread and no
  // callback. Does not return if the caller's own process is killed. No-op if
  // it has ended.
  //
  // C++ destructors do run, as the threads' stacks unwind (by an exception of a
  // private type). A thread that stands at a YieldPoint() runs on until it next
  // waits, unless KillAtYieldPoints(): the call may be inside a destructor. A
  // thread that has just released a lock always runs on.
  void Kill(SimProcess* process);
  // Whether a YieldPoint() throws too. All code that calls it must allow that.
  void KillAtYieldPoints(bool on) { kill_at_yield_points_ = on; }

  // From now on Kill() abandons the threads of a process, as a real kernel
  // does: nothing is unwound, no destructor runs, and no memory is freed. The
  // simulated kernel must know what the process held.
  void LeaveTheKilledAsTheyStand() { leaves_the_killed_ = true; }

  // Timers of the simulated kernel, which expire although no thread waits for
  // them. At most one; it outlives the run.
  class Alarms {
   public:
    virtual ~Alarms() = default;
    // InfiniteFuture(): none.
    virtual Instant NextAlarm() = 0;
    // The time has moved.
    virtual void Ring() = 0;
  };
  void SetAlarms(Alarms* alarms) { alarms_ = alarms; }

  // A random number of the run, for faults and choices of the test's own.
  uint64_t Random();
  // Below `bound`, which is not 0.
  uint64_t Random(uint64_t bound) { return Random() % bound; }

  Instant Now() const { return now_; }
  uint64_t steps() const { return steps_; }
  void SetStepLimit(uint64_t limit) { step_limit_ = limit; }

  // Records each switch and each Note() as a line. Off at first: it is slow.
  void EnableTrace() { tracing_ = true; }
  void Note(absl::string_view text);
  const std::string& trace() const { return trace_; }

  // All threads, and what each waits for: for a test's failure message.
  std::string Report() const;

 private:
  friend class SimProcess;
  friend class SimThread;
  friend class SimLoop;
  friend class SimParker;
  friend class SimThreadHandle;
  friend class SimKernel;

  SimThread* StartThread(SimProcess* process, std::string name,
                         std::function<void()> body);
  Outcome RunInternal(Instant limit, uint64_t steps);
  // Null: the controller.
  SimThread* PickNext();
  SimThread* PickRunnable(size_t runnable, bool any);
  bool IsPassedOver(const SimThread* thread) const;
  // Switches to `to` (null: the controller). Returns when `me` runs again.
  void SwitchTo(SimThread* me, SimThread* to);
  void SwitchAway(SimThread* me);
  // The thread that runs. Null: the controller.
  SimThread* Me() const { return current_; }

  void Yield();
  // Called by Mutex for the thread that runs.
  static void OnLocked();
  static void OnUnlocked();
  void YieldWithoutLocks(SimThread* me);
  // Blocks the calling thread until MakeRunnable() or the deadline. False: the
  // deadline.
  bool Block(const char* what, Instant deadline);
  // The same, but also until `ready`, which is evaluated whenever the next
  // thread is chosen.
  bool BlockUntil(const char* what, Instant deadline,
                  bool (*ready)(void* context), void* context);
  void MakeRunnable(SimThread* thread);
  void ThrowIfKilled(SimThread* me);
  void ThreadEnded(SimThread* me);
  void LeaveAsItStands(SimProcess* process);
  void EndOtherThreads(SimProcess* process, SimThread* me);
  // From now on `next` runs; null: the controller.
  Fiber* FiberOfNext(SimThread* next);
  void FreeEndedThreads();

  const uint64_t seed_;
  uint64_t schedule_state_;
  uint64_t random_state_;
  Instant now_;
  uint64_t steps_ = 0;
  uint64_t step_limit_ = kDefaultStepLimit;
  bool kill_at_yield_points_ = false;
  bool leaves_the_killed_ = false;
  Alarms* alarms_ = nullptr;

  std::vector<std::unique_ptr<SimProcess>> processes_;
  std::vector<std::unique_ptr<SimThread>> threads_;  // with ended ones
  std::vector<SimThread*> live_;                     // in order of starting
  std::vector<SimThread*> ended_;                    // not yet freed
  std::unique_ptr<SimThread> controller_;
  SimThread* current_ = nullptr;
  int next_thread_ = 1;

  // Of the present run.
  Instant limit_;
  uint64_t steps_end_ = 0;
  Outcome outcome_ = Outcome::kEnded;

  bool tracing_ = false;
  std::string trace_;
};

// One simulated process. Ends when its last thread does, or is killed, or dies.
class SimProcess final : public Process {
 public:
  static constexpr uid_t kNoUser = static_cast<uid_t>(-1);

  ~SimProcess() override;

  const std::string& name() const { return name_; }
  Simulation* simulation() const { return sim_; }
  // No thread is left, and none may be started.
  bool ended() const { return ended_; }
  // Why it ended, if it was by Die(); else "".
  const std::string& death_message() const { return death_message_; }
  // Called once when the process has ended for any reason. The simulated kernel
  // closes its descriptors then.
  void OnExit(std::function<void()> hook) {
    exit_hooks_.push_back(std::move(hook));
  }
  // As setresuid().
  void SetUser(uid_t uid) { credentials_.uid = uid; }
  // As in a user namespace that does not map every user.
  void SetOverflowUser(uid_t uid) { overflow_user_ = uid; }
  void SetEnv(const std::string& name, const std::string& value) {
    environment_[name] = value;
  }

  [[noreturn]] void Die(absl::string_view message) override;
  Credentials credentials() override { return credentials_; }
  bool IsOverflowUser(uid_t uid) override { return uid == overflow_user_; }
  Instant Now() override;
  std::unique_ptr<Loop> CreateLoop() override;
  std::unique_ptr<Parker> CreateParker() override;
  std::unique_ptr<ThreadHandle> StartThread(
      const std::string& name, std::function<void()> body) override;
  [[noreturn]] void ExitThread() override;
  uint64_t Random() override;
  std::string GetEnv(const char* name) override;
  void YieldPoint() override;
  bool killed() const override { return killed_; }

 private:
  friend class Simulation;
  friend class SimThread;
  friend class SimKernel;
  SimProcess(Simulation* sim, std::string name, Credentials credentials);
  void End();

  Simulation* const sim_;
  const std::string name_;
  Credentials credentials_;
  uid_t overflow_user_ = kNoUser;
  std::map<std::string, std::string> environment_;
  std::vector<std::function<void()>> exit_hooks_;
  std::string death_message_;
  // Of ended threads of a killed process: other threads may still refer to
  // them.
  std::vector<std::unique_ptr<Thread>> remains_;
  size_t threads_ = 0;
  bool killed_ = false;
  bool ended_ = false;
  // Its state in the simulated kernel. Null: it runs without one.
  void* kernel_part_ = nullptr;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TESTING_SIM_H_
