// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/tap_ring.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <deque>
#include <random>

#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "transports/transport.h"

namespace le {
namespace inspection {
namespace {

using Result = TapReader::Result;

constexpr size_t kCapacity = kMinRingBytes - TapMapping::kHeaderBytes;

class TapRingTest : public ::testing::Test {
 protected:
  TapRingTest() {
    reader_ = *TapReader::Create(kMinRingBytes, &file_);
    hostile_.emplace(*TapMapping::Map(file_.get(), kMinRingBytes));
    writer_ = *TapWriter::Open(file_);
  }
  void Write(const std::string& payload, uint64_t id = 0) {
    TapRecord record;
    record.id = id;
    record.payload_bytes = static_cast<uint32_t>(payload.size());
    writer_->Write(record, absl::MakeConstSpan(
                               reinterpret_cast<const uint8_t*>(payload.data()),
                               payload.size()));
  }
  event::UniqueFd file_;
  std::unique_ptr<TapReader> reader_;
  absl::optional<TapMapping> hostile_;  // for an end that lies
  std::unique_ptr<TapWriter> writer_;
  TapRecord record_;
  std::string payload_;
};

TEST_F(TapRingTest, RecordsArriveInOrderAndLossesAreCounted) {
  std::mt19937 random(1);
  std::deque<std::string> sent;
  uint64_t next = 0;      // the next id
  uint64_t received = 0;  // the next id to arrive
  size_t used = 0;
  uint64_t losses = 0;
  for (int step = 0; step < 20000; ++step) {
    if (random() % 50 != 0) {
      const std::string payload(random() % 3000,
                                static_cast<char>('a' + next % 26));
      const size_t size = sizeof(TapRecord) + payload.size();
      Write(payload, next++);
      if (used + size <= kCapacity) {
        used += size;
        sent.push_back(payload);
      } else {
        sent.push_back("lost");
      }
      continue;
    }
    for (;;) {
      const Result result = reader_->Next(&record_, &payload_);
      if (result == Result::kEmpty) break;
      ASSERT_EQ(result, Result::kRecord);
      losses += record_.lost_before;
      for (uint32_t i = 0; i < record_.lost_before; ++i, ++received) {
        ASSERT_EQ(sent.front(), "lost");
        sent.pop_front();
      }
      ASSERT_EQ(record_.id, received++);
      ASSERT_EQ(payload_, sent.front());
      sent.pop_front();
      used -= sizeof(TapRecord) + payload_.size();
    }
  }
  EXPECT_GT(losses, 0u);
}

TEST_F(TapRingTest, ALongPayloadIsCapturedInPart) {
  Write(std::string(kMinRingBytes, 'x'));
  ASSERT_EQ(reader_->Next(&record_, &payload_), Result::kRecord);
  EXPECT_EQ(record_.payload_bytes, kMinRingBytes);
  EXPECT_EQ(payload_, std::string(kCapacity / 4, 'x'));
  EXPECT_EQ(reader_->Next(&record_, &payload_), Result::kEmpty);
}

TEST_F(TapRingTest, AReaderThatLiesGetsLostRecords) {
  TapMapping& hostile = *hostile_;
  for (const uint64_t read :
       {uint64_t{1}, UINT64_MAX - kCapacity, uint64_t{1} << 63}) {
    hostile.header()->read = read;
    Write("x");
  }
  EXPECT_EQ(reader_->Next(&record_, &payload_), Result::kEmpty);
  EXPECT_EQ(reader_->lost_since_last_record(), 3u);
  hostile.header()->read = 0;
  Write("x");
  ASSERT_EQ(reader_->Next(&record_, &payload_), Result::kRecord);
  EXPECT_EQ(record_.lost_before, 3u);
  EXPECT_EQ(reader_->lost_since_last_record(), 0u);
}

TEST_F(TapRingTest, AWriterThatLiesIsDetected) {
  TapMapping& hostile = *hostile_;
  for (const uint64_t written : {uint64_t{1}, uint64_t{sizeof(TapRecord) - 1},
                                 uint64_t{kCapacity + 1}, UINT64_MAX}) {
    hostile.header()->written = written;
    EXPECT_EQ(reader_->Next(&record_, &payload_), Result::kBroken) << written;
  }
  const auto capture = [&](uint32_t captured, uint32_t payload) {
    TapRecord record;
    record.captured_bytes = captured;
    record.payload_bytes = payload;
    hostile.CopyIn(0, &record, sizeof(record));
    hostile.header()->written = sizeof(record) + 10;
    return reader_->Next(&record_, &payload_);
  };
  EXPECT_EQ(capture(11, 11), Result::kBroken);
  EXPECT_EQ(capture(UINT32_MAX, UINT32_MAX), Result::kBroken);
  EXPECT_EQ(capture(10, 9), Result::kBroken);
  EXPECT_EQ(capture(10, transports::kMaxPayloadBytes + 1), Result::kBroken);
  EXPECT_EQ(capture(10, transports::kMaxPayloadBytes), Result::kRecord);
}

// A write into a mapping beyond the end of its file would end the server.
TEST(TapWriterTest, TakesOnlyAFileOfAFixedSize) {
  const auto open_memfd = [](size_t size, int seals) {
    event::UniqueFd fd(memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_EQ(ftruncate(fd.get(), static_cast<off_t>(size)), 0);
    EXPECT_EQ(fcntl(fd.get(), F_ADD_SEALS, seals), 0);
    return TapWriter::Open(fd).status().code();
  };
  constexpr int kBoth = F_SEAL_SHRINK | F_SEAL_GROW;
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(open_memfd(kMinRingBytes, kBoth), absl::StatusCode::kOk);
  EXPECT_EQ(open_memfd(kMaxRingBytes, kBoth), absl::StatusCode::kOk);
  EXPECT_EQ(open_memfd(kMinRingBytes - 1, kBoth), kInvalid);
  EXPECT_EQ(open_memfd(kMaxRingBytes + 1, kBoth), kInvalid);
  EXPECT_EQ(open_memfd(kMinRingBytes, F_SEAL_SHRINK), kInvalid);
  EXPECT_EQ(open_memfd(kMinRingBytes, F_SEAL_GROW), kInvalid);
  // Sealed against writing, so it cannot be mapped.
  EXPECT_NE(open_memfd(kMinRingBytes, kBoth | F_SEAL_WRITE),
            absl::StatusCode::kOk);
  EXPECT_EQ(TapWriter::Open(event::UniqueFd(open("/dev/null", O_RDWR)))
                .status()
                .code(),
            kInvalid);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  EXPECT_EQ(TapWriter::Open(event::UniqueFd(ends[0])).status().code(),
            kInvalid);
  EXPECT_FALSE(TapWriter::Open(event::UniqueFd(ends[1])).ok());
  EXPECT_FALSE(TapWriter::Open(event::UniqueFd()).ok());
}

// If a page of the ring is missing when the server writes to it, and the system
// has no memory for a new page, the server ends.
TEST(TapWriterTest, NobodyCanRemoveAPage) {
  const event::UniqueFd fd(memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate(fd.get(), kMinRingBytes), 0);
  ASSERT_EQ(fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
  ASSERT_TRUE(TapWriter::Open(fd).ok());
  struct stat file;
  ASSERT_EQ(fstat(fd.get(), &file), 0);
  EXPECT_GE(static_cast<size_t>(file.st_blocks) * 512, kMinRingBytes);
  EXPECT_NE(
      fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096),
      0);
}

}  // namespace
}  // namespace inspection
}  // namespace le
