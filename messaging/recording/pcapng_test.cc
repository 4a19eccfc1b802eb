// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/recording/pcapng.h"

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace recording {
namespace {

using ::testing::HasSubstr;

RecordedFrame Frame(const std::string& payload, uint64_t id) {
  RecordedFrame frame;
  frame.record.at_ns = 1764249902123456789;
  frame.record.id = id;
  frame.record.session = 3;
  frame.record.client_pid = 1234;
  frame.record.payload_bytes = static_cast<uint32_t>(payload.size());
  frame.record.captured_bytes = frame.record.payload_bytes;
  frame.record.type = 3;
  frame.record.flags = inspection::TapRecord::kHasDescriptor;
  frame.payload = payload;
  return frame;
}

Recording Sample() {
  Recording recording;
  recording.service = "<1000>.facts";
  recording.protocol_id = "a protocol/1";
  recording.max_message_size = 16396;
  recording.frames.push_back(Frame("", 1));
  recording.frames.push_back(Frame("abcde", uint64_t{1} << 40));
  recording.frames.push_back(Frame("abcd", 2));
  recording.frames[1].record.lost_before = 7;
  recording.frames[1].record.payload_bytes = 100;
  return recording;
}

std::string File(const Recording& recording) {
  std::string file = PcapngHeader(recording);
  for (const RecordedFrame& frame : recording.frames) {
    file += PcapngBlock(frame);
  }
  return file;
}

std::string WhyNot(absl::string_view file) {
  return std::string(ParsePcapng(file).status().message());
}

TEST(PcapngTest, ReadsItsOwnFiles) {
  const Recording sample = Sample();
  const absl::StatusOr<Recording> read = ParsePcapng(File(sample));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->service, sample.service);
  EXPECT_EQ(read->protocol_id, sample.protocol_id);
  EXPECT_EQ(read->max_message_size, sample.max_message_size);
  EXPECT_EQ(File(*read), File(sample));
  ASSERT_EQ(read->frames.size(), 3u);
  EXPECT_EQ(read->frames[1].record.lost_before, 7u);
  EXPECT_EQ(read->frames[1].record.captured_bytes, 5u);
  EXPECT_EQ(read->frames[1].payload, "abcde");
  EXPECT_EQ(read->frames[1].record.at_ns, sample.frames[1].record.at_ns);
}

// If the format changed, files of this version would become unreadable.
TEST(PcapngTest, TheFormatIsFixed) {
  EXPECT_EQ(absl::BytesToHexString(PcapngBlock(Frame("abcde", 258))),
            "060000004000000000000000f0df7b18"
            "151916471d0000001d00000001020300"
            "03000000d20400000201000000000000"
            "05000000616263646500000040000000");
}

TEST(PcapngTest, ABlockThatIsCutOffIsIgnored) {
  const Recording sample = Sample();
  const std::string file = File(sample);
  const size_t header = PcapngHeader(sample).size();
  for (size_t size = 0; size < file.size(); ++size) {
    const absl::StatusOr<Recording> read =
        ParsePcapng(absl::string_view(file).substr(0, size));
    ASSERT_EQ(read.ok(), size >= header) << size;
    if (!read.ok()) continue;
    ASSERT_LT(read->frames.size(), 3u) << size;
  }
}

TEST(PcapngTest, NoWrongByteDoesHarm) {
  const std::string file = File(Sample());
  for (size_t at = 0; at < file.size(); ++at) {
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string changed = file;
      changed[at] = static_cast<char>(changed[at] ^ change);
      const absl::StatusOr<Recording> read = ParsePcapng(changed);
      if (!read.ok()) continue;
      for (const RecordedFrame& frame : read->frames) {
        ASSERT_EQ(frame.payload.size(), frame.record.captured_bytes);
        ASSERT_LE(frame.record.captured_bytes, frame.record.payload_bytes);
      }
    }
  }
}

TEST(PcapngTest, OtherFilesAreRefused) {
  EXPECT_THAT(WhyNot(""), HasSubstr("it has no interface"));
  EXPECT_THAT(WhyNot("no recording"), HasSubstr("not a recording"));
  const std::string file = File(Sample());
  EXPECT_THAT(WhyNot(file + file), HasSubstr("it has a second section"));
  EXPECT_THAT(WhyNot(file.substr(28)),
              HasSubstr("it does not begin with a section"));
  std::string ethernet = file;
  ethernet[28 + 8] = 1;
  EXPECT_THAT(WhyNot(ethernet), HasSubstr("its link type is not USER0"));
  std::string big_endian = file;
  big_endian[8] = 0x1a;
  EXPECT_THAT(WhyNot(big_endian),
              HasSubstr("its byte order is not little endian"));
  Recording unnamed = Sample();
  unnamed.protocol_id = std::string(70000, 'x');  // the size is cut off
  EXPECT_THAT(WhyNot(File(unnamed)), HasSubstr("does not name the protocol"));
  // A block of another program.
  const std::string comment(
      "\x0a\0\0\0\x10\0\0\0"
      "abcd\x10\0\0\0",
      16);
  const absl::StatusOr<Recording> read = ParsePcapng(file + comment);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->frames.size(), 3u);
}

}  // namespace
}  // namespace recording
}  // namespace le
