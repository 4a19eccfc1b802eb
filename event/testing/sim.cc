// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/testing/sim.h"

#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/mutex.h"
#include "event/base/sanitizers.h"
#include "event/testing/sim_thread.h"

#ifdef LE_ASAN
#include <sanitizer/lsan_interface.h>
#endif

namespace le {
namespace event {
namespace {

// Virtual time does not begin at zero. So a test fails if code uses an instant
// as a duration.
const Instant kBeginning = absl::FromUnixSeconds(1000);

constexpr pid_t kFirstPid = 1000;

// A switch point is a call that may switch threads. If a thread of a killed
// process reaches this many switch points, it probably waits in a destructor
// for an event that never happens.
constexpr int kMaxGhostSteps = 100000;

// When a thread releases its last lock, it is passed over with a probability of
// 1 in kPassedOverOneIn. For up to 2 to the power of kMaxLogStepsPassedOver
// steps it is then chosen only if no other thread can run. Meanwhile another
// thread can open a session, which takes hundreds of steps.
constexpr uint64_t kPassedOverOneIn = 20;
constexpr uint64_t kMaxLogStepsPassedOver = 12;

uint64_t NextRandom(uint64_t* state) {
  *state += 0x9e3779b97f4a7c15;
  uint64_t x = *state;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// The operating system frees the memory of a real process that is killed.
// Nothing frees the memory of a simulated one, so its threads may leak memory.
// Tests with real threads detect leaks.
class LeaksAllowed {
 public:
  LeaksAllowed() {
#ifdef LE_ASAN
    __lsan_disable();
#endif
  }
  ~LeaksAllowed() {
#ifdef LE_ASAN
    __lsan_enable();
#endif
  }
};

// The simulation whose controller is inside Run(). Null if there is none.
Simulation* g_running = nullptr;

[[noreturn]] void Abort(const std::string& message) {
  fprintf(stderr, "simulation: %s\n", message.c_str());
  abort();
}

std::string FullName(const SimThread* thread) {
  if (thread->process == nullptr) return "controller";
  return absl::StrCat(thread->process->name(), "/", thread->name, "#",
                      thread->number);
}

std::string TimeText(Instant time) {
  return absl::StrCat(absl::ToInt64Nanoseconds(time - kBeginning), "ns");
}

}  // namespace

// ---- Threads ---------------------------------------------------------------

void SimThread::Main() {
  {
    const LeaksAllowed leaks_allowed;
    Thread::Binding binding(process, name);
    try {
      if (!process->killed()) body();
      binding.thread()->End();
    } catch (const SimUnwind&) {
    }
    unwinding = unwinding || process->killed_;
    // The objects that `body` holds belong to the process, so destroy them
    // before the process ends.
    body = nullptr;
    binding.thread()->End();
    binding.thread()->DestroyState();
    if (--process->threads_ == 0) {
      process->End();
    } else if (process->killed()) {
      process->remains_.push_back(binding.Release());
    }
  }
  sim->ThreadEnded(this);
}

// ---- Scheduling ------------------------------------------------------------

Simulation::Simulation(uint64_t seed)
    : seed_(seed),
      schedule_state_(seed),
      random_state_(~seed),
      now_(kBeginning),
      controller_(new SimThread(this, nullptr, "controller", nullptr, 0)) {
  controller_->fiber = std::make_unique<Fiber>();
}

Simulation::~Simulation() {
  for (size_t i = 0; i < processes_.size(); ++i) Kill(processes_[i].get());
  FreeEndedThreads();
  if (leaves_the_killed_) {
    // Do not destroy the killed processes, because their state may refer to
    // destroyed objects. Keep them reachable, so that leak checkers do not
    // report them.
    static auto* const left = new std::vector<std::unique_ptr<SimProcess>>;
    for (std::unique_ptr<SimProcess>& process : processes_) {
      if (process->killed_) left->push_back(std::move(process));
    }
  }
}

SimProcess* Simulation::AddProcess(std::string name, Credentials credentials) {
  if (credentials.pid == 0) {
    credentials.pid = kFirstPid + static_cast<pid_t>(processes_.size());
  }
  processes_.emplace_back(new SimProcess(this, std::move(name), credentials));
  return processes_.back().get();
}

void Simulation::Spawn(SimProcess* process, std::string name,
                       std::function<void()> body) {
  StartThread(process, std::move(name), std::move(body));
}

SimThread* Simulation::StartThread(SimProcess* process, std::string name,
                                   std::function<void()> body) {
  if (process->ended_) {
    Abort(absl::StrCat("process ", process->name(),
                       " has ended; a thread cannot be started in it"));
  }
  FreeEndedThreads();
  threads_.push_back(std::make_unique<SimThread>(
      this, process, std::move(name), std::move(body), next_thread_++));
  SimThread* const thread = threads_.back().get();
  // A new thread inherits its creator's signal mask.
  const SimThread* const me = Me();
  if (me != nullptr && me->process == process) {
    thread->blocked_signals = me->blocked_signals;
  }
  live_.push_back(thread);
  ++process->threads_;
  if (tracing_) Note(absl::StrCat("starts ", FullName(thread)));
  thread->fiber = std::make_unique<Fiber>([thread] { thread->Main(); });
  return thread;
}

void Simulation::FreeEndedThreads() {
  for (SimThread* thread : ended_) thread->fiber.reset();
  ended_.clear();
}

Simulation::Outcome Simulation::Run() {
  return RunInternal(absl::InfiniteFuture(), UINT64_MAX);
}

Simulation::Outcome Simulation::RunUntil(Instant limit) {
  return RunInternal(limit, UINT64_MAX);
}

Simulation::Outcome Simulation::RunSteps(uint64_t steps) {
  return RunInternal(absl::InfiniteFuture(), steps_ + steps);
}

Simulation::Outcome Simulation::RunInternal(Instant limit, uint64_t steps) {
  if (Me() != nullptr) Abort("only the controller may run the simulation");
  static constexpr Mutex::Observer kObserver = {&OnLocked, &OnUnlocked};
  limit_ = limit;
  steps_end_ = steps;
  g_running = this;
  Mutex::SetObserver(&kObserver);
  SimThread* const first = PickNext();
  if (first != nullptr) SwitchTo(nullptr, first);
  Mutex::SetObserver(nullptr);
  g_running = nullptr;
  return outcome_;
}

SimThread* Simulation::PickNext() {
  if (steps_ >= steps_end_) {
    outcome_ = Outcome::kSteps;
    return nullptr;
  }
  if (steps_ >= step_limit_) {
    outcome_ = Outcome::kStepLimit;
    return nullptr;
  }
  for (;;) {
    size_t runnable = 0, ready = 0;
    Instant earliest = absl::InfiniteFuture();
    for (SimThread* thread : live_) {
      if (thread->state == SimThread::State::kBlocked &&
          thread->ready != nullptr && thread->ready(thread->ready_context)) {
        thread->state = SimThread::State::kRunnable;
      }
      if (thread->state == SimThread::State::kRunnable) {
        if (IsStopped(thread)) continue;
        ++runnable;
        if (!IsPassedOver(thread)) ++ready;
      } else {
        earliest = std::min(earliest, thread->deadline);
      }
    }
    if (ready > 0) return PickRunnable(ready, /*any=*/false);
    if (runnable > 0) return PickRunnable(runnable, /*any=*/true);
    if (live_.empty()) {
      outcome_ = Outcome::kEnded;
      return nullptr;
    }
    if (alarms_ != nullptr) earliest = std::min(earliest, alarms_->NextAlarm());
    if (earliest == absl::InfiniteFuture()) {
      outcome_ = Outcome::kBlocked;
      return nullptr;
    }
    if (earliest > limit_) {
      now_ = std::max(now_, limit_);
      outcome_ = Outcome::kTimeLimit;
      return nullptr;
    }
    now_ = std::max(now_, earliest);
    if (alarms_ != nullptr) alarms_->Ring();
    for (SimThread* thread : live_) {
      if (thread->state == SimThread::State::kBlocked &&
          thread->deadline <= now_) {
        thread->timed_out = true;
        thread->state = SimThread::State::kRunnable;
      }
    }
  }
}

bool Simulation::IsStopped(const SimThread* thread) {
  const SimThread* const stopper = thread->process->stopper_;
  return stopper != nullptr && stopper != thread;
}

bool Simulation::IsPassedOver(const SimThread* thread) const {
  return thread->passed_over_until > steps_;
}

// Chooses one of the `runnable` threads that can run. If `any` is false,
// threads that are passed over do not count.
SimThread* Simulation::PickRunnable(size_t runnable, bool any) {
  size_t chosen = NextRandom(&schedule_state_) % runnable;
  for (SimThread* thread : live_) {
    if (thread->state != SimThread::State::kRunnable) continue;
    if (IsStopped(thread)) continue;
    if (!any && IsPassedOver(thread)) continue;
    if (chosen-- > 0) continue;
    ++steps_;
    if (tracing_) {
      absl::StrAppend(&trace_, steps_, " ", TimeText(now_), " ",
                      FullName(thread), "\n");
    }
    return thread;
  }
  Abort("PickNext() has counted more threads than can run");
}

void Simulation::SwitchTo(SimThread* me, SimThread* to) {
  current_ = to;
  Fiber::Switch((me != nullptr ? me : controller_.get())->fiber.get(),
                (to != nullptr ? to : controller_.get())->fiber.get());
  current_ = me;
}

void Simulation::SwitchAway(SimThread* me) {
  SimThread* const next = PickNext();
  if (next != me) SwitchTo(me, next);
}

void Simulation::ThrowIfKilled(SimThread* me) {
  if (!me->process->killed_) return;
  if (++me->ghost_steps > kMaxGhostSteps) {
    Abort(absl::StrCat(FullName(me), " is killed, but waits in a destructor"));
  }
  if (me->unwinding || std::uncaught_exceptions() > 0) return;
  me->unwinding = true;
  throw SimUnwind();
}

void Simulation::Yield() {
  SimThread* const me = Me();
  if (me == nullptr) return;
  if (!me->process->killed_) {
    me->waits_for =
        me->locks_held > 0 ? "its turn, with a lock held" : "its turn";
    if (me->locks_held > 0) me->process->stopper_ = me;
    SwitchAway(me);
    me->process->stopper_ = nullptr;
  }
  if (!me->process->killed_) return;
  if (kill_at_yield_points_ || me->ghost_steps > kMaxGhostSteps / 2) {
    ThrowIfKilled(me);
  } else {
    ++me->ghost_steps;
  }
}

void Simulation::OnLocked() {
  SimThread* const me = g_running->Me();
  if (me != nullptr) ++me->locks_held;
}

void Simulation::OnUnlocked() {
  SimThread* const me = g_running->Me();
  if (me == nullptr || --me->locks_held > 0) return;
  g_running->YieldWithoutLocks(me);
}

// This must not throw, because destructors release locks.
void Simulation::YieldWithoutLocks(SimThread* me) {
  // Do not switch while the process ends, because its end is one step.
  if (me->process->ended_) return;
  if (!me->process->killed_) {
    me->waits_for = "its turn";
    if (NextRandom(&schedule_state_) % kPassedOverOneIn == 0) {
      me->passed_over_until =
          steps_ + (uint64_t{1} << NextRandom(&schedule_state_) %
                                       (kMaxLogStepsPassedOver + 1));
    }
    SwitchAway(me);
    return;
  }
  if (++me->ghost_steps > kMaxGhostSteps) {
    Abort(absl::StrCat(FullName(me), " is killed, but does not end"));
  }
}

bool Simulation::Block(const char* what, Instant deadline) {
  SimThread* const me = Me();
  if (me == nullptr) Abort(absl::StrCat("the controller waits for ", what));
  ThrowIfKilled(me);
  if (me->process->killed_) return true;
  if (deadline <= now_) return false;
  me->state = SimThread::State::kBlocked;
  me->waits_for = what;
  me->deadline = deadline;
  me->timed_out = false;
  SwitchAway(me);
  me->deadline = absl::InfiniteFuture();
  ThrowIfKilled(me);
  return !me->timed_out;
}

bool Simulation::BlockUntil(const char* what, Instant deadline,
                            bool (*ready)(void* context), void* context) {
  if (ready(context)) return true;
  SimThread* const me = Me();
  if (me != nullptr && me->locks_held > 0) {
    Abort(absl::StrCat(FullName(me), " waits for ", what, " with a lock held"));
  }
  if (me != nullptr) {
    me->ready = ready;
    me->ready_context = context;
  }
  Block(what, deadline);
  me->ready = nullptr;
  return ready(context);
}

void Simulation::MakeRunnable(SimThread* thread) {
  if (thread->state == SimThread::State::kBlocked) {
    thread->state = SimThread::State::kRunnable;
  }
}

void Simulation::ThreadEnded(SimThread* me) {
  me->state = SimThread::State::kEnded;
  live_.erase(std::find(live_.begin(), live_.end(), me));
  ended_.push_back(me);
  if (tracing_) Note(absl::StrCat(FullName(me), " has ended"));
  for (SimThread* joiner : me->joiners) MakeRunnable(joiner);
  me->joiners.clear();
  Fiber::Finish(me->fiber.get(),
                FiberOfNext(me->killer != nullptr ? me->killer : PickNext()));
}

Fiber* Simulation::FiberOfNext(SimThread* next) {
  current_ = next == controller_.get() ? nullptr : next;
  return (current_ != nullptr ? current_ : controller_.get())->fiber.get();
}

void Simulation::AbandonProcess(SimProcess* process) {
  SimThread* const me = Me();
  const bool mine = me != nullptr && me->process == process;
  const auto end = std::stable_partition(
      live_.begin(), live_.end(),
      [&](const SimThread* thread) { return thread->process != process; });
  for (auto it = end; it != live_.end(); ++it) {
    (*it)->state = SimThread::State::kEnded;
    ended_.push_back(*it);
  }
  live_.erase(end, live_.end());
  process->threads_ = 0;
  process->End();
  if (!mine) return;
  // Do not use Finish(), because it returns if fibers are threads.
  Fiber::Switch(me->fiber.get(), FiberOfNext(PickNext()));
  abort();  // a switch to this fiber is a bug
}

void Simulation::Kill(SimProcess* process) {
  if (process->ended_) return;
  SimThread* const me = Me();
  const bool mine = me != nullptr && me->process == process;
  if (!process->killed_) {
    if (tracing_) Note(absl::StrCat("kills ", process->name()));
    process->killed_ = true;
    if (leaves_the_killed_) return AbandonProcess(process);
    EndOtherThreads(process, me);
  }
  if (mine) {
    if (me->unwinding || std::uncaught_exceptions() > 0) {
      Abort(absl::StrCat(FullName(me),
                         " dies while it unwinds: ", process->death_message_));
    }
    me->unwinding = true;
    throw SimUnwind();
  }
  if (process->threads_ == 0) process->End();
}

void Simulation::EndOtherThreads(SimProcess* process, SimThread* me) {
  SimThread* const killer = me != nullptr ? me : controller_.get();
  // Let each thread run until it ends. It then switches back to the killer.
  const std::vector<SimThread*> live = live_;
  for (SimThread* thread : live) {
    if (thread->process != process || thread == me) continue;
    if (thread->state == SimThread::State::kEnded) continue;
    thread->killer = killer;
    thread->state = SimThread::State::kRunnable;
    SwitchTo(me, thread);
  }
}

uint64_t Simulation::Random() { return NextRandom(&random_state_); }

void Simulation::Note(absl::string_view text) {
  if (!tracing_) return;
  const SimThread* const me = Me();
  absl::StrAppend(&trace_, "  ", me == nullptr ? "controller" : FullName(me),
                  ": ", text, "\n");
}

std::string Simulation::Report() const {
  std::string report = absl::StrCat("seed ", seed_, ", step ", steps_,
                                    ", time ", TimeText(now_), "\n");
  for (const auto& process : processes_) {
    if (!process->death_message_.empty()) {
      absl::StrAppend(&report, "  ", process->name(),
                      " died: ", process->death_message_, "\n");
    }
  }
  for (const SimThread* thread : live_) {
    absl::StrAppend(&report, "  ", FullName(thread), " ");
    if (thread->state == SimThread::State::kRunnable) {
      absl::StrAppend(&report, "can run\n");
    } else {
      absl::StrAppend(&report, "waits for ", thread->waits_for,
                      thread->deadline == absl::InfiniteFuture()
                          ? ", without end"
                          : absl::StrCat(" until ", TimeText(thread->deadline)),
                      "\n");
    }
  }
  return report;
}

}  // namespace event
}  // namespace le
