// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Checks for all runs, and counts of the injected faults.

#ifndef LE_MESSAGING_TESTS_SIMULATION_REFEREE_H_
#define LE_MESSAGING_TESTS_SIMULATION_REFEREE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "event/base/sys.h"
#include "event/testing/sim.h"

namespace le {
namespace simulation {

// Records the first violated check, and counts the injected faults.
class Referee {
 public:
  explicit Referee(event::Simulation* sim) : sim_(sim) {}

  void Fail(const std::string& what);
  bool failed() const { return !verdict_.empty(); }
  const std::string& verdict() const { return verdict_; }

  // Counts one injected fault, or another event, of this kind.
  void Count(const char* fault) { ++faults_[fault]; }
  const std::map<std::string, uint64_t>& faults() const { return faults_; }

  event::Simulation* sim() const { return sim_; }

 private:
  event::Simulation* const sim_;
  std::string verdict_;
  std::map<std::string, uint64_t> faults_;
};

// Checks the handlers of the thread that constructs this object. They must run
// on this thread, not inside a call of the API, and not inside another handler.
class ThreadRules {
 public:
  explicit ThreadRules(Referee* referee)
      : referee_(referee), thread_(event::Thread::Current()) {}

  class Call {  // the thread is inside the API
   public:
    explicit Call(ThreadRules* rules) : rules_(rules) { ++rules_->calls_; }
    ~Call() { --rules_->calls_; }

   private:
    ThreadRules* const rules_;
  };
  class Handler {  // the thread is inside a handler
   public:
    explicit Handler(ThreadRules* rules);
    ~Handler();

   private:
    ThreadRules* const rules_;
    const int calls_before_;
  };

 private:
  Referee* const referee_;
  event::Thread* const thread_;
  int calls_ = 0;
  int handlers_ = 0;
};

// The open file descriptors of the simulated processes. Like the kernel, this
// class closes the descriptors of a dead process.
class Descriptors final : public event::sys::Interceptor {
 public:
  explicit Descriptors(Referee* referee) : referee_(referee) {}

  // Each call of Dup fails with the probability 1 / one_in. 0: no call fails.
  void SetShortage(uint32_t one_in) { one_in_ = one_in; }
  // Returns a new descriptor of the calling process.
  int New();
  // Closes the descriptors of a process that was killed.
  void ProcessWasKilled(event::SimProcess* process) { End(process, true); }
  // For a process that has ended by itself. A descriptor that the process has
  // not closed is a violation.
  void ProcessEndedByItself(event::SimProcess* process) { End(process, false); }
  // The number of open descriptors.
  size_t left() const { return owners_.size(); }
  // While this object exists, the descriptors that this thread duplicates are
  // in flight: they belong to no process until Received().
  class Sending {
   public:
    explicit Sending(Descriptors* descriptors)
        : descriptors_(descriptors), thread_(event::Thread::Current()) {
      descriptors_->sending_.insert(thread_);
    }
    ~Sending() { descriptors_->sending_.erase(thread_); }

   private:
    Descriptors* const descriptors_;
    event::Thread* const thread_;
  };
  // From now on `fd` belongs to the calling process.
  void Received(int fd) { owners_[fd] = event::Process::Current(); }

  int FailCall(const event::sys::Call& call) override;
  void OnDup(int fd) override;
  void OnClose(int fd) override;

 private:
  void End(event::SimProcess* process, bool died);

  Referee* const referee_;
  uint32_t one_in_ = 0;
  bool closing_ = false;
  std::set<event::Thread*> sending_;
  std::map<int, event::Process*> owners_;
};

// Records which bindings were in force at which step.
class BindingHistory {
 public:
  struct Target {
    uid_t uid;
    std::string service;
  };
  using Table = std::map<std::pair<uid_t, std::string>, Target>;

  // Records that the directory was told to load `table`. Both the former and
  // the new bindings may be in force until Loaded().
  void Ordered(Table table);
  void Loaded(uint64_t step);
  // Whether this binding was in force at any time from `step` on.
  bool HeldSince(uint64_t step, uid_t client, const std::string& interface,
                 uid_t server, const std::string& service) const;
  const Table& latest() const { return versions_.back().table; }

 private:
  struct Version {
    Table table;
    uint64_t until = UINT64_MAX;
  };
  std::vector<Version> versions_;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_REFEREE_H_
