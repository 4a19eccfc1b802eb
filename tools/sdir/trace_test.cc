// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/trace.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/sdir/known_names.h"

namespace le {
namespace sdir {
namespace {

using inspection::TapRecord;
using perfetto::proto::TracePacket;
using perfetto::proto::TrackEvent;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint8_t kMessage = 2;
constexpr uint8_t kRequest = 3;
constexpr uint8_t kResponse = 4;
constexpr uint8_t kReleased = 5;
constexpr uint32_t kSequence = 99;

class TraceTest : public ::testing::Test {
 protected:
  void Add(uint8_t type, uint64_t id, int64_t at_ns,
           const std::string& decoded = "", uint32_t session = 1,
           uint32_t lost_before = 0) {
    TapRecord record;
    record.type = type;
    record.id = id;
    record.at_ns = at_ns;
    record.session = session;
    record.client_pid = 10;
    record.payload_bytes = 7;
    record.lost_before = lost_before;
    trace_.Add(record, decoded);
  }
  // Returns the events, each as "TIME TYPE NAME (TRACK)" with the annotations,
  // and checks that each track is described before its first event.
  std::vector<std::string> Events() {
    perfetto::proto::Trace read;
    EXPECT_TRUE(read.ParseFromString(trace_.TakeBytes()));
    std::vector<std::string> events;
    for (const TracePacket& packet : read.packets()) {
      EXPECT_EQ(packet.trusted_packet_sequence_id(), kSequence);
      if (packet.has_track_descriptor()) {
        const auto& track = packet.track_descriptor();
        EXPECT_EQ(track.uuid() >> 32, kSequence);
        EXPECT_TRUE(track.parent_uuid() == 0 ||
                    tracks_.count(track.parent_uuid()));
        const std::string parent =
            track.parent_uuid() == 0
                ? ""
                : absl::StrCat(tracks_[track.parent_uuid()], "/");
        EXPECT_TRUE(
            tracks_.emplace(track.uuid(), absl::StrCat(parent, track.name()))
                .second);
        continue;
      }
      const TrackEvent& event = packet.track_event();
      EXPECT_EQ(tracks_.count(event.track_uuid()), 1u);
      constexpr const char* kTypes[] = {"?", "begin", "end", "instant"};
      std::string text =
          absl::StrCat(packet.timestamp(), " ", kTypes[event.type()], " ",
                       event.name(), " (", tracks_[event.track_uuid()], ")");
      for (const auto& annotation : event.annotations()) {
        if (!annotation.text().empty()) {
          absl::StrAppend(&text, " ", annotation.name(), "=",
                          annotation.text());
        }
      }
      events.push_back(std::move(text));
    }
    return events;
  }

  KnownNames names_;
  Trace trace_{"<ann>.facts", kSequence, &names_};
  std::map<uint64_t, std::string> tracks_;
};

TEST_F(TraceTest, ARequestIsASliceUntilItsResponse) {
  Add(kRequest, 5, 100, "Count {\"a\": 1}");
  Add(kResponse, 5, 300, "Count OK {}");
  Add(kRequest, 6, 400);
  Add(kReleased, 6, 500);
  EXPECT_THAT(
      Events(),
      ElementsAre(
          "100 begin Count (<ann>.facts/#1 ten[10]) request=Count {\"a\": 1}",
          "300 end  (<ann>.facts/#1 ten[10]) response=Count OK {}",
          "400 begin request (<ann>.facts/#1 ten[10])",
          "500 end  (<ann>.facts/#1 ten[10])"));
}

TEST_F(TraceTest, OverlappingRequestsHaveTheirOwnTracks) {
  Add(kRequest, 1, 10);
  Add(kRequest, 2, 20);
  Add(kResponse, 1, 30);
  Add(kRequest, 3, 40);  // takes the track that is free again
  Add(kResponse, 2, 50);
  Add(kResponse, 3, 60);
  const std::string track = "(<ann>.facts/#1 ten[10]";
  const std::string other = track + "/#1 overlapping requests)";
  EXPECT_THAT(Events(),
              ElementsAre("10 begin request " + track + ")",
                          "20 begin request " + other, "30 end  " + track + ")",
                          "40 begin request " + track + ")", "50 end  " + other,
                          "60 end  " + track + ")"));
}

TEST_F(TraceTest, EachSessionHasATrack) {
  Add(kRequest, 1, 10, "", 1);
  Add(kRequest, 1, 20, "", 2);
  Add(kResponse, 1, 30, "", 2);
  EXPECT_THAT(Events(), ElementsAre("10 begin request (<ann>.facts/#1 ten[10])",
                                    "20 begin request (<ann>.facts/#2 ten[10])",
                                    "30 end  (<ann>.facts/#2 ten[10])"));
}

TEST_F(TraceTest, AnyOtherMessageIsAnInstant) {
  Add(kMessage, 0, 10, "Watch item {}");
  Add(kResponse, 8, 20);  // to a request from before the tap
  Add(kRequest, 9, 30);
  Add(kRequest, 9, 40);  // the server lies
  EXPECT_THAT(Events(),
              ElementsAre("10 instant Watch item (<ann>.facts/#1 ten[10]) "
                          "message=Watch item {}",
                          "20 instant response (<ann>.facts/#1 ten[10])",
                          "30 begin request (<ann>.facts/#1 ten[10])",
                          "40 instant request (<ann>.facts/#1 ten[10])"));
}

TEST_F(TraceTest, ShowsLostMessagesOnTheTrackOfTheService) {
  Add(kMessage, 0, 10, "", 1, 3);
  EXPECT_THAT(Events(),
              ElementsAre("10 instant 3 messages were lost (<ann>.facts)",
                          "10 instant message (<ann>.facts/#1 ten[10])"));
}

// A field of Perfetto's type string is UTF-8.
TEST_F(TraceTest, TextsAreEscaped) {
  Add(kRequest, 1, 10, "\xff\x1b {}");
  EXPECT_THAT(Events(), ElementsAre("10 begin \\xff\\x1b (<ann>.facts/#1 "
                                    "ten[10]) request=\\xff\\x1b {}"));
}

TEST_F(TraceTest, RemembersABoundedNumberOfTracks) {
  for (uint64_t id = 1; id <= Trace::kMaxTracks; ++id) Add(kRequest, id, 10);
  EXPECT_EQ(Events().size(), Trace::kMaxTracks);
  EXPECT_EQ(tracks_.size(), Trace::kMaxTracks + 1);
  Add(kResponse, 1, 20);
  EXPECT_THAT(Events(),
              ElementsAre("20 instant response (<ann>.facts/#1 ten[10])"));
}

// The numbers are Perfetto's: trace.proto, trace_packet.proto,
// track_event.proto, track_descriptor.proto, debug_annotation.proto.
TEST_F(TraceTest, TheBytesAreAsPerfettoReadsThem) {
  trace_.TakeBytes();
  Add(kRequest, 1, 10);
  EXPECT_EQ(trace_.TakeBytes(),
            std::string(
                // Trace.packet: trusted_packet_sequence_id, track_descriptor
                // (uuid, name, parent_uuid)
                "\x0a\x1f\x50\x63\xe2\x03\x1a"
                "\x08\x82\x80\x80\x80\xb0\x0c\x12\x0a#1 ten[10]"
                "\x28\x81\x80\x80\x80\xb0\x0c"
                // Trace.packet: timestamp, trusted_packet_sequence_id,
                // track_event (debug_annotations (uint_value, name), type,
                // track_uuid, name)
                "\x0a\x2c\x40\x0a\x50\x63\x5a\x26"
                "\x22\x11\x18\x07\x52\x0drequest bytes"
                "\x48\x01\x58\x82\x80\x80\x80\xb0\x0c\xba\x01\x07request"));
  EXPECT_THAT(trace_.TakeBytes(), IsEmpty());
}

}  // namespace
}  // namespace sdir
}  // namespace le
