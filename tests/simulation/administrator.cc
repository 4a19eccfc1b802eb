// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/administrator.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "directory/control_frame.h"
#include "directory/inspection_frame.h"
#include "event/peer_log.h"
#include "tests/simulation/payload.h"

namespace le {
namespace simulation {

using inspection::TapReader;
using inspection::TapRecord;
using transports::Connection;
using transports::IncomingFrame;
using transports::IoResult;

namespace {

constexpr absl::Duration kPatience = absl::Seconds(1);

}  // namespace

void Administrator::Run() {
  for (int i = 0; i < world_->plan().operations; ++i) {
    const auto& service = services_[world_->Roll(services_.size())];
    Inspect(service.first, service.second);
    event::Thread::Current()->parker()->Park(
        world_->sim()->Now() +
        absl::Milliseconds(static_cast<int64_t>(world_->Roll(100))));
  }
}

void Administrator::Inspect(uid_t uid, const std::string& name) {
  absl::StatusOr<std::unique_ptr<Connection>> connected =
      transport_->Connect(directory_);
  if (!connected.ok()) return;
  Connection* const connection = connected->get();
  connection->SetTrust(Connection::Trust::kNoDescriptors, event::kUnknownPeer,
                       {});
  directory::proto::ToDirectory message;
  message.mutable_inspect()->set_service_uid(uid);
  message.mutable_inspect()->set_interface_name(name);
  directory::ToProto(transports::Dialect(),
                     message.mutable_inspect()->mutable_dialect());
  directory::SendControl(connection, std::move(message));
  if (world_->OneIn(10)) return;  // the server gets a closed connection
  const auto pool = transports::BufferPool::Create(directory::kMaxControlBytes);
  IncomingFrame frame;
  directory::proto::FromDirectory answer;
  if (connection->Receive(&frame, pool.get(),
                          world_->sim()->Now() + kPatience) != IoResult::kOk) {
    return;
  }
  if (!directory::ParseControl(frame, &answer) || !answer.has_introduced()) {
    Count("inspection refused");
    return;
  }
  const bool is_honest = uid != kStrangerUser;
  if (descriptors_ != nullptr && world_->OneIn(2)) {
    return Tap(connection, is_honest);
  }
  do {
    inspection::proto::Request request;
    request.mutable_snapshot();
    inspection::Send(connection, request);
  } while (AwaitSnapshot(connection, is_honest) && world_->OneIn(2));
}

bool Administrator::AwaitSnapshot(Connection* connection, bool is_honest) {
  const auto pool = transports::BufferPool::Create(inspection::kMaxAnswerBytes);
  const event::Instant deadline = world_->sim()->Now() + kPatience;
  IncomingFrame frame;
  for (bool is_first = true;; is_first = false) {
    const IoResult received = connection->Receive(&frame, pool.get(), deadline);
    if (received == IoResult::kWouldBlock) Count("inspection unanswered");
    if (received != IoResult::kOk) return false;
    inspection::proto::Answer answer;
    if (!inspection::Parse(frame, &answer)) {
      if (is_honest)
        world_->referee()->Fail(
            "an inspected server sends no answer, but another message");
      return false;
    }
    if (answer.has_refusal()) return false;
    if (!is_honest) return false;
    const inspection::proto::Snapshot& part = answer.snapshot();
    if (part.has_service() != is_first) {
      world_->referee()->Fail(
          "the first part of a snapshot lacks the service, or a later part has "
          "it");
    }
    if (is_first) last_number_ = UINT64_MAX;
    Check(part);
    if (part.last()) break;
  }
  Count("server inspected");
  if (world_->OneIn(4) &&
      connection->Receive(&frame, pool.get(),
                          world_->sim()->Now() + absl::Milliseconds(50)) ==
          IoResult::kOk) {
    world_->referee()->Fail("a server answers one inspection request twice");
  }
  return true;
}

void Administrator::Check(const inspection::proto::Snapshot& part) {
  for (const auto& session : part.sessions()) {
    // A snapshot lists the sessions from the newest to the oldest.
    if (session.number() >= last_number_) {
      world_->referee()->Fail(
          "a session is in a snapshot twice, or out of order");
    }
    last_number_ = session.number();
    const inspection::proto::Counts& counts = session.counts();
    if (counts.messages_in() < counts.requests() ||
        counts.requests() < session.unanswered() ||
        counts.messages_out() > UINT32_MAX || counts.bytes_out() > UINT32_MAX) {
      world_->referee()->Fail(
          "the counters of a session contradict each other");
    }
  }
}

void Administrator::Tap(Connection* connection, bool is_honest) {
  event::UniqueFd file;
  const absl::StatusOr<std::unique_ptr<TapReader>> ring =
      TapReader::Create(inspection::kMinRingBytes, &file);
  if (!ring.ok()) return world_->referee()->Fail("a tap has no ring");
  descriptors_->Received(file.get());
  inspection::proto::Request request;
  request.mutable_tap();
  inspection::Send(connection, request, &file);
  const auto pool = transports::BufferPool::Create(inspection::kMaxAnswerBytes);
  IncomingFrame frame;
  if (connection->Receive(&frame, pool.get(),
                          world_->sim()->Now() + kPatience) != IoResult::kOk) {
    return Count("tap unanswered");
  }
  inspection::proto::Answer answer;
  if (!inspection::Parse(frame, &answer) || !answer.has_tapped()) {
    if (is_honest && !answer.has_refusal()) {
      world_->referee()->Fail("a server neither accepts nor refuses a tap");
    }
    return Count("tap refused");
  }
  tapped_.clear();
  lost_ = 0;
  // If a reader pauses for long, the ring may overflow.
  const uint64_t lateness = world_->OneIn(4) ? 5000 : 100;
  for (uint64_t reads = 1 + world_->Roll(20); reads > 0; --reads) {
    event::Thread::Current()->parker()->Park(
        world_->sim()->Now() +
        absl::Milliseconds(static_cast<int64_t>(world_->Roll(lateness))));
    TapRecord record;
    std::string payload;
    TapReader::Result result;
    while ((result = (*ring)->Next(&record, &payload)) ==
           TapReader::Result::kRecord) {
      CheckTapped(record, payload);
    }
    if (result == TapReader::Result::kBroken) {
      world_->referee()->Fail("the ring of a tap is broken");
    }
  }
  Count("server tapped");
}

void Administrator::CheckTapped(const TapRecord& record,
                                const std::string& bytes) {
  Referee* const referee = world_->referee();
  lost_ += record.lost_before;
  if (record.lost_before > 0) Count("tap overflows");
  if (bytes.size() != record.captured_bytes ||
      record.captured_bytes > record.payload_bytes) {
    referee->Fail("a tap has a record of a wrong size");
  }
  // A record without bytes is the frame that says that a request was released.
  if (bytes.empty()) return;
  // The library does not send zeros at the end of a message.
  Payload payload = {};
  std::memcpy(&payload, bytes.data(), std::min(bytes.size(), sizeof(payload)));
  if (payload.magic != Payload::kMagic) {
    referee->Fail("a tap does not have the content that was sent");
  }
  if (payload.thread != 0) return;
  Count("message tapped");
  Tapped& session = tapped_[record.session];
  const bool to_client = (record.flags & TapRecord::kToClient) != 0;
  if (!to_client) {
    if (payload.sequence <= session.last_sequence) {
      referee->Fail("a tap has a message twice, or out of order");
    }
    if (session.messages == 0) session.is_whole = payload.sequence == 1;
    session.last_sequence = payload.sequence;
    ++session.messages;
  } else if (payload.push == 0 && session.is_whole &&
             session.messages + lost_ < payload.received) {
    referee->Fail("a tap loses messages, and does not count them");
  }
}

}  // namespace simulation
}  // namespace le
