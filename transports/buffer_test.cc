// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/buffer.h"

#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "event/base/asan.h"
#include "gtest/gtest.h"

namespace le {
namespace transports {
namespace {

std::string Contents(const Buffer& buffer) {
  return std::string(reinterpret_cast<char*>(buffer.data()), buffer.capacity());
}

TEST(BufferTest, DataBeginAtACacheLine) {
  for (const size_t capacity : {1, 40, 64, 1000, 65536}) {
    const BufferPool::Ptr pool = BufferPool::Create(capacity);
    std::vector<Buffer> buffers;
    for (int i = 0; i < 5; ++i) {
      buffers.push_back(pool->Allocate());
      EXPECT_EQ(reinterpret_cast<uintptr_t>(buffers.back().data()) % 64, 0u);
      EXPECT_EQ(buffers.back().headroom() + kBufferHeadroomBytes,
                buffers.back().data());
    }
  }
}

TEST(BufferTest, AssignedBytesAreNotSeenByTheNextUser) {
  const BufferPool::Ptr pool = BufferPool::Create(64);
  const std::string text = "some text";
  for (const size_t size : {text.size(), size_t{4}, size_t{0}}) {
    Buffer buffer = pool->Allocate();
    buffer.Assign(reinterpret_cast<const uint8_t*>(text.data()), size);
    EXPECT_EQ(buffer.size(), size);
    EXPECT_EQ(Contents(buffer),
              text.substr(0, size) + std::string(64 - size, '\0'));
    // The next user writes nothing to the buffer, and then zeroes it.
    buffer.reset();
    buffer = pool->Allocate();
    buffer.ZeroFrom(0);
    EXPECT_EQ(Contents(buffer), std::string(64, '\0'));
  }
}

TEST(BufferTest, WrittenBytesAreNotSeenByTheNextUser) {
  BufferPool::Ptr pool = BufferPool::Create(100);
  {
    Buffer buffer = pool->Allocate();
    buffer.MarkDirty();
    std::memset(buffer.data(), 'x', 100);
  }
  Buffer buffer = pool->Allocate();
  EXPECT_EQ(buffer.size(), 0u);
  std::memcpy(buffer.data(), "new", 3);
  buffer.ZeroFrom(3);
  EXPECT_EQ(Contents(buffer), "new" + std::string(97, '\0'));
  EXPECT_EQ(pool->buffers_made(), 1u) << "the buffer was not reused";
}

TEST(BufferTest, ZeroFromSkipsBytesThatAreZero) {
  BufferPool::Ptr pool = BufferPool::Create(100);
  Buffer buffer = pool->Allocate();
  EXPECT_EQ(buffer.clean_from(), 0u) << "fresh memory is zero";
  buffer.MarkCleanFrom(10);
  buffer.ZeroFrom(20);
  EXPECT_EQ(buffer.clean_from(), 10u);
  buffer.ZeroFrom(5);
  EXPECT_EQ(buffer.clean_from(), 5u);
}

TEST(BufferTest, APoolLivesUntilItsLastBufferIsFreed) {
  BufferPool::Ptr pool = BufferPool::Create(10);
  Buffer first = pool->Allocate();
  Buffer second = pool->Allocate();
  EXPECT_EQ(pool->buffers_in_use(), 2u);
  pool.reset();
  first.reset();
  std::memset(second.data(), 1, 10);
  // Now `second` returns to its pool. If the pool was destroyed too early, a
  // sanitizer reports the access.
}

TEST(BufferTest, ReserveMakesBuffersInAdvance) {
  BufferPool::Ptr pool = BufferPool::Create(10);
  pool->Reserve(3);
  EXPECT_EQ(pool->buffers_made(), 3u);
  EXPECT_EQ(pool->buffers_in_use(), 0u);
  Buffer buffer = pool->Allocate();
  EXPECT_EQ(pool->buffers_made(), 3u);
}

// A burst must not occupy memory for ever.
TEST(BufferTest, APoolLimitsItsFreeBuffers) {
  if (event::kAsan) GTEST_SKIP() << "no buffer is recycled";
  constexpr size_t kCapacity = size_t{1} << 20;
  constexpr size_t kKept = kMaxSparseBytes / kCapacity;
  BufferPool::Ptr source = BufferPool::Create(kCapacity);
  BufferPool::Ptr owned = BufferPool::CreateForThisThread(source.get());
  const auto burst = [](BufferPool* pool, size_t count) {
    std::vector<Buffer> buffers;
    while (buffers.size() < count) buffers.push_back(pool->Allocate());
    EXPECT_EQ(pool->buffers_in_use(), count);
  };
  for (BufferPool* const pool : {source.get(), owned.get()}) {
    burst(pool, kKept);
    EXPECT_EQ(pool->buffers_made(), kKept);
    burst(pool, kKept + 1);
    EXPECT_EQ(pool->buffers_made(), kKept);
    pool->Reserve(kKept + 2);
    burst(pool, kKept + 3);
    EXPECT_EQ(pool->buffers_made(), kKept + 2);
    EXPECT_EQ(pool->buffers_in_use(), 0u);
  }
}

TEST(BufferTest, AThreadsPoolTakesFreeBuffersOfItsSource) {
  BufferPool::Ptr source = BufferPool::Create(10);
  source->Reserve(1);
  BufferPool::Ptr pool = BufferPool::CreateForThisThread(source.get());
  Buffer first = pool->Allocate();
  EXPECT_EQ(source->buffers_made(), 0u);
  EXPECT_EQ(pool->buffers_made(), 1u);
  Buffer second = pool->Allocate();
  EXPECT_EQ(pool->buffers_made(), 2u);
  EXPECT_EQ(pool->buffers_in_use(), 2u);
  first.reset();
  EXPECT_EQ(pool->buffers_in_use(), 1u);
}

TEST(BufferTest, BuffersFreedByOtherThreadsAreReused) {
  BufferPool::Ptr source = BufferPool::Create(10);
  BufferPool::Ptr pool = BufferPool::CreateForThisThread(source.get());
  for (int round = 0; round < 3; ++round) {
    Buffer here = pool->Allocate();
    std::thread([away = std::move(here)]() mutable { away.reset(); }).join();
    EXPECT_EQ(pool->buffers_in_use(), 0u);
  }
  // Under AddressSanitizer no buffer is recycled.
  EXPECT_EQ(pool->buffers_made(), event::kAsan ? 0u : 1u)
      << "the buffer was not reused";
}

TEST(BufferTest, AThreadsPoolLivesUntilItsLastBufferIsFreed) {
  BufferPool::Ptr source = BufferPool::Create(10);
  Buffer kept, dropped;
  std::thread([&] {
    BufferPool::Ptr pool = BufferPool::CreateForThisThread(source.get());
    kept = pool->Allocate();
    dropped = pool->Allocate();
    pool->Allocate();
    dropped.reset();
  }).join();
  source.reset();
  std::memset(kept.data(), 1, 10);
  // Now `kept` returns to its pool. If the pool was destroyed too early, a
  // sanitizer reports the access.
}

TEST(BufferTest, AnyThreadMayFreeBuffersOfAThreadsPool) {
  BufferPool::Ptr source = BufferPool::Create(16);
  BufferPool::Ptr pool = BufferPool::CreateForThisThread(source.get());
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    std::vector<Buffer> away;
    for (int n = 0; n < 500; ++n) away.push_back(pool->Allocate());
    threads.emplace_back([away = std::move(away)]() mutable {
      for (Buffer& buffer : away) {
        buffer.MarkDirty();
        std::memset(buffer.data(), 1, buffer.capacity());
        buffer.reset();
      }
    });
    for (int n = 0; n < 500; ++n) Buffer buffer = pool->Allocate();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pool->buffers_in_use(), 0u);
  EXPECT_LE(pool->buffers_made(), 1501u);
}

TEST(LengthWithoutZeroTailTest, AgreesWithASearchOfEachByte) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    const size_t size = random() % 1500;
    std::vector<uint8_t> bytes(size);
    size_t length = size == 0 ? 0 : random() % (size + 1);
    for (size_t i = 0; i < length; ++i) bytes[i] = random() % 3;
    while (length > 0 && bytes[length - 1] == 0) --length;
    ASSERT_EQ(LengthWithoutZeroTail(bytes.data(), size), length);
  }
}

}  // namespace
}  // namespace transports
}  // namespace le
