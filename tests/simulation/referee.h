// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The checks that hold in every run, and counts of the faults.

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

// Keeps the first failure.
class Referee {
 public:
  explicit Referee(event::Simulation* sim) : sim_(sim) {}

  void Fail(const std::string& what);
  bool failed() const { return !verdict_.empty(); }
  const std::string& verdict() const { return verdict_; }

  // How often each fault has occurred.
  void Count(const char* fault) { ++faults_[fault]; }
  const std::map<std::string, uint64_t>& faults() const { return faults_; }

  event::Simulation* sim() const { return sim_; }

 private:
  event::Simulation* const sim_;
  std::string verdict_;
  std::map<std::string, uint64_t> faults_;
};

// One per simulated thread: no callback inside a call of the API, never two at
// once, none on another thread than the owner's.
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

// The open descriptors of the processes. As the kernel does, it closes those of
// a dead process.
class Descriptors final : public event::sys::Interceptor {
 public:
  explicit Descriptors(Referee* referee) : referee_(referee) {}

  // One in so many duplications fails; 0: none.
  void SetShortage(uint32_t one_in) { one_in_ = one_in; }
  // A descriptor to send. It belongs to the calling process.
  int New();
  // The process is dead, or at its end. It must have no descriptor left then.
  void ProcessDied(event::SimProcess* process) { End(process, true); }
  void ProcessEnded(event::SimProcess* process) { End(process, false); }
  // How many descriptors are still open.
  size_t left() const { return owners_.size(); }
  // Descriptors that this thread duplicates in its lifetime are in flight and
  // belong to no process...
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
  // ...until a process receives it.
  void Received(int fd) { owners_[fd] = event::Process::Current(); }

  int Fail(const char* call) override;
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

// Which bindings were in force, and when.
class BindingHistory {
 public:
  struct Target {
    uid_t uid;
    std::string service;
  };
  using Table = std::map<std::pair<uid_t, std::string>, Target>;

  // From now on. Until the directory says that it has loaded them, the former
  // ones hold too.
  void Ordered(Table table);
  void Loaded(uint64_t step);
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
