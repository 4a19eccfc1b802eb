// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// SimProcess: the loops, parkers and threads of a simulated process.

#include <algorithm>
#include <utility>

#include "event/base/log.h"
#include "event/epoll_loop.h"
#include "event/futex_parker.h"
#include "event/loop_base.h"
#include "event/testing/sim.h"
#include "event/testing/sim_thread.h"

namespace le {
namespace event {

// One call of Park() in this many returns spuriously, as the interface allows.
constexpr uint64_t kSpuriousOneIn = 64;

class SimParker final : public Parker {
 public:
  explicit SimParker(Simulation* sim) : sim_(sim) {}

  bool Park(Instant deadline) override {
    sim_->Yield();
    if (!unparked_ && sim_->Random(kSpuriousOneIn) != 0) {
      // Reset waiter_ in a destructor, so that it is also reset when the thread
      // unwinds.
      struct Waiting {
        SimParker* const parker;
        ~Waiting() { parker->waiter_ = nullptr; }
      } waiting{this};
      waiter_ = sim_->Me();
      sim_->Block("its parker", deadline);
      if (!unparked_) return sim_->Now() < deadline;
    }
    unparked_ = false;
    return true;
  }

  void Unpark() override {
    unparked_ = true;
    if (waiter_ != nullptr) sim_->MakeRunnable(waiter_);
  }

 private:
  Simulation* const sim_;
  bool unparked_ = false;
  SimThread* waiter_ = nullptr;
};

// A loop without file descriptors: it has only tasks, timers and hooks. The
// outer loop runs a nested loop through its Nesting (loop_base.h). While the
// nested loop is not serving(), it posts its Nesting to the outer loop if it
// has work. It also starts its Nesting as a timer of the outer loop, for its
// own next deadline.
class SimLoop final : public LoopBase {
 public:
  SimLoop(Simulation* sim, SimLoop* outer)
      : LoopBase(outer), sim_(sim), owner_(sim->Me()) {}

  // Also compare the SimThreads: a later thread may have the same ThisThread(),
  // but never the same SimThread.
  bool InTurn() const override {
    return sim_->Me() == owner_ && LoopBase::InTurn();
  }
  std::unique_ptr<Loop> CreateNested() override {
    return std::make_unique<SimLoop>(sim_, this);
  }

 protected:
  Instant ReadClock() override { return sim_->Now(); }

  void Wake() override {
    if (waiter_ != nullptr) sim_->MakeRunnable(waiter_);
    if (!serving()) Announce();
  }

  void OnTimerStarted() override {
    if (!serving()) AnnounceDeadline();
  }

  void OnServed() override {
    if (HasWork()) Announce();
    AnnounceDeadline();
  }

  void Wait(Instant deadline) override {
    sim_->Yield();
    // Check this after Yield(), because another thread may post during Yield().
    if (HasWork() || stopped()) deadline = absl::InfinitePast();
    struct Waiting {
      SimLoop* const loop;
      ~Waiting() { loop->waiter_ = nullptr; }
    } waiting{this};
    waiter_ = sim_->Me();
    // Call Block() even if the deadline has passed, because a killed thread
    // ends there.
    sim_->Block("its loop", deadline);
  }

 private:
  void Announce() {
    if (outer() != nullptr) nesting()->PostTo(outer());
  }
  void AnnounceDeadline() {
    if (outer() != nullptr) ServeAt(NextDeadline());
  }

  Simulation* const sim_;
  SimThread* const owner_;
  SimThread* waiter_ = nullptr;
};

class SimThreadHandle final : public ThreadHandle {
 public:
  SimThreadHandle(Simulation* sim, SimThread* thread)
      : sim_(sim), thread_(thread) {}

  void Join() override {
    while (thread_->state != SimThread::State::kEnded) {
      // Threads of a killed process do not wait for each other.
      if (thread_->process->killed()) return;
      thread_->joiners.push_back(sim_->Me());
      sim_->Block("the end of a thread", absl::InfiniteFuture());
    }
  }
  void Detach() override {}

 private:
  Simulation* const sim_;
  SimThread* const thread_;
};

SimProcess::SimProcess(Simulation* sim, std::string name,
                       Credentials credentials)
    : sim_(sim), name_(std::move(name)), credentials_(credentials) {}

SimProcess::~SimProcess() = default;

void SimProcess::Die(absl::string_view message) {
  // A thread of a killed process may run for some more steps, and call Die() in
  // them. Ignore its message then.
  if (!killed_ && death_message_.empty()) death_message_ = std::string(message);
  sim_->Note("dies");
  sim_->Kill(this);
  // Kill() returns if the caller is the controller or a thread of another
  // process. It also returns if this process has ended.
  Fatal("the controller of a simulation called Die() of a process");
}

Instant SimProcess::Now() { return sim_->Now(); }

std::unique_ptr<Loop> SimProcess::CreateLoop() {
  if (kernel_part_ != nullptr) return std::make_unique<EpollLoop>();
  return std::make_unique<SimLoop>(sim_, nullptr);
}

std::unique_ptr<Parker> SimProcess::CreateParker() {
  if (kernel_part_ != nullptr) return std::make_unique<FutexParker>();
  return std::make_unique<SimParker>(sim_);
}

std::unique_ptr<ThreadHandle> SimProcess::StartThread(
    const std::string& name, std::function<void()> body) {
  if (killed_) return nullptr;
  return std::make_unique<SimThreadHandle>(
      sim_, sim_->StartThread(this, name, std::move(body)));
}

void SimProcess::ExitThread() { throw SimUnwind(); }

uint64_t SimProcess::Random() { return sim_->Random(); }

std::string SimProcess::GetEnv(const char* name) {
  const auto it = environment_.find(name);
  return it == environment_.end() ? "" : it->second;
}

void SimProcess::YieldPoint() { sim_->Yield(); }

void SimProcess::End() {
  ended_ = true;
  const bool left = killed_ && sim_->leaves_the_killed_;
  if (!left) DestroyState();
  while (!exit_hooks_.empty()) {
    const std::function<void()> hook = std::move(exit_hooks_.back());
    exit_hooks_.pop_back();
    hook();
  }
  if (!left) remains_.clear();
}

}  // namespace event
}  // namespace le
