// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// With _FORTIFY_SOURCE, the C library's longjmp() reports a jump to another
// stack as an error.
#undef _FORTIFY_SOURCE

#include "event/testing/fiber.h"

#include <utility>

#include "event/base/sanitizers.h"

#if defined(LE_ASAN) || defined(LE_TSAN)
#define LE_FIBERS_SHARE_A_THREAD 0
#else
#define LE_FIBERS_SHARE_A_THREAD 1
#endif

#if LE_FIBERS_SHARE_A_THREAD
#include <cxxabi.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "event/base/this_thread.h"
#include "event/process.h"
#else
#include <condition_variable>
#include <mutex>
#include <thread>
#endif

namespace le {
namespace event {

#if LE_FIBERS_SHARE_A_THREAD

namespace {

// This size is enough for tests. Only pages that are touched use memory.
constexpr size_t kStackBytes = size_t{1} << 20;
constexpr size_t kGuardBytes = size_t{64} << 10;

// Keeps free stacks, because each new stack causes page faults.
class StackPool {
 public:
  static StackPool* Get() {
    static StackPool* const pool = new StackPool;
    return pool;
  }
  void* Take() {
    if (!free_.empty()) {
      void* const stack = free_.back();
      free_.pop_back();
      return stack;
    }
    void* const stack =
        mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) std::abort();
    // With guard pages, an overflow of the stack crashes. Otherwise it would
    // write into the next stack.
    mprotect(stack, kGuardBytes, PROT_NONE);
    return stack;
  }
  void Return(void* stack) { free_.push_back(stack); }

 private:
  std::vector<void*> free_;
};

// The exception state that the C++ runtime keeps for each thread. The Itanium
// ABI defines this layout.
struct ExceptionGlobals {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

}  // namespace

struct Fiber::State {
  std::function<void()> body;
  void* stack = nullptr;  // null for the stack of a real thread
  bool started = true;
  ucontext_t context;  // for the first switch to the fiber
  jmp_buf place;       // for later switches
  ExceptionGlobals exceptions;
  Thread* thread = nullptr;
  int error = 0;

  static void Main(uint32_t high, uint32_t low) {
    const uint64_t address = (uint64_t{high} << 32) | low;
    auto* const state =
        reinterpret_cast<State*>(static_cast<uintptr_t>(address));
    state->body();
    std::abort();  // the body must end by calling Finish()
  }
};

Fiber::Fiber() : state_(new State) {}

Fiber::Fiber(std::function<void()> body) : state_(new State) {
  state_->body = std::move(body);
  state_->started = false;
  state_->stack = StackPool::Get()->Take();
  getcontext(&state_->context);
  state_->context.uc_stack.ss_sp = state_->stack;
  state_->context.uc_stack.ss_size = kStackBytes;
  state_->context.uc_link = nullptr;
  const uint64_t address = reinterpret_cast<uintptr_t>(state_.get());
  makecontext(&state_->context, reinterpret_cast<void (*)()>(&State::Main), 2,
              static_cast<uint32_t>(address >> 32),
              static_cast<uint32_t>(address));
}

Fiber::~Fiber() {
  if (state_->stack != nullptr) StackPool::Get()->Return(state_->stack);
}

void Fiber::Switch(Fiber* from, Fiber* to) {
  auto* const exceptions =
      reinterpret_cast<ExceptionGlobals*>(abi::__cxa_get_globals());
  from->state_->exceptions = *exceptions;
  from->state_->error = errno;
  from->state_->thread = Thread::SwapCurrent(to->state_->thread);
  simulated_thread = to->state_->stack != nullptr ? to->state_.get() : nullptr;
  *exceptions = to->state_->exceptions;
  errno = to->state_->error;
  // Do not use swapcontext(), because it makes a system call for the signal
  // mask.
  if (_setjmp(from->state_->place) != 0) return;
  if (to->state_->started) _longjmp(to->state_->place, 1);
  to->state_->started = true;
  setcontext(&to->state_->context);
}

void Fiber::Finish(Fiber* from, Fiber* to) {
  Switch(from, to);
  std::abort();  // a switch to this fiber is a bug
}

#else  // threads

struct Fiber::State {
  std::mutex mutex;
  std::condition_variable given;
  bool has_turn = false;
  bool finished = false;
  std::thread thread;

  void Give() {
    // Notify under the lock. As soon as the thread has its turn, it may destroy
    // this State.
    std::lock_guard<std::mutex> lock(mutex);
    has_turn = true;
    given.notify_one();
  }
  void Take() {
    std::unique_lock<std::mutex> lock(mutex);
    given.wait(lock, [this] { return has_turn; });
    has_turn = false;
  }
};

Fiber::Fiber() : state_(new State) {}

Fiber::Fiber(std::function<void()> body) : state_(new State) {
  State* const state = state_.get();
  state->thread = std::thread([state, body] {
    state->Take();
    body();
  });
}

Fiber::~Fiber() {
  if (!state_->thread.joinable()) return;
  if (state_->finished) {
    state_->thread.join();
  } else {
    // The thread never gets its turn again.
    state_->thread.detach();
    state_.release();
  }
}

void Fiber::Switch(Fiber* from, Fiber* to) {
  // `from` may be destroyed before the switch back. Then this thread never runs
  // again, and its State stays allocated.
  State* const mine = from->state_.get();
  to->state_->Give();
  mine->Take();
}

void Fiber::Finish(Fiber* from, Fiber* to) {
  from->state_->finished = true;
  to->state_->Give();
}

#endif

}  // namespace event
}  // namespace le
