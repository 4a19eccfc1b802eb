// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/framing/packet_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "gtest/gtest.h"

namespace le {
namespace transports {
namespace {

using Result = PacketReader::Result;

std::string Header(uint16_t flags, size_t length, uint64_t id = 0) {
  FrameHeader header;
  header.flags = flags;
  header.length = static_cast<uint32_t>(length);
  header.id = id;
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header));
}

int NullFile() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

std::string TextOf(const IncomingFrame& frame) {
  return std::string(reinterpret_cast<char*>(frame.payload.data()),
                     frame.payload.size());
}

// Runs with two capacities of the pool. With the large capacity, packets are
// received directly in the payload's buffer.
class PacketReaderTest : public ::testing::TestWithParam<size_t> {
 protected:
  Result Accept(const std::string& packet) {
    PacketAttachments none;
    return Accept(packet, &none);
  }
  Result Accept(const std::string& packet, PacketAttachments* attachments) {
    frame_ = IncomingFrame();
    PacketReader::Room room(&reader_, pool_.get());
    size_t at = 0;
    for (size_t i = 0; i < room.part_count(); ++i) {
      const size_t size =
          std::min<size_t>(room.parts()[i].iov_len, packet.size() - at);
      std::memcpy(room.parts()[i].iov_base, packet.data() + at, size);
      at += size;
    }
    return reader_.Accept(&room, packet.size(), attachments, &frame_, &why_);
  }
  void ExpectBroken(const std::string& packet, const std::string& reason) {
    EXPECT_EQ(Accept(packet), Result::kBroken);
    ExpectReason(reason);
  }
  void ExpectReason(const std::string& reason) {
    EXPECT_EQ(why_.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(why_.message()).find(reason), std::string::npos)
        << why_;
  }
  // Expects that the payload is `text`, and that the rest of the buffer is
  // zero.
  void ExpectPayload(const std::string& text) {
    EXPECT_EQ(TextOf(frame_), text);
    const Buffer& payload = frame_.payload;
    EXPECT_EQ(LengthWithoutZeroTail(payload.data() + text.size(),
                                    payload.capacity() - text.size()),
              0u);
  }

  const BufferPool::Ptr pool_ = BufferPool::Create(GetParam());
  PacketReader reader_;
  IncomingFrame frame_;
  absl::Status why_;
};

INSTANTIATE_TEST_SUITE_P(BesideAndInPlace, PacketReaderTest,
                         ::testing::Values(1000, size_t{1} << 17));

TEST_P(PacketReaderTest, OneFrame) {
  FrameHeader header;
  header.type = 7;
  header.id = 99;
  header.length = 5;
  EXPECT_EQ(Accept(std::string(reinterpret_cast<const char*>(&header),
                               sizeof(header)) +
                   "hello"),
            Result::kFrame);
  EXPECT_EQ(frame_.type, 7);
  EXPECT_EQ(frame_.id, 99u);
  ExpectPayload("hello");
  EXPECT_FALSE(reader_.HasBuffered());
  EXPECT_FALSE(reader_.HasPartial());
  EXPECT_EQ(Accept(Header(0, 0)), Result::kFrame);
  ExpectPayload("");
}

TEST_P(PacketReaderTest, ARecycledBufferIsZeroBeyondThePayload) {
  EXPECT_EQ(Accept(Header(0, 900) + std::string(900, 'x')), Result::kFrame);
  frame_ = IncomingFrame();
  EXPECT_EQ(Accept(Header(0, 3) + "abc"), Result::kFrame);
  ExpectPayload("abc");
  frame_ = IncomingFrame();
  // Receive a packet without calling Accept().
  {
    PacketReader::Room room(&reader_, pool_.get());
    std::memset(room.parts()[0].iov_base, 'y', 900);
    room.Discard();
  }
  EXPECT_EQ(Accept(Header(0, 1) + "z"), Result::kFrame);
  ExpectPayload("z");
}

TEST_P(PacketReaderTest, SeveralFrames) {
  EXPECT_EQ(Accept(Header(FrameHeader::kMore, 1, 1) + "a" +
                   Header(FrameHeader::kMore, 0, 2) + Header(0, 2, 3) + "bc"),
            Result::kFrame);
  ExpectPayload("a");
  EXPECT_TRUE(reader_.may_have_more());
  EXPECT_FALSE(reader_.HasPartial());
  const char* const texts[] = {"", "bc"};
  for (uint64_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(reader_.HasBuffered());
    frame_ = IncomingFrame();
    EXPECT_EQ(reader_.TakeBuffered(pool_.get(), &frame_, &why_),
              Result::kFrame);
    EXPECT_EQ(frame_.id, i + 2);
    ExpectPayload(texts[i]);
  }
  EXPECT_FALSE(reader_.HasBuffered());
}

TEST_P(PacketReaderTest, ABadLaterFrame) {
  EXPECT_EQ(Accept(Header(FrameHeader::kMore, 0) + Header(0, 5) + "four"),
            Result::kFrame);
  EXPECT_EQ(reader_.TakeBuffered(pool_.get(), &frame_, &why_), Result::kBroken);
  ExpectReason("the header has a payload of 5 bytes, but 4 bytes follow");
}

TEST_P(PacketReaderTest, AFragmentedFrame) {
  const std::string first(300, 'a'), second(200, 'b');
  EXPECT_EQ(Accept(Header(FrameHeader::kFragmented, 501, 4) + first),
            Result::kNothing);
  EXPECT_TRUE(reader_.HasPartial());
  EXPECT_FALSE(reader_.HasBuffered());
  EXPECT_EQ(Accept(Header(FrameHeader::kContinuation, 200, 4) + second),
            Result::kNothing);
  EXPECT_EQ(Accept(Header(FrameHeader::kContinuation, 1, 4) + "c"),
            Result::kFrame);
  EXPECT_FALSE(reader_.HasPartial());
  EXPECT_EQ(frame_.id, 4u);
  ExpectPayload(first + second + "c");
}

TEST_P(PacketReaderTest, FragmentsThatDoNotBelongTogether) {
  const std::string part = Header(FrameHeader::kFragmented, 10, 4) + "12345";
  const std::string wrong[] = {
      Header(0, 1) + "x",
      Header(FrameHeader::kContinuation, 1, /*id=*/5) + "x",
      part,
  };
  for (const std::string& second : wrong) {
    reader_ = PacketReader();
    EXPECT_EQ(Accept(part), Result::kNothing);
    ExpectBroken(second, "in the place of a continuation");
  }
  reader_ = PacketReader();
  ExpectBroken(Header(FrameHeader::kContinuation, 1) + "x",
               "a continuation without a first fragment");
  reader_ = PacketReader();
  EXPECT_EQ(Accept(part), Result::kNothing);
  ExpectBroken(Header(FrameHeader::kContinuation, 6, 4) + "123456",
               "a packet over the limit");
}

TEST_P(PacketReaderTest, PacketsThatBreakARuleOfSize) {
  ExpectBroken("", "ends within a header, after 0 bytes");
  ExpectBroken("x", "ends within a header, after 1 bytes");
  ExpectBroken(Header(0, 4) + "five5", "but 5 bytes follow");
  ExpectBroken(std::string(kMaxPacketBytes + 1, '\1'),
               "a packet over the limit");
  const size_t length = GetParam() + 1;
  ExpectBroken(Header(FrameHeader::kFragmented, length) + "x",
               "bytes is more than the");
  // The buffers of the refused packets can be used again.
  EXPECT_EQ(Accept(Header(0, 1) + "x"), Result::kFrame);
  ExpectPayload("x");
}

TEST_P(PacketReaderTest, ADescriptor) {
  const int fd = NullFile();
  PacketAttachments attachments;
  attachments.AddDescriptor(fd);
  EXPECT_EQ(Accept(Header(FrameHeader::kDescriptor, 1) + "x", &attachments),
            Result::kFrame);
  EXPECT_EQ(frame_.descriptor.get(), fd);
  EXPECT_FALSE(frame_.descriptor_lost);
  EXPECT_EQ(attachments.descriptors(), 0u);
}

TEST_P(PacketReaderTest, ADescriptorOfAFragmentedFrame) {
  const int fd = NullFile();
  PacketAttachments attachments;
  attachments.AddDescriptor(fd);
  EXPECT_EQ(
      Accept(
          Header(FrameHeader::kFragmented | FrameHeader::kDescriptor, 2) + "x",
          &attachments),
      Result::kNothing);
  EXPECT_EQ(Accept(Header(FrameHeader::kContinuation, 1) + "y"),
            Result::kFrame);
  EXPECT_EQ(frame_.descriptor.get(), fd);
}

TEST_P(PacketReaderTest, AConnection) {
  for (const bool promised : {false, true}) {
    PacketAttachments attachments;
    attachments.AddDescriptor(NullFile());
    EXPECT_EQ(Accept(Header(FrameHeader::kConnection |
                                (promised ? FrameHeader::kExpectsPlain : 0),
                            0),
                     &attachments),
              promised ? Result::kPromisedConnection : Result::kConnection);
    EXPECT_TRUE(frame_.descriptor);
  }
  EXPECT_EQ(Accept(Header(FrameHeader::kConnection, 0)), Result::kFrame)
      << "the packet has lost its socket";
  EXPECT_TRUE(frame_.descriptor_lost);
  EXPECT_TRUE(frame_.lost_by_sender);
  PacketAttachments lost_here;
  lost_here.set_truncated(true);
  EXPECT_EQ(Accept(Header(FrameHeader::kDescriptor, 0), &lost_here),
            Result::kFrame);
  EXPECT_TRUE(frame_.descriptor_lost);
  EXPECT_FALSE(frame_.lost_by_sender);
}

TEST_P(PacketReaderTest, DescriptorsThatWereNotAnnounced) {
  const int fds[] = {NullFile(), NullFile()};
  {
    PacketAttachments attachments;
    for (int fd : fds) attachments.AddDescriptor(fd);
    EXPECT_EQ(Accept(Header(FrameHeader::kDescriptor, 0), &attachments),
              Result::kBroken);
    ExpectReason("2 file descriptors where one was announced");
    frame_ = IncomingFrame();
  }
  for (int fd : fds) EXPECT_FALSE(IsOpen(fd));
  PacketAttachments lost;
  lost.set_truncated(true);
  EXPECT_EQ(Accept(Header(0, 0), &lost), Result::kBroken);
  ExpectReason("a file descriptor that was not announced");
}

TEST_P(PacketReaderTest, ADescriptorWithAContinuation) {
  for (const bool lost : {false, true}) {
    reader_ = PacketReader();
    EXPECT_EQ(Accept(Header(FrameHeader::kFragmented, 2) + "x"),
              Result::kNothing);
    PacketAttachments attachments;
    if (lost) {
      attachments.set_truncated(true);
    } else {
      attachments.AddDescriptor(NullFile());
    }
    EXPECT_EQ(Accept(Header(FrameHeader::kContinuation, 1) + "y", &attachments),
              Result::kBroken);
    ExpectReason("a file descriptor with a continuation");
  }
}

TEST_P(PacketReaderTest, ExpectsPlainAfterThePromise) {
  EXPECT_FALSE(reader_.ExpectsPlain());
  EXPECT_EQ(Accept(Header(FrameHeader::kPlainNext, 0)), Result::kFrame);
  EXPECT_TRUE(reader_.ExpectsPlain());
  reader_.WantCredentials(true);
  EXPECT_FALSE(reader_.ExpectsPlain()) << "packets have credentials";
  reader_.WantCredentials(false);
  ExpectBroken(Header(FrameHeader::kDescriptor, 0), "announced without one");
}

TEST_P(PacketReaderTest, AnAnnouncement) {
  EXPECT_EQ(Accept(Header(FrameHeader::kPlainNext, 0)), Result::kFrame);
  EXPECT_EQ(Accept(Header(FrameHeader::kAnnouncement, 0)), Result::kNothing);
  EXPECT_TRUE(reader_.HasPartial());
  EXPECT_FALSE(reader_.ExpectsPlain());
  EXPECT_EQ(Accept(Header(FrameHeader::kMoreToCome, 0)), Result::kFrame);
  EXPECT_FALSE(reader_.HasPartial());
  EXPECT_TRUE(reader_.may_have_more());
  reader_.FoundNoMore();
  EXPECT_FALSE(reader_.may_have_more());
  EXPECT_EQ(Accept(Header(FrameHeader::kAnnouncement, 0)), Result::kNothing);
  ExpectBroken(Header(FrameHeader::kAnnouncement, 0),
               "two announcements, one after the other");
}

// Credentials belong to the packet, so they apply to each of its frames.
TEST_P(PacketReaderTest, CredentialsOfEachFrameOfAPacket) {
  const std::string packet = Header(FrameHeader::kMore, 0) + Header(0, 0);
  for (const bool wanted : {false, true}) {
    reader_.WantCredentials(wanted);
    PacketAttachments attachments;
    attachments.set_sender({4711, 1001, 1002});
    EXPECT_EQ(Accept(packet, &attachments), Result::kFrame);
    EXPECT_EQ(frame_.sender.has_value(), wanted);
    frame_ = IncomingFrame();
    EXPECT_EQ(reader_.TakeBuffered(pool_.get(), &frame_, &why_),
              Result::kFrame);
    ASSERT_EQ(frame_.sender.has_value(), wanted);
    EXPECT_EQ(frame_.sender.value_or(event::Credentials()).uid,
              wanted ? 1001u : event::Credentials().uid);
  }
  // Credentials of one packet do not apply to the next.
  EXPECT_EQ(Accept(packet), Result::kFrame);
  EXPECT_FALSE(frame_.sender.has_value());
  frame_ = IncomingFrame();
  EXPECT_EQ(reader_.TakeBuffered(pool_.get(), &frame_, &why_), Result::kFrame);
  EXPECT_FALSE(frame_.sender.has_value());
}

TEST_P(PacketReaderTest, ResetDropsFramesAndParts) {
  EXPECT_EQ(Accept(Header(FrameHeader::kMore, 0) + Header(0, 0)),
            Result::kFrame);
  reader_.Reset();
  EXPECT_FALSE(reader_.HasBuffered());
  EXPECT_EQ(Accept(Header(FrameHeader::kFragmented, 2) + "x"),
            Result::kNothing);
  reader_.Reset();
  EXPECT_FALSE(reader_.HasPartial());
  EXPECT_EQ(Accept(Header(0, 0)), Result::kFrame);
}

}  // namespace
}  // namespace transports
}  // namespace le
