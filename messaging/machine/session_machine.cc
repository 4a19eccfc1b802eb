// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/machine/session_machine.h"

namespace le {
namespace messaging {
namespace {

FrameVerdict Fault(const char* fault) {
  return {FrameVerdict::Action::kFault, {}, fault};
}

}  // namespace

bool ClientSessionMachine::Apply(ClientEvent event) {
  const absl::optional<ClientState> next = Next(state_, event);
  if (!next.has_value()) return false;
  state_ = *next;
  if (state_ != ClientState::kOpen) server_thread_ = 0;
  return true;
}

bool ClientSessionMachine::Open() {
  if (!Apply(ClientEvent::kOpen)) return false;
  if (++epoch_ == 0) ++epoch_;
  close_reason_ = CloseReason::kNone;
  return true;
}

bool ClientSessionMachine::OnIntroduced(const Hello& hello) {
  if (!Apply(ClientEvent::kIntroduced)) return false;
  server_thread_ = hello.thread_token;
  return true;
}

bool ClientSessionMachine::OnGivenUp() {
  if (!Apply(ClientEvent::kGiveUp)) return false;
  close_reason_ = CloseReason::kByCaller;
  return true;
}

bool ClientSessionMachine::End(Epoch epoch, CloseReason reason) {
  if (epoch != epoch_ || !Apply(ClientEvent::kEnd)) return false;
  close_reason_ = reason;
  return true;
}

bool ClientSessionMachine::Close(CloseReason reason) {
  const bool had_ended = state_ == ClientState::kClosing;
  if (!Apply(ClientEvent::kClose)) return false;
  if (!had_ended) close_reason_ = reason;
  return true;
}

bool ClientSessionMachine::Retire() {
  const bool was_closed = is_closed();
  if (!Apply(ClientEvent::kRetire)) return false;
  if (!was_closed) close_reason_ = CloseReason::kThreadEnded;
  return true;
}

void ClientSessionMachine::Delete() { Apply(ClientEvent::kDelete); }

FrameVerdict ClientSessionMachine::OnFrame(uint8_t type, uint64_t id) {
  FrameVerdict verdict;
  switch (PlainType(type)) {
    case kMessageFrame:
      return verdict;
    case kResponseFrame:
    case kUnansweredFrame:
      switch (requests_.Complete(id, &verdict.completion)) {
        case TransactionTable::Found::kWaiting:
          verdict.action = PlainType(type) == kResponseFrame
                               ? FrameVerdict::Action::kComplete
                               : FrameVerdict::Action::kCompleteUnanswered;
          return verdict;
        case TransactionTable::Found::kAbandoned:
          verdict.action = FrameVerdict::Action::kIgnore;
          return verdict;
        case TransactionTable::Found::kUnknown:
          break;
      }
      return Fault("a response without a request");
    case kHelloFrame:
      return Fault("a second hello");
    default:
      break;
  }
  const char* const fault =
      FaultOfUnknown(type, "a frame of a type that a server does not send");
  if (fault != nullptr) return Fault(fault);
  verdict.action = FrameVerdict::Action::kIgnore;
  return verdict;
}

Result ClientSessionMachine::AddRequest(Completion* completion,
                                        absl::Time deadline, uint64_t* id) {
  Number(completion);
  *id = 0;
  if (state_ != ClientState::kOpen) return Result::kClosed;
  *id = requests_.Add(*completion, deadline);
  return *id == 0 ? Result::kTooMany : Result::kOk;
}

bool ClientSessionMachine::AbandonRequest(uint64_t id, Completion* completion) {
  return requests_.Abandon(id, completion);
}

bool ClientSessionMachine::ForgetRequest(uint64_t id, Completion* completion) {
  return requests_.Complete(id, completion) ==
         TransactionTable::Found::kWaiting;
}

absl::optional<Completion> ClientSessionMachine::ExpireRequest(absl::Time now) {
  return requests_.Expire(now);
}

}  // namespace messaging
}  // namespace le
