// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Simulates many processes in one. A seed decides the order in which threads
// run.
//
// Only one simulated thread runs at a time. At each *switch point* (see below),
// the seed chooses the next thread. A *step* is the run of one thread between
// two of these choices. Time is virtual: when every thread waits, time jumps to
// the earliest deadline. The same seed and the same code give the same run,
// switch by switch.
//
//   Simulation sim(seed);
//   SimProcess* server = sim.AddProcess("server", {/*pid*/ 0, 1000, 1000});
//   sim.Spawn(server, "main", [] { ... Thread::Current()->loop()->Run(); });
//   ...
//   EXPECT_EQ(sim.Run(), Simulation::Outcome::kEnded) << sim.Report();
//
// The switch points are:
//  - in Parker::Park(), in Process::YieldPoint(), and in calls of a SimKernel,
//  - where a loop waits, and in ThreadHandle::Join(),
//  - where a thread ends,
//  - where a thread releases the last event::Mutex that it holds.
//
// After a thread releases its last lock, it may be passed over (not chosen) for
// many steps, as on a busy machine. Most races need many steps of other
// threads, so they would not be found otherwise.
//
// Post() and Unpark() may be called with a lock held. But do not release an
// event::Mutex while a lock of another kind is held. Simulated threads share
// one real thread, so the next thread that takes the lock of the other kind
// would deadlock.

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

// One thread outside the simulation, the controller, uses this class. A
// simulated thread may call only the functions that are marked "Also for
// simulated threads".
class Simulation {
 public:
  enum class Outcome {
    kEnded,      // no thread is left
    kBlocked,    // every thread waits, and none has a deadline
    kTimeLimit,  // nothing more is due at or before `limit`
    kSteps,      // the requested number of steps has been made
    kStepLimit,  // the run is probably endless
  };
  // A simulation that has made this many steps counts as endless.
  static constexpr uint64_t kDefaultStepLimit = 2000000;

  explicit Simulation(uint64_t seed);
  // Kills the remaining processes.
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  uint64_t seed() const { return seed_; }

  // Also for simulated threads. Adds a process without threads. If the pid is
  // 0, the simulation chooses one that it has not chosen before. The SimProcess
  // lives as long as the simulation.
  SimProcess* AddProcess(std::string name, Credentials credentials);
  // Also for simulated threads. Starts a thread of `process`, which must not
  // have ended. The new thread does not run before the caller waits or yields.
  void Spawn(SimProcess* process, std::string name, std::function<void()> body);

  // ---- The controller only ----

  // Runs until all threads have ended, or all wait without a deadline. If all
  // wait, only the caller knows whether this is a deadlock.
  Outcome Run();
  // Runs everything that is due at or before `limit`. If threads then wait for
  // a later time (kTimeLimit), sets the time to `limit`.
  Outcome RunUntil(Instant limit);
  Outcome RunFor(absl::Duration time) { return RunUntil(now_ + time); }
  // Runs at most `steps` steps.
  Outcome RunSteps(uint64_t steps);

  // ---- Also for simulated threads ----

  // Kills a process, like SIGKILL. When Kill() returns, no thread of the
  // process is left. In a killed process, Thread::End() runs neither exit hooks
  // nor destructors of Thread::AddDestructor(). Kill() does not return if the
  // caller belongs to the process. Does nothing if the process has ended.
  //
  // C++ destructors run, because an internal exception unwinds the threads'
  // stacks. A thread at a YieldPoint() runs on until it next waits, because the
  // YieldPoint() may be inside a destructor. KillAtYieldPoints() changes this.
  // A thread that has just released a lock always runs on.
  void Kill(SimProcess* process);
  // Sets whether YieldPoint() also throws in a killed process. If so, no code
  // may call YieldPoint() where an exception is not allowed.
  void KillAtYieldPoints(bool on) { kill_at_yield_points_ = on; }

  // From now on Kill() abandons the threads of a process: no stack unwinds, no
  // destructor runs, and no memory is freed. The simulated kernel must close
  // the process's files.
  void AbandonKilledProcesses() { leaves_the_killed_ = true; }

  // The timers of the simulated kernel. They expire even if no thread waits for
  // them. A simulation has at most one Alarms object, which must outlive the
  // run.
  class Alarms {
   public:
    virtual ~Alarms() = default;
    // InfiniteFuture() if there is no alarm.
    virtual Instant NextAlarm() = 0;
    // Called when the time has advanced.
    virtual void Ring() = 0;
  };
  void SetAlarms(Alarms* alarms) { alarms_ = alarms; }

  // A random number for faults and choices of the test. The seed determines it.
  uint64_t Random();
  // A random number less than `bound`, which must not be 0.
  uint64_t Random(uint64_t bound) { return Random() % bound; }

  Instant Now() const { return now_; }
  uint64_t steps() const { return steps_; }
  void SetStepLimit(uint64_t limit) { step_limit_ = limit; }

  // From now on each switch and each Note() is recorded as a line. This is off
  // by default, because it is slow.
  void EnableTrace() { tracing_ = true; }
  void Note(absl::string_view text);
  const std::string& trace() const { return trace_; }

  // Lists the messages of processes that have died, and the living threads. For
  // each thread that waits, names the object that it waits for. For a test's
  // failure message.
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
  // Chooses the thread that runs next. Null means the controller.
  SimThread* PickNext();
  SimThread* PickRunnable(size_t runnable, bool any);
  bool IsPassedOver(const SimThread* thread) const;
  // Whether another thread of the same process has switched away with locks
  // held.
  static bool IsStopped(const SimThread* thread);
  // Switches to `to`; null means the controller. Returns when `me` runs
  // again.
  void SwitchTo(SimThread* me, SimThread* to);
  void SwitchAway(SimThread* me);
  // The running thread. Null means the controller.
  SimThread* Me() const { return current_; }

  // May switch threads. If the caller holds locks, no other thread of its
  // process runs before Yield() returns, because that thread may need one of
  // the locks.
  void Yield();
  // The running thread's event::Mutex calls OnLocked() and OnUnlocked().
  static void OnLocked();
  static void OnUnlocked();
  void YieldWithoutLocks(SimThread* me);
  // Blocks the calling thread until MakeRunnable() or `deadline`. Returns false
  // if the deadline has passed.
  bool Block(const char* what, Instant deadline);
  // Like Block(), but also ends when `ready` returns true. Each PickNext()
  // calls `ready`. Returns the last result of `ready`.
  bool BlockUntil(const char* what, Instant deadline,
                  bool (*ready)(void* context), void* context);
  void MakeRunnable(SimThread* thread);
  void ThrowIfKilled(SimThread* me);
  void ThreadEnded(SimThread* me);
  void AbandonProcess(SimProcess* process);
  void EndOtherThreads(SimProcess* process, SimThread* me);
  // Makes `next` the running thread, and returns its fiber. Null means the
  // controller.
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
  std::vector<std::unique_ptr<SimThread>> threads_;  // also ended threads
  std::vector<SimThread*> live_;                     // in order of starting
  std::vector<SimThread*> ended_;                    // not yet freed
  std::unique_ptr<SimThread> controller_;
  SimThread* current_ = nullptr;
  int next_thread_ = 1;

  // The limits and the outcome of the current run.
  Instant limit_;
  uint64_t steps_end_ = 0;
  Outcome outcome_ = Outcome::kEnded;

  bool tracing_ = false;
  std::string trace_;
};

// One simulated process. It ends when its last thread ends, when it is killed,
// or by Die().
class SimProcess final : public Process {
 public:
  static constexpr uid_t kNoUser = static_cast<uid_t>(-1);

  ~SimProcess() override;

  const std::string& name() const { return name_; }
  Simulation* simulation() const { return sim_; }
  // Whether the process has ended. Then no thread is left, and none may be
  // started.
  bool ended() const { return ended_; }
  // The message of Die(), or the signal, that ended the process. Otherwise "".
  const std::string& death_message() const { return death_message_; }
  // Adds a hook, which is called once when the process has ended for any
  // reason. The simulated kernel uses a hook to close the process's
  // descriptors.
  void OnExit(std::function<void()> hook) {
    exit_hooks_.push_back(std::move(hook));
  }
  // Sets the user, like setresuid().
  void SetUser(uid_t uid) { credentials_.uid = uid; }
  // Sets the number for which IsOverflowUser() is true.
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
  void UnsetEnv(const char* name) override { environment_.erase(name); }
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
  // The ended threads of a killed process. Its other threads may still refer to
  // them.
  std::vector<std::unique_ptr<Thread>> remains_;
  size_t threads_ = 0;
  // The thread that has switched away with locks held. Null if there is none.
  const SimThread* stopper_ = nullptr;
  bool killed_ = false;
  bool ended_ = false;
  // The process's SimKernelProcess. Null if the process runs without a
  // simulated kernel.
  void* kernel_part_ = nullptr;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TESTING_SIM_H_
