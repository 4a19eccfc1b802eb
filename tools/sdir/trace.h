// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The messages of a tap as a trace that Perfetto reads. Has no side effects,
// except that names are looked up.
//
// A request is a slice, from its receipt to its response. Each session of the
// service has a track. Slices of one track must nest, so a request that
// overlaps another one of its session is on a further track. Any other message
// is an instant on the track of its session.

#ifndef LE_MESSAGING_TOOLS_SDIR_TRACE_H_
#define LE_MESSAGING_TOOLS_SDIR_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "directory/tap_ring.h"
#include "tools/sdir/names.h"
#include "tools/sdir/proto/perfetto.pb.h"

namespace le {
namespace sdir {

class Trace {
 public:
  // The most tracks that are remembered. At this number all tracks are
  // forgotten, and sessions get new ones. The limit is needed, because a server
  // that lies may invent sessions and requests.
  static constexpr size_t kMaxTracks = 65536;

  // `sequence` is not 0, and differs for each trace of a file, so that traces
  // can be appended to each other. `names` is not owned.
  Trace(absl::string_view service, uint32_t sequence, Names* names);

  // Appends a record, whose at_ns is the time since 1970. `decoded` is the
  // message of a typed service, if it is not empty.
  void Add(const inspection::TapRecord& record, absl::string_view decoded);
  // Returns what was appended since the last call.
  std::string TakeBytes();

 private:
  struct Session {
    std::vector<uint64_t> tracks;  // their UUIDs; the first is the session's
    std::set<size_t> free;         // tracks without an open request
    std::map<uint64_t, size_t> requests;  // open ones, and their tracks
  };

  perfetto::proto::TracePacket* AddPacket();
  // Returns the UUID.
  uint64_t AddTrack(uint64_t parent, const std::string& name);
  perfetto::proto::TrackEvent* AddEvent(perfetto::proto::TrackEvent::Type type,
                                        uint64_t track, int64_t at_ns);
  Session* FindSession(const inspection::TapRecord& record);
  // Null: the session has an open request with this transaction.
  perfetto::proto::TrackEvent* Begin(const inspection::TapRecord& record,
                                     Session* session);
  // Null: the session has no open request with this transaction.
  perfetto::proto::TrackEvent* End(const inspection::TapRecord& record,
                                   Session* session);

  const uint32_t sequence_;
  Names* const names_;
  perfetto::proto::Trace packets_;  // since the last TakeBytes()
  uint64_t last_uuid_;
  const uint64_t service_track_;
  size_t tracks_ = 0;  // of all sessions
  std::map<uint32_t, Session> sessions_;
};

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_TRACE_H_
