/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_cdata.h: the data of a component. A process has one instance of the data.
 *
 *   LE_CDATA_DECLARE({int count; const char* name;});     once in a file
 *   LE_CDATA_THIS->count = 5;
 */

#ifndef LE_CDATA_H_INCLUDE_GUARD
#define LE_CDATA_H_INCLUDE_GUARD

/* The number of instances of the component in the process. */
#ifndef LE_CDATA_COMPONENT_COUNT
#define LE_CDATA_COMPONENT_COUNT 1
#endif
#if LE_CDATA_COMPONENT_COUNT != 1
#error "A process has one instance of each component."
#endif

/* Declares the data: the members of a structure, in braces. */
#define LE_CDATA_DECLARE(...) static struct __VA_ARGS__ leCdataInstance_

/* A pointer to the data. */
#define LE_CDATA_THIS (&leCdataInstance_)

#endif /* LE_CDATA_H_INCLUDE_GUARD */
