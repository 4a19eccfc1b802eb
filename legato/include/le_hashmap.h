/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_hashmap.h: maps from keys to values, by functions that hash and compare keys. A map
 * holds pointers: keys and values belong to the user, and must stay as they are while
 * they are in a map.
 *
 * Maps are not locked: threads that share one need a mutex. Maps are never freed. Fatal in
 * all functions: the map, the iterator or a function is NULL.
 */

#ifndef LE_HASHMAP_H_INCLUDE_GUARD
#define LE_HASHMAP_H_INCLUDE_GUARD

#include <string.h>

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct le_hashmap* le_hashmap_Ref_t;
typedef struct le_hashmap_It* le_hashmap_It_Ref_t;

/* The hash of a key; whether two keys are equal. */
typedef size_t (*le_hashmap_HashFunc_t)(const void* keyToHashPtr);
typedef bool (*le_hashmap_EqualsFunc_t)(const void* firstKeyPtr,
                                        const void* secondKeyPtr);
/* For le_hashmap_ForEach(). False ends the loop. */
typedef bool (*le_hashmap_ForEachHandler_t)(const void* keyPtr,
                                            const void* valuePtr,
                                            void* contextPtr);

/* Creates an empty map. It grows as needed, whatever the capacity is. */
le_hashmap_Ref_t le_hashmap_Create(const char* name, size_t capacity,
                                   le_hashmap_HashFunc_t hashFunc,
                                   le_hashmap_EqualsFunc_t equalsFunc);

/* A map that is declared at file scope, and created at run time. The second initialization
 * of the same map returns it as it is. */
#define LE_HASHMAP_DEFINE_STATIC(name, capacity) \
  static le_hashmap_Ref_t name##_le_hashmap_static __attribute__((unused))
#define le_hashmap_InitStatic(name, capacity, hashFunc, equalsFunc)    \
  le_hashmap_InitStatic_(&name##_le_hashmap_static, #name, (capacity), \
                         (hashFunc), (equalsFunc))
/* For le_hashmap_InitStatic. */
le_hashmap_Ref_t le_hashmap_InitStatic_(le_hashmap_Ref_t* mapPtr,
                                        const char* name, size_t capacity,
                                        le_hashmap_HashFunc_t hashFunc,
                                        le_hashmap_EqualsFunc_t equalsFunc);

/* Puts a value. If the map has an equal key, that key stays, and its value is replaced and
 * returned. Else NULL. */
void* le_hashmap_Put(le_hashmap_Ref_t mapRef, const void* keyPtr,
                     const void* valuePtr);
/* The value of a key, and the key as it was put. NULL: there is none. */
void* le_hashmap_Get(le_hashmap_Ref_t mapRef, const void* keyPtr);
void* le_hashmap_GetStoredKey(le_hashmap_Ref_t mapRef, const void* keyPtr);
/* Removes a key. Returns its value. NULL: there is none. */
void* le_hashmap_Remove(le_hashmap_Ref_t mapRef, const void* keyPtr);
/* Removes all keys. */
void le_hashmap_RemoveAll(le_hashmap_Ref_t mapRef);

bool le_hashmap_ContainsKey(le_hashmap_Ref_t mapRef, const void* keyPtr);
bool le_hashmap_isEmpty(le_hashmap_Ref_t mapRef);
size_t le_hashmap_Size(le_hashmap_Ref_t mapRef);

/* Calls the function with each key and value. It must not change the map. False: the
 * function has ended it. */
bool le_hashmap_ForEach(le_hashmap_Ref_t mapRef,
                        le_hashmap_ForEachHandler_t forEachFn,
                        void* contextPtr);

/* The map's iterator, which is put before the first key. A map has one. While it is used,
 * keys may be put and removed, the present one too. */
le_hashmap_It_Ref_t le_hashmap_GetIterator(le_hashmap_Ref_t mapRef);
/* Go to the next or the former key. LE_NOT_FOUND: there is none; the iterator is behind
 * the last, or before the first key. */
le_result_t le_hashmap_NextNode(le_hashmap_It_Ref_t iteratorRef);
le_result_t le_hashmap_PrevNode(le_hashmap_It_Ref_t iteratorRef);
/* The key at which the iterator stands, and its value. NULL: it stands at none, or the key
 * has been removed. */
const void* le_hashmap_GetKey(le_hashmap_It_Ref_t iteratorRef);
void* le_hashmap_GetValue(le_hashmap_It_Ref_t iteratorRef);

/* The first key and its value. The value's pointer may be NULL. LE_NOT_FOUND: the map is
 * empty. LE_BAD_PARAMETER: the key's pointer is NULL. */
le_result_t le_hashmap_GetFirstNode(le_hashmap_Ref_t mapRef, void** firstKeyPtr,
                                    void** firstValuePtr);
/* The key behind that one, and its value. LE_NOT_FOUND: it is the last. LE_BAD_PARAMETER:
 * the map does not have the key, or the next key's pointer is NULL. */
le_result_t le_hashmap_GetNodeAfter(le_hashmap_Ref_t mapRef, const void* keyPtr,
                                    void** nextKeyPtr, void** nextValuePtr);

/* The number of keys whose hash another key that was put before has too. Calculates all
 * hashes. */
size_t le_hashmap_CountCollisions(le_hashmap_Ref_t mapRef);
/* No-op: there are no traces of maps. */
void le_hashmap_MakeTraceable(le_hashmap_Ref_t mapRef);

/* Functions for keys that are strings; numbers, by their address; pointers themselves. Any
 * thread, and the child of a fork. */
size_t le_hashmap_HashString(const void* stringToHashPtr);
bool le_hashmap_EqualsString(const void* firstStringPtr,
                             const void* secondStringPtr);
size_t le_hashmap_HashUInt32(const void* intToHashPtr);
bool le_hashmap_EqualsUInt32(const void* firstIntPtr, const void* secondIntPtr);
size_t le_hashmap_HashUInt64(const void* intToHashPtr);
bool le_hashmap_EqualsUInt64(const void* firstIntPtr, const void* secondIntPtr);
size_t le_hashmap_HashVoidPointer(const void* voidToHashPtr);
bool le_hashmap_EqualsVoidPointer(const void* firstVoidPtr,
                                  const void* secondVoidPtr);

/* Defines functions Hash##type and Equals##type for keys of a type without padding. */
#define LE_HASHMAP_MAKE_HASH(type)                                      \
  static size_t Hash##type(const void* key) {                           \
    const unsigned char* const bytes = (const unsigned char*)key;       \
    size_t hash = 0;                                                    \
    size_t at;                                                          \
    for (at = 0; at < sizeof(type); ++at) hash = hash * 31 + bytes[at]; \
    return hash;                                                        \
  }                                                                     \
  static bool Equals##type(const void* first, const void* second) {     \
    return memcmp(first, second, sizeof(type)) == 0;                    \
  }

#ifdef __cplusplus
}
#endif

#endif /* LE_HASHMAP_H_INCLUDE_GUARD */
