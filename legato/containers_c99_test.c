/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Safe references, lists and hash maps.
 */

#include <string.h>

#include "le_basics.h"
#include "le_doublyLinkedList.h"
#include "le_hashmap.h"
#include "le_mem.h"
#include "le_safeRef.h"
#include "le_singlyLinkedList.h"
#include "le_test.h"
#include "legato/c99_test.h"

/* ---- le_safeRef ---- */

LE_REF_DEFINE_STATIC_MAP(Things, LE_MEM_BLOCKS(Things, 3));

void TestSafeReferences(void) {
  static int things[3];
  le_ref_MapRef_t map = le_ref_InitStaticMap(Things, LE_MEM_BLOCKS(Things, 3));
  void* refs[3];
  le_ref_IterRef_t iterator;
  int i;
  int seen = 0;
  LE_TEST_OK(le_ref_InitStaticMap(Things, 3) == map, "the same map");
  for (i = 0; i < 3; ++i) refs[i] = le_ref_CreateRef(map, &things[i]);
  LE_TEST_OK(((uintptr_t)refs[0] & 1) == 1 && (uintptr_t)refs[0] <= UINT32_MAX,
             "a reference is odd and below 2^32");
  LE_TEST_OK(le_ref_CreateRef(map, NULL) == NULL, "NULL has no reference");
  le_ref_EnableTrace(map);
  LE_TEST_OK(le_ref_Lookup(map, refs[1]) == &things[1], "found");
  LE_TEST_OK(le_ref_Lookup(map, &things[1]) == NULL, "a pointer is not found");
  LE_TEST_OK(le_ref_Lookup(le_ref_CreateMap("other", 1), refs[1]) == NULL,
             "not found in another map");
  le_ref_DeleteRef(map, refs[1]);
  le_ref_DeleteRef(map, refs[1]);
  LE_TEST_OK(le_ref_Lookup(map, refs[1]) == NULL, "deleted");

  iterator = le_ref_GetIterator(map);
  LE_TEST_OK(le_ref_GetValue(iterator) == NULL, "before the first reference");
  while (le_ref_NextNode(iterator) == LE_OK) {
    /* The other two references are visited in the order of their creation. */
    i = seen == 0 ? 0 : 2;
    LE_TEST_OK(le_ref_GetSafeRef(iterator) == refs[i] &&
                   le_ref_GetValue(iterator) == &things[i],
               "at a reference");
    le_ref_DeleteRef(map, refs[i]);
    LE_TEST_OK(le_ref_GetSafeRef(iterator) == NULL &&
                   le_ref_GetValue(iterator) == NULL,
               "at a deleted reference");
    ++seen;
  }
  LE_TEST_OK(seen == 2, "both references were visited");
  LE_TEST_OK(le_ref_NextNode(iterator) == LE_FAULT,
             "behind the last reference");
}

/* ---- le_dls ---- */

typedef struct {
  int number;
  le_dls_Link_t link;
} Node_t;
static le_dls_List_t List = LE_DLS_LIST_DECL_INIT;

static bool IsLess(le_dls_Link_t* a, le_dls_Link_t* b) {
  return CONTAINER_OF(a, Node_t, link)->number <
         CONTAINER_OF(b, Node_t, link)->number;
}
/* Returns the numbers of the list, as the digits of a decimal number. */
static int Digits(void) {
  int digits = 0;
  Node_t* node;
  LE_DLS_FOREACH(&List, node, Node_t, link) {
    digits = digits * 10 + node->number;
  }
  return digits;
}

void TestLists(void) {
  Node_t nodes[5];
  int i;
  for (i = 0; i < 5; ++i) {
    nodes[i].number = i + 1;
    nodes[i].link = LE_DLS_LINK_INIT;
  }
  LE_TEST_OK(le_dls_IsEmpty(&List) && le_dls_Pop(&List) == NULL &&
                 le_dls_PopTail(&List) == NULL && le_dls_Peek(&List) == NULL &&
                 le_dls_PeekTail(&List) == NULL && le_dls_NumLinks(&List) == 0,
             "empty");
  le_dls_Queue(&List, &nodes[1].link);
  le_dls_Stack(&List, &nodes[0].link);
  le_dls_AddAfter(&List, &nodes[1].link, &nodes[3].link);
  le_dls_AddBefore(&List, &nodes[3].link, &nodes[2].link);
  le_dls_AddBefore(&List, &nodes[0].link, &nodes[4].link);
  LE_TEST_OK(Digits() == 51234, "in order");
  LE_TEST_OK(le_dls_NumLinks(&List) == 5 && !le_dls_IsListCorrupted(&List),
             "five links");
  LE_TEST_OK(le_dls_IsHead(&List, &nodes[4].link) &&
                 le_dls_IsTail(&List, &nodes[3].link),
             "head and tail");
  LE_TEST_OK(le_dls_PeekNext(&List, &nodes[4].link) == &nodes[0].link &&
                 le_dls_PeekPrev(&List, &nodes[0].link) == &nodes[4].link,
             "neighbours");
  LE_TEST_OK(le_dls_PeekNext(&List, &nodes[3].link) == NULL &&
                 le_dls_PeekPrev(&List, &nodes[4].link) == NULL,
             "no neighbours");
  le_dls_Sort(&List, IsLess);
  LE_TEST_OK(Digits() == 12345, "sorted");
  le_dls_Swap(&List, &nodes[0].link, &nodes[4].link);
  LE_TEST_OK(Digits() == 52341, "swapped");
  le_dls_Swap(&List, le_dls_Peek(&List),
              le_dls_PeekNext(&List, le_dls_Peek(&List)));
  LE_TEST_OK(Digits() == 25341, "swapped neighbours");
  le_dls_Swap(&List, le_dls_PeekNext(&List, le_dls_Peek(&List)),
              le_dls_Peek(&List));
  LE_TEST_OK(Digits() == 52341 && !le_dls_IsListCorrupted(&List),
             "swapped back");
  le_dls_Swap(&List, le_dls_Peek(&List), le_dls_Peek(&List));
  LE_TEST_OK(Digits() == 52341, "a link swapped with itself");
  le_dls_Remove(&List, &nodes[2].link);
  LE_TEST_OK(!le_dls_IsInList(&List, &nodes[2].link) &&
                 le_dls_IsInList(&List, &nodes[0].link),
             "removed");
  LE_TEST_OK(le_dls_Pop(&List) == &nodes[4].link &&
                 le_dls_PopTail(&List) == &nodes[0].link,
             "popped");
  LE_TEST_OK(Digits() == 24, "two links are left");
  List = LE_DLS_LIST_INIT;
}

/* ---- le_sls ---- */

typedef struct {
  int digit;
  le_sls_Link_t link;
} Single_t;

static le_sls_List_t Singles = LE_SLS_LIST_DECL_INIT;

static bool IsSmaller(le_sls_Link_t* a, le_sls_Link_t* b) {
  return CONTAINER_OF(a, Single_t, link)->digit <
         CONTAINER_OF(b, Single_t, link)->digit;
}

static int SingleDigits(void) {
  int number = 0;
  Single_t* single;
  LE_SLS_FOREACH(&Singles, single, Single_t, link) {
    number = number * 10 + single->digit;
  }
  return number;
}

void TestSingleLists(void) {
  Single_t nodes[4];
  int i;
  for (i = 0; i < 4; ++i) {
    nodes[i].digit = i + 1;
    nodes[i].link = LE_SLS_LINK_INIT;
  }
  Singles = LE_SLS_LIST_INIT;
  LE_TEST_OK(le_sls_IsEmpty(&Singles) && le_sls_Pop(&Singles) == NULL &&
                 le_sls_Peek(&Singles) == NULL &&
                 le_sls_PeekTail(&Singles) == NULL &&
                 !le_sls_IsListCorrupted(&Singles),
             "empty");
  le_sls_Queue(&Singles, &nodes[0].link);
  le_sls_AddAfter(&Singles, &nodes[0].link, &nodes[1].link);
  le_sls_Stack(&Singles, &nodes[2].link);
  le_sls_AddAfter(&Singles, NULL, &nodes[3].link);
  LE_TEST_OK(SingleDigits() == 4312, "in order");
  LE_TEST_OK(le_sls_NumLinks(&Singles) == 4 && !le_sls_IsEmpty(&Singles) &&
                 !le_sls_IsListCorrupted(&Singles),
             "four links");
  LE_TEST_OK(le_sls_IsHead(&Singles, &nodes[3].link) &&
                 le_sls_IsTail(&Singles, &nodes[1].link) &&
                 le_sls_Peek(&Singles) == &nodes[3].link &&
                 le_sls_PeekTail(&Singles) == &nodes[1].link &&
                 le_sls_PeekNext(&Singles, &nodes[1].link) == NULL,
             "ends");
  le_sls_Sort(&Singles, IsSmaller);
  LE_TEST_OK(SingleDigits() == 1234, "sorted");
  LE_TEST_OK(
      le_sls_RemoveAfter(&Singles, &nodes[3].link) == NULL &&
          le_sls_RemoveAfter(&Singles, &nodes[2].link) == &nodes[3].link &&
          le_sls_IsTail(&Singles, &nodes[2].link) &&
          !le_sls_IsInList(&Singles, &nodes[3].link),
      "the tail is removed");
  LE_TEST_OK(le_sls_RemoveAfter(&Singles, &nodes[0].link) == &nodes[1].link &&
                 le_sls_IsInList(&Singles, &nodes[2].link),
             "a middle link is removed");
  LE_TEST_OK(le_sls_Pop(&Singles) == &nodes[0].link &&
                 le_sls_Pop(&Singles) == &nodes[2].link &&
                 le_sls_IsEmpty(&Singles),
             "popped");
}

/* ---- le_hashmap ---- */

LE_HASHMAP_DEFINE_STATIC(Static, 3);
LE_HASHMAP_MAKE_HASH(uint16_t)

static bool Add(const void* key, const void* value, void* context) {
  *(int*)context += *(const int*)value;
  return strcmp(key, "stop") != 0;
}

void TestHashMaps(void) {
  le_hashmap_Ref_t map = le_hashmap_Create("map", 3, le_hashmap_HashString,
                                           le_hashmap_EqualsString);
  int one = 1, two = 2, three = 3, sum = 0;
  const char stored[] = "two";
  void* key = NULL;
  void* value = NULL;
  le_hashmap_It_Ref_t iterator;
  const uint32_t number32 = 5, equal32 = 5;
  const uint64_t number64 = 5, equal64 = 5;
  const uint16_t number16 = 5, equal16 = 5;
  LE_TEST_OK(le_hashmap_isEmpty(map) &&
                 le_hashmap_GetFirstNode(map, &key, NULL) == LE_NOT_FOUND,
             "empty");
  LE_TEST_OK(le_hashmap_Put(map, "one", &one) == NULL, "new");
  LE_TEST_OK(le_hashmap_Put(map, stored, &three) == NULL, "new");
  LE_TEST_OK(le_hashmap_Put(map, "two", &two) == &three, "replaced");
  LE_TEST_OK(le_hashmap_Get(map, "two") == &two &&
                 le_hashmap_GetStoredKey(map, "two") == stored &&
                 le_hashmap_Get(map, "four") == NULL &&
                 le_hashmap_GetStoredKey(map, "four") == NULL,
             "found");
  LE_TEST_OK(le_hashmap_Size(map) == 2 && le_hashmap_ContainsKey(map, "one") &&
                 !le_hashmap_ContainsKey(map, "four"),
             "two keys");
  LE_TEST_OK(le_hashmap_ForEach(map, Add, &sum) && sum == 3, "all keys");
  LE_TEST_OK(
      le_hashmap_GetFirstNode(map, &key, &value) == LE_OK && value == &one,
      "first");
  LE_TEST_OK(
      le_hashmap_GetNodeAfter(map, key, &key, &value) == LE_OK && value == &two,
      "second");
  LE_TEST_OK(le_hashmap_GetNodeAfter(map, key, &key, NULL) == LE_NOT_FOUND,
             "last");
  LE_TEST_OK(le_hashmap_GetNodeAfter(map, "?", &key, NULL) == LE_BAD_PARAMETER,
             "an unknown key");
  iterator = le_hashmap_GetIterator(map);
  LE_TEST_OK(le_hashmap_GetKey(iterator) == NULL, "before the first key");
  LE_TEST_OK(le_hashmap_NextNode(iterator) == LE_OK &&
                 le_hashmap_GetValue(iterator) == &one,
             "at the first key");
  LE_TEST_OK(le_hashmap_Remove(map, "one") == &one &&
                 le_hashmap_Remove(map, "one") == NULL &&
                 le_hashmap_GetValue(iterator) == NULL,
             "removed");
  le_hashmap_Put(map, "three", &three);
  LE_TEST_OK(le_hashmap_NextNode(iterator) == LE_OK &&
                 le_hashmap_NextNode(iterator) == LE_OK &&
                 le_hashmap_GetValue(iterator) == &three &&
                 le_hashmap_NextNode(iterator) == LE_NOT_FOUND,
             "forward to the end");
  LE_TEST_OK(le_hashmap_PrevNode(iterator) == LE_OK &&
                 le_hashmap_GetValue(iterator) == &three &&
                 le_hashmap_PrevNode(iterator) == LE_OK &&
                 le_hashmap_GetKey(iterator) == stored &&
                 le_hashmap_PrevNode(iterator) == LE_NOT_FOUND,
             "back to the beginning");
  iterator = le_hashmap_GetIterator(map);
  while (le_hashmap_NextNode(iterator) == LE_OK) {
  }
  le_hashmap_Put(map, "four", &one);
  LE_TEST_OK(le_hashmap_NextNode(iterator) == LE_NOT_FOUND &&
                 le_hashmap_PrevNode(iterator) == LE_OK &&
                 le_hashmap_GetValue(iterator) == &one,
             "back to a key that was put at the end");
  le_hashmap_RemoveAll(map);
  LE_TEST_OK(le_hashmap_isEmpty(map), "empty again");
  LE_TEST_OK(le_hashmap_CountCollisions(map) == 0, "no collision");
  {
    static const uint32_t keys[] = {0, 1, 2, 4};
    le_hashmap_Ref_t numbers = le_hashmap_Create(
        "numbers", 2, le_hashmap_HashUInt32, le_hashmap_EqualsUInt32);
    size_t i;
    for (i = 0; i < NUM_ARRAY_MEMBERS(keys); ++i) {
      le_hashmap_Put(numbers, &keys[i], &keys[i]);
    }
    LE_TEST_OK(le_hashmap_CountCollisions(numbers) == 2,
               "three keys in one bucket");
  }
  le_hashmap_MakeTraceable(map);

  LE_TEST_OK(
      le_hashmap_HashUInt32(&number32) == le_hashmap_HashUInt32(&equal32) &&
          le_hashmap_EqualsUInt32(&number32, &equal32),
      "keys of 32 bits");
  LE_TEST_OK(
      le_hashmap_HashUInt64(&number64) == le_hashmap_HashUInt64(&equal64) &&
          le_hashmap_EqualsUInt64(&number64, &equal64),
      "keys of 64 bits");
  LE_TEST_OK(Hashuint16_t(&number16) == Hashuint16_t(&equal16) &&
                 Equalsuint16_t(&number16, &equal16),
             "keys of a type of the user");
  map = le_hashmap_InitStatic(Static, 3, le_hashmap_HashVoidPointer,
                              le_hashmap_EqualsVoidPointer);
  LE_TEST_OK(le_hashmap_InitStatic(Static, 3, le_hashmap_HashVoidPointer,
                                   le_hashmap_EqualsVoidPointer) == map,
             "the same map");
  le_hashmap_Put(map, &one, &two);
  LE_TEST_OK(le_hashmap_Get(map, &one) == &two, "pointers");
}
