// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Makes chosen system calls fail, and provides a virtual clock.

#ifndef LE_MESSAGING_TESTS_FAULTS_INJECTOR_H_
#define LE_MESSAGING_TESTS_FAULTS_INJECTOR_H_

#include <climits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "event/base/sys.h"
#include "tests/faults/calls.h"

namespace le {
namespace faults {

// The duration of a failure that is not limited to a number of calls. The
// virtual clock does not move while code spins. So code that spins never sees
// the end of the failure.
constexpr absl::Duration kLasts = absl::Milliseconds(300);
constexpr int kForATime = INT_MAX;

// The calls that fail.
struct Failure {
  // The calls of this kind fail. Null: no file descriptor is free. Then
  // RLIMIT_NOFILE is lowered, so the kernel also drops descriptors that arrive.
  const Kind* kind = nullptr;
  // The index of the first call that fails, among the calls of `kind`. If
  // `kind` is null: among all calls.
  int first = 0;
  // The number of calls that fail, or kForATime.
  int times = 1;
  int error = 0;
};
std::string ToString(const std::vector<Failure>& failures);

class Injector;

// While this object exists, the injector counts nothing, and nothing fails.
// Used around code that is not part of the scenario.
class Calm {
 public:
  explicit Calm(Injector* injector);
  ~Calm();
  Calm(const Calm&) = delete;
  Calm& operator=(const Calm&) = delete;

 private:
  Injector* const injector_;
  const bool running_before_;
};

// While this object exists, intercepts the system calls of the thread that
// constructed it. Ignores the calls of other threads. These are the threads of
// transports/closer.h, and the order of their calls varies.
class Injector final : public event::sys::Interceptor {
 public:
  Injector();
  ~Injector() override;

  class Waiter {
   public:
    virtual ~Waiter() = default;
    // Called before each call that may block. Returns 0 if the call is ready
    // now, otherwise the errno that the call fails with.
    virtual int BeforeWait(const event::sys::Call& call) = 0;
  };
  void SetWaiter(Waiter* waiter) { waiter_ = waiter; }

  // Counts calls, and makes those of `failures` fail, until Stop().
  void Start(const std::vector<Failure>& failures);
  void Stop();
  // Makes the next `times` calls of this name fail, in addition to the failures
  // of Start().
  void AlsoFail(const char* call, int error, int times);

  // The kinds of the calls since Start(), in the order of the calls.
  const std::vector<const Kind*>& calls() const { return calls_; }
  int injected() const { return injected_; }
  // A call that Kinds() does not have; "" if there was none.
  const std::string& unknown() const { return unknown_; }

  void Advance(absl::Duration time) { now_ += time; }

  // event::sys::Interceptor
  int FailCall(const event::sys::Call& call) override;
  bool Clock(struct timespec* now) override;
  bool Random(void* buffer, size_t size) override;

  // Whether the limit of descriptors may be lowered. False under UBSan: its
  // runtime creates a pipe to test memory, and reports an error if that fails.
  static bool CanExhaust();

  // Whether the call may block.
  static bool MayWait(const event::sys::Call& call);
  // Whether the call would return at once.
  static bool IsReady(const event::sys::Call& call);

 private:
  friend class Calm;
  bool IsOnInjectorsThread() const {
    return std::this_thread::get_id() == thread_;
  }
  int Injected(const event::sys::Call& call);
  void SetExhausted(bool exhausted);

  struct Armed {
    Failure failure;
    absl::Time end;  // of a failure with kForATime; set at its first call
  };
  bool Applies(Armed* armed, int number);

  const std::thread::id thread_ = std::this_thread::get_id();
  std::vector<Armed> armed_;
  bool running_ = false;
  bool exhausted_ = false;
  std::vector<const Kind*> calls_;
  std::vector<int> count_;  // the number of calls of each of Kinds()
  int injected_ = 0;
  std::string unknown_;
  std::string also_call_;
  int also_error_ = 0;
  int also_times_ = 0;
  Waiter* waiter_ = nullptr;
  absl::Time now_;
  std::mt19937_64 random_;
};

// Prints the label and `why`, and ends the process: there is no other way to
// leave a call of the library that blocks or spins.
[[noreturn]] void GiveUp(const std::string& why);
// Sets the label, which names the scenario and its failures.
void SetLabel(const std::string& label);

}  // namespace faults
}  // namespace le

#endif  // LE_MESSAGING_TESTS_FAULTS_INJECTOR_H_
