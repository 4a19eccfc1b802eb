// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Payload buffers. A pool recycles buffers of one fixed capacity.
//
// A buffer records which of its bytes are known to be zero. So zeroing a buffer
// writes only bytes that an earlier user wrote, not the whole capacity. No user
// of a buffer reads the bytes of an earlier user.

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

// The number of free bytes directly before a buffer's data. A transport writes
// its header there, so that header and payload are one piece of memory.
constexpr size_t kBufferHeadroomBytes = 16;

namespace internal {
// The header of a block. The buffer's data follow it. Header and data each
// begin at a cache line: a read directly after a wide write would be delayed if
// the write crossed two cache lines.
struct alignas(64) BufferBlock {
  BufferPool* pool;
  BufferBlock* next_free;
  size_t clean_from;  // all bytes from this index on are zero
  size_t size;        // bytes in use
  void* memory;       // the allocation that contains this block
  uint8_t unused[8];
  uint8_t headroom[kBufferHeadroomBytes];
};
}  // namespace internal

// Owns one block of a pool, or nothing. Moving a Buffer only moves the pointer
// to the block. Not thread-safe.
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
  // The data begin at a cache line, so they are aligned for any type.
  uint8_t* data() const { return reinterpret_cast<uint8_t*>(block_ + 1); }
  uint8_t* headroom() const { return block_->headroom; }
  size_t capacity() const;
  // The number of bytes in use, from the front. The code that fills the buffer
  // sets this number.
  size_t size() const { return block_->size; }
  void set_size(size_t size) { block_->size = size; }

  // Copies `bytes`, at most the capacity, to the front, and zeroes the rest.
  void Assign(const uint8_t* bytes, size_t size);

  // Whether the pool has so many buffers that memory may become scarce.
  bool IsOfLargePool() const;
  // Whether the caller should keep `size` bytes in a smaller buffer than this
  // one: they fill less than half of this buffer, and its pool is large.
  bool IsTooLargeFor(size_t size) const {
    return size < capacity() / 2 && IsOfLargePool();
  }

  // Makes every byte from `from` on zero. First reads the bytes, then writes
  // only up to the last byte that is not zero. Reading is faster than writing,
  // and usually few bytes were used.
  void ZeroFrom(size_t from) {
    if (from < block_->clean_from) Clean(from);
  }
  // Call it if any byte may have been written. No byte counts as zero any more.
  void MarkDirty() { block_->clean_from = capacity(); }
  // Every byte from this index on is known to be zero.
  size_t clean_from() const { return block_->clean_from; }
  // The caller guarantees that every byte from `from` on is zero.
  void MarkCleanFrom(size_t from) { block_->clean_from = from; }

  // Returns the block to its pool. Any thread.
  void reset();

 private:
  friend class BufferPool;
  explicit Buffer(internal::BufferBlock* block) : block_(block) {}
  void Clean(size_t from);
  internal::BufferBlock* block_ = nullptr;
};

// The length of `data` without its trailing zero bytes.
size_t LengthWithoutZeroTail(const uint8_t* data, size_t size);

// Makes and recycles buffers. Thread-safe. A pool lives until both its Ptr and
// its last buffer are destroyed. A pool keeps up to 64 MiB of free buffers, or
// as many as Reserve() has made. Further buffers are destroyed when they are
// freed.
//
// A pool may belong to one thread, its owner. To allocate or free a buffer, the
// owner takes a lock only when its own list of free buffers is empty. Only the
// owner may allocate buffers of the pool; any thread may free them. The pool
// keeps each buffer that another thread frees, because the other thread cannot
// count the free buffers. The owner calls DropOwner() or destroys the Ptr.
// After the owner has ended, any thread may do so.
class BufferPool {
 public:
  struct Deleter {
    void operator()(BufferPool* pool) const { pool->LetGo(); }
  };
  using Ptr = std::unique_ptr<BufferPool, Deleter>;

  // Creates a pool without an owner. Its buffers have `capacity` bytes each. It
  // grows as needed.
  static Ptr Create(size_t capacity);
  // Creates a pool that belongs to the calling thread and has the capacity of
  // `source`. It takes free buffers from `source` before it makes new ones.
  // `source` must live until this pool is destroyed or DropOwner() is called.
  static Ptr CreateForThisThread(BufferPool* source);

  size_t capacity() const { return capacity_; }
  // Whether the calling thread owns the pool.
  bool IsOwner() const { return free_.IsOwner(); }
  // Returns a buffer of size() 0. Its content is undefined. Before a user sees
  // the buffer, the caller must write or zero every byte.
  Buffer Allocate();
  // Makes new buffers until the pool has at least `count`.
  void Reserve(size_t count);
  // Removes the pool's owner. The owner may call it. After the owner has ended,
  // any thread may call it.
  void DropOwner();

  // These numbers are exact while no other thread uses the pool.
  size_t buffers_made() const;    // in use or free
  size_t buffers_in_use() const;  // allocated and not freed

 private:
  friend class Buffer;
  BufferPool(size_t capacity, BufferPool* source);
  ~BufferPool();
  void Free(internal::BufferBlock* block);
  bool HasEnoughFree(bool is_owner) const;
  void LetGo();
  internal::BufferBlock* NewBlock();
  static void Delete(internal::BufferBlock* block);
  // Removes a free block and returns it, for another pool. Null if no block is
  // free.
  internal::BufferBlock* GiveAway();

  const size_t capacity_;
  BufferPool* source_;  // null if the pool has no owner
  event::ThreadCachedFreeList<internal::BufferBlock> free_;
  const bool had_owner_;
  std::atomic<size_t> kept_;  // the most free buffers that the pool keeps
  std::atomic<size_t> made_{0};
  // Allocations minus frees. owner_balance_ counts those of the owner, and
  // shared_balance_ those of all other threads. The sum, without kOwned, is the
  // number of buffers in use. kOwned keeps shared_balance_ above 0 until the
  // Ptr is destroyed; from then on owner_balance_ is 0.
  static constexpr int64_t kOwned = int64_t{1} << 62;
  int64_t owner_balance_ = 0;
  std::atomic<int64_t> shared_balance_{kOwned};
};

inline size_t Buffer::capacity() const { return block_->pool->capacity(); }

// A pool is large if its buffers have more bytes than this in all.
constexpr size_t kMaxSparseBytes = size_t{64} << 20;

inline bool Buffer::IsOfLargePool() const {
  return block_->pool->buffers_made() * capacity() > kMaxSparseBytes;
}

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_BUFFER_H_
