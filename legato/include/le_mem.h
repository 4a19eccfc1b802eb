/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_mem.h: pools of reference-counted objects of one size. Only the part of Legato's
 * API that local services need.
 *
 * Any thread.
 */

#ifndef LE_MEM_H_INCLUDE_GUARD
#define LE_MEM_H_INCLUDE_GUARD

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct le_mem_Pool* le_mem_PoolRef_t;

/* Creates an empty pool of objects of this size, in bytes. The name is copied. Pools are
 * never freed. */
le_mem_PoolRef_t le_mem_CreatePool(const char* name, size_t objSize);

/* Adds this number of free objects. Returns the pool. */
le_mem_PoolRef_t le_mem_ExpandPool(le_mem_PoolRef_t pool, size_t numObjects);

/* The size of the pool's objects. */
size_t le_mem_GetObjectSize(le_mem_PoolRef_t pool);

/* Returns an object with one reference. Its content is undefined. If no object is free,
 * the pool grows. Fatal: there is no memory. */
void* le_mem_ForceAlloc(le_mem_PoolRef_t pool);

/* Add and release a reference. With the last one the object goes back to its pool. */
void le_mem_AddRef(void* objPtr);
void le_mem_Release(void* objPtr);

/* A pool that is declared at file scope and initialized at run time:
 *
 *   LE_MEM_DEFINE_STATIC_POOL(things, 10, sizeof(Thing_t));
 *   le_mem_PoolRef_t pool = le_mem_InitStaticPool(things, 10, sizeof(Thing_t));
 */
#define LE_MEM_DEFINE_STATIC_POOL(name, numBlocks, objSize) \
  static le_mem_PoolRef_t name##_le_mem_staticPool
#define le_mem_InitStaticPool(name, numBlocks, objSize) \
  (name##_le_mem_staticPool =                           \
       le_mem_ExpandPool(le_mem_CreatePool(#name, (objSize)), (numBlocks)))

#ifdef __cplusplus
}
#endif

#endif /* LE_MEM_H_INCLUDE_GUARD */
