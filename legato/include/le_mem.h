/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_mem.h: pools of counted objects of one size; as much of it as local services need.
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

/* An empty pool of objects of that size, in bytes. The name is copied. Pools live as
 * long as the process. */
le_mem_PoolRef_t le_mem_CreatePool(const char* name, size_t objSize);

/* Makes that many objects ready. Returns the pool. */
le_mem_PoolRef_t le_mem_ExpandPool(le_mem_PoolRef_t pool, size_t numObjects);

/* The size of the pool's objects. */
size_t le_mem_GetObjectSize(le_mem_PoolRef_t pool);

/* An object with one reference, its content undefined; the pool grows if it must.
 * Without memory: fatal. */
void* le_mem_ForceAlloc(le_mem_PoolRef_t pool);

/* One reference more, or less; the last one gives the object back to its pool. */
void le_mem_AddRef(void* objPtr);
void le_mem_Release(void* objPtr);

/* A pool that is declared at file scope, and set up at run time:
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
