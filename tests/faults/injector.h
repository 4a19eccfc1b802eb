// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Makes chosen system calls fail, and the time pass.

#ifndef LE_MESSAGING_TESTS_FAULTS_INJECTOR_H_
#define LE_MESSAGING_TESTS_FAULTS_INJECTOR_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "event/base/sys.h"
#include "tests/faults/calls.h"

namespace le {
namespace faults {

// What is to fail.
struct Failure {
  // The calls of this kind from `first` (0: the very first) on, so many of them.
  // Null: none.
  const Kind* kind = nullptr;
  int first = 0;
  int times = 0;
  int error = 0;
  // Or: from the call of this number on, of whatever kind, and for so many
  // calls, there is no descriptor left. This one is no pretence: so the kernel
  // also drops the descriptors that are received meanwhile.
  int exhausted_from = -1;
  int exhausted_for = 0;

  std::string ToString() const;
};

class Injector;

// For as long as it lives nothing is counted, and nothing fails: for what belongs
// to the stage and not to the play.
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

// One for the process, which has one thread. Installed for as long as it lives.
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
  void Start(const Failure& failure);
  void Stop();
  // Besides: the next so many calls of that name. For a scenario of its own.
  void AlsoFail(const char* call, int error, int times);

  // Of the run from Start() on: the kinds of the calls, in their order.
  const std::vector<const Kind*>& calls() const { return calls_; }
  int injected() const { return injected_; }
  // A call that the table does not know; "": none.
  const std::string& unknown() const { return unknown_; }

  void Advance(absl::Duration time) { now_ += time; }

  // event::sys::Interceptor
  int Fail(const char* call) override { return FailCall({call}); }
  int FailCall(const event::sys::Call& call) override;
  bool Clock(struct timespec* now) override;

  // Whether the call may wait for something, and whether it would.
  static bool MayWait(const event::sys::Call& call);
  static bool IsReady(const event::sys::Call& call);

 private:
  friend class Calm;
  int Injected(const event::sys::Call& call);
  void SetExhausted(bool exhausted);

  Failure failure_;
  bool running_ = false;
  bool exhausted_ = false;
  std::vector<const Kind*> calls_;
  std::map<const Kind*, int> count_;
  int injected_ = 0;
  std::string unknown_;
  std::string also_call_;
  int also_error_ = 0;
  int also_times_ = 0;
  Waiter* waiter_ = nullptr;
  absl::Time now_;
};

// Says what was being tried, and ends the process: from inside a call of the
// library there is no other way back.
[[noreturn]] void GiveUp(const std::string& why);
// What is being tried, for GiveUp().
void SetLabel(const std::string& label);

}  // namespace faults
}  // namespace le

#endif  // LE_MESSAGING_TESTS_FAULTS_INJECTOR_H_
