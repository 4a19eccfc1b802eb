// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: pools of reference-counted objects.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
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
#include "event/user_code.h"
#include "le_mem.h"

using le::event::CallUser;
using le::event::CheckNotForked;
using le::event::Misuse;
using le::event::Mutex;
using le::event::MutexLock;
using le::event::Process;

struct le_mem_Pool {
  std::string name;
  size_t object_size = 0;
  std::atomic<le_mem_Destructor_t> destructor{nullptr};
  Mutex mutex;
  std::vector<void*> blocks ABSL_GUARDED_BY(mutex);  // free and in use
  std::vector<void*> free_blocks ABSL_GUARDED_BY(mutex);
  size_t grow_by ABSL_GUARDED_BY(mutex) = 1;
};

namespace {

// Precedes each object.
struct alignas(std::max_align_t) ObjectHeader {
  le_mem_Pool* pool;
  std::atomic<long> references;
};

// All pools. Frees their objects when the process ends, also those in use.
class Pools final : public le::event::ModuleState {
 public:
  ~Pools() override {
    for (const auto& pool : pools_) {
      MutexLock lock(&pool->mutex);
      for (void* block : pool->blocks) std::free(block);
    }
  }
  static Pools* OfCurrentProcess() {
    return Process::Current()->State<Pools>(
        [] { return std::make_unique<Pools>(); });
  }
  le_mem_Pool* Add(std::string name, size_t size) {
    MutexLock lock(&mutex_);
    return AddLocked(std::move(name), size);
  }
  // `made`: whether the pool was created by this call.
  le_mem_Pool* AddStatic(le_mem_PoolRef_t* pool, std::string name, size_t size,
                         bool* made) {
    MutexLock lock(&mutex_);
    // A simulated process may have the variable of an earlier one.
    *made = std::none_of(pools_.begin(), pools_.end(),
                         [pool](const auto& p) { return p.get() == *pool; });
    if (*made) *pool = AddLocked(std::move(name), size);
    return *pool;
  }

 private:
  le_mem_Pool* AddLocked(std::string name, size_t size)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    pools_.push_back(std::make_unique<le_mem_Pool>());
    pools_.back()->name = std::move(name);
    pools_.back()->object_size = size;
    return pools_.back().get();
  }

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

void AddFreeLocked(const char* function, le_mem_Pool* pool, size_t count)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(pool->mutex) {
  for (size_t i = 0; i < count; ++i) {
    pool->blocks.push_back(NewBlock(function, pool));
    pool->free_blocks.push_back(pool->blocks.back());
    // Under asan, no code may access an object before its allocation.
    le::event::Poison(static_cast<ObjectHeader*>(pool->blocks.back()) + 1,
                      pool->object_size);
  }
}

ObjectHeader* HeaderOf(const char* function, void* object) {
  CheckNotForked(function);
  if (object == nullptr) Misuse(function, "the object is NULL");
  return static_cast<ObjectHeader*>(object) - 1;
}

le_mem_Pool* Checked(const char* function, le_mem_PoolRef_t pool) {
  CheckNotForked(function);
  if (pool == nullptr) Misuse(function, "the pool is NULL");
  return pool;
}

// Null: no object is free, and the pool must not grow.
void* Allocate(const char* function, le_mem_PoolRef_t pool_ref, bool grows) {
  le_mem_Pool* const pool = Checked(function, pool_ref);
  void* block;
  {
    MutexLock lock(&pool->mutex);
    if (pool->free_blocks.empty() && grows) {
      AddFreeLocked(function, pool, pool->grow_by);
    }
    if (pool->free_blocks.empty()) return nullptr;
    block = pool->free_blocks.back();
    pool->free_blocks.pop_back();
  }
  auto* const header = new (block) ObjectHeader{pool, {1}};
  void* const object = header + 1;
  le::event::Unpoison(object, pool->object_size);
  // Legato's objects are zero-filled, and programs rely on it.
  std::memset(object, 0, pool->object_size);
  return object;
}

}  // namespace

le_mem_PoolRef_t le_mem_CreatePool(const char* name, size_t objSize) {
  CheckNotForked(__func__);
  return Pools::OfCurrentProcess()->Add(name == nullptr ? "" : name, objSize);
}

le_mem_PoolRef_t le_mem_InitStaticPool_(le_mem_PoolRef_t* poolPtr,
                                        const char* name, size_t numBlocks,
                                        size_t objSize) {
  static constexpr char kMacro[] = "le_mem_InitStaticPool";
  CheckNotForked(kMacro);
  bool made;
  le_mem_Pool* const pool =
      Pools::OfCurrentProcess()->AddStatic(poolPtr, name, objSize, &made);
  if (pool->object_size != objSize) {
    Misuse(kMacro, "pool '", name, "' has objects of ", pool->object_size,
           " bytes, not of ", objSize);
  }
  return made ? le_mem_ExpandPool(pool, numBlocks) : pool;
}

le_mem_PoolRef_t le_mem_ExpandPool(le_mem_PoolRef_t pool, size_t numObjects) {
  Checked(__func__, pool);
  MutexLock lock(&pool->mutex);
  AddFreeLocked(__func__, pool, numObjects);
  return pool;
}

size_t le_mem_GetObjectSize(le_mem_PoolRef_t pool) {
  return Checked(__func__, pool)->object_size;
}

size_t le_mem_GetObjectCount(le_mem_PoolRef_t pool) {
  Checked(__func__, pool);
  MutexLock lock(&pool->mutex);
  return pool->blocks.size();
}

le_result_t le_mem_GetName(le_mem_PoolRef_t pool, char* namePtr,
                           size_t bufSize) {
  const std::string& name = Checked(__func__, pool)->name;
  if (namePtr == nullptr || bufSize == 0) {
    Misuse(__func__, "there is no buffer");
  }
  const size_t size = name.copy(namePtr, bufSize - 1);
  namePtr[size] = '\0';
  return size == name.size() ? LE_OK : LE_OVERFLOW;
}

void le_mem_SetDestructor(le_mem_PoolRef_t pool,
                          le_mem_Destructor_t destructor) {
  Checked(__func__, pool)->destructor.store(destructor);
}

void le_mem_SetNumObjsToForce(le_mem_PoolRef_t pool, size_t numObjects) {
  Checked(__func__, pool);
  MutexLock lock(&pool->mutex);
  pool->grow_by = numObjects == 0 ? 1 : numObjects;
}

void* le_mem_ForceAlloc(le_mem_PoolRef_t pool) {
  return Allocate(__func__, pool, /*grows=*/true);
}

void* le_mem_TryAlloc(le_mem_PoolRef_t pool) {
  return Allocate(__func__, pool, /*grows=*/false);
}

void* le_mem_AssertAlloc(le_mem_PoolRef_t pool) {
  void* const object = Allocate(__func__, pool, /*grows=*/false);
  if (object == nullptr) {
    Misuse(__func__, "pool '", pool->name, "' has no free object");
  }
  return object;
}

void le_mem_AddRef(void* objPtr) {
  if (HeaderOf(__func__, objPtr)->references.fetch_add(1) <= 0) {
    Misuse(__func__, "the object has been released already");
  }
}

void le_mem_Release(void* objPtr) {
  ObjectHeader* const header = HeaderOf(__func__, objPtr);
  const long before = header->references.fetch_sub(1);
  if (before <= 0) Misuse(__func__, "the object has been released already");
  if (before > 1) return;
  le_mem_Pool* const pool = header->pool;
  if (const le_mem_Destructor_t destructor = pool->destructor.load()) {
    CallUser("the destructor of an object", [&] { destructor(objPtr); });
  }
  MutexLock lock(&pool->mutex);
  // Not poisoned: servers that ifgen generates read an object after its
  // release.
  pool->free_blocks.push_back(header);
}

size_t le_mem_GetRefCount(void* objPtr) {
  const long references = HeaderOf(__func__, objPtr)->references.load();
  return references < 0 ? 0 : static_cast<size_t>(references);
}
