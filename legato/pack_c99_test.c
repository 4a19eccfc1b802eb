/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_pack.h.
 */

#include <string.h>

#include "le_pack.h"
#include "le_test.h"
#include "legato/c99_test.h"

typedef struct {
  uint8_t small;
  uint64_t large;
} Pair_t;

static bool PackPair(uint8_t** buffer, const Pair_t* pair) {
  return le_pack_PackUint8(buffer, pair->small) &&
         le_pack_PackUint64(buffer, pair->large);
}
static bool UnpackPair(uint8_t** buffer, Pair_t* pair) {
  return le_pack_UnpackUint8(buffer, &pair->small) &&
         le_pack_UnpackUint64(buffer, &pair->large);
}

static uint8_t Buffer[256];

/* Packs a value with and without a tag, and unpacks it. */
#define PACK_AND_BACK(Name, type, value)                            \
  do {                                                              \
    uint8_t* at = Buffer;                                           \
    type back = 0;                                                  \
    bool done = le_pack_Pack##Name(&at, value);                     \
    done = done && le_pack_PackTagged##Name(&at, value, 1);         \
    LE_TEST_OK(done&& at > Buffer, "packed " #Name);                \
    at = Buffer;                                                    \
    LE_TEST_OK(le_pack_Unpack##Name(&at, &back) && back == (value), \
               "unpacked " #Name);                                  \
    back = 0;                                                       \
    LE_TEST_OK(le_pack_Unpack##Name(&at, &back) && back == (value), \
               "unpacked tagged " #Name);                           \
  } while (0)

void TestPackValues(void) {
  PACK_AND_BACK(Uint8, uint8_t, UINT8_MAX);
  PACK_AND_BACK(Uint16, uint16_t, UINT16_MAX);
  PACK_AND_BACK(Uint32, uint32_t, UINT32_MAX);
  PACK_AND_BACK(Uint64, uint64_t, UINT64_MAX);
  PACK_AND_BACK(Int8, int8_t, INT8_MIN);
  PACK_AND_BACK(Int16, int16_t, INT16_MIN);
  PACK_AND_BACK(Int32, int32_t, INT32_MIN);
  PACK_AND_BACK(Int64, int64_t, INT64_MIN);
  PACK_AND_BACK(Char, char, 'x');
  PACK_AND_BACK(Bool, bool, true);
  PACK_AND_BACK(Double, double, 0.5);
  PACK_AND_BACK(Size, size_t, UINT32_MAX);
  {
    uint8_t* at = Buffer;
    le_result_t result = LE_OK;
    le_onoff_t on = LE_OFF;
    LE_TEST_OK(le_pack_PackResult(&at, LE_TIMEOUT) &&
                   le_pack_PackTaggedResult(&at, LE_BUSY, 1) &&
                   le_pack_PackOnOff(&at, LE_ON) &&
                   le_pack_PackTaggedOnOff(&at, LE_OFF, 1),
               "packed results");
    at = Buffer;
    LE_TEST_OK(le_pack_UnpackResult(&at, &result) && result == LE_TIMEOUT,
               "result");
    LE_TEST_OK(le_pack_UnpackResult(&at, &result) && result == LE_BUSY,
               "tagged result");
    LE_TEST_OK(le_pack_UnpackOnOff(&at, &on) && on == LE_ON, "on");
    LE_TEST_OK(le_pack_UnpackOnOff(&at, &on) && on == LE_OFF, "off");
  }
  {
    uint8_t* at = Buffer;
    size_t size = 0;
    LE_TEST_OK(le_pack_PackSize(&at, (size_t)0 - 1), "the largest size_t");
    at = Buffer;
    LE_TEST_OK(le_pack_UnpackSize(&at, &size) && size == UINT32_MAX,
               "unpacked as UINT32_MAX");
  }
#ifdef IFGEN_PTR64
  LE_TEST_OK(sizeof(void*) == 8, "a pointer of 64 bits");
#else
  LE_TEST_OK(IFGEN_PTR32 && sizeof(void*) == 4, "a pointer of 32 bits");
#endif
}

/* LE_PACK_NAME_MAX_SIZE is the number of bytes that this call writes. */
#define CHECK_SIZE(NAME, call)                                               \
  do {                                                                       \
    uint8_t* at = Buffer;                                                    \
    LE_TEST_OK((call) && (size_t)(at - Buffer) == LE_PACK_##NAME##_MAX_SIZE, \
               "the size of " #NAME);                                        \
  } while (0)

void TestPackSizes(void) {
  static const int tags[] = {
      LE_PACK_REFERENCE,
      LE_PACK_IN_STRING_POINTER,
      LE_PACK_OUT_STRING_POINTER,
      LE_PACK_IN_BYTE_STR_POINTER,
      LE_PACK_OUT_BYTE_STR_POINTER,
      LE_PACK_CONTEXT_PTR_REFERENCE,
      LE_PACK_ASYNC_HANDLER_REFERENCE,
      LE_PACK_FILESTREAM_ID,
      LE_PACK_FILESTREAM_FLAG,
      LE_PACK_FILESTREAM_REQUEST_SIZE,
      LE_PACK_OUT_STRING_SIZE,
      LE_PACK_OUT_BYTE_STR_SIZE,
  };
  size_t i;
  CHECK_SIZE(UINT8, le_pack_PackUint8(&at, 1));
  CHECK_SIZE(UINT16, le_pack_PackUint16(&at, 1));
  CHECK_SIZE(UINT32, le_pack_PackUint32(&at, 1));
  CHECK_SIZE(UINT64, le_pack_PackUint64(&at, 1));
  CHECK_SIZE(INT8, le_pack_PackInt8(&at, -1));
  CHECK_SIZE(INT16, le_pack_PackInt16(&at, -1));
  CHECK_SIZE(INT32, le_pack_PackInt32(&at, -1));
  CHECK_SIZE(INT64, le_pack_PackInt64(&at, -1));
  CHECK_SIZE(POS_INTEGER, le_pack_PackUint64(&at, UINT64_MAX));
  CHECK_SIZE(NEG_INTEGER, le_pack_PackInt64(&at, INT64_MIN));
  CHECK_SIZE(BOOL, le_pack_PackBool(&at, true));
  CHECK_SIZE(DOUBLE, le_pack_PackDouble(&at, 0.5));
  CHECK_SIZE(SEMANTIC_TAG, le_pack_PackSemanticTag(&at, 1));
  CHECK_SIZE(STR_HEADER, le_pack_PackStringHeader(&at, 1));
  CHECK_SIZE(ARRAY_HEADER, le_pack_PackArrayHeader(&at, Buffer, 1, 1, 1));
  CHECK_SIZE(INDEF_ARRAY_HEADER, le_pack_PackIndefArrayHeader(&at));
  CHECK_SIZE(INDEF_END, le_pack_PackEndOfIndefArray(&at));
  CHECK_SIZE(SIZE_POINTER_TUPLE,
             le_pack_PackTaggedSizePointerTuple(&at, 1, Buffer, 1));
  /* A tag has 16 bits. The tags are consecutive numbers. */
  for (i = 0; i < NUM_ARRAY_MEMBERS(tags); ++i) {
    const le_pack_SemanticTag_t tag = (le_pack_SemanticTag_t)tags[i];
    uint8_t* at = Buffer;
    LE_TEST_OK(le_pack_PackTaggedUint8(&at, 1, tag) && at == Buffer + 1,
               "a tag is not written");
    LE_TEST_OK(tag == tags[i] && (i == 0 || tag == tags[i - 1] + 1), "tag %d",
               tags[i]);
  }
}

void TestPackTuplesAndReferences(void) {
  uint8_t* at = Buffer;
  size_t size = 0;
  uint32_t small = 0;
  uint64_t large = 0;
  void* pointer = NULL;
  le_pack_SemanticTag_t tag = 7;
  LE_TEST_OK(le_pack_PackTaggedSizeUint32Tuple(&at, 1, 2, LE_PACK_REFERENCE) &&
                 le_pack_PackTaggedSizeUint64Tuple(&at, 3, 4, 0) &&
                 le_pack_PackTaggedSizePointerTuple(&at, 5, Buffer, 0),
             "packed tuples");
  at = Buffer;
  LE_TEST_OK(le_pack_UnpackSizeUint32Tuple(&at, &size, &small, &tag) &&
                 size == 1 && small == 2 && tag == 0,
             "32 bits");
  LE_TEST_OK(le_pack_UnpackSizeUint64Tuple(&at, &size, &large, NULL) &&
                 size == 3 && large == 4,
             "64 bits");
  LE_TEST_OK(le_pack_UnpackSizePointerTuple(&at, &size, &pointer, NULL) &&
                 size == 5 && pointer == Buffer,
             "pointer");

  at = Buffer;
  LE_TEST_OK(le_pack_PackReference(&at, (void*)0x10001) &&
                 le_pack_PackTaggedReference(&at, NULL, LE_PACK_REFERENCE),
             "packed references");
  LE_TEST_OK(!le_pack_PackReference(&at, (void*)0x10000), "an even number");
#if SIZE_MAX > UINT32_MAX
  LE_TEST_OK(!le_pack_PackReference(&at, (void*)0x100000001), "33 bits");
#endif
  le_pack_PackUint32(&at, 2);
  at = Buffer;
  LE_TEST_OK(
      le_pack_UnpackReference(&at, &pointer) && pointer == (void*)0x10001,
      "a reference");
  LE_TEST_OK(le_pack_UnpackReference(&at, &pointer, &tag) && pointer == NULL,
             "NULL");
  LE_TEST_OK(!le_pack_UnpackReference(&at, &pointer, NULL),
             "a pointer is refused");
  tag = 7;
  at = Buffer;
  LE_TEST_OK(le_pack_PackSemanticTag(&at, 9) &&
                 le_pack_UnpackSemanticTag(&at, &tag) && tag == 0 &&
                 at == Buffer,
             "tags are not written");
}

void TestPackStrings(void) {
  uint8_t* at = Buffer;
  char text[4] = "";
  size_t size = 0;
  LE_TEST_OK(le_pack_PackString(&at, "abc", 3) &&
                 le_pack_PackTaggedString(&at, "", 3, 1) &&
                 le_pack_PackStringHeader(&at, 5),
             "packed strings");
  LE_TEST_OK(!le_pack_PackString(&at, "abcd", 3), "a string that is too long");
  LE_TEST_OK(!le_pack_PackString(&at, NULL, 3), "a NULL string");
  at = Buffer;
  LE_TEST_OK(le_pack_UnpackString(&at, text, sizeof(text), 3) &&
                 strcmp(text, "abc") == 0,
             "a string");
  LE_TEST_OK(le_pack_UnpackString(&at, NULL, 0, 3),
             "an empty string unpacked to NULL");
  LE_TEST_OK(le_pack_UnpackStringHeader(&at, &size) && size == 5, "a header");
  at = Buffer;
  LE_TEST_OK(!le_pack_UnpackString(&at, text, 3, 3), "no room for the final 0");
  at = Buffer;
  LE_TEST_OK(!le_pack_UnpackString(&at, text, sizeof(text), 2),
             "a string above the limit");

  at = Buffer;
  LE_TEST_OK(le_pack_PackByteString(&at, "xyz", 3) &&
                 le_pack_PackTaggedByteString(&at, "x", 1) &&
                 le_pack_PackTaggedByteString(&at, "x", 1, 7) &&
                 le_pack_PackByteStringHeader(&at, 6),
             "packed bytes");
  at = Buffer;
  LE_TEST_OK(le_pack_UnpackByteString(&at, text, &size, 3) && size == 3 &&
                 memcmp(text, "xyz", 3) == 0,
             "bytes");
  LE_TEST_OK(!le_pack_UnpackByteString(&at, text, &size, 0), "too many bytes");
  LE_TEST_OK(!le_pack_PackByteString(&at, NULL, 3), "NULL for 3 bytes");
  at = Buffer + 7 + 10 + 4;
  LE_TEST_OK(le_pack_PackByteString(&at, NULL, 0), "NULL for 0 bytes");
  at = Buffer + 7 + 10;
  LE_TEST_OK(le_pack_UnpackByteStringHeader(&at, &size) && size == 6,
             "a header of a byte string");
}

void TestPackArrays(void) {
  uint8_t* at = Buffer;
  const uint16_t numbers[] = {1, 2, 3};
  uint16_t back[3] = {0, 0, 0};
  const Pair_t pairs[] = {{1, 2}, {3, 4}};
  Pair_t pairsBack[2];
  void* references[1];
  size_t count = 0;
  bool done = false;
  LE_PACK_PACKARRAY(&at, numbers, 3, 3, le_pack_PackUint16, &done);
  LE_TEST_OK(done, "packed an array");
  LE_PACK_PACKSTRUCTARRAY(&at, pairs, 2, 2, PackPair, &done);
  LE_TEST_OK(done, "packed structures");
  references[0] = (void*)0x10003;
  LE_PACK_PACKTAGGEDARRAY(&at, references, 1, 1, le_pack_PackReference, 1,
                          &done);
  LE_TEST_OK(done, "packed references");
  LE_PACK_PACKTAGGEDARRAY(&at, references, 1, 1, le_pack_PackTaggedReference, 1,
                          &done);
  LE_TEST_OK(done, "packed references, with a tagged function");
  LE_PACK_PACKARRAY(&at, numbers, 3, 2, le_pack_PackUint16, &done);
  LE_TEST_OK(!done, "more elements than the limit");
  at = Buffer;
  LE_PACK_UNPACKARRAY(&at, back, &count, 3, le_pack_UnpackUint16, &done);
  LE_TEST_OK(done && count == 3 && back[2] == 3, "an array");
  LE_PACK_UNPACKSTRUCTARRAY(&at, pairsBack, &count, 2, UnpackPair, &done);
  LE_TEST_OK(done && count == 2 && pairsBack[1].large == 4, "structures");
  references[0] = NULL;
  LE_PACK_UNPACKTAGGEDARRAY(&at, references, &count, 1, le_pack_UnpackReference,
                            &done);
  LE_TEST_OK(done && count == 1 && references[0] == (void*)0x10003,
             "references");
  LE_PACK_UNPACKARRAY(&at, references, &count, 1, le_pack_UnpackReference,
                      &done);
  LE_TEST_OK(done && references[0] == (void*)0x10003, "references again");
  at = Buffer;
  LE_PACK_UNPACKARRAY(&at, back, &count, 2, le_pack_UnpackUint16, &done);
  LE_TEST_OK(!done, "more elements than the array can hold");
  at = Buffer;
  LE_PACK_PACKARRAY(&at, numbers, 1, 3, le_pack_PackUint16, &done);
  memset(Buffer + 4, 2, 4); /* an even number, which is not a reference */
  at = Buffer;
  LE_PACK_UNPACKARRAY(&at, references, &count, 1, le_pack_UnpackReference,
                      &done);
  LE_TEST_OK(!done, "a bad element is not fatal");

  at = Buffer;
  LE_TEST_OK(!le_pack_PackArrayHeader(&at, NULL, 2, 1, 3) &&
                 le_pack_PackArrayHeader(&at, NULL, 2, 0, 3),
             "a NULL array with and without elements");
  at = Buffer;
  LE_TEST_OK(le_pack_PackArrayHeader(&at, numbers, 2, 3, 3) &&
                 le_pack_PackTaggedArrayHeader(&at, numbers, 2, 0, 3, 1) &&
                 le_pack_PackIndefArrayHeader(&at) &&
                 le_pack_PackTaggedIndefArrayHeader(&at, 1) &&
                 le_pack_PackEndOfIndefArray(&at),
             "headers");
  at = Buffer;
  LE_TEST_OK(
      le_pack_UnpackArrayHeader(&at, numbers, 2, &count, 3) && count == 3,
      "a header");
  LE_TEST_OK(le_pack_UnpackArrayHeader(&at, NULL, 2, &count, 3) && count == 0,
             "a header of an empty array");
  LE_TEST_OK(le_pack_UnpackIndefArrayHeader(&at) &&
                 le_pack_UnpackEndOfIndefArray(&at) && at == Buffer + 8,
             "an end has no bytes");
}
