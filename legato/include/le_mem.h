/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_mem.h: pools of reference-counted objects of one size.
 *
 * Any thread. Fatal in all functions: the pool or the object is NULL.
 */

#ifndef LE_MEM_H_INCLUDE_GUARD
#define LE_MEM_H_INCLUDE_GUARD

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct le_mem_Pool* le_mem_PoolRef_t;

/* Creates an empty pool of objects of this size, in bytes. The name is copied.
 * The pool is never freed. */
le_mem_PoolRef_t le_mem_CreatePool(const char* name, size_t objSize);

/* Adds this number of free objects. Returns the pool. Fatal: there is no
 * memory. */
le_mem_PoolRef_t le_mem_ExpandPool(le_mem_PoolRef_t pool, size_t numObjects);

/* The size of the pool's objects. */
size_t le_mem_GetObjectSize(le_mem_PoolRef_t pool);

/* The number of the pool's objects, free and in use. */
size_t le_mem_GetObjectCount(le_mem_PoolRef_t pool);

/* Copies the pool's name. LE_OVERFLOW: the buffer is too small, and the name
 * was truncated. Fatal: the buffer is NULL, or its size is 0. */
le_result_t le_mem_GetName(le_mem_PoolRef_t pool, char* namePtr,
                           size_t bufSize);

/* A destructor of objects. le_mem_Release() calls it when the object has no
 * reference any more, before the object returns to its pool. The destructor may
 * release other objects. A C++ exception that leaves the destructor is fatal.
 */
typedef void (*le_mem_Destructor_t)(void* objPtr);
/* Sets the destructor of all objects of the pool. NULL: none. */
void le_mem_SetDestructor(le_mem_PoolRef_t pool,
                          le_mem_Destructor_t destructor);

/* Returns an object with one reference. Its bytes are 0. If no object is free,
 * the pool grows. Fatal: there is no memory. */
void* le_mem_ForceAlloc(le_mem_PoolRef_t pool);
#define le_mem_Alloc(pool) le_mem_ForceAlloc(pool)
/* As le_mem_ForceAlloc(), but the pool does not grow. NULL: no object is
 * free. */
void* le_mem_TryAlloc(le_mem_PoolRef_t pool);
/* As le_mem_ForceAlloc(), but the pool does not grow. Fatal: no object is
 * free. */
void* le_mem_AssertAlloc(le_mem_PoolRef_t pool);
/* Sets the number of objects by which the pool grows. The default is 1. */
void le_mem_SetNumObjsToForce(le_mem_PoolRef_t pool, size_t numObjects);

/* Add and release a reference. The last release calls the pool's destructor and
 * returns the object to its pool. The object's bytes do not change until it is
 * allocated again. Fatal: the object has been released already. */
void le_mem_AddRef(void* objPtr);
void le_mem_Release(void* objPtr);
/* The number of references. */
size_t le_mem_GetRefCount(void* objPtr);

/* Returns the pool of this name that was created first. NULL: there is none.
 * Fatal: a NULL name. */
le_mem_PoolRef_t le_mem_FindPool(const char* name);

/* Statistics of a pool, since its creation or the last reset. */
typedef struct {
  size_t numBlocksInUse;   /* objects in use now */
  size_t maxNumBlocksUsed; /* the highest numBlocksInUse so far */
  size_t numOverflows;     /* how often the pool has grown */
  uint64_t numAllocs;      /* allocated objects */
  size_t numFree;          /* free objects now */
} le_mem_PoolStats_t;
/* Fatal: statsPtr is NULL. */
void le_mem_GetStats(le_mem_PoolRef_t pool, le_mem_PoolStats_t* statsPtr);
void le_mem_ResetStats(le_mem_PoolRef_t pool);

/* Creates a sub-pool of superPool, with numObjects free objects. The sub-pool
 * has the object size and the destructor of superPool, but its own memory:
 * superPool does not change. Fatal: there is no memory. */
le_mem_PoolRef_t le_mem_CreateSubPool(le_mem_PoolRef_t superPool,
                                      const char* name, size_t numObjects);
/* As le_mem_CreateSubPool(), for objects of a smaller size. If objSize is more
 * than half of superPool's object size, no pool is created, and the result is
 * superPool. */
le_mem_PoolRef_t le_mem_CreateReducedPool(le_mem_PoolRef_t superPool,
                                          const char* name, size_t numObjects,
                                          size_t objSize);
/* Deletes a pool that le_mem_CreateSubPool() or le_mem_CreateReducedPool() has
 * created. Fatal:
 *  - Another function has created the pool.
 *  - An object of the pool is in use.
 *  - The pool has sub-pools. */
void le_mem_DeleteSubPool(le_mem_PoolRef_t subPool);
bool le_mem_IsSubPool(le_mem_PoolRef_t pool);

/* Allocate an object of at least this size. If the objects of a sub-pool are
 * too small, the object comes from the next super-pool whose objects are large
 * enough. Fatal: there is no such pool. In all other respects these functions
 * are like the functions without "Var". */
void* le_mem_ForceVarAlloc(le_mem_PoolRef_t pool, size_t size);
#define le_mem_VarAlloc(pool, size) le_mem_ForceVarAlloc((pool), (size))
void* le_mem_TryVarAlloc(le_mem_PoolRef_t pool, size_t size);
void* le_mem_AssertVarAlloc(le_mem_PoolRef_t pool, size_t size);
/* Returns a copy of the string. Allocates it as le_mem_ForceVarAlloc() does. */
char* le_mem_StrDup(le_mem_PoolRef_t pool, const char* srcStr);
/* le_mem_GetBlockSize() returns the size of the objects of this object's pool.
 * le_mem_GetObjectFullSize() returns the size of a pool's objects including the
 * bytes that the library adds to each. */
size_t le_mem_GetBlockSize(void* objPtr);
size_t le_mem_GetObjectFullSize(le_mem_PoolRef_t pool);

/* A pool that is declared at file scope and initialized at run time:
 *
 *   LE_MEM_DEFINE_STATIC_POOL(things, 10, sizeof(Thing_t));
 *   le_mem_PoolRef_t pool = le_mem_InitStaticPool(things, 10, sizeof(Thing_t));
 *
 * The second initialization of the same pool returns it unchanged. Fatal: the
 * pool has objects of another size; there is no memory. */
#define LE_MEM_DEFINE_STATIC_POOL(name, numBlocks, objSize) \
  static le_mem_PoolRef_t name##_le_mem_staticPool __attribute__((unused))
#define le_mem_InitStaticPool(name, numBlocks, objSize)    \
  le_mem_InitStaticPool_(&name##_le_mem_staticPool, #name, \
                         LE_MEM_BLOCKS(name, (numBlocks)), (objSize))
/* The section is ignored: static pools are allocated. */
#define LE_MEM_DEFINE_STATIC_POOL_IN_SECTION(name, numBlocks, objSize, \
                                             section)                  \
  LE_MEM_DEFINE_STATIC_POOL(name, numBlocks, objSize)
/* For le_mem_InitStaticPool. */
le_mem_PoolRef_t le_mem_InitStaticPool_(le_mem_PoolRef_t* poolPtr,
                                        const char* name, size_t numBlocks,
                                        size_t objSize);

/* The number of objects of a static pool. A build sets the number by defining
 * the macro _mem_NAME_POOL_SIZE as ",NUMBER". Otherwise the number is `def`. */
#define LE_MEM_BLOCKS(name, def) \
  LE_DEFAULT(CAT(_mem_, CAT(name, _POOL_SIZE)), (def))

#ifdef __cplusplus
}
#endif

#endif /* LE_MEM_H_INCLUDE_GUARD */
