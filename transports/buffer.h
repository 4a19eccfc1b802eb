// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Payload buffers of one fixed capacity, recycled by a pool.
//
// A buffer keeps account of which of its bytes are known to be zero, so that
// handing out zero-filled memory costs what was dirtied and not the capacity,
// and so that nobody ever reads what an earlier user has left.

#ifndef LE_MESSAGING_TRANSPORTS_BUFFER_H_
#define LE_MESSAGING_TRANSPORTS_BUFFER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "event/base/thread_cached_free_list.h"

namespace le {
namespace transports {

class BufferPool;

// Bytes before those of a buffer, where a transport may write what it sends along
// with them: so it need not gather the two.
constexpr size_t kBufferHeadroomBytes = 16;

namespace internal {
// Header of each block; the bytes follow it. Both begin with a line of the cache:
// what is written with wide instructions and read at once by others is waited for
// if it lies across two.
struct alignas(64) BufferBlock {
  BufferPool* pool;
  BufferBlock* next_free;
  size_t clean_from;  // every byte from here to the capacity is zero
  size_t size;        // bytes in use
  void* memory;       // that it stands in
  uint8_t unused[8];
  uint8_t headroom[kBufferHeadroomBytes];
};
}  // namespace internal

// Owns one block of a pool, or nothing. Moves like a pointer. Not thread-safe.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      if (block_ != nullptr) reset();
      block_ = std::exchange(other.block_, nullptr);
    }
    return *this;
  }
  ~Buffer() {
    if (block_ != nullptr) reset();
  }

  explicit operator bool() const { return block_ != nullptr; }
  // At the beginning of a line of the cache: aligned for any type.
  uint8_t* data() const { return reinterpret_cast<uint8_t*>(block_ + 1); }
  uint8_t* headroom() const { return block_->headroom; }
  size_t capacity() const;
  // Bytes in use, from the front. Set by whoever fills the buffer.
  size_t size() const { return block_->size; }
  void set_size(size_t size) { block_->size = size; }

  // Holds a copy of these bytes, no more than the capacity, and is zero beyond.
  void Assign(const uint8_t* bytes, size_t size);

  // Whether keeping these bytes in this buffer would waste memory that is scarce:
  // they are few, and the pool has made many buffers. A smaller one will do then.
  bool IsTooLargeFor(size_t size) const;

  // Makes every byte from `from` on zero. Writes only what is not: reading is
  // cheaper, and mostly little was written.
  void ZeroFrom(size_t from) {
    if (from < block_->clean_from) Clean(from);
  }
  // Somebody may have written anywhere: nothing is known to be zero.
  void MarkDirty() { block_->clean_from = capacity(); }
  // Bytes from here on are known to be zero.
  size_t clean_from() const { return block_->clean_from; }
  // Every byte from `from` on is zero, the caller has seen to it.
  void MarkCleanFrom(size_t from) { block_->clean_from = from; }

  // Returns the block to its pool. Any thread.
  void reset();

 private:
  friend class BufferPool;
  explicit Buffer(internal::BufferBlock* block) : block_(block) {}
  void Clean(size_t from);
  internal::BufferBlock* block_ = nullptr;
};

// Length of `data` without the zero bytes at its end.
size_t LengthWithoutZeroTail(const uint8_t* data, size_t size);

// Thread-safe. Lives until both its owner and its last buffer are gone.
//
// A pool for one thread takes no lock there. Only that thread allocates; any puts
// back. Before it ends: DropOwner(), or let go of the pool.
class BufferPool {
 public:
  struct Deleter {
    void operator()(BufferPool* pool) const { pool->LetGo(); }
  };
  using Ptr = std::unique_ptr<BufferPool, Deleter>;

  // A pool of buffers of `capacity` bytes each; grows as it must.
  static Ptr Create(size_t capacity);
  // The same, for the calling thread above all. Takes what `source`, which
  // must outlive it, has left before it makes more.
  static Ptr CreateForThisThread(BufferPool* source);

  size_t capacity() const { return capacity_; }
  // Whether the calling thread owns it.
  bool IsOwner() const { return free_.IsOwner(); }
  // A buffer of size() 0. Its content is not defined before ZeroFrom() or
  // being written; what is beyond must be zeroed before a user sees it.
  Buffer Allocate();
  // Makes sure that `count` buffers exist.
  void Reserve(size_t count);
  // The owning thread ends, or has ended. From now on all threads use the pool
  // alike.
  void DropOwner();

  // Exact when no other thread uses the pool.
  size_t buffers_made() const;    // in all
  size_t buffers_in_use() const;  // of those, held by somebody

 private:
  friend class Buffer;
  BufferPool(size_t capacity, BufferPool* source);
  ~BufferPool();
  void Free(internal::BufferBlock* block);
  void LetGo();
  internal::BufferBlock* NewBlock();
  static void Delete(internal::BufferBlock* block);
  // Hands a free block over for good; null if there is none.
  internal::BufferBlock* GiveAway();

  const size_t capacity_;
  BufferPool* source_;  // null: the pool is nobody's in particular
  event::ThreadCachedFreeList<internal::BufferBlock> free_;
  std::atomic<size_t> made_{0};
  // Buffers taken less buffers put back: by the owning thread, and by all others.
  // Their sum is what is in use. kOwned in the second keeps it above 0 until the
  // pool is let go of, and then the second is the sum.
  static constexpr int64_t kOwned = int64_t{1} << 62;
  int64_t owner_balance_ = 0;
  std::atomic<int64_t> shared_balance_{kOwned};
};

inline size_t Buffer::capacity() const { return block_->pool->capacity(); }

// So many bytes of a pool's buffers may hold little each.
constexpr size_t kMaxSparseBytes = size_t{64} << 20;

inline bool Buffer::IsTooLargeFor(size_t size) const {
  return size < capacity() / 2 &&
         block_->pool->buffers_made() * capacity() > kMaxSparseBytes;
}

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_BUFFER_H_
