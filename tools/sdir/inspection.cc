// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/inspection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/program.h"
#include "event/peer_log.h"

namespace le {
namespace sdir {

using directory::kFailed;
using directory::proto::FromDirectory;
using directory::proto::ToDirectory;
using transports::IoResult;

namespace {

// More than any server has. A server that lies may send sessions without end.
constexpr size_t kMaxSessions = 1'000'000;

// The most servers that are asked at the same time, so that this process has a
// file descriptor for each.
constexpr int kAtOnce = 64;

constexpr char kNoAnswer[] =
    "does not answer: it is stopped, or its event loop does not run";
constexpr char kBroken[] = "answers with something else than a snapshot";

}  // namespace

Inspection::Inspection(const std::string& socket_dir,
                       directory::ServiceKey service, pid_t pid)
    : socket_dir_(socket_dir), service_(std::move(service)), pid_(pid) {}

void Inspection::Ask() {
  if (connected_ == nullptr) {
    connected_ = std::make_unique<Directory>(socket_dir_);
    is_introduced_ = is_asked_ = false;
    ToDirectory request;
    directory::proto::Inspect* const inspect = request.mutable_inspect();
    inspect->set_service_uid(service_.uid);
    inspect->set_interface_name(service_.name);
    inspect->set_pid(pid_);
    directory::ToProto(transports::Dialect(), inspect->mutable_dialect());
    connected_->Say(std::move(request));
    // From now on the frames may be the server's.
    connected_->connection()->SetTrust(
        transports::Connection::Trust::kNoDescriptors, event::kUnknownPeer, {});
  }
  if (is_asked_) return;
  is_asked_ = true;
  snapshot_ = Snapshot();
  if (!is_introduced_) return;  // HearDirectory() sends the request
  inspection::proto::Request request;
  request.mutable_snapshot();
  inspection::Send(connected_->connection(), request);
}

Snapshot Inspection::Await(event::Instant deadline) {
  while (is_asked_) {
    transports::IncomingFrame frame;
    switch (connected_->connection()->Receive(&frame, pool_.get(), deadline)) {
      case IoResult::kOk:
        is_asked_ = is_introduced_ ? HearServer(frame) : HearDirectory(frame);
        break;
      case IoResult::kWouldBlock: {
        Snapshot unfinished;
        unfinished.problem = kNoAnswer;
        return unfinished;
      }
      default:
        EndWith(is_introduced_ ? "has closed the connection"
                               : "the directory has gone");
    }
  }
  return std::exchange(snapshot_, Snapshot());
}

bool Inspection::HearDirectory(const transports::IncomingFrame& frame) {
  FromDirectory message;
  if (!directory::ParseControl(frame, &message)) return EndWith(kBroken);
  if (message.has_refusal()) return EndWith(message.refusal().text());
  if (!message.has_introduced()) return true;
  is_introduced_ = true;
  inspection::proto::Request request;
  request.mutable_snapshot();
  inspection::Send(connected_->connection(), request);
  return true;
}

bool Inspection::HearServer(const transports::IncomingFrame& frame) {
  inspection::proto::Answer answer;
  if (!inspection::Parse(frame, &answer)) return EndWith(kBroken);
  if (answer.has_refusal()) return EndWith(answer.refusal());
  if (!answer.has_snapshot()) return EndWith(kBroken);
  inspection::proto::Snapshot* const part = answer.mutable_snapshot();
  if (part->has_service()) {
    snapshot_.service = std::move(*part->mutable_service());
    snapshot_.at_ns = part->at_ns();
  }
  if (snapshot_.sessions.size() + part->sessions_size() > kMaxSessions) {
    return EndWith("sends a snapshot without end");
  }
  for (auto& session : *part->mutable_sessions()) {
    snapshot_.sessions.push_back(std::move(session));
  }
  return !part->last();
}

bool Inspection::EndWith(std::string problem) {
  snapshot_ = Snapshot();
  snapshot_.problem = std::move(problem);
  connected_.reset();
  is_asked_ = false;
  return false;
}

std::vector<Snapshot> Inspections::Take(const directory::proto::ListPart& list,
                                        directory::Users* users) {
  directory::UserContext context;
  context.users = users;
  std::vector<Snapshot> snapshots;
  std::map<Key, std::unique_ptr<Inspection>> kept;
  while (snapshots.size() < static_cast<size_t>(list.services_size())) {
    kept.clear();
    const int begin = static_cast<int>(snapshots.size());
    const int end = std::min(begin + kAtOnce, list.services_size());
    std::vector<Inspection*> asked;
    for (int i = begin; i < end; ++i) {
      const auto& service = list.services(i);
      const Key key{service.service(), service.pid()};
      std::unique_ptr<Inspection>& inspection = kept[key];
      inspection = std::move(inspections_[key]);
      if (inspection == nullptr) {
        const auto parsed = directory::ParseService(service.service(), context);
        if (!parsed.ok()) {
          Fail(kFailed, std::string(parsed.status().message()));
        }
        inspection =
            std::make_unique<Inspection>(socket_dir_, *parsed, service.pid());
      }
      inspection->Ask();
      asked.push_back(inspection.get());
    }
    const event::Instant deadline =
        event::Process::Current()->Now() + kServerTimeout;
    for (Inspection* inspection : asked) {
      snapshots.push_back(inspection->Await(deadline));
    }
  }
  inspections_ = std::move(kept);
  return snapshots;
}

}  // namespace sdir
}  // namespace le
