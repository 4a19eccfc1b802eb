// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/framing/framing.h"

#include <cstring>
#include <vector>

#include "gtest/gtest.h"

namespace le {
namespace transports {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes Encode(const FrameHeader& header, size_t payload = 0) {
  Bytes bytes(kFrameHeaderBytes + payload);
  std::memcpy(bytes.data(), &header, kFrameHeaderBytes);
  return bytes;
}

FrameHeader Header(uint16_t flags, uint32_t length = 0) {
  FrameHeader header;
  header.type = 3;
  header.flags = flags;
  header.length = length;
  header.id = 7;
  return header;
}

bool Parses(const FrameHeader& header, bool first = true) {
  FrameHeader parsed;
  return ParseFrameHeader(Encode(header), first, &parsed).ok();
}

// This format is published: a change would break running programs.
TEST(FramingTest, GoldenBytes) {
  FrameHeader header = Header(FrameHeader::kDescriptor, 0x01020304);
  header.id = 0x1112131415161718;
  const Bytes little_endian = {1,    3,    1,    0,    0x04, 0x03, 0x02, 0x01,
                               0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11};
  EXPECT_EQ(Encode(header), little_endian);
  FrameHeader parsed;
  ASSERT_TRUE(ParseFrameHeader(little_endian, true, &parsed).ok());
  EXPECT_EQ(parsed.type, 3);
  EXPECT_EQ(parsed.length, 0x01020304u);
  EXPECT_EQ(parsed.id, 0x1112131415161718u);
}

TEST(FramingTest, RefusesShortHeadersAndOtherVersions) {
  const Bytes whole = Encode(Header(0));
  FrameHeader parsed;
  for (size_t size = 0; size < kFrameHeaderBytes; ++size) {
    EXPECT_FALSE(
        ParseFrameHeader(absl::MakeConstSpan(whole.data(), size), true, &parsed)
            .ok());
  }
  for (int version : {0, 2, 255}) {
    FrameHeader header = Header(0);
    header.version = static_cast<uint8_t>(version);
    EXPECT_FALSE(Parses(header));
  }
}

TEST(FramingTest, ChecksEachCombinationOfFlags) {
  for (int flags = 0; flags < 1024; ++flags) {
    for (bool first : {true, false}) {
      const bool d = flags & 1, c = flags & 2, more = flags & 4,
                 fragmented = flags & 8, continuation = flags & 16,
                 of_packet = flags & (32 | 64), announcement = flags & 128,
                 expects_plain = flags & 256, unknown = flags & 512;
      const bool legal = !unknown && !(d && c) && !(fragmented && more) &&
                         !(continuation && (d || c || more || fragmented)) &&
                         !(announcement && flags != 128) &&
                         !(expects_plain && !c) &&
                         (first || !(d || c || fragmented || continuation ||
                                     of_packet || announcement));
      EXPECT_EQ(Parses(Header(static_cast<uint16_t>(flags)), first), legal)
          << flags << (first ? " first" : "");
    }
  }
  EXPECT_FALSE(Parses(Header(0x8000)));
}

TEST(FramingTest, ClearsFlagsThatMayBeIgnored) {
  FrameHeader parsed;
  for (uint16_t flag : {0x1000, 0x2000, 0x4000, 0x7000}) {
    const FrameHeader header = Header(FrameHeader::kMore | flag);
    ASSERT_TRUE(ParseFrameHeader(Encode(header), true, &parsed).ok());
    EXPECT_EQ(parsed.flags, FrameHeader::kMore);
  }
}

TEST(FramingTest, TheErrorNamesTheVersions) {
  FrameHeader header = Header(0);
  FrameHeader parsed;
  header.version = 2;
  EXPECT_EQ(
      ParseFrameHeader(Encode(header), true, &parsed),
      absl::UnimplementedError(
          "a packet of version 2 of the wire format came to a library that "
          "understands versions 1 to 1: update the program that received "
          "it"));
  header.version = 0;
  EXPECT_NE(ParseFrameHeader(Encode(header), true, &parsed)
                .message()
                .find("update the program that sent it"),
            std::string::npos);
}

// This format is frozen: a library of any version can read it.
TEST(FramingTest, GoldenBytesOfAVersionRefusal) {
  const std::string packet = VersionRefusal("words\n");
  const Bytes golden = {1, 0, 0, 2, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const Bytes bytes(packet.begin(), packet.end());
  ASSERT_EQ(bytes.size(), kFrameHeaderBytes + 6);
  EXPECT_EQ(Bytes(bytes.begin(), bytes.begin() + kFrameHeaderBytes), golden);
  FrameHeader parsed;
  EXPECT_EQ(ParseFrameHeader(bytes, true, &parsed),
            absl::UnimplementedError("the peer refuses: words\\n"));
  EXPECT_TRUE(IsVersionRefusal(bytes.data()));
  const Bytes frame = Encode(Header(0));
  EXPECT_FALSE(IsVersionRefusal(frame.data()));
  EXPECT_EQ(VersionRefusal(std::string(10000, 'x')).size(),
            kFrameHeaderBytes + 256);
}

// U+009B begins a command of a terminal, and U+202E reverses the text.
TEST(FramingTest, TheTextOfARefusalIsEscaped) {
  const std::string packet = VersionRefusal(
      "\xc2\x9b"
      "2J\xe2\x80\xae");
  const Bytes bytes(packet.begin(), packet.end());
  FrameHeader parsed;
  EXPECT_EQ(ParseFrameHeader(bytes, true, &parsed),
            absl::UnimplementedError(
                "the peer refuses: \\xc2\\x9b\\x32J\\xe2\\x80\\xae"));
}

TEST(FramingTest, PayloadsMustFillTheirPacket) {
  auto check = [](uint16_t flags, uint32_t length, size_t rest) {
    return CheckPayload(Header(flags, length), rest).ok();
  };
  EXPECT_TRUE(check(0, 0, 16));
  EXPECT_TRUE(check(0, 5, 21));
  EXPECT_FALSE(check(0, 5, 20));
  EXPECT_FALSE(check(0, 5, 22));
  EXPECT_TRUE(check(FrameHeader::kMore, 5, 21 + 16));
  EXPECT_FALSE(check(FrameHeader::kMore, 5, 21 + 15));
  EXPECT_FALSE(check(FrameHeader::kMore, UINT32_MAX, 21 + 16));
  EXPECT_TRUE(check(FrameHeader::kFragmented, 100, 16 + 99));
  EXPECT_FALSE(check(FrameHeader::kFragmented, 100, 16 + 100));
  EXPECT_FALSE(check(FrameHeader::kFragmented, 100, 16));
  EXPECT_TRUE(check(FrameHeader::kContinuation, 1, 17));
  EXPECT_FALSE(check(FrameHeader::kContinuation, 0, 16));
}

}  // namespace
}  // namespace transports
}  // namespace le
