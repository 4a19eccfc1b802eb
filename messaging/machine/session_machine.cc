// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/machine/session_machine.h"

namespace le {
namespace messaging {
namespace {

FrameVerdict Deliver() { return {FrameVerdict::What::kDeliver, {}, nullptr}; }

FrameVerdict Fault(const char* fault) {
  return {FrameVerdict::What::kFault, {}, fault};
}

}  // namespace

bool ClientSessionMachine::Open() {
  if (state_ != State::kClosed) return false;
  state_ = State::kOpening;
  close_reason_ = CloseReason::kNone;
  return true;
}

bool ClientSessionMachine::OnIntroduced(const absl::optional<Hello>& hello) {
  if (!hello.has_value()) return false;
  server_thread_ = hello->thread_token;
  state_ = State::kOpen;
  return true;
}

ClientSessionMachine::Refusal ClientSessionMachine::OnRefused(
    const absl::Status& why, bool waits) {
  if (why.code() == absl::StatusCode::kFailedPrecondition) {
    return Refusal::kDie;
  }
  if (waits) return Refusal::kAskAgain;
  state_ = State::kClosed;
  return Refusal::kGiveUp;
}

FrameVerdict ClientSessionMachine::OnFrame(uint8_t type, uint64_t id) {
  FrameVerdict verdict;
  switch (PlainType(type)) {
    case kMessageFrame:
      return Deliver();
    case kResponseFrame:
    case kUnansweredFrame:
      switch (requests_.Complete(id, &verdict.completion)) {
        case TransactionTable::Found::kWaiting:
          verdict.what = PlainType(type) == kResponseFrame
                             ? FrameVerdict::What::kComplete
                             : FrameVerdict::What::kCompleteUnanswered;
          return verdict;
        case TransactionTable::Found::kAbandoned:
          verdict.what = FrameVerdict::What::kIgnore;
          return verdict;
        case TransactionTable::Found::kUnknown:
          break;
      }
      return Fault("a response that was not asked for");
    case kHelloFrame:
      return Fault("a second hello");
    default:
      return Fault("a frame of a type that a server does not send");
  }
}

uint64_t ClientSessionMachine::AddRequest(const Completion& completion,
                                          absl::Time deadline) {
  if (state_ != State::kOpen) return 0;
  return requests_.Add(completion, deadline);
}

bool ClientSessionMachine::AbandonRequest(uint64_t id, Completion* completion) {
  return requests_.Abandon(id, completion);
}

absl::optional<Completion> ClientSessionMachine::ExpireRequest(absl::Time now) {
  return requests_.Expire(now);
}

std::vector<Completion> ClientSessionMachine::Close(CloseReason reason) {
  if (state_ == State::kClosed) return {};
  state_ = State::kClosed;
  close_reason_ = reason;
  server_thread_ = 0;
  return requests_.Clear();
}

FrameVerdict ServerSessionMachine::OnFrame(uint8_t type, uint64_t id,
                                           uint32_t max_requests) {
  switch (PlainType(type)) {
    case kMessageFrame:
      return Deliver();
    case kRequestFrame:
      if (id == 0) return Fault("a request without a number");
      if (unanswered_ >= max_requests) {
        return {FrameVerdict::What::kTooMuch,
                {},
                "more requests at a time than a session may have"};
      }
      ++unanswered_;
      return Deliver();
    default:
      return Fault("a frame of a type that a client does not send");
  }
}

bool ServerSessionMachine::Close(CloseReason reason) {
  if (!open()) return false;
  close_reason_ = reason;
  return true;
}

}  // namespace messaging
}  // namespace le
