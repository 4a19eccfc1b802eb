/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_utf8.h: strings in UTF-8 with a final 0. Any thread, and the child of a
 * fork.
 */

#ifndef LE_UTF8_H_INCLUDE_GUARD
#define LE_UTF8_H_INCLUDE_GUARD

#include <sys/types.h>

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The number of characters. NULL: 0. LE_FORMAT_ERROR: the string is not
 * UTF-8. */
ssize_t le_utf8_NumChars(const char* string);
/* The number of bytes, without the final 0. NULL: 0. */
size_t le_utf8_NumBytes(const char* string);
/* The number of bytes of a character whose first byte is this one. 0: no
 * character begins with this byte. */
size_t le_utf8_NumBytesInChar(char firstByte);
/* Returns whether the byte continues a character. */
bool le_utf8_IsContinuationByte(char byte);
/* Returns whether the string has the form of UTF-8. Overlong forms are
 * accepted. NULL: false. */
bool le_utf8_IsFormatCorrect(const char* string);

/* In all functions below, a NULL pointer is fatal. The comments name the
 * exceptions. */

/* Copies a string. If the buffer of destSize bytes is too small, as many whole
 * characters as fit are copied, and the result is LE_OVERFLOW. If destSize is
 * not 0, the copy has a final 0. *numBytesPtr (may be NULL) is the length of
 * the copy, without the final 0. */
le_result_t le_utf8_Copy(char* destStr, const char* srcStr, size_t destSize,
                         size_t* numBytesPtr);
/* As le_utf8_Copy(), but appends to the string that is in the buffer.
 * *destStrLenPtr (may be NULL) is the length of the whole string. */
le_result_t le_utf8_Append(char* destStr, const char* srcStr, size_t destSize,
                           size_t* destStrLenPtr);
/* As le_utf8_Copy(), but copies only the part before the first subStr, if there
 * is one. */
le_result_t le_utf8_CopyUpToSubStr(char* destStr, const char* srcStr,
                                   const char* subStr, size_t destSize,
                                   size_t* numBytesPtr);

/* Reads a whole number as strtol() does: decimal, hexadecimal after 0x, or
 * octal after 0. Blanks and a sign may precede it. Nothing may follow it.
 *   LE_FORMAT_ERROR  the string is not such a number
 *   LE_OUT_OF_RANGE  the number does not fit into an int */
le_result_t le_utf8_ParseInt(int* valuePtr, const char* arg);

/* Writes a code point as UTF-8, without a final 0. Before the call, *outSizePtr
 * is the size of the buffer. After the call, *outSizePtr is the number of bytes
 * of the character.
 *   LE_OVERFLOW      the character has more bytes than the buffer
 *   LE_OUT_OF_RANGE  the code point exceeds 0x10FFFF. *outSizePtr is unchanged
 */
le_result_t le_utf8_EncodeUnicodeCodePoint(uint32_t codePoint, char* out,
                                           size_t* outSizePtr);
/* Reads the first character of a text. Before the call, *byteLengthPtr is the
 * number of bytes of the text. After LE_OK or LE_UNDERFLOW, *byteLengthPtr is
 * the number of bytes of the character.
 *   LE_UNDERFLOW      the text has only the beginning of the character
 *   LE_FORMAT_ERROR   the character is not UTF-8, or has an overlong form
 *   LE_BAD_PARAMETER  the text has 0 bytes
 * The two functions for code points do not check whether Unicode assigns the
 * code point. */
le_result_t le_utf8_DecodeUnicodeCodePoint(const char* src,
                                           size_t* byteLengthPtr,
                                           uint32_t* codePointPtr);

#ifdef __cplusplus
}
#endif

#endif /* LE_UTF8_H_INCLUDE_GUARD */
