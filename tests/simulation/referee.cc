// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/referee.h"

#include <sys/eventfd.h>

#include "absl/strings/str_cat.h"

namespace le {
namespace simulation {

void Referee::Fail(const std::string& what) {
  if (failed()) return;
  event::Process* const process = event::Process::Current();
  auto* const simulated = dynamic_cast<event::SimProcess*>(process);
  verdict_ = absl::StrCat(
      "at step ", sim_->steps(), ", in ",
      simulated != nullptr ? simulated->name() : "the controller", ": ", what);
  sim_->Note(absl::StrCat("FAILED: ", what));
}

ThreadRules::Handler::Handler(ThreadRules* rules)
    : rules_(rules), calls_before_(rules->calls_) {
  if (event::Thread::Current() != rules->thread_) {
    rules->referee_->Fail("a handler runs on a thread that is not the owner's");
  }
  if (rules->calls_ > 0) {
    rules->referee_->Fail("a handler runs inside a call of the API");
  }
  if (rules->handlers_ > 0) {
    rules->referee_->Fail("a handler runs inside another handler");
  }
  ++rules->handlers_;
}

ThreadRules::Handler::~Handler() {
  --rules_->handlers_;
  rules_->calls_ = calls_before_;
}

int Descriptors::New() {
  const int fd = eventfd(0, EFD_CLOEXEC);
  owners_[fd] = event::Process::Current();
  return fd;
}

int Descriptors::FailCall(const event::sys::Call& call) {
  if (one_in_ == 0 || call.name != std::string("Dup")) return 0;
  if (referee_->sim()->Random(one_in_) != 0) return 0;
  referee_->Count("no descriptor left");
  return EMFILE;
}

void Descriptors::OnDup(int fd) {
  owners_[fd] = sending_.count(event::Thread::Current()) > 0
                    ? nullptr
                    : event::Process::Current();
}

void Descriptors::OnClose(int fd) {
  if (closing_) return;
  if (owners_.erase(fd) == 0) {
    referee_->Fail(
        absl::StrCat("descriptor ", fd, " is closed, but is not open"));
  }
}

void Descriptors::End(event::SimProcess* process, bool died) {
  closing_ = true;
  for (auto it = owners_.begin(); it != owners_.end();) {
    if (it->second != process) {
      ++it;
      continue;
    }
    event::sys::Close(it->first);
    it = owners_.erase(it);
    if (!died) {
      referee_->Fail(
          absl::StrCat(process->name(), " has ended and leaves a descriptor"));
    }
  }
  closing_ = false;
}

void BindingHistory::Ordered(Table table) {
  versions_.push_back({std::move(table), UINT64_MAX});
}

void BindingHistory::Loaded(uint64_t step) {
  for (size_t i = 0; i + 1 < versions_.size(); ++i) {
    if (versions_[i].until == UINT64_MAX) versions_[i].until = step;
  }
}

bool BindingHistory::HeldSince(uint64_t step, uid_t client,
                               const std::string& interface, uid_t server,
                               const std::string& service) const {
  for (const Version& version : versions_) {
    if (version.until < step) continue;
    const auto it = version.table.find({client, interface});
    if (it != version.table.end() && it->second.uid == server &&
        it->second.service == service) {
      return true;
    }
  }
  return false;
}

}  // namespace simulation
}  // namespace le
