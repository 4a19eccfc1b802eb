// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/one_thread/world.h"

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "event/base/log.h"
#include "event/os_process.h"
#include "messaging/facade/local_parts.h"
#include "messaging/session/runtime.h"
#include "transports/loopback/loopback.h"

namespace le {
namespace testing {
namespace {

// While this object exists, `thread` is the current thread.
class As {
 public:
  explicit As(event::Thread* thread)
      : before_(event::Thread::SwapCurrent(thread)) {}
  ~As() { event::Thread::SwapCurrent(before_); }

 private:
  event::Thread* const before_;
};

// If no work is due, RunUntil() waits for this time. Then it checks sockets and
// timers again.
constexpr int kLookAgainMs = 5;

}  // namespace

OneThreadWorld::Party::Own::Own(const std::string& address)
    : transport(&process), client(&process, &transport, address) {
  messaging::Runtime::Parts parts;
  // This pointer owns nothing. ~Own() destroys its last member first: `client`
  // before `process`, which owns the runtime. So this pointer dangles in
  // ~Runtime(), which does not use it.
  parts.introducer =
      std::shared_ptr<directory::Introducer>(std::shared_ptr<void>(), &client);
  parts.make_local_introducer =
      messaging::MakerOfLocalIntroducer(&process, &transports::NewLoopback);
  messaging::Runtime::Install(&process, std::move(parts));
}

OneThreadWorld::Party::Party(const char* name, const std::string& address)
    : own_(std::make_unique<Own>(address)),
      process_(&own_->process),
      thread_(event::Thread::Binding(process_, name).Release()) {}

OneThreadWorld::Party::Party(const char* name, event::Process* process)
    : process_(process),
      thread_(event::Thread::Binding(process_, name).Release()) {}

OneThreadWorld::Party::~Party() {
  const As as(thread_.get());
  thread_->End();
  thread_->DestroyState();
  thread_.reset();
}

void OneThreadWorld::Party::Do(const std::function<void()>& body) {
  const As as(thread_.get());
  ++doing_;
  body();
  --doing_;
}

OneThreadWorld::OneThreadWorld() {
  char folder[] = "/tmp/le_one_thread_XXXXXX";
  if (mkdtemp(folder) == nullptr) event::Fatal("mkdtemp");
  folder_ = folder;
  introducer_ = Add("directory");
  if (!StartDirectory().ok()) event::Fatal("the directory does not start");
}

void OneThreadWorld::StopDirectory() {
  introducer_->Do([this] { directory_.reset(); });
}

absl::Status OneThreadWorld::StartDirectory() {
  absl::Status status;
  introducer_->Do([this, &status] {
    directory_ = std::make_unique<directory::DirectoryServer>(
        introducer_->process_, introducer_->loop(), &users_,
        directory::DirectoryServer::Options());
    status = directory_->Load("<*>.* -> <self>.*\n", "bindings").status();
    if (status.ok()) {
      status = directory_->Listen(&introducer_->own_->transport, address());
    }
    if (!status.ok()) directory_.reset();
  });
  return status;
}

OneThreadWorld::~OneThreadWorld() {
  while (parties_.size() > 1) Remove(parties_.back().get());
  StopDirectory();
  parties_.clear();
  rmdir(folder_.c_str());
}

OneThreadWorld::Party* OneThreadWorld::Add(const char* name,
                                           const std::string& address) {
  parties_.emplace_back(
      new Party(name, address.empty() ? this->address() : address));
  return parties_.back().get();
}

OneThreadWorld::Party* OneThreadWorld::AddThread(const char* name,
                                                 Party* party) {
  parties_.emplace_back(new Party(name, party->process_));
  return parties_.back().get();
}

void OneThreadWorld::Remove(Party* party) {
  parties_.erase(
      std::find_if(parties_.begin(), parties_.end(),
                   [party](const auto& p) { return p.get() == party; }));
}

bool OneThreadWorld::Step() {
  bool any = false;
  for (size_t i = 0; i < parties_.size(); ++i) {
    Party* const party = parties_[i].get();
    if (party->doing_ > 0) continue;
    party->Do([&any, party] {
      any = party->loop()->RunTurn(absl::InfinitePast()) || any;
    });
  }
  return any;
}

void OneThreadWorld::Settle() {
  while (Step()) {
  }
}

bool OneThreadWorld::RunUntil(const std::function<bool()>& condition,
                              absl::Duration patience) {
  const event::Instant end = event::OsProcess::Get()->Now() + patience;
  while (!condition()) {
    if (Step()) continue;
    if (event::OsProcess::Get()->Now() > end) return false;
    poll(nullptr, 0, kLookAgainMs);
  }
  return true;
}

int OpenDescriptors() {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return -1;
  int count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

bool WaitForOpenDescriptors(int count) {
  constexpr int kTries = 100000;
  for (int i = 0; i < kTries; ++i) {
    if (OpenDescriptors() == count) return true;
    sched_yield();
  }
  return false;
}

}  // namespace testing
}  // namespace le
