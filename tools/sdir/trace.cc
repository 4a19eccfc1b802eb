// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/trace.h"

#include "absl/strings/str_cat.h"
#include "messaging/machine/wire.h"
#include "tools/sdir/tap_format.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {

using inspection::TapRecord;
using perfetto::proto::TrackEvent;

namespace {

// The name of an event. If the message was decoded, for example to
// "Count {...}", this is the method "Count". Otherwise it is the frame's kind.
std::string NameOf(const TapRecord& record, absl::string_view decoded) {
  if (decoded.empty()) return FrameKind(record.type);
  return EscapedText(decoded.substr(0, decoded.find(" {")));
}

// Describes a message. Perfetto shows the annotations of the begin and of the
// end of a slice in one list, so the two ends use different names.
void Annotate(const TapRecord& record, absl::string_view decoded,
              TrackEvent* event) {
  const std::string kind = FrameKind(record.type);
  perfetto::proto::Annotation* const bytes = event->add_annotations();
  bytes->set_name(absl::StrCat(kind, " bytes"));
  bytes->set_number(record.payload_bytes);
  if (decoded.empty()) return;
  perfetto::proto::Annotation* const text = event->add_annotations();
  text->set_name(kind);
  text->set_text(EscapedText(decoded));
}

}  // namespace

Trace::Trace(absl::string_view service, uint32_t sequence, Names* names)
    : sequence_(sequence),
      names_(names),
      last_uuid_(static_cast<uint64_t>(sequence) << 32),
      service_track_(AddTrack(0, Escaped(service))) {}

void Trace::Add(const TapRecord& record, absl::string_view decoded) {
  if (record.lost_before > 0) {
    AddEvent(TrackEvent::INSTANT, service_track_, record.at_ns)
        ->set_name(absl::StrCat(record.lost_before, " messages were lost"));
  }
  if (tracks_ >= kMaxTracks) {
    sessions_.clear();
    tracks_ = 0;
  }
  Session* const session = FindSession(record);
  TrackEvent* event = nullptr;
  switch (messaging::PlainType(record.type)) {
    case messaging::kRequestFrame:
      event = Begin(record, session);
      break;
    case messaging::kResponseFrame:
    case messaging::kUnansweredFrame:
      event = End(record, session);
      break;
    default:
      break;
  }
  if (event == nullptr) {
    event = AddEvent(TrackEvent::INSTANT, session->tracks[0], record.at_ns);
  }
  // The begin of a slice gives the slice its name.
  if (event->type() != TrackEvent::SLICE_END) {
    event->set_name(NameOf(record, decoded));
  }
  Annotate(record, decoded, event);
}

std::string Trace::TakeBytes() {
  std::string bytes = packets_.SerializeAsString();
  packets_.Clear();
  return bytes;
}

perfetto::proto::TracePacket* Trace::AddPacket() {
  perfetto::proto::TracePacket* const packet = packets_.add_packets();
  packet->set_trusted_packet_sequence_id(sequence_);
  return packet;
}

uint64_t Trace::AddTrack(uint64_t parent, const std::string& name) {
  perfetto::proto::TrackDescriptor* const track =
      AddPacket()->mutable_track_descriptor();
  track->set_uuid(++last_uuid_);
  track->set_parent_uuid(parent);
  track->set_name(name);
  return last_uuid_;
}

TrackEvent* Trace::AddEvent(TrackEvent::Type type, uint64_t track,
                            int64_t at_ns) {
  perfetto::proto::TracePacket* const packet = AddPacket();
  packet->set_timestamp(static_cast<uint64_t>(at_ns));
  packet->mutable_track_event()->set_type(type);
  packet->mutable_track_event()->set_track_uuid(track);
  return packet->mutable_track_event();
}

Trace::Session* Trace::FindSession(const TapRecord& record) {
  Session* const session = &sessions_[record.session];
  if (session->tracks.empty()) {
    ++tracks_;
    session->free.insert(0);
    session->tracks.push_back(AddTrack(
        service_track_, absl::StrCat("#", record.session, " ",
                                     names_->Process(record.client_pid))));
  }
  return session;
}

TrackEvent* Trace::Begin(const TapRecord& record, Session* session) {
  if (session->requests.count(record.id) > 0) return nullptr;
  if (session->free.empty()) {
    ++tracks_;
    session->free.insert(session->tracks.size());
    session->tracks.push_back(
        AddTrack(session->tracks[0],
                 absl::StrCat("#", record.session, " overlapping requests")));
  }
  const size_t track = *session->free.begin();
  session->free.erase(track);
  session->requests[record.id] = track;
  return AddEvent(TrackEvent::SLICE_BEGIN, session->tracks[track],
                  record.at_ns);
}

TrackEvent* Trace::End(const TapRecord& record, Session* session) {
  const auto open = session->requests.find(record.id);
  if (open == session->requests.end()) return nullptr;
  const size_t track = open->second;
  session->requests.erase(open);
  session->free.insert(track);
  return AddEvent(TrackEvent::SLICE_END, session->tracks[track], record.at_ns);
}

}  // namespace sdir
}  // namespace le
