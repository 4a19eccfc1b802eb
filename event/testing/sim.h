// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Many processes in one, in an order that a seed decides.
//
// Exactly one simulated thread runs at any time. Whenever the one that runs waits, parks, ends or says that it
// might yield, the seed decides who is next. Time is virtual: it stands still
// until every thread waits, then jumps to the earliest deadline. The same seed
// and the same code give the same run, switch by switch.
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
// called with a lock held. A thread that releases a lock may also be passed over
// for many steps, as the threads of a busy machine are: few races need one switch,
// many need the others to get far. Code that holds a lock of any other kind must not
// release an event::Mutex: threads share one thread of the operating system, and
// the next one to want that lock would wait for ever.

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

// For one thread: the controller, which is outside the simulation. What says so
// may also be called by simulated threads.
class Simulation {
 public:
  enum class Outcome {
    kEnded,      // no thread is left
    kBlocked,    // every thread waits, and none has a deadline
    kTimeLimit,  // nothing left to do before the instant asked for
    kSteps,      // the number of steps asked for has been made
    kStepLimit,  // suspiciously many steps: it does not come to an end
  };
  // A run that needs more than this turns in circles.
  static constexpr uint64_t kDefaultStepLimit = 2000000;

  explicit Simulation(uint64_t seed);
  // Kills whatever is left.
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

  // Runs until all threads have ended, or wait without a deadline. Whether the
  // latter is a deadlock or a rest, the caller knows.
  Outcome Run();
  // Runs until there is nothing left to do before `limit`, and sets the time to
  // it.
  Outcome RunUntil(Instant limit);
  Outcome RunFor(absl::Duration time) { return RunUntil(now_ + time); }
  // Runs so many steps at most.
  Outcome RunSteps(uint64_t steps);

  // ---- Simulated threads too ----

  // As SIGKILL: when this returns, no thread of the process is left, and
  // nothing of its user's code has run in between: no destructor of a thread
  // and no callback. Whoever kills his own process does not return. No-op if it
  // has ended.
  //
  // C++ destructors do run, as the threads' stacks unwind (by an exception of a
  // private type). A thread that stands at a YieldPoint() goes on to where it
  // next waits, unless KillAtYieldPoints(): the call may be inside a destructor.
  // One that has just released a lock always does.
  void Kill(SimProcess* process);
  // Whether a YieldPoint() throws too. All code that calls it must allow that.
  void KillAtYieldPoints(bool on) { kill_at_yield_points_ = on; }

  // From now on Kill() leaves the threads of a process as they stand: nothing is
  // unwound, no destructor runs, and their memory is not given back. That is how
  // a real process is killed; what stands in for the kernel must know what it
  // held.
  void LeaveTheKilledAsTheyStand() { leaves_the_killed_ = true; }

  // What comes at an instant although no thread waits for it: timers of what
  // stands in for the kernel. At most one; it outlives the run.
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

  // Every switch, and each Note(), a line. Off at first: it costs.
  void EnableTrace() { tracing_ = true; }
  void Note(absl::string_view text);
  const std::string& trace() const { return trace_; }

  // Who is there, and what each one waits for: for a test's failure message.
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
  // Goes on with `to` (null: the controller); returns when it is `me` again.
  void SwitchTo(SimThread* me, SimThread* to);
  void SwitchAway(SimThread* me);
  // The thread that runs. Null: the controller.
  SimThread* Me() const { return current_; }

  void Yield();
  // What Mutex tells of the thread that runs.
  static void OnLocked();
  static void OnUnlocked();
  void YieldWithoutLocks(SimThread* me);
  // Blocks the calling thread until MakeRunnable() or the deadline. False: the
  // deadline.
  bool Block(const char* what, Instant deadline);
  // The same, but also until `ready`, which is asked whenever somebody is to run.
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
  std::vector<std::unique_ptr<SimThread>> threads_;  // all that ever were
  std::vector<SimThread*> live_;                     // in order of starting
  std::vector<SimThread*> ended_;                    // not yet freed
  std::unique_ptr<SimThread> controller_;
  SimThread* current_ = nullptr;
  int next_thread_ = 1;

  // Of the run that is under way.
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
  // Called once, when it has ended however that came about: for what stands in
  // for the kernel, which closes descriptors.
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
  // Of threads that have ended in a killed process: others may still be tied to
  // them.
  std::vector<std::unique_ptr<Thread>> remains_;
  size_t threads_ = 0;
  bool killed_ = false;
  bool ended_ = false;
  // What the simulated kernel knows of it. Null: it does without one.
  void* kernel_part_ = nullptr;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TESTING_SIM_H_
