/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_pack.h: packs values into the payload of a message, and unpacks them, one
 * after the other. Code that ifgen (Legato's code generator) has generated uses
 * this header.
 *
 * Each function gets a pointer to a position in a buffer, and advances the
 * position by the bytes that it has written or read. The caller guarantees that
 * the buffer is large enough. Values have the byte order of the machine and no
 * padding. The functions use only the caller's memory. So any thread may call
 * them, and also the child of a fork.
 *
 * A function returns false, and the position is undefined, in these cases:
 *   - A value does not fit.
 *   - A received size exceeds its limit.
 *   - The pointer to bytes or to an array is NULL, but the number of elements
 *     is not 0. For strings, see le_pack_PackString() and
 *     le_pack_UnpackString().
 *   - A reference is neither NULL nor an odd number below 2^32.
 * All other pointers must be valid. A function's comment may allow NULL.
 *
 * Tags, and the headers and ends of indefinite arrays, have no bytes in this
 * format. In Legato, LE_CONFIG_RPC selects another format. Here it is not
 * defined.
 */

#ifndef LE_PACK_H_INCLUDE_GUARD
#define LE_PACK_H_INCLUDE_GUARD

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "le_basics.h"
#include "le_log.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The size of a pointer. Code that ifgen generates for local services tests
 * these macros. */
#if UINTPTR_MAX == UINT32_MAX
#define IFGEN_PTR32 1
#else
#define IFGEN_PTR64 1
#endif

/* ---- Sizes ---- */

/* The largest number of bytes of a packed value. */
#define LE_PACK_UINT8_MAX_SIZE (sizeof(uint8_t))
#define LE_PACK_UINT16_MAX_SIZE (sizeof(uint16_t))
#define LE_PACK_UINT32_MAX_SIZE (sizeof(uint32_t))
#define LE_PACK_UINT64_MAX_SIZE (sizeof(uint64_t))
#define LE_PACK_INT8_MAX_SIZE (sizeof(int8_t))
#define LE_PACK_INT16_MAX_SIZE (sizeof(int16_t))
#define LE_PACK_INT32_MAX_SIZE (sizeof(int32_t))
#define LE_PACK_INT64_MAX_SIZE (sizeof(int64_t))
#define LE_PACK_POS_INTEGER_MAX_SIZE (sizeof(uint64_t))
#define LE_PACK_NEG_INTEGER_MAX_SIZE (sizeof(int64_t))
#define LE_PACK_SEMANTIC_TAG_MAX_SIZE (0)
#define LE_PACK_BOOL_MAX_SIZE (sizeof(uint8_t))
#define LE_PACK_DOUBLE_MAX_SIZE (sizeof(double))
#define LE_PACK_INDEF_END_MAX_SIZE (0)
#define LE_PACK_STR_HEADER_MAX_SIZE (sizeof(uint32_t))
#define LE_PACK_ARRAY_HEADER_MAX_SIZE (sizeof(uint32_t))
#define LE_PACK_INDEF_ARRAY_HEADER_MAX_SIZE (0)
#define LE_PACK_SIZE_POINTER_TUPLE_MAX_SIZE (sizeof(uint32_t) + sizeof(void*))

/* ---- Tags. Functions accept them, and do not write them. ---- */

typedef uint16_t le_pack_SemanticTag_t;

#define LE_PACK_REFERENCE (2001)
#define LE_PACK_IN_STRING_POINTER (2002)
#define LE_PACK_OUT_STRING_POINTER (2003)
#define LE_PACK_IN_BYTE_STR_POINTER (2004)
#define LE_PACK_OUT_BYTE_STR_POINTER (2005)
#define LE_PACK_CONTEXT_PTR_REFERENCE (2006)
#define LE_PACK_ASYNC_HANDLER_REFERENCE (2007)
#define LE_PACK_FILESTREAM_ID (2008)
#define LE_PACK_FILESTREAM_FLAG (2009)
#define LE_PACK_FILESTREAM_REQUEST_SIZE (2010)
#define LE_PACK_OUT_STRING_SIZE (2011)
#define LE_PACK_OUT_BYTE_STR_SIZE (2012)

/* Write nothing and read nothing. *tagIdPtr (may be NULL) becomes 0. */
static inline bool le_pack_PackSemanticTag(uint8_t** bufferPtr,
                                           le_pack_SemanticTag_t tagId) {
  (void)bufferPtr;
  (void)tagId;
  return true;
}
static inline bool le_pack_UnpackSemanticTag(uint8_t** bufferPtr,
                                             le_pack_SemanticTag_t* tagIdPtr) {
  (void)bufferPtr;
  if (tagIdPtr != NULL) *tagIdPtr = 0;
  return true;
}

/* ---- Bytes: used by the functions below ---- */

static inline void le_pack_PutBytes_(uint8_t** bufferPtr, const void* bytes,
                                     size_t size) {
  if (size != 0) memcpy(*bufferPtr, bytes, size);
  *bufferPtr += size;
}
static inline void le_pack_TakeBytes_(uint8_t** bufferPtr, void* bytes,
                                      size_t size) {
  if (size != 0) memcpy(bytes, *bufferPtr, size);
  *bufferPtr += size;
}

/* ---- Values ---- */

/* Declares, for Name and type:
 *   bool le_pack_PackName(uint8_t** bufferPtr, type value);
 *   bool le_pack_PackTaggedName(uint8_t** bufferPtr, type value,
 *                               le_pack_SemanticTag_t tagId);
 *   bool le_pack_UnpackName(uint8_t** bufferPtr, type* valuePtr);
 */
#define LE_PACK_DECLARE_VALUE_(Name, type)                                     \
  static inline bool le_pack_Pack##Name(uint8_t** bufferPtr, type value) {     \
    le_pack_PutBytes_(bufferPtr, &value, sizeof(value));                       \
    return true;                                                               \
  }                                                                            \
  static inline bool le_pack_PackTagged##Name(uint8_t** bufferPtr, type value, \
                                              le_pack_SemanticTag_t tagId) {   \
    (void)tagId;                                                               \
    return le_pack_Pack##Name(bufferPtr, value);                               \
  }                                                                            \
  static inline bool le_pack_Unpack##Name(uint8_t** bufferPtr,                 \
                                          type* valuePtr) {                    \
    le_pack_TakeBytes_(bufferPtr, valuePtr, sizeof(*valuePtr));                \
    return true;                                                               \
  }

LE_PACK_DECLARE_VALUE_(Uint8, uint8_t)
LE_PACK_DECLARE_VALUE_(Uint16, uint16_t)
LE_PACK_DECLARE_VALUE_(Uint32, uint32_t)
LE_PACK_DECLARE_VALUE_(Uint64, uint64_t)
LE_PACK_DECLARE_VALUE_(Int8, int8_t)
LE_PACK_DECLARE_VALUE_(Int16, int16_t)
LE_PACK_DECLARE_VALUE_(Int32, int32_t)
LE_PACK_DECLARE_VALUE_(Int64, int64_t)
LE_PACK_DECLARE_VALUE_(Char, char)
LE_PACK_DECLARE_VALUE_(Double, double)
LE_PACK_DECLARE_VALUE_(Result, le_result_t)
LE_PACK_DECLARE_VALUE_(OnOff, le_onoff_t)

/* A truth value is one byte. Any byte other than 0 is read as true. */
static inline bool le_pack_PackBool(uint8_t** bufferPtr, bool value) {
  return le_pack_PackUint8(bufferPtr, value ? 1 : 0);
}
static inline bool le_pack_PackTaggedBool(uint8_t** bufferPtr, bool value,
                                          le_pack_SemanticTag_t tagId) {
  (void)tagId;
  return le_pack_PackBool(bufferPtr, value);
}
static inline bool le_pack_UnpackBool(uint8_t** bufferPtr, bool* valuePtr) {
  uint8_t byte;
  le_pack_TakeBytes_(bufferPtr, &byte, sizeof(byte));
  *valuePtr = byte != 0;
  return true;
}

/* A size is packed into 32 bits on every machine. A larger size becomes
 * UINT32_MAX. (Code of ifgen packs the size of a buffer minus 1. For an empty
 * buffer this is the largest size_t.) */
static inline bool le_pack_PackSize(uint8_t** bufferPtr, size_t value) {
  return le_pack_PackUint32(bufferPtr,
                            value > UINT32_MAX ? UINT32_MAX : (uint32_t)value);
}
static inline bool le_pack_PackTaggedSize(uint8_t** bufferPtr, size_t value,
                                          le_pack_SemanticTag_t tagId) {
  (void)tagId;
  return le_pack_PackSize(bufferPtr, value);
}
static inline bool le_pack_UnpackSize(uint8_t** bufferPtr, size_t* valuePtr) {
  uint32_t value;
  le_pack_TakeBytes_(bufferPtr, &value, sizeof(value));
  *valuePtr = value;
  return true;
}

/* A tuple: a size, and a number of 32 or 64 bits or a pointer of this
 * process. */
static inline bool le_pack_PackTaggedSizeUint32Tuple(
    uint8_t** bufferPtr, size_t size, uint32_t value,
    le_pack_SemanticTag_t tagId) {
  (void)tagId;
  return le_pack_PackSize(bufferPtr, size) &&
         le_pack_PackUint32(bufferPtr, value);
}
static inline bool le_pack_PackTaggedSizeUint64Tuple(
    uint8_t** bufferPtr, size_t size, uint64_t value,
    le_pack_SemanticTag_t tagId) {
  (void)tagId;
  return le_pack_PackSize(bufferPtr, size) &&
         le_pack_PackUint64(bufferPtr, value);
}
static inline bool le_pack_PackTaggedSizePointerTuple(
    uint8_t** bufferPtr, size_t size, const void* value,
    le_pack_SemanticTag_t tagId) {
  (void)tagId;
  if (!le_pack_PackSize(bufferPtr, size)) return false;
  le_pack_PutBytes_(bufferPtr, &value, sizeof(value));
  return true;
}
static inline bool le_pack_UnpackSizeUint32Tuple(
    uint8_t** bufferPtr, size_t* sizePtr, uint32_t* valuePtr,
    le_pack_SemanticTag_t* tagIdPtr) {
  return le_pack_UnpackSemanticTag(bufferPtr, tagIdPtr) &&
         le_pack_UnpackSize(bufferPtr, sizePtr) &&
         le_pack_UnpackUint32(bufferPtr, valuePtr);
}
static inline bool le_pack_UnpackSizeUint64Tuple(
    uint8_t** bufferPtr, size_t* sizePtr, uint64_t* valuePtr,
    le_pack_SemanticTag_t* tagIdPtr) {
  return le_pack_UnpackSemanticTag(bufferPtr, tagIdPtr) &&
         le_pack_UnpackSize(bufferPtr, sizePtr) &&
         le_pack_UnpackUint64(bufferPtr, valuePtr);
}
static inline bool le_pack_UnpackSizePointerTuple(
    uint8_t** bufferPtr, size_t* sizePtr, void** valuePtr,
    le_pack_SemanticTag_t* tagIdPtr) {
  if (!le_pack_UnpackSemanticTag(bufferPtr, tagIdPtr) ||
      !le_pack_UnpackSize(bufferPtr, sizePtr)) {
    return false;
  }
  le_pack_TakeBytes_(bufferPtr, valuePtr, sizeof(*valuePtr));
  return true;
}

/* ---- References ---- */

/* A reference of le_safeRef.h, in 32 bits. False: the reference is neither NULL
 * nor an odd number below 2^32. So the address of an aligned object is
 * refused. */
static inline bool le_pack_PackReference(uint8_t** bufferPtr, const void* ref) {
  const uintptr_t number = (uintptr_t)ref;
  if (number != 0 && ((number & 1) == 0 || number > UINT32_MAX)) return false;
  return le_pack_PackUint32(bufferPtr, (uint32_t)number);
}
static inline bool le_pack_PackTaggedReference(uint8_t** bufferPtr,
                                               const void* ref,
                                               le_pack_SemanticTag_t tagId) {
  (void)tagId;
  return le_pack_PackReference(bufferPtr, ref);
}
/* The tag argument may be omitted, so that LE_PACK_PACKTAGGEDARRAY accepts this
 * function too. */
#define le_pack_PackTaggedReference(...) \
  LE_PACK_PACK_REFERENCE_(__VA_ARGS__, 0, 0)
#define LE_PACK_PACK_REFERENCE_(bufferPtr, ref, tagId, ...) \
  (le_pack_PackTaggedReference)((bufferPtr), (ref), (tagId))

/* Stores the reference in *refPtr. Code of older versions of ifgen passes two
 * arguments. Newer versions add tagIdPtr. It may be NULL. *tagIdPtr does not
 * change. */
static inline bool le_pack_UnpackReference(uint8_t** bufferPtr, void* refPtr,
                                           le_pack_SemanticTag_t* tagIdPtr) {
  uint32_t number;
  void* ref;
  (void)tagIdPtr;
  le_pack_TakeBytes_(bufferPtr, &number, sizeof(number));
  if (number != 0 && (number & 1) == 0) return false;
  ref = (void*)(uintptr_t)number;
  memcpy(refPtr, &ref, sizeof(ref));
  return true;
}
#define le_pack_UnpackReference(...) \
  LE_PACK_UNPACK_REFERENCE_(__VA_ARGS__, NULL, NULL)
#define LE_PACK_UNPACK_REFERENCE_(bufferPtr, refPtr, tagIdPtr, ...) \
  (le_pack_UnpackReference)((bufferPtr), (refPtr), (tagIdPtr))

/* ---- Strings ---- */

/* The length of a string, without its bytes. */
static inline bool le_pack_PackStringHeader(uint8_t** bufferPtr,
                                            size_t length) {
  return le_pack_PackSize(bufferPtr, length);
}
static inline bool le_pack_UnpackStringHeader(uint8_t** bufferPtr,
                                              size_t* lengthPtr) {
  return le_pack_UnpackSize(bufferPtr, lengthPtr);
}

/* The length and the bytes, without the final 0. False: NULL, or a string
 * longer than maxLength. */
static inline bool le_pack_PackString(uint8_t** bufferPtr, const char* string,
                                      uint32_t maxLength) {
  uint32_t length = 0;
  if (string == NULL) return false;
  while (length < maxLength && string[length] != '\0') ++length;
  if (string[length] != '\0') return false;
  le_pack_PackUint32(bufferPtr, length);
  le_pack_PutBytes_(bufferPtr, string, length);
  return true;
}
static inline bool le_pack_PackTaggedString(uint8_t** bufferPtr,
                                            const char* string,
                                            uint32_t maxLength,
                                            le_pack_SemanticTag_t tagId) {
  (void)tagId;
  return le_pack_PackString(bufferPtr, string, maxLength);
}

/* Writes the string and a final 0. string may be NULL for an empty string.
 * False: the length exceeds maxLength, or the string with its final 0 exceeds
 * bufferSize. */
static inline bool le_pack_UnpackString(uint8_t** bufferPtr, char* string,
                                        uint32_t bufferSize,
                                        uint32_t maxLength) {
  uint32_t length;
  le_pack_TakeBytes_(bufferPtr, &length, sizeof(length));
  if (length > maxLength) return false;
  if (string == NULL) return length == 0;
  if (length >= bufferSize) return false;
  le_pack_TakeBytes_(bufferPtr, string, length);
  string[length] = '\0';
  return true;
}

/* ---- Byte strings: arrays of bytes ---- */

static inline bool le_pack_PackByteStringHeader(uint8_t** bufferPtr,
                                                size_t length) {
  return le_pack_PackSize(bufferPtr, length);
}
static inline bool le_pack_UnpackByteStringHeader(uint8_t** bufferPtr,
                                                  size_t* lengthPtr) {
  return le_pack_UnpackSize(bufferPtr, lengthPtr);
}
static inline bool le_pack_PackByteString(uint8_t** bufferPtr,
                                          const void* bytes, uint32_t count) {
  if (bytes == NULL && count != 0) return false;
  le_pack_PackUint32(bufferPtr, count);
  le_pack_PutBytes_(bufferPtr, bytes, count);
  return true;
}
static inline bool le_pack_PackTaggedByteString(uint8_t** bufferPtr,
                                                const void* bytes,
                                                uint32_t count,
                                                le_pack_SemanticTag_t tagId) {
  (void)tagId;
  return le_pack_PackByteString(bufferPtr, bytes, count);
}
/* The tag argument may be omitted. */
#define le_pack_PackTaggedByteString(...) \
  LE_PACK_PACK_BYTE_STRING_(__VA_ARGS__, 0, 0)
#define LE_PACK_PACK_BYTE_STRING_(bufferPtr, bytes, count, tagId, ...) \
  (le_pack_PackTaggedByteString)((bufferPtr), (bytes), (count), (tagId))
/* bytes may be NULL for 0 bytes. False: more bytes than maxCount. */
static inline bool le_pack_UnpackByteString(uint8_t** bufferPtr, void* bytes,
                                            size_t* countPtr, size_t maxCount) {
  le_pack_UnpackSize(bufferPtr, countPtr);
  if (*countPtr > maxCount) return false;
  if (bytes == NULL) return *countPtr == 0;
  le_pack_TakeBytes_(bufferPtr, bytes, *countPtr);
  return true;
}

/* ---- Arrays ---- */

/* The number of elements. False: more elements than maxCount, or the array is
 * NULL and there are elements. */
static inline bool le_pack_PackArrayHeader(uint8_t** bufferPtr,
                                           const void* array,
                                           size_t elementSize, size_t count,
                                           size_t maxCount) {
  (void)elementSize;
  return count <= maxCount && (array != NULL || count == 0) &&
         le_pack_PackSize(bufferPtr, count);
}
static inline bool le_pack_PackTaggedArrayHeader(uint8_t** bufferPtr,
                                                 const void* array,
                                                 size_t elementSize,
                                                 size_t count, size_t maxCount,
                                                 le_pack_SemanticTag_t tagId) {
  (void)tagId;
  return le_pack_PackArrayHeader(bufferPtr, array, elementSize, count,
                                 maxCount);
}
/* False: more elements than maxCount, or the array is NULL and there are
 * elements. */
static inline bool le_pack_UnpackArrayHeader(uint8_t** bufferPtr,
                                             const void* array,
                                             size_t elementSize,
                                             size_t* countPtr,
                                             size_t maxCount) {
  (void)elementSize;
  le_pack_UnpackSize(bufferPtr, countPtr);
  return *countPtr <= maxCount && (array != NULL || *countPtr == 0);
}

/* The beginning and the end of an array of unknown length. They have no
 * bytes. */
static inline bool le_pack_PackIndefArrayHeader(uint8_t** bufferPtr) {
  (void)bufferPtr;
  return true;
}
static inline bool le_pack_PackTaggedIndefArrayHeader(
    uint8_t** bufferPtr, le_pack_SemanticTag_t tagId) {
  (void)bufferPtr;
  (void)tagId;
  return true;
}
static inline bool le_pack_PackEndOfIndefArray(uint8_t** bufferPtr) {
  (void)bufferPtr;
  return true;
}
static inline bool le_pack_UnpackIndefArrayHeader(uint8_t** bufferPtr) {
  (void)bufferPtr;
  return true;
}
static inline bool le_pack_UnpackEndOfIndefArray(uint8_t** bufferPtr) {
  (void)bufferPtr;
  return true;
}

/* Packs the number of elements, and then each element by packFunc(bufferPtr,
 * element). If the number exceeds maxCount, *resultPtr is false. Fatal:
 * packFunc returns false. */
#define LE_PACK_PACKARRAY(bufferPtr, array, count, maxCount, packFunc,  \
                          resultPtr)                                    \
  do {                                                                  \
    *(resultPtr) = le_pack_PackArrayHeader(                             \
        (bufferPtr), (array), sizeof((array)[0]), (count), (maxCount)); \
    if (*(resultPtr)) {                                                 \
      size_t lePackIndex_;                                              \
      for (lePackIndex_ = 0; lePackIndex_ < (count); ++lePackIndex_) {  \
        LE_ASSERT(packFunc((bufferPtr), (array)[lePackIndex_]));        \
      }                                                                 \
    }                                                                   \
  } while (0)
#define LE_PACK_PACKTAGGEDARRAY(bufferPtr, array, count, maxCount, packFunc,   \
                                tagId, resultPtr)                              \
  do {                                                                         \
    (void)(tagId);                                                             \
    LE_PACK_PACKARRAY(bufferPtr, array, count, maxCount, packFunc, resultPtr); \
  } while (0)
/* As LE_PACK_PACKARRAY, for structures: packFunc(bufferPtr, &element). */
#define LE_PACK_PACKSTRUCTARRAY(bufferPtr, array, count, maxCount, packFunc, \
                                resultPtr)                                   \
  do {                                                                       \
    *(resultPtr) = le_pack_PackArrayHeader(                                  \
        (bufferPtr), (array), sizeof((array)[0]), (count), (maxCount));      \
    if (*(resultPtr)) {                                                      \
      size_t lePackIndex_;                                                   \
      for (lePackIndex_ = 0; lePackIndex_ < (count); ++lePackIndex_) {       \
        LE_ASSERT(packFunc((bufferPtr), &(array)[lePackIndex_]));            \
      }                                                                      \
    }                                                                        \
  } while (0)

/* Unpacks the number of elements into *countPtr, and then each element by
 * unpackFunc(bufferPtr, &element). *resultPtr is false if the number exceeds
 * maxCount, or if unpackFunc returns false. Neither is fatal, because the data
 * is from another process. */
#define LE_PACK_UNPACKARRAY(bufferPtr, array, countPtr, maxCount, unpackFunc, \
                            resultPtr)                                        \
  do {                                                                        \
    *(resultPtr) = le_pack_UnpackArrayHeader(                                 \
        (bufferPtr), (array), sizeof((array)[0]), (countPtr), (maxCount));    \
    if (*(resultPtr)) {                                                       \
      size_t lePackIndex_;                                                    \
      for (lePackIndex_ = 0; *(resultPtr) && lePackIndex_ < *(countPtr);      \
           ++lePackIndex_) {                                                  \
        *(resultPtr) = unpackFunc((bufferPtr), &(array)[lePackIndex_]);       \
      }                                                                       \
    }                                                                         \
  } while (0)
#define LE_PACK_UNPACKSTRUCTARRAY(bufferPtr, array, countPtr, maxCount, \
                                  unpackFunc, resultPtr)                \
  LE_PACK_UNPACKARRAY(bufferPtr, array, countPtr, maxCount, unpackFunc, \
                      resultPtr)
/* As LE_PACK_UNPACKARRAY, for a function with a third parameter for the tag. */
#define LE_PACK_UNPACKTAGGEDARRAY(bufferPtr, array, countPtr, maxCount,       \
                                  unpackFunc, resultPtr)                      \
  do {                                                                        \
    *(resultPtr) = le_pack_UnpackArrayHeader(                                 \
        (bufferPtr), (array), sizeof((array)[0]), (countPtr), (maxCount));    \
    if (*(resultPtr)) {                                                       \
      size_t lePackIndex_;                                                    \
      for (lePackIndex_ = 0; *(resultPtr) && lePackIndex_ < *(countPtr);      \
           ++lePackIndex_) {                                                  \
        *(resultPtr) = unpackFunc((bufferPtr), &(array)[lePackIndex_], NULL); \
      }                                                                       \
    }                                                                         \
  } while (0)

#ifdef __cplusplus
}
#endif

#endif /* LE_PACK_H_INCLUDE_GUARD */
