// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Payload buffers of one fixed capacity, recycled by a pool.
//
// A buffer records which of its bytes are known to be zero. Zeroing it writes
// only the bytes that were used before, not the whole capacity. No user of a
// buffer reads the bytes of an earlier user.

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

// Bytes right before those of a buffer. A transport writes its header there, so
// that header and payload are one piece of memory.
constexpr size_t kBufferHeadroomBytes = 16;

namespace internal {
// Header of each block; the bytes follow it. Both begin at a cache line: a wide
// write across two lines would delay a read that follows at once.
struct alignas(64) BufferBlock {
  BufferPool* pool;
  BufferBlock* next_free;
  size_t clean_from;  // every byte from here to the capacity is zero
  size_t size;        // bytes in use
  void* memory;       // the allocation that contains this block
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
  // Begins at a cache line, so it is aligned for any type.
  uint8_t* data() const { return reinterpret_cast<uint8_t*>(block_ + 1); }
  uint8_t* headroom() const { return block_->headroom; }
  size_t capacity() const;
  // Bytes in use, from the front. The user that fills the buffer sets it.
  size_t size() const { return block_->size; }
  void set_size(size_t size) { block_->size = size; }

  // Copies `bytes`, at most the capacity, to the front, and zeroes the rest.
  void Assign(const uint8_t* bytes, size_t size);

  // Whether keeping `size` bytes in this buffer would waste scarce memory: they
  // fill less than half, and the pool has many buffers. Use a smaller buffer
  // then.
  bool IsTooLargeFor(size_t size) const;

  // Makes every byte from `from` on zero. Reads first and writes only up to the
  // last byte that is not zero: reading is cheaper, and usually few bytes were
  // used.
  void ZeroFrom(size_t from) {
    if (from < block_->clean_from) Clean(from);
  }
  // No byte is known to be zero any more: any may have been written.
  void MarkDirty() { block_->clean_from = capacity(); }
  // Every byte from here on is known to be zero.
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

// The length of `data` without the zero bytes at its end.
size_t LengthWithoutZeroTail(const uint8_t* data, size_t size);

// Thread-safe. Lives until both its Ptr and its last buffer are destroyed.
//
// A pool for one thread takes no lock on that thread. Only that thread may
// allocate; any thread may free. Before the thread ends, call DropOwner() or
// destroy the Ptr.
class BufferPool {
 public:
  struct Deleter {
    void operator()(BufferPool* pool) const { pool->LetGo(); }
  };
  using Ptr = std::unique_ptr<BufferPool, Deleter>;

  // A pool of buffers of `capacity` bytes each. It grows as needed.
  static Ptr Create(size_t capacity);
  // A pool for the calling thread, with the capacity of `source`. It takes free
  // buffers from `source` before it makes new ones. `source` must not be
  // destroyed before this pool, or before DropOwner() is called.
  static Ptr CreateForThisThread(BufferPool* source);

  size_t capacity() const { return capacity_; }
  // Whether the calling thread owns the pool.
  bool IsOwner() const { return free_.IsOwner(); }
  // Returns a buffer of size() 0. Its content is undefined until it is written
  // or zeroed. Bytes that are not written must be zeroed before a user sees
  // them.
  Buffer Allocate();
  // Makes sure that `count` buffers exist.
  void Reserve(size_t count);
  // Call when the owning thread ends or has ended. From now on the pool belongs
  // to no thread.
  void DropOwner();

  // Exact when no other thread uses the pool.
  size_t buffers_made() const;    // in use or free
  size_t buffers_in_use() const;  // allocated and not freed

 private:
  friend class Buffer;
  BufferPool(size_t capacity, BufferPool* source);
  ~BufferPool();
  void Free(internal::BufferBlock* block);
  void LetGo();
  internal::BufferBlock* NewBlock();
  static void Delete(internal::BufferBlock* block);
  // Gives a free block to another pool. Null if there is none.
  internal::BufferBlock* GiveAway();

  const size_t capacity_;
  BufferPool* source_;  // null: the pool belongs to no thread
  event::ThreadCachedFreeList<internal::BufferBlock> free_;
  std::atomic<size_t> made_{0};
  // Allocations minus frees: of the owning thread, and of all others. Their sum
  // is the number of buffers in use. kOwned keeps shared_balance_ above 0 until
  // the Ptr is destroyed; from then on owner_balance_ is 0.
  static constexpr int64_t kOwned = int64_t{1} << 62;
  int64_t owner_balance_ = 0;
  std::atomic<int64_t> shared_balance_{kOwned};
};

inline size_t Buffer::capacity() const { return block_->pool->capacity(); }

// While a pool's buffers are this many bytes or fewer, none is too large.
constexpr size_t kMaxSparseBytes = size_t{64} << 20;

inline bool Buffer::IsTooLargeFor(size_t size) const {
  return size < capacity() / 2 &&
         block_->pool->buffers_made() * capacity() > kMaxSparseBytes;
}

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_BUFFER_H_
