// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Makes chosen system calls fail, and has the clock.

#ifndef LE_MESSAGING_TESTS_FAULTS_INJECTOR_H_
#define LE_MESSAGING_TESTS_FAULTS_INJECTOR_H_

#include <climits>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "event/base/sys.h"
#include "tests/faults/calls.h"

namespace le {
namespace faults {

// A failure lasts so long if it is not limited to a number of calls. The clock
// stands still for code that spins, so for such code it never ends.
constexpr absl::Duration kLasts = absl::Milliseconds(300);
constexpr int kForATime = INT_MAX;

// The calls that fail.
struct Failure {
  // The calls of this kind, from `first` (0: the very first) on. Null: no
  // descriptor is left from call `first` on, for calls of any kind. The limit
  // is really set, so the kernel also drops descriptors that are received
  // meanwhile.
  const Kind* kind = nullptr;
  int first = 0;
  // For so many calls, or kForATime.
  int times = 1;
  int error = 0;
};
std::string ToString(const std::vector<Failure>& failures);

class Injector;

// During its lifetime nothing is counted, and nothing fails: for code of the
// stage, not of the scenario.
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

// One for the (real) process, which has one thread. Installed for its lifetime.
class Injector final : public event::sys::Interceptor {
 public:
  Injector();
  ~Injector() override;

  // Asked before a call that would wait. 0: it is ready now. Else the errno with
  // which the call is to return instead.
  class Waiter {
   public:
    virtual ~Waiter() = default;
    virtual int BeforeWait(const event::sys::Call& call) = 0;
  };
  void SetWaiter(Waiter* waiter) { waiter_ = waiter; }

  // Counts and fails from now on, until Stop().
  void Start(const std::vector<Failure>& failures);
  void Stop();
  // In addition: the next so many calls of that name. For single tests.
  void AlsoFail(const char* call, int error, int times);

  // The kinds of the calls since Start(), in their order.
  const std::vector<const Kind*>& calls() const { return calls_; }
  int injected() const { return injected_; }
  // A call that the table does not know; "": none.
  const std::string& unknown() const { return unknown_; }

  void Advance(absl::Duration time) { now_ += time; }

  // event::sys::Interceptor
  int Fail(const char* call) override { return FailCall({call}); }
  int FailCall(const event::sys::Call& call) override;
  bool Clock(struct timespec* now) override;
  bool Random(void* buffer, size_t size) override;

  // False under UBSan: its runtime tests memory with a pipe, and reports an
  // error if it gets no descriptor.
  static bool CanExhaust();

  // Whether the call may wait for something, and whether it would.
  static bool MayWait(const event::sys::Call& call);
  static bool IsReady(const event::sys::Call& call);

 private:
  friend class Calm;
  int Injected(const event::sys::Call& call);
  void SetExhausted(bool exhausted);

  struct Armed {
    Failure failure;
    absl::Time end;  // of one for a time; known once it has begun
  };
  bool Applies(Armed* armed, int number);

  std::vector<Armed> armed_;
  bool running_ = false;
  bool exhausted_ = false;
  std::vector<const Kind*> calls_;
  std::vector<int> count_;  // of each of Kinds()
  int injected_ = 0;
  std::string unknown_;
  std::string also_call_;
  int also_error_ = 0;
  int also_times_ = 0;
  Waiter* waiter_ = nullptr;
  absl::Time now_;
  std::mt19937_64 random_;
};

// Prints what was being tried, and ends the process: a call of the library
// cannot be left in another way.
[[noreturn]] void GiveUp(const std::string& why);
// The failure that is being tried, for GiveUp().
void SetLabel(const std::string& label);

}  // namespace faults
}  // namespace le

#endif  // LE_MESSAGING_TESTS_FAULTS_INJECTOR_H_
