/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_safeRef.h: safe references. A map gives numbers for pointers, to be handed to other
 * code or to another process. A number that is stale or invented is found out.
 *
 * A reference is odd and below 2^32. It is not used for another pointer, of any map of
 * the process, until 2^31 others have been given. Maps are not locked: threads that share
 * one need a mutex. Maps are never freed. Fatal in all functions: the map or the iterator
 * is NULL.
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
 * The second initialization of the same map returns it as it is. */
#define LE_REF_DEFINE_STATIC_MAP(name, maxRefs) \
  static le_ref_MapRef_t name##_le_ref_staticMap __attribute__((unused))
#define le_ref_InitStaticMap(name, maxRefs) \
  le_ref_InitStaticMap_(&name##_le_ref_staticMap, #name, (maxRefs))
/* For le_ref_InitStaticMap. */
le_ref_MapRef_t le_ref_InitStaticMap_(le_ref_MapRef_t* mapPtr, const char* name,
                                      size_t maxRefs);

/* Returns a new reference for the pointer. A pointer may have several. NULL has none: the
 * result is NULL. */
void* le_ref_CreateRef(le_ref_MapRef_t mapRef, void* ptr);

/* The pointer of a reference. NULL: the reference is none of this map, or was deleted. */
void* le_ref_Lookup(le_ref_MapRef_t mapRef, void* safeRef);

/* Deletes a reference. An error is logged if it is none of this map. */
void le_ref_DeleteRef(le_ref_MapRef_t mapRef, void* safeRef);

/* The map's iterator, which is put before the first reference. A map has one. While it is
 * used, references may be deleted, the present one too, and created. */
le_ref_IterRef_t le_ref_GetIterator(le_ref_MapRef_t mapRef);
/* Goes to the next reference. LE_NOT_FOUND: there is none. LE_FAULT: so it was at the
 * last call already. */
le_result_t le_ref_NextNode(le_ref_IterRef_t iteratorRef);
/* The reference at which the iterator stands, and its pointer. NULL: it is before the
 * first or behind the last one, or the reference has been deleted. */
const void* le_ref_GetSafeRef(le_ref_IterRef_t iteratorRef);
void* le_ref_GetValue(le_ref_IterRef_t iteratorRef);

/* No-op: there are no traces of maps. */
void le_ref_EnableTrace(le_ref_MapRef_t mapRef);

#ifdef __cplusplus
}
#endif

#endif /* LE_SAFEREF_H_INCLUDE_GUARD */
