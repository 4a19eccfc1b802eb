// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/buffer.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace le {
namespace transports {

static_assert(sizeof(internal::BufferBlock) % alignof(std::max_align_t) == 0,
              "the bytes that follow must be aligned for any type");

void Buffer::ZeroFrom(size_t from) {
  if (from < block_->clean_from) {
    std::memset(data() + from, 0, block_->clean_from - from);
    block_->clean_from = from;
  }
}

void Buffer::reset() {
  if (block_ == nullptr) return;
  internal::BufferBlock* const block = block_;
  block_ = nullptr;
  block->pool->Free(block);
}

size_t LengthWithoutZeroTail(const uint8_t* data, size_t size) {
  // Whole cache lines first, backwards: the loop is one that compilers turn
  // into wide instructions.
  constexpr size_t kLine = 256;
  while (size >= kLine) {
    uint64_t any = 0;
    const uint8_t* const line = data + size - kLine;
    for (size_t i = 0; i < kLine; i += sizeof(uint64_t)) {
      uint64_t word;
      std::memcpy(&word, line + i, sizeof(word));
      any |= word;
    }
    if (any != 0) break;
    size -= kLine;
  }
  while (size > 0 && data[size - 1] == 0) --size;
  return size;
}

BufferPool::Ptr BufferPool::Create(size_t capacity) {
  return Ptr(new BufferPool(capacity));
}

BufferPool::~BufferPool() {
  while (free_ != nullptr) {
    internal::BufferBlock* const next = free_->next_free;
    std::free(free_);
    free_ = next;
  }
}

internal::BufferBlock* BufferPool::NewBlock() {
  // calloc() gives zeroed pages without touching them.
  auto* const block = static_cast<internal::BufferBlock*>(
      std::calloc(1, sizeof(internal::BufferBlock) + capacity_));
  if (block == nullptr) throw std::bad_alloc();
  block->pool = this;
  return block;
}

Buffer BufferPool::Allocate() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ++in_use_;
    if (free_ != nullptr) {
      internal::BufferBlock* const block = free_;
      free_ = block->next_free;
      block->size = 0;
      return Buffer(block);
    }
    ++made_;
  }
  return Buffer(NewBlock());
}

void BufferPool::Free(internal::BufferBlock* block) {
  bool last;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    block->next_free = free_;
    free_ = block;
    --in_use_;
    last = in_use_ == 0 && !owned_;
  }
  if (last) delete this;
}

void BufferPool::Reserve(size_t count) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (; made_ < count; ++made_) {
    internal::BufferBlock* const block = NewBlock();
    block->next_free = free_;
    free_ = block;
  }
}

size_t BufferPool::buffers_made() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return made_;
}

size_t BufferPool::buffers_in_use() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return in_use_;
}

void BufferPool::Unref() {
  bool last;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    owned_ = false;
    last = in_use_ == 0;
  }
  if (last) delete this;
}

}  // namespace transports
}  // namespace le
