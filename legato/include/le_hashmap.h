/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_hashmap.h: maps from keys to values. The program provides the functions
 * that hash and compare keys. A map stores only pointers: the program owns the
 * keys and values. The program must not change a key that is in a map.
 *
 * Maps are not locked: threads that share a map need a mutex. Maps are never
 * freed. Fatal in all functions: the map, the iterator or a function is NULL; a
 * C++ exception leaves a function of the program.
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

/* Return the hash of a key, and whether two keys are equal. */
typedef size_t (*le_hashmap_HashFunc_t)(const void* keyToHashPtr);
typedef bool (*le_hashmap_EqualsFunc_t)(const void* firstKeyPtr,
                                        const void* secondKeyPtr);
/* A function for le_hashmap_ForEach(). False ends the loop. */
typedef bool (*le_hashmap_ForEachHandler_t)(const void* keyPtr,
                                            const void* valuePtr,
                                            void* contextPtr);

/* Creates an empty map. It grows as needed, whatever the capacity is. */
le_hashmap_Ref_t le_hashmap_Create(const char* name, size_t capacity,
                                   le_hashmap_HashFunc_t hashFunc,
                                   le_hashmap_EqualsFunc_t equalsFunc);

/* A map that is declared at file scope, and created at run time. The second
 * initialization of the same map returns it unchanged. */
#define LE_HASHMAP_DEFINE_STATIC(name, capacity) \
  static le_hashmap_Ref_t name##_le_hashmap_static __attribute__((unused))
#define le_hashmap_InitStatic(name, capacity, hashFunc, equalsFunc)    \
  le_hashmap_InitStatic_(&name##_le_hashmap_static, #name, (capacity), \
                         (hashFunc), (equalsFunc))
/* Called by le_hashmap_InitStatic. */
le_hashmap_Ref_t le_hashmap_InitStatic_(le_hashmap_Ref_t* mapPtr,
                                        const char* name, size_t capacity,
                                        le_hashmap_HashFunc_t hashFunc,
                                        le_hashmap_EqualsFunc_t equalsFunc);

/* Puts a value. If the map has an equal key, the map keeps that key, the value
 * is replaced, and the result is the former value. Otherwise the result is
 * NULL. */
void* le_hashmap_Put(le_hashmap_Ref_t mapRef, const void* keyPtr,
                     const void* valuePtr);
/* The value of a key, and the key that was put. NULL: the map does not have the
 * key. */
void* le_hashmap_Get(le_hashmap_Ref_t mapRef, const void* keyPtr);
void* le_hashmap_GetStoredKey(le_hashmap_Ref_t mapRef, const void* keyPtr);
/* Removes a key. Returns its value. NULL: the map does not have the key. */
void* le_hashmap_Remove(le_hashmap_Ref_t mapRef, const void* keyPtr);
/* Removes all keys. */
void le_hashmap_RemoveAll(le_hashmap_Ref_t mapRef);

bool le_hashmap_ContainsKey(le_hashmap_Ref_t mapRef, const void* keyPtr);
bool le_hashmap_isEmpty(le_hashmap_Ref_t mapRef);
size_t le_hashmap_Size(le_hashmap_Ref_t mapRef);

/* Calls the function with each key and value. The function must not change the
 * map. Returns false if the function has ended the loop. */
bool le_hashmap_ForEach(le_hashmap_Ref_t mapRef,
                        le_hashmap_ForEachHandler_t forEachFn,
                        void* contextPtr);

/* Returns the map's iterator, and moves it before the first key. A map has one
 * iterator. During an iteration, the program may put keys, and may remove keys,
 * even the current key. */
le_hashmap_It_Ref_t le_hashmap_GetIterator(le_hashmap_Ref_t mapRef);
/* Move the iterator to the next key, or to the previous key. LE_NOT_FOUND:
 * there is none. The iterator is then after the last key, or before the first
 * key. */
le_result_t le_hashmap_NextNode(le_hashmap_It_Ref_t iteratorRef);
le_result_t le_hashmap_PrevNode(le_hashmap_It_Ref_t iteratorRef);
/* The key at the iterator's position, and its value. NULL: the position has no
 * key, or its key was removed. */
const void* le_hashmap_GetKey(le_hashmap_It_Ref_t iteratorRef);
void* le_hashmap_GetValue(le_hashmap_It_Ref_t iteratorRef);

/* Gets the first key and its value. firstValuePtr may be NULL.
 *   LE_NOT_FOUND      the map is empty
 *   LE_BAD_PARAMETER  firstKeyPtr is NULL */
le_result_t le_hashmap_GetFirstNode(le_hashmap_Ref_t mapRef, void** firstKeyPtr,
                                    void** firstValuePtr);
/* Gets the key after this key, and the value of the next key. nextValuePtr may
 * be NULL.
 *   LE_NOT_FOUND      this key is the last
 *   LE_BAD_PARAMETER  the map does not have this key, or nextKeyPtr is NULL */
le_result_t le_hashmap_GetNodeAfter(le_hashmap_Ref_t mapRef, const void* keyPtr,
                                    void** nextKeyPtr, void** nextValuePtr);

/* Returns the number of collisions in a table whose number of buckets is the
 * argument `capacity` of le_hashmap_Create(). A key collides if an earlier key
 * is in the same bucket. Calculates all hashes. */
size_t le_hashmap_CountCollisions(le_hashmap_Ref_t mapRef);
/* No-op: there are no traces of maps. */
void le_hashmap_MakeTraceable(le_hashmap_Ref_t mapRef);

/* Hash and comparison functions. The key is the address of a string, or the
 * address of a number. For "VoidPointer" the key is the pointer itself, not the
 * object at this address. Any thread, and the child of a fork. */
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

/* Defines functions Hash##type and Equals##type, for keys of a type without
 * padding. */
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
