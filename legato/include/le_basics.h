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
  LE_NOT_FOUND = -1,        /* the object does not exist */
  LE_NOT_POSSIBLE = -2,     /* the operation cannot be done */
  LE_OUT_OF_RANGE = -3,     /* an index or a value is outside its limits */
  LE_NO_MEMORY = -4,        /* out of memory, or a limit is reached */
  LE_NOT_PERMITTED = -5,    /* the caller has no permission */
  LE_FAULT = -6,            /* any other error */
  LE_COMM_ERROR = -7,       /* the far end cannot be reached */
  LE_TIMEOUT = -8,          /* the timeout has passed */
  LE_OVERFLOW = -9,         /* the data does not fit */
  LE_UNDERFLOW = -10,       /* there is too little data */
  LE_WOULD_BLOCK = -11,     /* the call would have to wait */
  LE_DEADLOCK = -12,        /* the caller would wait for itself */
  LE_FORMAT_ERROR = -13,    /* the text has a syntax error */
  LE_DUPLICATE = -14,       /* the object exists already */
  LE_BAD_PARAMETER = -15,   /* an argument is invalid */
  LE_CLOSED = -16,          /* the resource is closed */
  LE_BUSY = -17,            /* the resource is in use */
  LE_UNSUPPORTED = -18,     /* this system does not support the operation */
  LE_IO_ERROR = -19,        /* reading or writing failed */
  LE_NOT_IMPLEMENTED = -20, /* the operation is not implemented */
  LE_UNAVAILABLE = -21,     /* the resource is not available now */
  LE_TERMINATED = -22,      /* the operation was cancelled */
  LE_IN_PROGRESS = -23,     /* the operation has started, but not ended */
  LE_SUSPENDED = -24        /* the operation is suspended */
} le_result_t;

/* A state: on or off. */
typedef enum { LE_OFF = 0, LE_ON = 1 } le_onoff_t;

/* The name of a result ("LE_OK"), for a log. Valid for the life of the process.
 * Any thread, and the child of a fork. */
const char* le_result_Txt(le_result_t result);
#define LE_RESULT_TXT(result) le_result_Txt(result)
#define _le_log_GetResultCodeString(result) le_result_Txt(result) /* old name */

/* ---- The platform. Code for Legato tests these macros. ---- */

/* The platform is Linux, so every function exists. Legato marks functions that
 * small systems lack with LE_FULL_API. */
#define LE_CONFIG_LINUX 1
#define LE_FULL_API
/* Pools have names: le_mem_FindPool() finds them. */
#define LE_CONFIG_MEM_POOL_NAMES_ENABLED 1
/* Whether a build option is defined as 1. An undefined option is false. */
#define LE_CONFIG_IS_ENABLED(option) (("" STRINGIZE(option))[0] == '1')

/* ---- Declarations ---- */

/* Marks a symbol that other shared objects may use. */
#define LE_SHARED __attribute__((visibility("default")))
/* Mark a parameter that must not be NULL, or may be NULL. Not checked. */
#define LE_NONNULL
#define LE_NULLABLE
/* Suppresses the warning that a variable or a parameter is not used. */
#define LE_UNUSED(variable) ((void)(variable))
/* LE_DECLARE_INLINE marks an inline function in a header. LE_DEFINE_INLINE
 * marks the one definition of the function in a source file. */
#ifdef __GNUC_GNU_INLINE__
#define LE_DECLARE_INLINE extern inline
#define LE_DEFINE_INLINE inline
#else
#define LE_DECLARE_INLINE inline
#define LE_DEFINE_INLINE extern inline
#endif

/* The linkage of a component's initialization function. */
#ifdef __cplusplus
#define LE_CI_LINKAGE extern "C"
#else
#define LE_CI_LINKAGE
#endif

/* A compile-time check, at file scope and in functions. (C++ and C11 have it,
 * C99 does not.) */
#if !defined(static_assert) && !defined(__cplusplus)
#define static_assert(...) __extension__ _Static_assert(__VA_ARGS__)
#endif

/* As static_assert(), but usable in an expression. */
#ifdef __cplusplus
#define inline_static_assert(condition, message) \
  ([] { static_assert(condition, message); }())
#else
#define inline_static_assert(condition, message) \
  ((void)sizeof(struct { int leAssert_ : (condition) ? 1 : -1; }))
#endif

/* ---- Preprocessor ---- */

/* The argument as a string, after its expansion. */
#define STRINGIZE(x) STRINGIZE_EXPAND(x)
#define STRINGIZE_EXPAND(x) #x
/* Joins two tokens, after the expansion of the first. */
#define CAT(a, ...) PRIMITIVE_CAT(a, __VA_ARGS__)
#define PRIMITIVE_CAT(a, ...) a##__VA_ARGS__
/* If the first argument is a macro that expands to ",VALUE", the result is
 * VALUE. Otherwise the result is the second argument. */
#define LE_DEFAULT(...) LE_SECOND_(__VA_ARGS__, 0, 0)
#define LE_SECOND_(a, b, ...) b

/* The name of the component that is compiled. If a program has several
 * components, the build defines this macro. */
#ifndef LE_COMPONENT_NAME
#define LE_COMPONENT_NAME
#define LE_COMPONENT_HAS_NO_NAME_
#endif

/* ---- Formats of size_t ---- */

#define PRIdS "zd"
#define PRIuS "zu"
#define PRIxS "zx"
#define PRIXS "zX"
#define PRIoS "zo"

/* ---- Bits, arrays, structures ---- */

#define BIT0 0x01
#define BIT1 0x02
#define BIT2 0x04
#define BIT3 0x08
#define BIT4 0x10
#define BIT5 0x20
#define BIT6 0x40
#define BIT7 0x80

/* The number of members of an array. */
#define NUM_ARRAY_MEMBERS(array) (sizeof(array) / sizeof((array)[0]))

/* The index of the array member at this address. */
#define INDEX_OF_ARRAY_MEMBER(array, memberPtr) \
  ((((size_t)(memberPtr)) - ((size_t)(array))) / sizeof(*(memberPtr)))

/* The object of this type whose member is at this address. */
#define CONTAINER_OF(memberPtr, type, member) \
  ((type*)(((uint8_t*)(memberPtr)) - offsetof(type, member)))

#ifdef __cplusplus
}
#endif

#endif /* LE_BASICS_H_INCLUDE_GUARD */
