// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/tap.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/inspection_frame.h"
#include "directory/program.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {

using directory::kFailed;
using directory::kOutOfTime;
using directory::proto::FromDirectory;
using inspection::TapReader;
using transports::IoResult;

namespace {

// Holds the messages of about a tenth of a second of a busy service.
constexpr size_t kRingBytes = 16 * 1024 * 1024;

// The server makes no system call for a tap, so it cannot wake this process.
// This process reads the ring at this interval.
constexpr absl::Duration kInterval = absl::Milliseconds(10);

constexpr char kBroken[] = "the server violates the format of a tap";

}  // namespace

Tap::Tap(const std::string& socket_dir, const directory::ServiceKey& service,
         pid_t client)
    : directory_(socket_dir),
      pool_(transports::BufferPool::Create(inspection::kMaxAnswerBytes)) {
  event::UniqueFd file;
  absl::StatusOr<std::unique_ptr<TapReader>> ring =
      TapReader::Create(kRingBytes, &file);
  if (!ring.ok()) Fail(kFailed, std::string(ring.status().message()));
  ring_ = *std::move(ring);

  directory_.Inspect(service, 0);
  for (bool introduced = false; !introduced;) {
    introduced = directory_.Hear().has_introduced();
  }
  inspection::proto::Request ready;
  ready.mutable_ready();
  if (!Ask(ready, nullptr).has_ready()) Fail(kFailed, kBroken);
  inspection::proto::Request tap;
  tap.mutable_tap()->set_client_pid(client);
  if (!Ask(tap, &file).has_tapped()) Fail(kFailed, kBroken);
}

inspection::proto::Answer Tap::Ask(const inspection::proto::Request& request,
                                   event::UniqueFd* file) {
  if (inspection::Send(directory_.connection(), request, file) !=
      IoResult::kOk) {
    Fail(kFailed, "the server has closed the connection");
  }
  transports::IncomingFrame frame;
  inspection::proto::Answer answer;
  switch (directory_.connection()->Receive(&frame, pool_.get(),
                                           process_->Now() + kAnswerTimeout)) {
    case IoResult::kOk:
      if (!inspection::Parse(frame, &answer)) Fail(kFailed, kBroken);
      break;
    case IoResult::kWouldBlock:
      Fail(kOutOfTime,
           "the server does not answer: it is stopped, or its event loop does "
           "not run");
    default:
      Fail(kFailed, "the server has closed the connection");
  }
  if (answer.has_refusal()) Fail(kFailed, EscapedLine(answer.refusal()));
  return answer;
}

Tap::Result Tap::Next(inspection::TapRecord* record, std::string* payload) {
  for (bool waited = false;; waited = true) {
    switch (ring_->Next(record, payload)) {
      case TapReader::Result::kRecord:
        return Result::kRecord;
      case TapReader::Result::kBroken:
        Fail(kFailed, kBroken);
      case TapReader::Result::kEmpty:
        if (has_ended_) return Result::kEnd;
        if (waited) return Result::kNothingYet;
        break;
    }
    transports::IncomingFrame frame;
    switch (directory_.connection()->Receive(&frame, pool_.get(),
                                             process_->Now() + kInterval)) {
      case IoResult::kWouldBlock:
        break;
      case IoResult::kOk:
        Fail(kFailed, kBroken);
      default:
        has_ended_ = true;
        break;
    }
  }
}

}  // namespace sdir
}  // namespace le
