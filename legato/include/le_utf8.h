/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_utf8.h: strings in UTF-8, which end with a 0. Any thread, and the child of
 * a fork.
 */

#ifndef LE_UTF8_H_INCLUDE_GUARD
#define LE_UTF8_H_INCLUDE_GUARD

#include <sys/types.h>

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The number of characters. NULL has 0. LE_FORMAT_ERROR: the string is not UTF-8. */
ssize_t le_utf8_NumChars(const char* string);
/* The number of bytes, without the final 0. NULL has 0. */
size_t le_utf8_NumBytes(const char* string);
/* How many bytes a character has that begins with this byte. 0: none begins so. */
size_t le_utf8_NumBytesInChar(char firstByte);
/* Whether the byte continues a character. */
bool le_utf8_IsContinuationByte(char byte);
/* Whether the string is UTF-8, in form: overlong forms are accepted. NULL is not. */
bool le_utf8_IsFormatCorrect(const char* string);

/* In all functions below a NULL string, buffer or valuePtr is fatal. */

/* Copies a string. If the buffer of destSize bytes is too small, whole characters are
 * copied as far as they fit, and the result is LE_OVERFLOW. The copy ends with a 0, unless
 * destSize is 0. *numBytesPtr (may be NULL): its bytes, without that 0. */
le_result_t le_utf8_Copy(char* destStr, const char* srcStr, size_t destSize,
                         size_t* numBytesPtr);
/* The same, behind the string that is in the buffer. *destStrLenPtr (may be NULL): the
 * bytes of the whole string. */
le_result_t le_utf8_Append(char* destStr, const char* srcStr, size_t destSize,
                           size_t* destStrLenPtr);
/* The same as le_utf8_Copy(), but copies only what is before the first subStr, if there is
 * one. */
le_result_t le_utf8_CopyUpToSubStr(char* destStr, const char* srcStr,
                                   const char* subStr, size_t destSize,
                                   size_t* numBytesPtr);

/* Reads a whole number as strtol() does: decimal, hexadecimal after 0x, or octal after 0,
 * perhaps behind blanks and a sign. Nothing may follow it. LE_FORMAT_ERROR: it is none. LE_OUT_OF_RANGE: it does not fit
 * into an int. */
le_result_t le_utf8_ParseInt(int* valuePtr, const char* arg);

#ifdef __cplusplus
}
#endif

#endif /* LE_UTF8_H_INCLUDE_GUARD */
