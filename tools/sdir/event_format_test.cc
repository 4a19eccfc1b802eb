// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/event_format.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/sdir/known_names.h"

namespace le {
namespace sdir {
namespace {

using directory::proto::Event;
using ::testing::HasSubstr;
using ::testing::StartsWith;

void SetParty(directory::proto::Party* party, uid_t uid, int pid,
              const char* interface_name) {
  party->set_uid(uid);
  party->set_pid(pid);
  party->set_interface_name(interface_name);
}

Event Introduced() {
  Event event;
  event.set_kind(directory::proto::EVENT_INTRODUCED);
  SetParty(event.mutable_client(), 1, 10, "c");
  SetParty(event.mutable_server(), 2, 7, "s");
  return event;
}

Event Refused() {
  Event event;
  event.set_kind(directory::proto::EVENT_REFUSED);
  SetParty(event.mutable_client(), 1, 10, "");
  event.set_code(directory::proto::LIMIT);
  event.set_reason("user '1' has\nenough");
  return event;
}

class EventFormatTest : public ::testing::Test {
 protected:
  std::string Text(const Event& event) {
    const std::string text = EventText(event, at_, &names_);
    const std::string time =
        absl::FormatTime("%Y-%m-%dT%H:%M:%E3S%Ez ", at_, absl::LocalTimeZone());
    EXPECT_THAT(text, StartsWith(time));
    return text.substr(time.size());
  }
  std::string Json(const Event& event) {
    return EventJson(event, at_, &names_);
  }

  const absl::Time at_ = absl::FromUnixMillis(1'700'000'000'123);
  KnownNames names_;
};

TEST_F(EventFormatTest, Text) {
  EXPECT_EQ(Text(Introduced()),
            "introduced <ann>.c ten[10] -> <bob>.s pid 7\n");
  EXPECT_EQ(Text(Refused()),
            "refused    <ann> ten[10]: user '1' has\\nenough\n");
  Event bindings;
  bindings.set_kind(directory::proto::EVENT_BINDINGS);
  bindings.set_reason("bound: <1>.a -> <2>.b");
  EXPECT_EQ(Text(bindings), "bindings   bound: <ann>.a -> <bob>.b\n");
}

// A later directory reports more kinds, and an earlier one has no kinds.
TEST_F(EventFormatTest, AnUnknownKindIsPrintedAsItsText) {
  Event event;
  event.set_text("something \x1b new of <1>");
  EXPECT_EQ(Text(event), "something \\x1b new of <ann>\n");
  EXPECT_THAT(Json(event),
              HasSubstr("\"event\":\"other\",\"reason\":\"something "));
}

TEST_F(EventFormatTest, AGapIsShown) {
  Event event = Introduced();
  event.set_missed(3);
  EXPECT_THAT(EventText(event, at_, &names_),
              StartsWith("(3 events were missed here)\n20"));
  EXPECT_THAT(Json(event), HasSubstr(",\"missedBefore\":3}\n"));
}

TEST_F(EventFormatTest, Json) {
  EXPECT_THAT(Json(Introduced()),
              HasSubstr("\"event\":\"introduced\",\"client\":{\"user\":\"ann\","
                        "\"pid\":10,\"process\":\"ten\",\"interface\":\"c\"},"
                        "\"server\":{\"user\":\"bob\",\"pid\":7,\"interface\":"
                        "\"s\"}}\n"));
  EXPECT_THAT(Json(Refused()),
              HasSubstr("\"code\":\"limit\",\"reason\":\"user '1' "
                        "has\\u000aenough\"}\n"));
}

TEST_F(EventFormatTest, AFilterSelectsByClientOrServer) {
  const auto selects = [&](const char* text, const Event& event) {
    const absl::StatusOr<Filter> filter = Filter::Parse(text);
    EXPECT_TRUE(filter.ok()) << filter.status();
    return filter->Selects(event, &names_);
  };
  EXPECT_TRUE(selects("<ann>.c", Introduced()));
  EXPECT_TRUE(selects("<bob>.*", Introduced()));
  EXPECT_TRUE(selects("<*>.s", Introduced()));
  EXPECT_FALSE(selects("<ann>.s", Introduced()));
  EXPECT_FALSE(selects("<ann>.c", Refused())) << "the party has no interface";
  EXPECT_TRUE(Filter().Selects(Refused(), &names_));
  for (const char* bad : {"", "ann.c", "<ann>", "<ann>."}) {
    EXPECT_FALSE(Filter::Parse(bad).ok()) << bad;
  }
}

TEST_F(EventFormatTest, AFilterShortensAList) {
  directory::proto::ListPart list;
  for (const char* client : {"<ann>.c", "<*>.*", "<bob>.d"}) {
    list.add_bindings()->set_client(client);
  }
  list.add_services()->set_service("<bob>.s");
  list.add_waiting()->set_client("<ann>.c");
  *list.add_latest_refusals()->mutable_peer() = Introduced().client();
  *list.add_latest_refusals()->mutable_peer() = Introduced().server();
  Filter::Parse("<ann>.c")->Apply(&list, &names_);
  EXPECT_EQ(list.bindings_size(), 2) << "<*>.* also matches";
  EXPECT_EQ(list.services_size(), 0);
  EXPECT_EQ(list.waiting_size(), 1);
  EXPECT_EQ(list.latest_refusals_size(), 1);
}

}  // namespace
}  // namespace sdir
}  // namespace le
