// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/buffer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "absl/base/optimization.h"
#include "event/base/asan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace le {
namespace transports {

static_assert(sizeof(internal::BufferBlock) % alignof(std::max_align_t) == 0,
              "the bytes that follow must be aligned for any type");
static_assert(offsetof(internal::BufferBlock, headroom) +
                      kBufferHeadroomBytes ==
                  sizeof(internal::BufferBlock),
              "the headroom must end where the bytes begin");

void Buffer::Assign(const uint8_t* bytes, size_t size) {
  if (size > 0) std::memcpy(data(), bytes, size);
  MarkCleanFrom(std::max(clean_from(), size));
  ZeroFrom(size);
  set_size(size);
}

void Buffer::Clean(size_t from) {
  std::memset(data() + from, 0,
              LengthWithoutZeroTail(data() + from, block_->clean_from - from));
  block_->clean_from = from;
}

void Buffer::reset() {
  if (block_ == nullptr) return;
  internal::BufferBlock* const block = block_;
  block_ = nullptr;
  block->pool->Free(block);
}

namespace {

// The number of bytes that are compared at once: a few cache lines.
constexpr size_t kStride = 256;

// Returns `size` without the trailing strides whose bytes are all zero.
// Compilers vectorize the inner loop.
inline size_t SkipZeroStrides(const uint8_t* data, size_t size) {
  while (size >= kStride) {
    uint64_t any = 0;
    const uint8_t* const stride = data + size - kStride;
    for (size_t i = 0; i < kStride; i += sizeof(uint64_t)) {
      uint64_t word;
      std::memcpy(&word, stride + i, sizeof(word));
      any |= word;
    }
    if (any != 0) break;
    size -= kStride;
  }
  return size;
}

#if defined(__x86_64__)
// Like SkipZeroStrides(), with registers of twice the width.
__attribute__((target("avx2"))) size_t SkipZeroStridesAvx2(const uint8_t* data,
                                                           size_t size) {
  while (size >= kStride) {
    const auto* const stride =
        reinterpret_cast<const __m256i_u*>(data + size - kStride);
    __m256i any = _mm256_loadu_si256(stride);
    for (size_t i = 1; i < kStride / sizeof(__m256i); ++i) {
      any = _mm256_or_si256(any, _mm256_loadu_si256(stride + i));
    }
    if (_mm256_testz_si256(any, any) == 0) break;
    size -= kStride;
  }
  return size;
}

const bool g_has_avx2 = __builtin_cpu_supports("avx2") != 0;
#endif

}  // namespace

size_t LengthWithoutZeroTail(const uint8_t* data, size_t size) {
#if defined(__x86_64__)
  size = g_has_avx2 ? SkipZeroStridesAvx2(data, size)
                    : SkipZeroStrides(data, size);
#else
  size = SkipZeroStrides(data, size);
#endif
  while (size >= sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, data + size - sizeof(word), sizeof(word));
    if (word != 0) break;
    size -= sizeof(word);
  }
  while (size > 0 && data[size - 1] == 0) --size;
  return size;
}

BufferPool::Ptr BufferPool::Create(size_t capacity) {
  return Ptr(new BufferPool(capacity, nullptr));
}

BufferPool::Ptr BufferPool::CreateForThisThread(BufferPool* source) {
  return Ptr(new BufferPool(source->capacity(), source));
}

BufferPool::BufferPool(size_t capacity, BufferPool* source)
    : capacity_(capacity),
      source_(source),
      free_(source != nullptr),
      had_owner_(source != nullptr),
      kept_(capacity == 0 ? SIZE_MAX : kMaxSparseBytes / capacity) {}

BufferPool::~BufferPool() {
  while (internal::BufferBlock* const block = free_.Take()) Delete(block);
}

internal::BufferBlock* BufferPool::NewBlock() {
  // For large blocks calloc() returns zeroed pages without touching them.
  constexpr size_t kAlignment = alignof(internal::BufferBlock);
  size_t room = sizeof(internal::BufferBlock) + capacity_ + kAlignment;
  void* const memory = std::calloc(1, room);
  if (memory == nullptr) throw std::bad_alloc();
  void* aligned = memory;
  std::align(kAlignment, room - kAlignment, aligned, room);
  auto* const block = static_cast<internal::BufferBlock*>(aligned);
  block->memory = memory;
  // The rest of the allocation, after the buffer's data, must not be used.
  uint8_t* const end = reinterpret_cast<uint8_t*>(block + 1) + capacity_;
  event::Poison(
      end, static_cast<size_t>(static_cast<uint8_t*>(memory) + sizeof(*block) +
                               capacity_ + kAlignment - end));
  made_.fetch_add(1, std::memory_order_relaxed);
  return block;
}

void BufferPool::Delete(internal::BufferBlock* block) {
  std::free(block->memory);
}

internal::BufferBlock* BufferPool::GiveAway() {
  internal::BufferBlock* const block = free_.Take();
  if (block != nullptr) made_.fetch_sub(1, std::memory_order_relaxed);
  return block;
}

Buffer BufferPool::Allocate() {
  internal::BufferBlock* block = free_.Take();
  if (ABSL_PREDICT_FALSE(block == nullptr)) {
    if (source_ != nullptr) block = source_->GiveAway();
    if (block != nullptr) {
      made_.fetch_add(1, std::memory_order_relaxed);
    } else {
      block = NewBlock();
    }
    block->pool = this;
  }
  if (free_.IsOwner()) {
    ++owner_balance_;
  } else {
    shared_balance_.fetch_add(1, std::memory_order_relaxed);
  }
  block->size = 0;
  return Buffer(block);
}

void BufferPool::Free(internal::BufferBlock* block) {
  const bool is_owner = free_.IsOwner();
  // Under AddressSanitizer no buffer is kept, so that it detects a use after
  // free.
  if (event::kAsan || HasEnoughFree(is_owner)) {
    made_.fetch_sub(1, std::memory_order_relaxed);
    Delete(block);
  } else {
    free_.PutBack(block);
  }
  if (is_owner) {
    --owner_balance_;
    return;
  }
  if (shared_balance_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

// buffers_in_use() reads owner_balance_, and only the owner may read it. So for
// a pool that had an owner, the result on any other thread is false.
bool BufferPool::HasEnoughFree(bool is_owner) const {
  const size_t kept = kept_.load(std::memory_order_relaxed);
  if (buffers_made() <= kept || (had_owner_ && !is_owner)) return false;
  return buffers_made() >= buffers_in_use() + kept;
}

void BufferPool::DropOwner() {
  free_.DropOwner();
  shared_balance_.fetch_add(owner_balance_, std::memory_order_relaxed);
  owner_balance_ = 0;
  source_ = nullptr;
}

void BufferPool::LetGo() {
  DropOwner();
  if (shared_balance_.fetch_sub(kOwned, std::memory_order_acq_rel) == kOwned) {
    delete this;
  }
}

void BufferPool::Reserve(size_t count) {
  if (kept_.load(std::memory_order_relaxed) < count) kept_ = count;
  while (buffers_made() < count) {
    internal::BufferBlock* const block = NewBlock();
    block->pool = this;
    free_.PutBack(block);
  }
}

size_t BufferPool::buffers_made() const {
  return made_.load(std::memory_order_relaxed);
}

size_t BufferPool::buffers_in_use() const {
  return static_cast<size_t>(shared_balance_.load(std::memory_order_relaxed) -
                             kOwned + owner_balance_);
}

}  // namespace transports
}  // namespace le
