/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_basics.h: results, and small things that everything uses.
 */

#ifndef LE_BASICS_H_INCLUDE_GUARD
#define LE_BASICS_H_INCLUDE_GUARD

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What came of a call. The numbers are those of Legato. */
typedef enum {
  LE_OK = 0,                /* it is done */
  LE_NOT_FOUND = -1,        /* what was asked for is not there */
  LE_NOT_POSSIBLE = -2,     /* it cannot be done, now or ever */
  LE_OUT_OF_RANGE = -3,     /* an index or a value beyond its limits */
  LE_NO_MEMORY = -4,        /* out of memory, or at a limit */
  LE_NOT_PERMITTED = -5,    /* the caller may not do this */
  LE_FAULT = -6,            /* something went wrong that has no better name */
  LE_COMM_ERROR = -7,       /* nobody to talk to */
  LE_TIMEOUT = -8,          /* out of time */
  LE_OVERFLOW = -9,         /* it did not fit */
  LE_UNDERFLOW = -10,       /* there was too little */
  LE_WOULD_BLOCK = -11,     /* it would have to wait */
  LE_DEADLOCK = -12,        /* it would wait for itself */
  LE_FORMAT_ERROR = -13,    /* a text that cannot be understood */
  LE_DUPLICATE = -14,       /* it is there already */
  LE_BAD_PARAMETER = -15,   /* an argument that makes no sense */
  LE_CLOSED = -16,          /* the resource is closed */
  LE_BUSY = -17,            /* it is in use */
  LE_UNSUPPORTED = -18,     /* this system does not have it */
  LE_IO_ERROR = -19,        /* reading or writing failed */
  LE_NOT_IMPLEMENTED = -20, /* nobody has written it */
  LE_UNAVAILABLE = -21,     /* not there for now */
  LE_TERMINATED = -22,      /* it was ended */
  LE_IN_PROGRESS = -23,     /* it is under way */
  LE_SUSPENDED = -24        /* it stands still */
} le_result_t;

/* On or off. */
typedef enum { LE_OFF = 0, LE_ON = 1 } le_onoff_t;

/* The name of a result ("LE_OK"), for a log. Valid for ever. */
const char* le_result_Txt(le_result_t result);
#define LE_RESULT_TXT(result) le_result_Txt(result)

/* Members of an array. */
#define NUM_ARRAY_MEMBERS(array) (sizeof(array) / sizeof((array)[0]))

/* The object of a type that has this member at this address. */
#define CONTAINER_OF(memberPtr, type, member) \
  ((type*)(((uint8_t*)(memberPtr)) - offsetof(type, member)))

#ifdef __cplusplus
}
#endif

#endif /* LE_BASICS_H_INCLUDE_GUARD */
