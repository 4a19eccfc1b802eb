// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/tap_format.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/sdir/known_names.h"

namespace le {
namespace sdir {
namespace {

using inspection::TapRecord;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr uint8_t kRequest = 3;
constexpr uint8_t kResponse = 4 | 0x40;

TapRecord Record(uint8_t type, uint64_t id, int64_t at_ns = 0) {
  TapRecord record;
  record.session = 2;
  record.client_pid = 77;
  record.type = type;
  record.id = id;
  record.at_ns = at_ns;
  record.flags = type == kRequest ? 0 : TapRecord::kToClient;
  return record;
}

class TapFormatTest : public ::testing::Test {
 protected:
  std::string Text(const TapRecord& record, const std::string& payload,
                   const std::string& decoded = "") {
    return TapText(record, payload, decoded, latencies_.Take(record),
                   absl::UnixEpoch(), &names_);
  }
  std::string Json(const TapRecord& record, const std::string& payload,
                   const std::string& decoded = "") {
    return TapJson(record, payload, decoded, latencies_.Take(record),
                   absl::UnixEpoch(), &names_);
  }

  KnownNames names_;
  Latencies latencies_;
};

TEST_F(TapFormatTest, ShowsAMessageAsALine) {
  TapRecord request = Record(kRequest, 5, 1000);
  request.payload_bytes = 2;
  request.flags |= TapRecord::kHasDescriptor;
  EXPECT_THAT(Text(request, "\x01\xff"),
              EndsWith(" -> request 5, 2 bytes and a file descriptor: 01ff\n"));
  TapRecord response = Record(kResponse, 5, 4000);
  response.lost_before = 3;
  response.payload_bytes = 100;
  const std::string text = Text(response, std::string(100, 'a'));
  EXPECT_THAT(text, AllOf(HasSubstr("(the tap has missed 3 messages here)\n"),
                          HasSubstr(" #2 "),
                          HasSubstr(" <- response 5, 100 bytes, after 3us: 61"),
                          EndsWith("61...\n")));
  EXPECT_THAT(Text(Record(2, 0), ""), EndsWith(" <- message, 0 bytes\n"));
  EXPECT_THAT(Text(Record(5, 6), ""), EndsWith(" <- released 6, 0 bytes\n"));
  EXPECT_THAT(Text(Record(9, 6), "", "x\ny\033"),
              EndsWith(" <- frame 9 6, 0 bytes: x\\ny\\x1b\n"));
}

TEST_F(TapFormatTest, ShowsAMessageAsJson) {
  EXPECT_THAT(Json(Record(kRequest, 5, 1000), "ab"),
              EndsWith(",\"toClient\":false,\"kind\":\"request\",\"id\":5,"
                       "\"bytes\":0,\"payload\":\"6162\"}\n"));
  TapRecord response = Record(kResponse, 5, 4000);
  response.lost_before = 3;
  EXPECT_THAT(
      Json(response, "", "Count OK {\"x\":1}\n"),
      EndsWith(",\"latencyNs\":3000,\"lostBefore\":3,\"decoded\":"
               "\"Count OK {\\\"x\\\":1}\\u000a\",\"payload\":\"\"}\n"));
}

TEST_F(TapFormatTest, EachResponseHasTheLatencyOfItsRequest) {
  EXPECT_FALSE(latencies_.Take(Record(kResponse, 1)).has_value());
  EXPECT_FALSE(latencies_.Take(Record(kRequest, 1, 10)).has_value());
  TapRecord other = Record(kRequest, 1, 20);
  other.session = 3;
  EXPECT_FALSE(latencies_.Take(other).has_value());
  EXPECT_EQ(latencies_.Take(Record(kResponse, 1, 40)), absl::Nanoseconds(30));
  EXPECT_FALSE(latencies_.Take(Record(kResponse, 1, 50)).has_value());
  // A hostile server cannot fill the memory.
  for (uint64_t i = 0; i <= Latencies::kMaxOpen; ++i) {
    latencies_.Take(Record(kRequest, i));
  }
  EXPECT_FALSE(latencies_.Take(Record(kResponse, 0)).has_value());
  EXPECT_TRUE(
      latencies_.Take(Record(kResponse, Latencies::kMaxOpen)).has_value());
}

}  // namespace
}  // namespace sdir
}  // namespace le
