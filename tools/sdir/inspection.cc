// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/inspection.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "directory/program.h"
#include "messaging/machine/latency.h"
#include "tools/sdir/process_state.h"

namespace le {
namespace sdir {

using directory::kFailed;
using directory::proto::FromDirectory;
using transports::IoResult;

namespace {

// The most servers that are asked at the same time, so that this process has a
// file descriptor for each.
constexpr int kAtOnce = 64;

// If this number of a user's servers do not answer in time, the user's other
// servers are not asked. Otherwise a user with thousands of such servers would
// delay the command for minutes.
constexpr int kMaxSilent = 64;

// The memory for the snapshots of all servers of a user. It has room for
// 100,000 honest sessions. A server that sends more has a problem instead of a
// snapshot.
constexpr size_t kMaxBytesOfUser = size_t{64} << 20;
// The memory of a session, beyond its bytes in a frame.
constexpr size_t kSessionOverhead = 512;

constexpr int kMaxBuckets = messaging::Latency::kBuckets;

constexpr char kBroken[] = "answers with a message that is not a snapshot";

}  // namespace

// ---- One server ------------------------------------------------------------

Inspection::Inspection(Inspections* inspections, directory::ServiceKey service,
                       pid_t pid)
    : inspections_(inspections), service_(std::move(service)), pid_(pid) {}

Inspection::~Inspection() { Disconnect(); }

void Inspection::Ask() {
  is_waiting_ = true;
  inspections_->loop_->StartTimer(
      this, event::Process::Current()->Now() + kServerTimeout);
  if (connected_ == nullptr) {
    Connect();
  } else if (!is_owed_) {
    SendRequest();
  }
}

void Inspection::Skip(std::string problem) {
  is_waiting_ = true;
  EndWith(std::move(problem));
}

void Inspection::Connect() {
  connected_ = std::make_unique<Directory>(inspections_->socket_dir_);
  is_introduced_ = false;
  is_owed_ = true;
  connected_->Inspect(service_, pid_);
  const absl::Status attached =
      connected_->connection()->Attach(inspections_->loop_.get(), this);
  if (!attached.ok()) EndWith(std::string(attached.message()));
}

void Inspection::Disconnect() {
  if (running()) inspections_->loop_->StopTimer(this);
  if (connected_ != nullptr) connected_->connection()->Close();
  connected_.reset();
  is_owed_ = false;
  received_ = Snapshot();
  received_bytes_ = 0;
}

void Inspection::SendRequest() {
  is_owed_ = true;
  inspection::proto::Request request;
  request.mutable_snapshot();
  inspection::Send(connected_->connection(), request);
}

void Inspection::OnReadable() {
  transports::IncomingFrame frame;
  switch (connected_->connection()->Receive(&frame, inspections_->pool_.get(),
                                            absl::InfinitePast())) {
    case IoResult::kOk:
      return is_introduced_ ? HearServer(frame) : HearDirectory(frame);
    case IoResult::kWouldBlock:
    case IoResult::kNotIdle:  // not returned
      return;
    case IoResult::kClosed:
      return EndWith(is_introduced_ ? "has closed the connection"
                                    : "the directory has gone");
  }
}

// A connection that is kept stays open: a late answer may still be the result
// of a later Ask().
void Inspection::OnExpiry() { EndSilent(); }

void Inspection::EndSilent() {
  ++inspections_->usage_[uid()].silent;
  Snapshot silent;
  silent.is_silent = true;
  End(std::move(silent));
}

void Inspection::HearDirectory(const transports::IncomingFrame& frame) {
  FromDirectory message;
  if (!directory::ParseControl(frame, &message)) return EndWith(kBroken);
  if (message.has_refusal()) {
    if (message.refusal().code() != directory::proto::LIMIT) {
      return EndWith(message.refusal().text());
    }
    // The server has not accepted earlier introductions either.
    Disconnect();
    return EndSilent();
  }
  if (!message.has_introduced()) return;
  is_introduced_ = true;
  SendRequest();
}

void Inspection::HearServer(const transports::IncomingFrame& frame) {
  inspection::proto::Answer answer;
  if (!is_owed_ || !inspection::Parse(frame, &answer)) return EndWith(kBroken);
  if (answer.has_refusal()) return EndWith(answer.refusal());
  inspection::proto::Snapshot* const part = answer.mutable_snapshot();
  const auto sessions = static_cast<size_t>(part->sessions_size());
  // A part without a session must be the last. Times must be far from an
  // overflow.
  if ((sessions == 0 && !part->last()) || part->at_ns() < 0 ||
      part->at_ns() > std::numeric_limits<int64_t>::max() / 4 ||
      part->service().latency_size() > kMaxBuckets) {
    return EndWith(kBroken);
  }
  const size_t bytes = frame.payload.size() + sessions * kSessionOverhead;
  if (!inspections_->MayReceive(uid(), bytes)) {
    return EndWith("sends more than sdir accepts from the servers of one user");
  }
  received_bytes_ += bytes;
  if (part->has_service()) {
    received_.service = std::move(*part->mutable_service());
    received_.at_ns = part->at_ns();
  }
  for (auto& session : *part->mutable_sessions()) {
    received_.sessions.push_back(std::move(session));
  }
  if (!part->last()) return;
  is_owed_ = false;
  received_bytes_ = 0;
  End(std::exchange(received_, Snapshot()));
}

void Inspection::EndWith(std::string problem) {
  Disconnect();
  Snapshot failed;
  failed.problem = std::move(problem);
  End(std::move(failed));
}

void Inspection::End(Snapshot result) {
  if (running()) inspections_->loop_->StopTimer(this);
  if (!inspections_->keeps_connections_) Disconnect();
  if (!std::exchange(is_waiting_, false)) return;
  result_ = std::move(result);
  inspections_->OnEnd();
}

// ---- All servers -----------------------------------------------------------

bool Inspections::MayReceive(uid_t uid, size_t bytes) {
  size_t& used = usage_[uid].bytes;
  if (bytes > kMaxBytesOfUser - used) return false;
  used += bytes;
  return true;
}

void Inspections::AskMore() {
  while (running_ < kAtOnce && !unasked_.empty()) {
    Inspection* const inspection = unasked_.back();
    unasked_.pop_back();
    ++running_;
    if (usage_[inspection->uid()].silent < kMaxSilent) {
      inspection->Ask();
    } else {
      inspection->Skip(absl::StrCat("was not asked: ", kMaxSilent,
                                    " servers of its user do not answer"));
    }
  }
}

std::vector<Snapshot> Inspections::Take(const directory::proto::ListPart& list,
                                        directory::Users* users) {
  directory::UserContext context;
  context.users = users;
  std::map<Key, std::unique_ptr<Inspection>> known = std::move(inspections_);
  inspections_.clear();
  usage_.clear();
  std::vector<Key> keys;
  for (const auto& service : list.services()) {
    keys.emplace_back(service.service(), service.pid());
    std::unique_ptr<Inspection>& inspection = inspections_[keys.back()];
    if (inspection != nullptr) continue;
    inspection = std::move(known[keys.back()]);
    if (inspection == nullptr) {
      auto key = directory::ParseService(service.service(), context);
      if (!key.ok()) Fail(kFailed, std::string(key.status().message()));
      inspection =
          std::make_unique<Inspection>(this, *std::move(key), service.pid());
    }
    usage_[inspection->uid()].bytes += inspection->received_bytes();
    unasked_.push_back(inspection.get());
  }
  known.clear();
  keeps_connections_ = inspections_.size() <= kAtOnce;
  std::reverse(unasked_.begin(), unasked_.end());
  for (AskMore(); running_ > 0; AskMore()) {
    loop_->RunTurn(absl::InfiniteFuture());
  }
  std::map<Key, Snapshot> taken;
  std::map<pid_t, char> states;  // a process may have many services
  for (auto& inspection : inspections_) {
    Snapshot& snapshot = taken[inspection.first];
    snapshot = inspection.second->Take();
    if (!snapshot.is_silent) continue;
    const pid_t pid = inspection.first.second;
    if (states.count(pid) == 0) states[pid] = StateOfProcess(pid);
    snapshot.problem =
        absl::StrCat("does not answer: ", WhySilent(states[pid]));
  }
  std::vector<Snapshot> snapshots;
  snapshots.reserve(keys.size());
  for (const Key& key : keys) snapshots.push_back(taken[key]);
  return snapshots;
}

}  // namespace sdir
}  // namespace le
