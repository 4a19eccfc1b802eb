// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/open_attempt.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "event/base/log.h"

namespace le {
namespace messaging {
namespace {

// The pause after an unexpected answer: cheap, and a corrected setup takes effect
// within a second.
constexpr absl::Duration kAskAgainAfter = absl::Seconds(1);

absl::Status NotInTime() {
  return absl::DeadlineExceededError("not open in time");
}

}  // namespace

OpenAttempt::OpenAttempt(directory::Introducer* introducer, event::Loop* loop,
                         directory::InterfaceDescription interface, bool waits,
                         event::Instant deadline, Observer* observer)
    : introducer_(introducer),
      loop_(loop),
      interface_(std::move(interface)),
      waits_(waits),
      observer_(observer) {
  if (deadline != absl::InfiniteFuture()) {
    loop_->StartTimer(&deadline_, deadline);
  }
  Ask();
}

void OpenAttempt::Ask() {
  opening_ = introducer_->Open(loop_, interface_, waits_, this);
}

void OpenAttempt::AskLater(const absl::Status& why) {
  if (why != told_) {  // it may go on for long
    told_ = why;
    event::Log(event::LogLevel::kError,
               absl::StrCat("interface '", interface_.interface_name,
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
  if (PlainType(first.type) == kHelloFrame) {
    hello = ParseHello(
        absl::MakeConstSpan(first.payload.data(), first.payload.size()));
  }
  if (!hello.has_value()) {
    OnRefused(absl::InvalidArgumentError(
        "the server speaks another version of the protocol between sessions"));
    return;
  }
  const absl::Status taken =
      observer_->OnTaken(std::move(connection), *hello,
                         first.sender.value_or(event::Credentials{}));
  if (!taken.ok()) {
    OnRefused(taken);
    return;
  }
  observer_->OnEnded(absl::OkStatus());
}

void OpenAttempt::OnRefused(const absl::Status& why) {
  const bool is_final =
      !waits_ || why.code() == absl::StatusCode::kFailedPrecondition;
  if (is_final) {
    observer_->OnEnded(why);
  } else if (is_last_look_) {
    observer_->OnEnded(NotInTime());
  } else {
    AskLater(why);
  }
}

// This thread may have been busy, or stopped, for long: what has come counts.
void OpenAttempt::EndInTimeOrNot() {
  is_last_look_ = true;
  if (opening_ != nullptr && opening_->Poll()) return;  // it has ended
  observer_->OnEnded(NotInTime());
}

}  // namespace messaging
}  // namespace le
