// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/open_attempt.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "event/base/log.h"
#include "messaging/machine/wire.h"

namespace le {
namespace messaging {
namespace {

// Before asking again after an answer that ought not to have come: long enough
// to cost nothing, short enough for a person who has just mended it.
constexpr absl::Duration kAskAgainAfter = absl::Seconds(1);

}  // namespace

OpenAttempt::OpenAttempt(ClientSession* session, event::Loop* loop, bool waits,
                         event::Instant deadline, Done done)
    : session_(session), loop_(loop), waits_(waits), done_(done) {
  if (deadline != absl::InfiniteFuture()) {
    loop_->StartTimer(&deadline_timer_, deadline);
  }
  Ask();
}

OpenAttempt::~OpenAttempt() = default;

void OpenAttempt::Ask() {
  const Interface& interface = session_->interface_;
  directory::InterfaceDescription description;
  description.interface_name = interface.name;
  description.protocol_id = interface.protocol->id();
  description.max_message_size = interface.protocol->max_message_size();
  opening_ = session_->introducer_->Open(loop_, description, waits_, this);
}

void OpenAttempt::AskLater(const absl::Status& why) {
  if (why != told_) {  // once is enough: it may go on for long
    told_ = why;
    event::Log(event::LogLevel::kError,
               absl::StrCat("interface '", session_->interface_.name,
                            "': cannot open a session: ", why.message(),
                            "; trying again"));
  }
  opening_.reset();
  loop_->StartTimer(this, loop_->Now() + kAskAgainAfter);
}

void OpenAttempt::OnIntroduced(
    std::unique_ptr<transports::Connection> connection,
    transports::IncomingFrame first) {
  if (PlainType(first.type) == kTurnedAwayFrame) {
    OnRefused(absl::ResourceExhaustedError(
        "the service has as many sessions as it may"));
    return;
  }
  absl::optional<Hello> hello;
  if (PlainType(first.type) == kHelloFrame && first.payload) {
    hello = ParseHello(
        absl::MakeConstSpan(first.payload.data(), first.payload.size()));
  }
  if (!hello.has_value()) {
    AskLater(absl::InvalidArgumentError(
        "the server speaks another version of the protocol between sessions"));
    return;
  }
  const absl::Status adopted =
      session_->Adopt(std::move(connection), session_->send_limits());
  if (!adopted.ok()) {
    AskLater(adopted);
    return;
  }
  {
    std::lock_guard<std::mutex> lock(session_->mutex());
    session_->machine_.OnIntroduced(hello);
    session_->server_ = first.sender.value_or(event::Credentials{});
  }
  done_(session_, absl::OkStatus());
}

void OpenAttempt::OnRefused(const absl::Status& why) {
  ClientSessionMachine::Refusal refusal;
  {
    std::lock_guard<std::mutex> lock(session_->mutex());
    refusal = session_->machine_.OnRefused(why, waits_);
  }
  switch (refusal) {
    case ClientSessionMachine::Refusal::kDie:
      event::Fatal(absl::StrCat("le_msg: interface '",
                                session_->interface_.name,
                                "': cannot open a session: ", why.message()));
    case ClientSessionMachine::Refusal::kAskAgain:
      AskLater(why);
      return;
    case ClientSessionMachine::Refusal::kGiveUp:
      done_(session_, why);
      return;
  }
}

void OpenAttempt::DeadlineTimer::OnExpiry() {
  attempt_->done_(attempt_->session_,
                  absl::DeadlineExceededError("not open in time"));
}

}  // namespace messaging
}  // namespace le
