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
 * Pools are never freed. */
le_mem_PoolRef_t le_mem_CreatePool(const char* name, size_t objSize);

/* Adds this number of free objects. Returns the pool. */
le_mem_PoolRef_t le_mem_ExpandPool(le_mem_PoolRef_t pool, size_t numObjects);

/* The size of the pool's objects. */
size_t le_mem_GetObjectSize(le_mem_PoolRef_t pool);

/* The number of the pool's objects, free and in use. */
size_t le_mem_GetObjectCount(le_mem_PoolRef_t pool);

/* Copies the pool's name. LE_OVERFLOW: the buffer is too small, and the name
 * was truncated. Fatal: the buffer is NULL, or its size is 0. */
le_result_t le_mem_GetName(le_mem_PoolRef_t pool, char* namePtr,
                           size_t bufSize);

/* The object is about to return to its pool. The function may release other
 * objects. */
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

/* A pool that is declared at file scope and initialized at run time:
 *
 *   LE_MEM_DEFINE_STATIC_POOL(things, 10, sizeof(Thing_t));
 *   le_mem_PoolRef_t pool = le_mem_InitStaticPool(things, 10, sizeof(Thing_t));
 *
 * The second initialization of the same pool returns it unchanged. */
#define LE_MEM_DEFINE_STATIC_POOL(name, numBlocks, objSize) \
  static le_mem_PoolRef_t name##_le_mem_staticPool __attribute__((unused))
#define le_mem_InitStaticPool(name, numBlocks, objSize)    \
  le_mem_InitStaticPool_(&name##_le_mem_staticPool, #name, \
                         LE_MEM_BLOCKS(name, (numBlocks)), (objSize))
/* Called by le_mem_InitStaticPool. */
le_mem_PoolRef_t le_mem_InitStaticPool_(le_mem_PoolRef_t* poolPtr,
                                        const char* name, size_t numBlocks,
                                        size_t objSize);

/* The number of blocks of a pool. A build may define the macro
 * _mem_NAME_POOL_SIZE as ",NUMBER". Otherwise it is the default. */
#define LE_MEM_BLOCKS(name, def) \
  LE_DEFAULT(CAT(_mem_, CAT(name, _POOL_SIZE)), (def))

#ifdef __cplusplus
}
#endif

#endif /* LE_MEM_H_INCLUDE_GUARD */
