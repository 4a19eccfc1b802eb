/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_safeRef.h: safe references. A map assigns numbers to pointers. The program
 * can give a number to other code or to another process. A stale or invented
 * number is detected.
 *
 * A reference is odd and below 2^32. The maps of a process use these 2^31
 * numbers in turn. So a number is used again only after all other numbers. Maps
 * are not locked: threads that share a map need a mutex. Maps are never freed.
 * Fatal in all functions: the map or the iterator is NULL.
 */

#ifndef LE_SAFEREF_H_INCLUDE_GUARD
#define LE_SAFEREF_H_INCLUDE_GUARD

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct le_ref_Map* le_ref_MapRef_t;
typedef struct le_ref_Iter* le_ref_IterRef_t;

/* Creates an empty map. It grows as needed, whatever maxRefs is. */
le_ref_MapRef_t le_ref_CreateMap(const char* name, size_t maxRefs);

/* A map that is declared at file scope, and created at run time:
 *
 *   LE_REF_DEFINE_STATIC_MAP(Things, 10);
 *   le_ref_MapRef_t map = le_ref_InitStaticMap(Things, 10);
 *
 * The second initialization of the same map returns it unchanged. */
#define LE_REF_DEFINE_STATIC_MAP(name, maxRefs) \
  static le_ref_MapRef_t name##_le_ref_staticMap __attribute__((unused))
#define le_ref_InitStaticMap(name, maxRefs) \
  le_ref_InitStaticMap_(&name##_le_ref_staticMap, #name, (maxRefs))
/* Called by le_ref_InitStaticMap. */
le_ref_MapRef_t le_ref_InitStaticMap_(le_ref_MapRef_t* mapPtr, const char* name,
                                      size_t maxRefs);

/* Returns a new reference for the pointer. A pointer may have several
 * references. NULL: the pointer is NULL. */
void* le_ref_CreateRef(le_ref_MapRef_t mapRef, void* ptr);

/* The pointer of a reference. NULL: the map does not have the reference. */
void* le_ref_Lookup(le_ref_MapRef_t mapRef, void* safeRef);

/* Deletes a reference. If the map does not have the reference, an error is
 * logged. */
void le_ref_DeleteRef(le_ref_MapRef_t mapRef, void* safeRef);

/* Returns the map's iterator, and moves it before the first reference. A map
 * has one iterator. During an iteration, the program may create references, and
 * may delete references, even the current one. */
le_ref_IterRef_t le_ref_GetIterator(le_ref_MapRef_t mapRef);
/* Moves the iterator to the next reference.
 *   LE_NOT_FOUND  there is none, and the iterator is now past the end
 *   LE_FAULT      the iterator was already past the end */
le_result_t le_ref_NextNode(le_ref_IterRef_t iteratorRef);
/* The reference at the iterator's position, and its pointer. NULL: the position
 * has no reference, or its reference was deleted. */
const void* le_ref_GetSafeRef(le_ref_IterRef_t iteratorRef);
void* le_ref_GetValue(le_ref_IterRef_t iteratorRef);

/* No-op: there are no traces of maps. */
void le_ref_EnableTrace(le_ref_MapRef_t mapRef);

#ifdef __cplusplus
}
#endif

#endif /* LE_SAFEREF_H_INCLUDE_GUARD */
