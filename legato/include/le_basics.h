/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_basics.h: result codes and small macros that all headers use.
 */

#ifndef LE_BASICS_H_INCLUDE_GUARD
#define LE_BASICS_H_INCLUDE_GUARD

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The result of a call. The numbers are those of Legato. */
typedef enum {
  LE_OK = 0,                /* success */
  LE_NOT_FOUND = -1,        /* it does not exist */
  LE_NOT_POSSIBLE = -2,     /* it cannot be done */
  LE_OUT_OF_RANGE = -3,     /* an index or a value is outside its limits */
  LE_NO_MEMORY = -4,        /* out of memory, or a limit is reached */
  LE_NOT_PERMITTED = -5,    /* the caller has no permission */
  LE_FAULT = -6,            /* any other error */
  LE_COMM_ERROR = -7,       /* the far end cannot be reached */
  LE_TIMEOUT = -8,          /* the timeout has passed */
  LE_OVERFLOW = -9,         /* it does not fit */
  LE_UNDERFLOW = -10,       /* there is too little data */
  LE_WOULD_BLOCK = -11,     /* the call would have to wait */
  LE_DEADLOCK = -12,        /* the caller would wait for itself */
  LE_FORMAT_ERROR = -13,    /* the text has a syntax error */
  LE_DUPLICATE = -14,       /* it exists already */
  LE_BAD_PARAMETER = -15,   /* an argument is invalid */
  LE_CLOSED = -16,          /* the resource is closed */
  LE_BUSY = -17,            /* it is in use */
  LE_UNSUPPORTED = -18,     /* this system does not support it */
  LE_IO_ERROR = -19,        /* reading or writing failed */
  LE_NOT_IMPLEMENTED = -20, /* it is not implemented */
  LE_UNAVAILABLE = -21,     /* it is not available now */
  LE_TERMINATED = -22,      /* it was cancelled */
  LE_IN_PROGRESS = -23,     /* it has started and is not complete */
  LE_SUSPENDED = -24        /* it is suspended */
} le_result_t;

/* On or off. */
typedef enum { LE_OFF = 0, LE_ON = 1 } le_onoff_t;

/* The name of a result ("LE_OK"), for a log. Valid for ever. */
const char* le_result_Txt(le_result_t result);
#define LE_RESULT_TXT(result) le_result_Txt(result)

/* The number of members of an array. */
#define NUM_ARRAY_MEMBERS(array) (sizeof(array) / sizeof((array)[0]))

/* The object of this type whose member is at this address. */
#define CONTAINER_OF(memberPtr, type, member) \
  ((type*)(((uint8_t*)(memberPtr)) - offsetof(type, member)))

#ifdef __cplusplus
}
#endif

#endif /* LE_BASICS_H_INCLUDE_GUARD */
