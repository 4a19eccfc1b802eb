// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/unix_socket/output_queue.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "gtest/gtest.h"

namespace {

// How many allocations succeed before one fails. If negative, all succeed.
int g_until_failure = -1;

}  // namespace

void* operator new(size_t size) {
  if (g_until_failure >= 0 && g_until_failure-- == 0) throw std::bad_alloc();
  void* const block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }

namespace le {
namespace transports {
namespace {

constexpr size_t kMaxPacket = 4096;

struct Content {
  size_t bytes = 0, frames = 0, descriptors = 0;
  std::string text;
};

// Empties the queue and describes its content, packet by packet.
Content TakeAll(OutputQueue* queue) {
  Content content{queue->bytes(), queue->frames(), queue->descriptors(), ""};
  size_t bytes = 0;
  for (; !queue->empty(); queue->Pop()) {
    const absl::Span<const uint8_t> packet = queue->front()->bytes();
    content.text.append(packet.begin(), packet.end());
    content.text += queue->front()->descriptor ? "+fd|" : "|";
    bytes += packet.size();
  }
  EXPECT_EQ(bytes, content.bytes);
  EXPECT_EQ(queue->bytes(), 0u);
  EXPECT_EQ(queue->frames(), 0u);
  EXPECT_EQ(queue->descriptors(), 0u);
  return content;
}

void Push(OutputQueue* queue, size_t size, bool with_descriptor) {
  const std::string text(size, 'x');
  FrameHeader header;
  header.length = static_cast<uint32_t>(size);
  queue->Push(header,
              absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                                  text.size()),
              nullptr, 0, event::UniqueFd(with_descriptor ? dup(1) : -1), false,
              kMaxPacket, !queue->empty() && queue->EndsWithPromise());
}

void PushSome(OutputQueue* queue) {
  Push(queue, 10, false);
  Push(queue, 20, false);
}

struct Case {
  size_t size;
  bool with_descriptor;
};

// The cases are: a frame that shares a packet, a frame with its own packet, a
// frame with a descriptor (and an announcement), and a large frame. In each
// case every allocation fails once. Expected: the queue then has its former
// content.
TEST(OutputQueueTest, ALackOfMemoryDoesNotChangeTheQueue) {
  int failures = 0;
  for (const Case& what : {Case{3000, false}, Case{4050, false}, Case{30, true},
                           Case{100000, false}}) {
    OutputQueue expected;
    PushSome(&expected);
    const Content before = TakeAll(&expected);
    PushSome(&expected);
    Push(&expected, what.size, what.with_descriptor);
    const Content after = TakeAll(&expected);

    bool failed = true;
    for (int allocation = 0; failed; ++allocation) {
      OutputQueue queue;
      PushSome(&queue);
      const std::string text(what.size, 'x');
      FrameHeader header;
      header.length = static_cast<uint32_t>(what.size);
      event::UniqueFd descriptor(what.with_descriptor ? dup(1) : -1);
      failed = false;
      g_until_failure = allocation;
      try {
        queue.Push(
            header,
            absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                                text.size()),
            nullptr, 0, std::move(descriptor), false, kMaxPacket, true);
      } catch (const std::bad_alloc&) {
        failed = true;
        ++failures;
      }
      g_until_failure = -1;
      const Content content = TakeAll(&queue);
      const Content& wanted = failed ? before : after;
      EXPECT_EQ(content.bytes, wanted.bytes);
      EXPECT_EQ(content.frames, wanted.frames);
      EXPECT_EQ(content.descriptors, wanted.descriptors);
      EXPECT_EQ(content.text, wanted.text);
    }
  }
  EXPECT_GE(failures, 3) << "nothing was allocated";
}

TEST(OutputQueueTest, ASkippedPacketKeepsItsMemory) {
  OutputQueue queue;
  Push(&queue, 100, /*with_descriptor=*/true);
  Push(&queue, 10000, /*with_descriptor=*/false);
  Push(&queue, 100, /*with_descriptor=*/false);
  const uint8_t* const first = queue.front()->bytes().data();
  queue.Skip();
  EXPECT_EQ(queue.frames(), 2u);
  EXPECT_EQ(queue.descriptors(), 0u);
  queue.Skip();
  OutputQueue other;
  Push(&other, 100, /*with_descriptor=*/false);
  EXPECT_NE(other.front()->bytes().data(), first);
  TakeAll(&queue);
}

}  // namespace
}  // namespace transports
}  // namespace le
