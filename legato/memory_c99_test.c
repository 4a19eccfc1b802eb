/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pools and the data of a component.
 */

#include <string.h>

#include "le_cdata.h"
#include "le_mem.h"
#include "le_test.h"
#include "legato/c99_test.h"

LE_CDATA_DECLARE({
  int destroyed;
  void* last;
});

static void OnDestroy(void* object) {
  ++LE_CDATA_THIS->destroyed;
  LE_CDATA_THIS->last = object;
}

/* Generated client code defines its pool in this way. */
LE_MEM_DEFINE_STATIC_POOL(Numbers, LE_CDATA_COMPONENT_COUNT, sizeof(int));

/* A build defines such a macro to set the number of objects of a pool. There is
 * no pool of the name "Sized": the test only expands the macro. */
#define _mem_Sized_POOL_SIZE , 7

void TestMemory(void) {
  le_mem_PoolRef_t pool =
      le_mem_InitStaticPool(Numbers, LE_CDATA_COMPONENT_COUNT, sizeof(int));
  char name[8];
  void* first;
  void* second;
  LE_TEST_OK(le_mem_InitStaticPool(Numbers, 1, sizeof(int)) == pool,
             "the same pool");
  LE_TEST_OK(LE_CONFIG_IS_ENABLED(LE_CONFIG_MEM_POOL_NAMES_ENABLED) &&
                 le_mem_FindPool("Numbers") == pool,
             "pools have names");
  LE_TEST_OK(le_mem_GetObjectCount(pool) == 1, "one object");
  LE_TEST_OK(LE_MEM_BLOCKS(Sized, 3) == 7 && LE_MEM_BLOCKS(Other, 3) == 3,
             "the size of a pool");
  LE_TEST_OK(le_mem_GetName(pool, name, sizeof(name)) == LE_OK &&
                 strcmp(name, "Numbers") == 0,
             "name");
  LE_TEST_OK(
      le_mem_GetName(pool, name, 4) == LE_OVERFLOW && strcmp(name, "Num") == 0,
      "cut");
  le_mem_SetDestructor(pool, OnDestroy);
  first = le_mem_AssertAlloc(pool);
  LE_TEST_OK(le_mem_TryAlloc(pool) == NULL, "no other");
  le_mem_SetNumObjsToForce(pool, 3);
  second = le_mem_Alloc(pool);
  LE_TEST_OK(le_mem_GetObjectCount(pool) == 4, "grown by three");
  LE_TEST_OK(*(int*)first == 0, "zero");
  *(int*)first = 1;
  le_mem_AddRef(first);
  LE_TEST_OK(le_mem_GetRefCount(first) == 2, "two references");
  le_mem_Release(first);
  LE_TEST_OK(LE_CDATA_THIS->destroyed == 0, "not destroyed yet");
  le_mem_Release(first);
  LE_TEST_OK(LE_CDATA_THIS->destroyed == 1 && LE_CDATA_THIS->last == first,
             "destroyed");
  le_mem_Release(second);
  second = le_mem_AssertAlloc(pool);
  first = le_mem_AssertAlloc(pool);
  LE_TEST_OK(*(int*)first == 0 && *(int*)second == 0, "zero again");
  le_mem_Release(first);
  le_mem_Release(second);
}

LE_MEM_DEFINE_STATIC_POOL_IN_SECTION(Elsewhere, 1, 8, ".mine");

void TestSubPools(void) {
  le_mem_PoolRef_t pool = le_mem_InitStaticPool(Elsewhere, 1, 8);
  le_mem_PoolRef_t strings = le_mem_CreatePool("Strings", 100);
  le_mem_PoolRef_t sub = le_mem_CreateSubPool(strings, "Sub", 2);
  le_mem_PoolRef_t reduced = le_mem_CreateReducedPool(sub, "Reduced", 1, 10);
  le_mem_PoolStats_t stats;
  void* small;
  void* large;
  char* copy;
  LE_TEST_OK(le_mem_FindPool("Sub") == sub && le_mem_FindPool("none") == NULL &&
                 le_mem_FindPool("Elsewhere") == pool,
             "found");
  LE_TEST_OK(le_mem_IsSubPool(sub) && !le_mem_IsSubPool(strings), "sub-pool");
  LE_TEST_OK(le_mem_CreateReducedPool(strings, "x", 1, 51) == strings,
             "not small enough");
  LE_TEST_OK(le_mem_GetObjectFullSize(reduced) > 10, "full size");
  small = le_mem_AssertVarAlloc(reduced, 10);
  LE_TEST_OK(le_mem_TryVarAlloc(reduced, 1) == NULL, "no other");
  large = le_mem_TryVarAlloc(reduced, 11);
  LE_TEST_OK(
      le_mem_GetBlockSize(small) == 10 && le_mem_GetBlockSize(large) == 100,
      "the larger block is of the parent pool");
  copy = le_mem_StrDup(reduced, "as long as this");
  LE_TEST_OK(strcmp(copy, "as long as this") == 0, "copy");
  le_mem_Release(copy);
  le_mem_Release(le_mem_VarAlloc(reduced, 0));
  le_mem_GetStats(reduced, &stats);
  LE_TEST_OK(stats.numBlocksInUse == 1 && stats.maxNumBlocksUsed == 2 &&
                 stats.numOverflows == 1 && stats.numAllocs == 2 &&
                 stats.numFree == 1,
             "statistics");
  le_mem_ResetStats(reduced);
  le_mem_GetStats(reduced, &stats);
  LE_TEST_OK(stats.maxNumBlocksUsed == 1 && stats.numOverflows == 0 &&
                 stats.numAllocs == 0,
             "reset");
  le_mem_Release(small);
  le_mem_Release(large);
  le_mem_DeleteSubPool(reduced);
  le_mem_DeleteSubPool(sub);
  LE_TEST_OK(le_mem_FindPool("Sub") == NULL, "deleted");
}

void TestLargerPools(void) {
  le_mem_PoolRef_t pool = le_mem_CreatePool("larger", 100);
  LE_TEST_OK(le_mem_GetObjectCount(pool) == 0, "none yet");
  LE_TEST_OK(le_mem_ExpandPool(pool, 2) == pool, "expanded");
  LE_TEST_OK(
      le_mem_GetObjectCount(pool) == 2 && le_mem_GetObjectSize(pool) == 100,
      "two");
  le_mem_Release(le_mem_ForceVarAlloc(pool, 100));
  LE_TEST_OK(le_mem_GetObjectCount(pool) == 2, "still two");
}
