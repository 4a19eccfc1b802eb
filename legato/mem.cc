// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: pools of reference-counted objects.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "event/base/asan.h"
#include "event/base/log.h"
#include "event/base/mutex.h"
#include "event/os_process.h"
#include "event/user_code.h"
#include "le_mem.h"
#include "legato/registry.h"

using le::event::CallUser;
using le::event::CheckNotForked;
using le::event::Misuse;
using le::event::Mutex;
using le::event::MutexLock;

namespace {

// Precedes each object.
struct alignas(std::max_align_t) ObjectHeader {
  explicit ObjectHeader(le_mem_Pool* of) : pool(of) {}

  le_mem_Pool* const pool;
  std::atomic<long> references{0};
  ObjectHeader* next = nullptr;       // in the list of the pool's objects
  ObjectHeader* next_free = nullptr;  // in the list of its free objects
};

}  // namespace

// The lists need no memory of their own, so a release cannot fail.
struct le_mem_Pool {
  le_mem_Pool(std::string n, size_t size, le_mem_Pool* from)
      : name(std::move(n)), object_size(size), super_pool(from) {}
  ~le_mem_Pool() {
    MutexLock lock(&mutex);
    while (objects != nullptr) std::free(std::exchange(objects, objects->next));
  }

  const std::string name;
  const size_t object_size;
  le_mem_Pool* const super_pool;  // null: this is not a sub-pool
  std::atomic<le_mem_Destructor_t> destructor{nullptr};
  Mutex mutex;
  ObjectHeader* objects ABSL_GUARDED_BY(mutex) = nullptr;  // free or in use
  size_t num_objects ABSL_GUARDED_BY(mutex) = 0;
  ObjectHeader* free_objects ABSL_GUARDED_BY(mutex) = nullptr;
  size_t num_free ABSL_GUARDED_BY(mutex) = 0;
  size_t grow_by ABSL_GUARDED_BY(mutex) = 1;
  // Counts since the creation, or since the last reset.
  uint64_t allocations ABSL_GUARDED_BY(mutex) = 0;
  size_t overflows ABSL_GUARDED_BY(mutex) = 0;
  size_t max_in_use ABSL_GUARDED_BY(mutex) = 0;

  size_t InUseLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return num_objects - num_free;
  }
  void PutFreeLocked(ObjectHeader* object)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    object->next_free = std::exchange(free_objects, object);
    ++num_free;
  }
  // Null: no object is free.
  ObjectHeader* TakeFreeLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (free_objects == nullptr) return nullptr;
    --num_free;
    ++allocations;
    max_in_use = std::max(max_in_use, InUseLocked());
    return std::exchange(free_objects, free_objects->next_free);
  }
};

namespace {

// When a simulated process ends, the pools are destroyed, even if some of their
// objects are still in use.
using Pools = le::legato::Registry<le_mem_Pool>;

std::unique_ptr<le_mem_Pool> NewPool(const char* name, size_t size,
                                     le_mem_Pool* super_pool = nullptr) {
  return std::make_unique<le_mem_Pool>(name == nullptr ? "" : name, size,
                                       super_pool);
}

// Call it without the pool's mutex: Misuse() calls exit(), and an exit handler
// may use the pool.
[[noreturn]] void NoMemory(const char* function, absl::string_view pool) {
  Misuse(function, "no memory left for pool '", pool, "'");
}

// False: the memory was not enough for all objects. Some may have been added.
bool AddFreeLocked(le_mem_Pool* pool, size_t count)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(pool->mutex) {
  if (pool->object_size > SIZE_MAX - sizeof(ObjectHeader)) return count == 0;
  for (size_t i = 0; i < count; ++i) {
    void* const block = std::malloc(sizeof(ObjectHeader) + pool->object_size);
    if (block == nullptr) return false;
    auto* const object = new (block) ObjectHeader(pool);
    object->next = std::exchange(pool->objects, object);
    ++pool->num_objects;
    pool->PutFreeLocked(object);
    // Under asan, an access before Allocate() returns the object is an error.
    le::event::Poison(object + 1, pool->object_size);
  }
  return true;
}

bool Expand(le_mem_Pool* pool, size_t count) {
  MutexLock lock(&pool->mutex);
  return AddFreeLocked(pool, count);
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
  ObjectHeader* header;
  {
    MutexLock lock(&pool->mutex);
    if (pool->free_objects == nullptr && grows) {
      AddFreeLocked(pool, pool->grow_by);
      ++pool->overflows;
    }
    header = pool->TakeFreeLocked();
  }
  if (header == nullptr) {
    if (grows) NoMemory(function, pool->name);
    return nullptr;
  }
  header->references = 1;
  void* const object = header + 1;
  le::event::Unpoison(object, pool->object_size);
  // Legato's objects are zero-filled, and programs rely on it.
  std::memset(object, 0, pool->object_size);
  return object;
}

[[noreturn]] void NoFreeObject(const char* function, const le_mem_Pool* pool) {
  Misuse(function, "pool '", pool->name, "' has no free object");
}

// Returns the pool if its objects have at least this size. Otherwise returns
// the next super-pool whose objects are large enough. Fatal if there is none.
le_mem_Pool* LargeEnough(const char* function, le_mem_PoolRef_t pool,
                         size_t size) {
  le_mem_Pool* at = Checked(function, pool);
  while (at != nullptr && at->object_size < size) at = at->super_pool;
  if (at == nullptr) {
    Misuse(function, "pool '", pool->name, "' has no objects of at least ",
           size, " bytes");
  }
  return at;
}

}  // namespace

le_mem_PoolRef_t le_mem_CreatePool(const char* name, size_t objSize) {
  CheckNotForked(__func__);
  return Pools::OfCurrentProcess()->Add(NewPool(name, objSize));
}

le_mem_PoolRef_t le_mem_InitStaticPool_(le_mem_PoolRef_t* poolPtr,
                                        const char* name, size_t numBlocks,
                                        size_t objSize) {
  static constexpr char kMacro[] = "le_mem_InitStaticPool";
  CheckNotForked(kMacro);
  le_mem_Pool* const pool = Pools::OfCurrentProcess()->AddStatic(
      poolPtr, [=]() -> std::unique_ptr<le_mem_Pool> {
        auto made = NewPool(name, objSize);
        return Expand(made.get(), numBlocks) ? std::move(made) : nullptr;
      });
  if (pool == nullptr) NoMemory(kMacro, name);
  if (pool->object_size != objSize) {
    Misuse(kMacro, "pool '", name, "' has objects of ", pool->object_size,
           " bytes, not of ", objSize);
  }
  return pool;
}

le_mem_PoolRef_t le_mem_ExpandPool(le_mem_PoolRef_t pool, size_t numObjects) {
  if (!Expand(Checked(__func__, pool), numObjects)) {
    NoMemory(__func__, pool->name);
  }
  return pool;
}

size_t le_mem_GetObjectSize(le_mem_PoolRef_t pool) {
  return Checked(__func__, pool)->object_size;
}

size_t le_mem_GetObjectCount(le_mem_PoolRef_t pool) {
  Checked(__func__, pool);
  MutexLock lock(&pool->mutex);
  return pool->num_objects;
}

le_result_t le_mem_GetName(le_mem_PoolRef_t pool, char* namePtr,
                           size_t bufSize) {
  const std::string& name = Checked(__func__, pool)->name;
  if (namePtr == nullptr || bufSize == 0) {
    Misuse(__func__, "the buffer is NULL, or its size is 0");
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

le_mem_PoolRef_t le_mem_FindPool(const char* name) {
  CheckNotForked(__func__);
  if (name == nullptr) Misuse(__func__, "the name is NULL");
  return Pools::OfCurrentProcess()->FindIf(
      [name](const le_mem_Pool& pool) { return pool.name == name; });
}

void le_mem_GetStats(le_mem_PoolRef_t pool, le_mem_PoolStats_t* statsPtr) {
  Checked(__func__, pool);
  if (statsPtr == nullptr) Misuse(__func__, "the result's pointer is NULL");
  MutexLock lock(&pool->mutex);
  statsPtr->numBlocksInUse = pool->InUseLocked();
  statsPtr->maxNumBlocksUsed = pool->max_in_use;
  statsPtr->numOverflows = pool->overflows;
  statsPtr->numAllocs = pool->allocations;
  statsPtr->numFree = pool->num_free;
}

void le_mem_ResetStats(le_mem_PoolRef_t pool) {
  Checked(__func__, pool);
  MutexLock lock(&pool->mutex);
  pool->max_in_use = pool->InUseLocked();
  pool->overflows = 0;
  pool->allocations = 0;
}

le_mem_PoolRef_t le_mem_CreateSubPool(le_mem_PoolRef_t superPool,
                                      const char* name, size_t numObjects) {
  Checked(__func__, superPool);
  le_mem_Pool* const pool = Pools::OfCurrentProcess()->Add(
      NewPool(name, superPool->object_size, superPool));
  pool->destructor.store(superPool->destructor.load());
  return le_mem_ExpandPool(pool, numObjects);
}

le_mem_PoolRef_t le_mem_CreateReducedPool(le_mem_PoolRef_t superPool,
                                          const char* name, size_t numObjects,
                                          size_t objSize) {
  Checked(__func__, superPool);
  if (objSize > superPool->object_size / 2) return superPool;
  le_mem_Pool* const pool =
      Pools::OfCurrentProcess()->Add(NewPool(name, objSize, superPool));
  pool->destructor.store(superPool->destructor.load());
  return le_mem_ExpandPool(pool, numObjects);
}

void le_mem_DeleteSubPool(le_mem_PoolRef_t subPool) {
  Checked(__func__, subPool);
  if (subPool->super_pool == nullptr) {
    Misuse(__func__, "pool '", subPool->name, "' is not a sub-pool");
  }
  Pools* const pools = Pools::OfCurrentProcess();
  const bool is_super = pools->FindIf([subPool](const le_mem_Pool& pool) {
    return pool.super_pool == subPool;
  }) != nullptr;
  size_t in_use;
  {
    MutexLock lock(&subPool->mutex);
    in_use = subPool->InUseLocked();
  }
  if (in_use != 0 || is_super) {
    Misuse(__func__, "pool '", subPool->name, "' is in use");
  }
  pools->Remove(subPool);
}

bool le_mem_IsSubPool(le_mem_PoolRef_t pool) {
  return Checked(__func__, pool)->super_pool != nullptr;
}

size_t le_mem_GetObjectFullSize(le_mem_PoolRef_t pool) {
  return sizeof(ObjectHeader) + Checked(__func__, pool)->object_size;
}

size_t le_mem_GetBlockSize(void* objPtr) {
  return HeaderOf(__func__, objPtr)->pool->object_size;
}

void* le_mem_ForceVarAlloc(le_mem_PoolRef_t pool, size_t size) {
  return Allocate(__func__, LargeEnough(__func__, pool, size), /*grows=*/true);
}

void* le_mem_TryVarAlloc(le_mem_PoolRef_t pool, size_t size) {
  return Allocate(__func__, LargeEnough(__func__, pool, size), /*grows=*/false);
}

void* le_mem_AssertVarAlloc(le_mem_PoolRef_t pool, size_t size) {
  le_mem_Pool* const found = LargeEnough(__func__, pool, size);
  void* const object = Allocate(__func__, found, /*grows=*/false);
  if (object == nullptr) NoFreeObject(__func__, found);
  return object;
}

char* le_mem_StrDup(le_mem_PoolRef_t pool, const char* srcStr) {
  Checked(__func__, pool);
  if (srcStr == nullptr) Misuse(__func__, "the string is NULL");
  const size_t size = std::strlen(srcStr) + 1;
  void* const copy =
      Allocate(__func__, LargeEnough(__func__, pool, size), /*grows=*/true);
  return static_cast<char*>(std::memcpy(copy, srcStr, size));
}

void* le_mem_ForceAlloc(le_mem_PoolRef_t pool) {
  return Allocate(__func__, pool, /*grows=*/true);
}

void* le_mem_TryAlloc(le_mem_PoolRef_t pool) {
  return Allocate(__func__, pool, /*grows=*/false);
}

void* le_mem_AssertAlloc(le_mem_PoolRef_t pool) {
  void* const object = Allocate(__func__, pool, /*grows=*/false);
  if (object == nullptr) NoFreeObject(__func__, pool);
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
  // The object is not poisoned, because servers that ifgen generates read an
  // object after its release.
  pool->PutFreeLocked(header);
}

size_t le_mem_GetRefCount(void* objPtr) {
  const long references = HeaderOf(__func__, objPtr)->references.load();
  return references < 0 ? 0 : static_cast<size_t>(references);
}
