// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/inspector.h"

#include <new>
#include <utility>

#include "directory/inspection_frame.h"
#include "messaging/session/service.h"
#include "transports/closer.h"

namespace le {
namespace messaging {

using transports::IoResult;

namespace {

transports::SendLimits Limits() {
  transports::SendLimits limits;
  limits.bytes = 4 * inspection::kMaxAnswerBytes;
  limits.reports_congestion = true;
  return limits;
}

}  // namespace

Inspector::Inspector(Service* service,
                     std::unique_ptr<transports::Connection> connection)
    : service_(service),
      administrator_(connection->peer().value_or(event::Credentials())),
      connection_(std::move(connection)),
      pool_(transports::BufferPool::Create(inspection::kMaxRequestBytes)) {}

Inspector::~Inspector() {
  if (!taps_) return;
  service_->taps()->Remove(this);
  service_->LogTap("no longer tapped", administrator_);
}

absl::Status Inspector::Start() {
  connection_->SetSendLimits(Limits());
  return connection_->Attach(service_->owner()->loop(), this);
}

void Inspector::OnSessionGone(const ServerSession* session) {
  if (next_ == session) next_ = session->next();
}

void Inspector::OnReadable() {
  EndUnless([this] { return Receive(); });
}

bool Inspector::Receive() {
  transports::IncomingFrame frame;
  const IoResult received =
      connection_->Receive(&frame, pool_.get(), absl::InfinitePast());
  if (received != IoResult::kOk) return received != IoResult::kClosed;
  const bool goes_on = Handle(frame);
  // The administrator can make the close of its file descriptor slow.
  transports::CloseSentBy(event::Process::Current(), administrator_.uid,
                          std::move(frame.descriptor));
  return goes_on;
}

bool Inspector::Handle(const transports::IncomingFrame& frame) {
  inspection::proto::Request request;
  if (!inspection::Parse(frame, &request) || sends_snapshot_) return false;
  if (!request.has_snapshot()) {
    inspection::proto::Answer answer;
    if (request.has_tap()) {
      Tap(request.tap(), frame.descriptor, &answer);
    } else if (request.has_ready()) {
      answer.mutable_ready();
    } else {
      answer.set_refusal(
          "the library of this server does not know the request: link the "
          "server with a later release");
    }
    return inspection::Send(connection_.get(), answer) == IoResult::kOk;
  }
  sends_snapshot_ = is_first_ = true;
  next_ = service_->first_session();
  PostNextPart();
  return true;
}

void Inspector::Tap(const inspection::proto::TapRequest& request,
                    const event::UniqueFd& ring,
                    inspection::proto::Answer* answer) {
  absl::StatusOr<std::unique_ptr<inspection::TapWriter>> writer =
      inspection::TapWriter::Open(ring);
  if (!writer.ok()) {
    answer->set_refusal(std::string(writer.status().message()));
    return;
  }
  if (taps_) return answer->set_refusal("this connection taps already");
  // If the credentials were not stored, each copied frame would cost a system
  // call.
  for (ServerSession* session = service_->first_session(); session != nullptr;
       session = session->next()) {
    session->RememberClient();
  }
  service_->taps()->Add(this, request.client_pid(), *std::move(writer));
  taps_ = true;
  service_->LogTap("tapped", administrator_);
  answer->mutable_tapped();
}

void Inspector::PostNextPart() {
  if (!sends_snapshot_ || posted_) return;
  posted_ = true;
  service_->owner()->loop()->Post(this);
}

void Inspector::Run() {
  posted_ = false;
  EndUnless([this] { return SendPart(); });
}

bool Inspector::SendPart() {
  inspection::proto::Answer answer;
  inspection::proto::Snapshot* const part = answer.mutable_snapshot();
  if (std::exchange(is_first_, false)) service_->Describe(part);
  for (int i = 0; i < kSessionsOfAPart && next_ != nullptr; ++i) {
    next_->Describe(part->add_sessions());
    next_ = next_->next();
  }
  sends_snapshot_ = next_ != nullptr;
  part->set_last(!sends_snapshot_);
  if (inspection::Send(connection_.get(), answer) != IoResult::kOk) {
    return false;
  }
  if (!connection_->congested()) PostNextPart();
  return true;
}

template <typename Step>
void Inspector::EndUnless(Step step) {
  bool goes_on = false;
  try {
    goes_on = step();
  } catch (const std::bad_alloc&) {  // ends the inspection, not the server
  }
  if (!goes_on) service_->EndInspection(this);
}

}  // namespace messaging
}  // namespace le
