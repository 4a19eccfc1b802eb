// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: pools of counted objects.

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "event/base/asan.h"
#include "event/base/log.h"
#include "event/base/mutex.h"
#include "event/os_process.h"
#include "event/process.h"
#include "le_mem.h"

using le::event::CheckNotForked;
using le::event::Misuse;
using le::event::Mutex;
using le::event::MutexLock;
using le::event::Process;

struct le_mem_Pool {
  std::string name;
  size_t object_size = 0;
  Mutex mutex;
  std::vector<void*> free_blocks ABSL_GUARDED_BY(mutex);
};

namespace {

// Stands before each object.
struct alignas(std::max_align_t) ObjectHeader {
  le_mem_Pool* pool;
  std::atomic<long> references;
};

// Every pool, so that none of them is a leak.
class Pools final : public le::event::ModuleState {
 public:
  ~Pools() override {
    for (const auto& pool : pools_) {
      MutexLock lock(&pool->mutex);
      for (void* block : pool->free_blocks) std::free(block);
    }
  }
  le_mem_Pool* Add(std::string name, size_t size) {
    MutexLock lock(&mutex_);
    pools_.push_back(std::make_unique<le_mem_Pool>());
    pools_.back()->name = std::move(name);
    pools_.back()->object_size = size;
    return pools_.back().get();
  }

 private:
  Mutex mutex_;
  std::vector<std::unique_ptr<le_mem_Pool>> pools_ ABSL_GUARDED_BY(mutex_);
};

void* NewBlock(const char* function, le_mem_Pool* pool) {
  void* const block = std::malloc(sizeof(ObjectHeader) + pool->object_size);
  if (block == nullptr) {
    Misuse(function, "no memory left for pool '", pool->name, "'");
  }
  return block;
}

// Under asan: a free object's bytes are nobody's.
void PoisonObject(const le_mem_Pool* pool, void* block) {
  le::event::Poison(static_cast<ObjectHeader*>(block) + 1, pool->object_size);
}

ObjectHeader* HeaderOf(const char* function, void* object) {
  if (object == nullptr) Misuse(function, "the object is NULL");
  return static_cast<ObjectHeader*>(object) - 1;
}

}  // namespace

le_mem_PoolRef_t le_mem_CreatePool(const char* name, size_t objSize) {
  CheckNotForked(__func__);
  return Process::Current()
      ->State<Pools>([] { return std::make_unique<Pools>(); })
      ->Add(name == nullptr ? "" : name, objSize);
}

le_mem_PoolRef_t le_mem_ExpandPool(le_mem_PoolRef_t pool, size_t numObjects) {
  CheckNotForked(__func__);
  if (pool == nullptr) Misuse(__func__, "the pool is NULL");
  MutexLock lock(&pool->mutex);
  for (size_t i = 0; i < numObjects; ++i) {
    pool->free_blocks.push_back(NewBlock(__func__, pool));
    PoisonObject(pool, pool->free_blocks.back());
  }
  return pool;
}

size_t le_mem_GetObjectSize(le_mem_PoolRef_t pool) {
  CheckNotForked(__func__);
  if (pool == nullptr) Misuse(__func__, "the pool is NULL");
  return pool->object_size;
}

void* le_mem_ForceAlloc(le_mem_PoolRef_t pool) {
  CheckNotForked(__func__);
  if (pool == nullptr) Misuse(__func__, "the pool is NULL");
  void* block = nullptr;
  {
    MutexLock lock(&pool->mutex);
    if (!pool->free_blocks.empty()) {
      block = pool->free_blocks.back();
      pool->free_blocks.pop_back();
    }
  }
  if (block == nullptr) block = NewBlock(__func__, pool);
  auto* const header = new (block) ObjectHeader{pool, {1}};
  le::event::Unpoison(header + 1, pool->object_size);
  return header + 1;
}

void le_mem_AddRef(void* objPtr) {
  CheckNotForked(__func__);
  HeaderOf(__func__, objPtr)->references.fetch_add(1);
}

void le_mem_Release(void* objPtr) {
  CheckNotForked(__func__);
  ObjectHeader* const header = HeaderOf(__func__, objPtr);
  const long before = header->references.fetch_sub(1);
  if (before <= 0) Misuse(__func__, "the object has been released already");
  if (before > 1) return;
  le_mem_Pool* const pool = header->pool;
  MutexLock lock(&pool->mutex);
  PoisonObject(pool, header);
  pool->free_blocks.push_back(header);
}
