/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A C program that must compile as C99 without a warning. It has a section for
 * each header, with calls of the functions that legato_c99_test.c does not
 * call. It prints TAP, and its exit status is the result.
 */

#include <limits.h>
#include <string.h>

#include "le_args.h"
#include "le_basics.h"
#include "le_cdata.h"
#include "le_clock.h"
#include "le_doublyLinkedList.h"
#include "le_eventLoop.h"
#include "le_eventLoop_ext.h"
#include "le_hashmap.h"
#include "le_log.h"
#include "le_mem.h"
#include "le_mutex.h"
#include "le_pack.h"
#include "le_print.h"
#include "le_safeRef.h"
#include "le_semaphore.h"
#include "le_signals.h"
#include "le_singlyLinkedList.h"
#include "le_test.h"
#include "le_thread.h"
#include "le_timer.h"
#include "le_utf8.h"

/* ---- le_basics ---- */

#define PREFIX left
LE_SHARED int LeftRight(int unused);
LE_SHARED int LeftRight(int unused) {
  LE_UNUSED(unused);
  return 1;
}
static_assert(sizeof(int) >= 2, "an int");

/* The markers change no type and check nothing. */
LE_FULL_API static size_t Length(const char* LE_NONNULL text);
static size_t Length(const char* LE_NULLABLE text) {
  return text == NULL ? 0 : strlen(text);
}

/* C99 has one external definition of an inline function. */
LE_DECLARE_INLINE int Twice(int number) { return 2 * number; }
LE_DEFINE_INLINE int Twice(int number);

static void Basics(void) {
  static const int numbers[] = {1, 2, 3};
  int (*const twice)(int) = &Twice;
  char text[32];
  snprintf(text, sizeof(text), "%" PRIuS " %" PRIxS, sizeof(char), (size_t)255);
  LE_TEST_OK(strcmp(text, "1 ff") == 0, "formats of sizes");
  snprintf(text, sizeof(text), "%" PRIdS " %" PRIXS " %" PRIoS, (ssize_t)-1,
           (size_t)255, (size_t)8);
  LE_TEST_OK(strcmp(text, "-1 FF 10") == 0, "other formats of sizes");
  LE_TEST_OK(strcmp(STRINGIZE(CAT(PREFIX, _right)), "left_right") == 0,
                    "tokens");
  LE_TEST_OK(INDEX_OF_ARRAY_MEMBER(numbers, &numbers[2]) == 2, "index");
  LE_TEST_OK(LE_CONFIG_IS_ENABLED(LE_CONFIG_LINUX), "Linux");
  LE_TEST_OK(!LE_CONFIG_IS_ENABLED(LE_CONFIG_RPC), "no RPC");
  LE_TEST_OK((BIT0 | BIT1 | BIT2 | BIT3 | BIT4 | BIT5 | BIT6 | BIT7) == 0xff,
             "bits");
  LE_TEST_OK(LeftRight(0) == 1, "shared");
  LE_TEST_OK(Length(NULL) == 0, "a null argument is not checked");
  LE_TEST_OK(twice(2) == 4, "inline");
  LE_TEST_OK((inline_static_assert(sizeof(int) >= 2, "an int"), 1) == 1,
             "an assertion in an expression");
  LE_TEST_OK(strcmp(_le_log_GetResultCodeString(LE_OK), "LE_OK") == 0,
             "the old name");
}

/* ---- le_pack ---- */

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

static void PackValues(void) {
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
    LE_TEST_OK(le_pack_PackSize(&at, (size_t)0 - 1), "the size of no buffer");
    at = Buffer;
    LE_TEST_OK(le_pack_UnpackSize(&at, &size) && size == UINT32_MAX,
               "the largest size");
  }
#ifdef IFGEN_PTR64
  LE_TEST_OK(sizeof(void*) == 8, "a pointer of 64 bits");
#else
  LE_TEST_OK(IFGEN_PTR32 && sizeof(void*) == 4, "a pointer of 32 bits");
#endif
}

/* The largest number of bytes of NAME is that of this call. */
#define CHECK_SIZE(NAME, call)                                               \
  do {                                                                       \
    uint8_t* at = Buffer;                                                    \
    LE_TEST_OK((call) && (size_t)(at - Buffer) == LE_PACK_##NAME##_MAX_SIZE, \
               "the size of " #NAME);                                        \
  } while (0)

static void PackSizes(void) {
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

static void PackTuplesAndReferences(void) {
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
             "tags take no room");
}

static void PackStrings(void) {
  uint8_t* at = Buffer;
  char text[4] = "";
  size_t size = 0;
  LE_TEST_OK(le_pack_PackString(&at, "abc", 3) &&
                 le_pack_PackTaggedString(&at, "", 3, 1) &&
                 le_pack_PackStringHeader(&at, 5),
             "packed strings");
  LE_TEST_OK(!le_pack_PackString(&at, "abcd", 3), "too long");
  LE_TEST_OK(!le_pack_PackString(&at, NULL, 3), "NULL");
  at = Buffer;
  LE_TEST_OK(le_pack_UnpackString(&at, text, sizeof(text), 3) &&
                 strcmp(text, "abc") == 0,
             "a string");
  LE_TEST_OK(le_pack_UnpackString(&at, NULL, 0, 3), "an empty one to NULL");
  LE_TEST_OK(le_pack_UnpackStringHeader(&at, &size) && size == 5, "a header");
  at = Buffer;
  LE_TEST_OK(!le_pack_UnpackString(&at, text, 3, 3), "no room for the 0");
  at = Buffer;
  LE_TEST_OK(!le_pack_UnpackString(&at, text, sizeof(text), 2), "a limit");

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
  LE_TEST_OK(!le_pack_PackByteString(&at, NULL, 3), "NULL for bytes");
  at = Buffer + 7 + 10 + 4;
  LE_TEST_OK(le_pack_PackByteString(&at, NULL, 0), "NULL for no bytes");
  at = Buffer + 7 + 10;
  LE_TEST_OK(le_pack_UnpackByteStringHeader(&at, &size) && size == 6,
             "a header of bytes");
}

static void PackArrays(void) {
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
  LE_TEST_OK(!done, "too many");
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
  LE_TEST_OK(!done, "more than there is room for");
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
             "NULL for an array");
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
             "of no array");
  LE_TEST_OK(le_pack_UnpackIndefArrayHeader(&at) &&
                 le_pack_UnpackEndOfIndefArray(&at) && at == Buffer + 8,
             "an end takes no room");
}

/* ---- le_safeRef ---- */

LE_REF_DEFINE_STATIC_MAP(Things, LE_MEM_BLOCKS(Things, 3));

static void SafeReferences(void) {
  static int things[3];
  le_ref_MapRef_t map = le_ref_InitStaticMap(Things, LE_MEM_BLOCKS(Things, 3));
  void* refs[3];
  le_ref_IterRef_t iterator;
  int i;
  int seen = 0;
  LE_TEST_OK(le_ref_InitStaticMap(Things, 3) == map, "the same map");
  for (i = 0; i < 3; ++i) refs[i] = le_ref_CreateRef(map, &things[i]);
  LE_TEST_OK(((uintptr_t)refs[0] & 1) == 1 && (uintptr_t)refs[0] <= UINT32_MAX,
             "odd, and below 2^32");
  LE_TEST_OK(le_ref_CreateRef(map, NULL) == NULL, "NULL has no reference");
  le_ref_EnableTrace(map);
  LE_TEST_OK(le_ref_Lookup(map, refs[1]) == &things[1], "found");
  LE_TEST_OK(le_ref_Lookup(map, &things[1]) == NULL, "a pointer is not");
  LE_TEST_OK(le_ref_Lookup(le_ref_CreateMap("other", 1), refs[1]) == NULL,
             "another map");
  le_ref_DeleteRef(map, refs[1]);
  le_ref_DeleteRef(map, refs[1]);
  LE_TEST_OK(le_ref_Lookup(map, refs[1]) == NULL, "deleted");

  iterator = le_ref_GetIterator(map);
  LE_TEST_OK(le_ref_GetValue(iterator) == NULL, "before the first");
  while (le_ref_NextNode(iterator) == LE_OK) {
    LE_TEST_OK(le_ref_GetValue(iterator) ==
                   le_ref_Lookup(map, (void*)le_ref_GetSafeRef(iterator)),
               "at a reference");
    le_ref_DeleteRef(map, (void*)le_ref_GetSafeRef(iterator));
    LE_TEST_OK(le_ref_GetSafeRef(iterator) == NULL, "which is deleted");
    ++seen;
  }
  LE_TEST_OK(seen == 2, "both");
  LE_TEST_OK(le_ref_NextNode(iterator) == LE_FAULT, "behind the last");
}

/* ---- le_mutex ---- */

LE_MUTEX_DECLARE_REF(Mutex)
static bool InitMutexWasThere;
__attribute__((constructor)) static void BeforeMain(void) {
  InitMutexWasThere = le_ifgen_InitMutexRef != NULL;
}

static int Count;
static void* CountMain(void* context) {
  int i;
  (void)context;
  for (i = 0; i < 1000; ++i) {
    Lock();
    ++Count;
    Unlock();
  }
  return NULL;
}
static void* TryMain(void* context) {
  *(le_result_t*)context = le_mutex_TryLock(Mutex);
  return NULL;
}

static void RunThread(const char* name, le_thread_MainFunc_t function,
                      void* context) {
  le_thread_Ref_t thread = le_thread_Create(name, function, context);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  LE_TEST_OK(le_thread_Join(thread, NULL) == LE_OK, "joined");
}

static void Mutexes(void) {
  le_mutex_Ref_t recursive = le_mutex_CreateRecursive("recursive");
  le_result_t other = LE_OK;
  le_thread_Ref_t thread;
  LE_TEST_OK(InitMutexWasThere, "a mutex before main()");
  le_mutex_Lock(le_ifgen_InitMutexRef);
  le_mutex_Unlock(le_ifgen_InitMutexRef);
  Mutex = le_mutex_CreateNonRecursive("mutex");
  le_mutex_Lock(recursive);
  le_mutex_Lock(recursive);
  LE_TEST_OK(le_mutex_TryLock(recursive) == LE_OK, "again");
  le_mutex_Unlock(recursive);
  le_mutex_Unlock(recursive);
  le_mutex_Unlock(recursive);
  le_mutex_Delete(recursive);
  LE_TEST_OK(le_mutex_TryLock(Mutex) == LE_OK, "free");
  LE_TEST_OK(le_mutex_TryLock(Mutex) == LE_WOULD_BLOCK, "not recursive");
  RunThread("trier", TryMain, &other);
  LE_TEST_OK(other == LE_WOULD_BLOCK, "taken");
  thread = le_thread_Create("counter", CountMain, NULL);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread); /* it waits until this thread unlocks */
  Unlock();
  CountMain(NULL);
  le_thread_Join(thread, NULL);
  LE_TEST_OK(Count == 2000, "one at a time");
  le_mutex_Delete(Mutex);
}

/* ---- le_dls ---- */

typedef struct {
  int number;
  le_dls_Link_t link;
} Node_t;
static le_dls_List_t List = LE_DLS_LIST_DECL_INIT;

static bool IsLess(le_dls_Link_t* a, le_dls_Link_t* b) {
  return CONTAINER_OF(a, Node_t, link)->number <
         CONTAINER_OF(b, Node_t, link)->number;
}
/* Returns the numbers of the list, as the digits of a decimal number. */
static int Digits(void) {
  int digits = 0;
  Node_t* node;
  LE_DLS_FOREACH(&List, node, Node_t, link) {
    digits = digits * 10 + node->number;
  }
  return digits;
}

static void Lists(void) {
  Node_t nodes[5];
  int i;
  for (i = 0; i < 5; ++i) {
    nodes[i].number = i + 1;
    nodes[i].link = LE_DLS_LINK_INIT;
  }
  LE_TEST_OK(le_dls_IsEmpty(&List) && le_dls_Pop(&List) == NULL &&
                 le_dls_PopTail(&List) == NULL && le_dls_Peek(&List) == NULL &&
                 le_dls_PeekTail(&List) == NULL && le_dls_NumLinks(&List) == 0,
             "empty");
  le_dls_Queue(&List, &nodes[1].link);
  le_dls_Stack(&List, &nodes[0].link);
  le_dls_AddAfter(&List, &nodes[1].link, &nodes[3].link);
  le_dls_AddBefore(&List, &nodes[3].link, &nodes[2].link);
  le_dls_AddBefore(&List, &nodes[0].link, &nodes[4].link);
  LE_TEST_OK(Digits() == 51234, "in order");
  LE_TEST_OK(le_dls_NumLinks(&List) == 5 && !le_dls_IsListCorrupted(&List),
             "five");
  LE_TEST_OK(le_dls_IsHead(&List, &nodes[4].link) &&
                 le_dls_IsTail(&List, &nodes[3].link),
             "head and tail");
  LE_TEST_OK(le_dls_PeekNext(&List, &nodes[4].link) == &nodes[0].link &&
                 le_dls_PeekPrev(&List, &nodes[0].link) == &nodes[4].link,
             "neighbours");
  LE_TEST_OK(le_dls_PeekNext(&List, &nodes[3].link) == NULL &&
                 le_dls_PeekPrev(&List, &nodes[4].link) == NULL,
             "none");
  le_dls_Sort(&List, IsLess);
  LE_TEST_OK(Digits() == 12345, "sorted");
  le_dls_Swap(&List, &nodes[0].link, &nodes[4].link);
  LE_TEST_OK(Digits() == 52341, "swapped");
  le_dls_Swap(&List, le_dls_Peek(&List),
              le_dls_PeekNext(&List, le_dls_Peek(&List)));
  LE_TEST_OK(Digits() == 25341, "swapped neighbours");
  le_dls_Swap(&List, le_dls_PeekNext(&List, le_dls_Peek(&List)),
              le_dls_Peek(&List));
  LE_TEST_OK(Digits() == 52341 && !le_dls_IsListCorrupted(&List), "and back");
  le_dls_Swap(&List, le_dls_Peek(&List), le_dls_Peek(&List));
  LE_TEST_OK(Digits() == 52341, "one with itself");
  le_dls_Remove(&List, &nodes[2].link);
  LE_TEST_OK(!le_dls_IsInList(&List, &nodes[2].link) &&
                 le_dls_IsInList(&List, &nodes[0].link),
             "removed");
  LE_TEST_OK(le_dls_Pop(&List) == &nodes[4].link &&
                 le_dls_PopTail(&List) == &nodes[0].link,
             "popped");
  LE_TEST_OK(Digits() == 24, "two are left");
  List = LE_DLS_LIST_INIT;
}

/* ---- le_sls ---- */

typedef struct {
  int digit;
  le_sls_Link_t link;
} Single_t;

static le_sls_List_t Singles = LE_SLS_LIST_DECL_INIT;

static bool IsSmaller(le_sls_Link_t* a, le_sls_Link_t* b) {
  return CONTAINER_OF(a, Single_t, link)->digit <
         CONTAINER_OF(b, Single_t, link)->digit;
}

static int SingleDigits(void) {
  int number = 0;
  Single_t* single;
  LE_SLS_FOREACH(&Singles, single, Single_t, link) {
    number = number * 10 + single->digit;
  }
  return number;
}

static void SingleLists(void) {
  Single_t nodes[4];
  int i;
  for (i = 0; i < 4; ++i) {
    nodes[i].digit = i + 1;
    nodes[i].link = LE_SLS_LINK_INIT;
  }
  Singles = LE_SLS_LIST_INIT;
  LE_TEST_OK(le_sls_IsEmpty(&Singles) && le_sls_Pop(&Singles) == NULL &&
                 le_sls_Peek(&Singles) == NULL &&
                 le_sls_PeekTail(&Singles) == NULL &&
                 !le_sls_IsListCorrupted(&Singles),
             "empty");
  le_sls_Queue(&Singles, &nodes[0].link);
  le_sls_AddAfter(&Singles, &nodes[0].link, &nodes[1].link);
  le_sls_Stack(&Singles, &nodes[2].link);
  le_sls_AddAfter(&Singles, NULL, &nodes[3].link);
  LE_TEST_OK(SingleDigits() == 4312, "in order");
  LE_TEST_OK(le_sls_NumLinks(&Singles) == 4 && !le_sls_IsEmpty(&Singles) &&
                 !le_sls_IsListCorrupted(&Singles),
             "four");
  LE_TEST_OK(le_sls_IsHead(&Singles, &nodes[3].link) &&
                 le_sls_IsTail(&Singles, &nodes[1].link) &&
                 le_sls_Peek(&Singles) == &nodes[3].link &&
                 le_sls_PeekTail(&Singles) == &nodes[1].link &&
                 le_sls_PeekNext(&Singles, &nodes[1].link) == NULL,
             "ends");
  le_sls_Sort(&Singles, IsSmaller);
  LE_TEST_OK(SingleDigits() == 1234, "sorted");
  LE_TEST_OK(
      le_sls_RemoveAfter(&Singles, &nodes[3].link) == NULL &&
          le_sls_RemoveAfter(&Singles, &nodes[2].link) == &nodes[3].link &&
          le_sls_IsTail(&Singles, &nodes[2].link) &&
          !le_sls_IsInList(&Singles, &nodes[3].link),
      "the tail is removed");
  LE_TEST_OK(le_sls_RemoveAfter(&Singles, &nodes[0].link) == &nodes[1].link &&
                 le_sls_IsInList(&Singles, &nodes[2].link),
             "one in between");
  LE_TEST_OK(le_sls_Pop(&Singles) == &nodes[0].link &&
                 le_sls_Pop(&Singles) == &nodes[2].link &&
                 le_sls_IsEmpty(&Singles),
             "popped");
}

/* ---- le_sig ---- */

static int Signals;

static void OnSignal(int number) {
  ++Signals;
  if (number == SIGUSR2) le_sig_DeleteAll();
}

static void SignalHandlers(void) {
  le_sig_Block(SIGUSR1);
  raise(SIGUSR1);
  le_sig_SetEventHandler(SIGUSR1, OnSignal);
  while (le_event_ServiceLoop() == LE_OK) {
  }
  LE_TEST_OK(Signals == 1, "a signal from before");
  le_sig_SetEventHandler(SIGUSR2, OnSignal);
  raise(SIGUSR1);
  raise(SIGUSR2);
  LE_TEST_OK(Signals == 1, "not at once");
  while (le_event_ServiceLoop() == LE_OK) {
  }
  LE_TEST_OK(Signals == 3, "both");
  raise(SIGUSR2);
  while (le_event_ServiceLoop() == LE_OK) {
  }
  LE_TEST_OK(Signals == 3, "deleted");
  le_sig_SetEventHandler(SIGUSR2, OnSignal);
  le_sig_SetEventHandler(SIGUSR2, NULL);
}

/* ---- le_print ---- */

static void Prints(void) {
  const int numbers[] = {1, 2};
  LE_PRINT_VALUE("%d", numbers[0]);
  LE_PRINT_VALUE_IF(numbers[0] == 1, "%d", numbers[1]);
  LE_PRINT_ARRAY("%d", 2, numbers);
}

/* ---- le_mem and le_cdata ---- */

LE_CDATA_DECLARE({
  int destroyed;
  void* last;
});

static void OnDestroy(void* object) {
  ++LE_CDATA_THIS->destroyed;
  LE_CDATA_THIS->last = object;
}

/* As the generated code of a client does. */
LE_MEM_DEFINE_STATIC_POOL(Numbers, LE_CDATA_COMPONENT_COUNT, sizeof(int));

/* A build sets the size of a pool. */
#define _mem_Sized_POOL_SIZE , 7

static void Memory(void) {
  le_mem_PoolRef_t pool =
      le_mem_InitStaticPool(Numbers, LE_CDATA_COMPONENT_COUNT, sizeof(int));
  char name[8];
  void* first;
  void* second;
  LE_TEST_OK(le_mem_InitStaticPool(Numbers, 1, sizeof(int)) == pool,
             "the same pool");
  LE_TEST_OK(LE_CONFIG_IS_ENABLED(LE_CONFIG_MEM_POOL_NAMES_ENABLED) &&
                 le_mem_FindPool("Numbers") == pool,
             "pools have names");
  LE_TEST_OK(le_mem_GetObjectCount(pool) == 1, "one object");
  LE_TEST_OK(LE_MEM_BLOCKS(Sized, 3) == 7 && LE_MEM_BLOCKS(Other, 3) == 3,
             "the size of a pool");
  LE_TEST_OK(le_mem_GetName(pool, name, sizeof(name)) == LE_OK &&
                 strcmp(name, "Numbers") == 0,
             "name");
  LE_TEST_OK(
      le_mem_GetName(pool, name, 4) == LE_OVERFLOW && strcmp(name, "Num") == 0,
      "cut");
  le_mem_SetDestructor(pool, OnDestroy);
  first = le_mem_AssertAlloc(pool);
  LE_TEST_OK(le_mem_TryAlloc(pool) == NULL, "no other");
  le_mem_SetNumObjsToForce(pool, 3);
  second = le_mem_Alloc(pool);
  LE_TEST_OK(le_mem_GetObjectCount(pool) == 4, "grown by three");
  LE_TEST_OK(*(int*)first == 0, "zero");
  *(int*)first = 1;
  le_mem_AddRef(first);
  LE_TEST_OK(le_mem_GetRefCount(first) == 2, "two references");
  le_mem_Release(first);
  LE_TEST_OK(LE_CDATA_THIS->destroyed == 0, "not destroyed yet");
  le_mem_Release(first);
  LE_TEST_OK(LE_CDATA_THIS->destroyed == 1 && LE_CDATA_THIS->last == first,
             "destroyed");
  le_mem_Release(second);
  second = le_mem_AssertAlloc(pool);
  first = le_mem_AssertAlloc(pool);
  LE_TEST_OK(*(int*)first == 0 && *(int*)second == 0, "zero again");
  le_mem_Release(first);
  le_mem_Release(second);
}

LE_MEM_DEFINE_STATIC_POOL_IN_SECTION(Elsewhere, 1, 8, ".mine");

static void SubPools(void) {
  le_mem_PoolRef_t pool = le_mem_InitStaticPool(Elsewhere, 1, 8);
  le_mem_PoolRef_t strings = le_mem_CreatePool("Strings", 100);
  le_mem_PoolRef_t sub = le_mem_CreateSubPool(strings, "Sub", 2);
  le_mem_PoolRef_t reduced = le_mem_CreateReducedPool(sub, "Reduced", 1, 10);
  le_mem_PoolStats_t stats;
  void* small;
  void* large;
  char* copy;
  LE_TEST_OK(le_mem_FindPool("Sub") == sub && le_mem_FindPool("none") == NULL &&
                 le_mem_FindPool("Elsewhere") == pool,
             "found");
  LE_TEST_OK(le_mem_IsSubPool(sub) && !le_mem_IsSubPool(strings), "sub-pool");
  LE_TEST_OK(le_mem_CreateReducedPool(strings, "x", 1, 51) == strings,
             "not small enough");
  LE_TEST_OK(le_mem_GetObjectFullSize(reduced) > 10, "full size");
  small = le_mem_AssertVarAlloc(reduced, 10);
  LE_TEST_OK(le_mem_TryVarAlloc(reduced, 1) == NULL, "no other");
  large = le_mem_TryVarAlloc(reduced, 11);
  LE_TEST_OK(
      le_mem_GetBlockSize(small) == 10 && le_mem_GetBlockSize(large) == 100,
      "of the pool above");
  copy = le_mem_StrDup(reduced, "as long as this");
  LE_TEST_OK(strcmp(copy, "as long as this") == 0, "copy");
  le_mem_Release(copy);
  le_mem_Release(le_mem_VarAlloc(reduced, 0));
  le_mem_GetStats(reduced, &stats);
  LE_TEST_OK(stats.numBlocksInUse == 1 && stats.maxNumBlocksUsed == 2 &&
                 stats.numOverflows == 1 && stats.numAllocs == 2 &&
                 stats.numFree == 1,
             "statistics");
  le_mem_ResetStats(reduced);
  le_mem_GetStats(reduced, &stats);
  LE_TEST_OK(stats.maxNumBlocksUsed == 1 && stats.numOverflows == 0 &&
                 stats.numAllocs == 0,
             "reset");
  le_mem_Release(small);
  le_mem_Release(large);
  le_mem_DeleteSubPool(reduced);
  le_mem_DeleteSubPool(sub);
  LE_TEST_OK(le_mem_FindPool("Sub") == NULL, "deleted");
}

/* ---- Events ---- */

static le_event_Id_t NumberEvent;
static le_event_Id_t ObjectEvent;
static le_event_HandlerRef_t Removed;
static int Sum;

static void Finish(void* param1, void* param2) {
  (void)param1;
  (void)param2;
  le_event_StopLoop(NULL);
}
static void OnNumber(void* report) {
  Sum += *(int*)report * *(int*)le_event_GetContextPtr();
}
static void OnLayered(void* report, void* secondLayer) {
  (*(le_event_HandlerFunc_t*)secondLayer)(report);
}
static void OnObject(void* report) {
  Sum += *(int*)report;
  le_mem_Release(report);
}
static void OnRemoved(void* report) {
  (void)report;
  Sum = 1000;
}

static int Calls;
static void CountCall(void* param1, void* param2) {
  LE_UNUSED(param1);
  LE_UNUSED(param2);
  ++Calls;
}

static void Events(void) {
  static int ten = 10;
  static int hundred = 100;
  static le_event_HandlerFunc_t onNumber = OnNumber;
  const int number = 3;
  le_mem_PoolRef_t pool = le_mem_CreatePool("objects", sizeof(int));
  int* object = le_mem_ForceAlloc(pool);
  NumberEvent = le_event_CreateId("number", sizeof(int));
  ObjectEvent = le_event_CreateIdWithRefCounting("object");
  le_event_SetContextPtr(le_event_AddHandler("first", NumberEvent, OnNumber),
                         &ten);
  le_event_SetContextPtr(
      le_event_AddLayeredHandler("second", NumberEvent, OnLayered, &onNumber),
      &hundred);
  Removed = le_event_AddHandler("removed", NumberEvent, OnRemoved);
  le_event_AddHandler("first", ObjectEvent, OnObject);
  le_event_AddHandler("second", ObjectEvent, OnObject);
  *object = 1;
  le_event_Report(NumberEvent, &number, sizeof(number));
  le_event_ReportWithRefCounting(ObjectEvent, object);
  le_event_RemoveHandler(Removed);
  le_event_QueueFunction(Finish, NULL, NULL);
  le_event_RunLoopUntilStopped();
  LE_TEST_OK(Sum == 332, "each handler once: %d", Sum);
  Calls = 0;
  LE_TEST_OK(
      le_event_QueueFunctionToThreadUnique(NULL, CountCall, &Sum, NULL) ==
              LE_OK &&
          le_event_QueueFunctionToThreadUnique(
              le_thread_GetCurrent(), CountCall, &Sum, NULL) == LE_DUPLICATE &&
          le_event_QueueFunctionToThreadUnique(NULL, CountCall, &Calls, NULL) ==
              LE_OK,
      "once only");
  while (le_event_ServiceLoop() == LE_OK) {
  }
  LE_TEST_OK(Calls == 2, "two functions");
  LE_TEST_OK(le_event_QueueFunctionToThreadUnique(NULL, CountCall, &Sum,
                                                  NULL) == LE_OK,
             "no more queued");
  while (le_event_ServiceLoop() == LE_OK) {
  }
}

/* ---- Logs and traces ---- */

static void Logs(void) {
  le_log_TraceRef_t trace = le_log_GetTraceRef("units");
  const le_log_Level_t before = le_log_GetFilterLevel();
  LE_TEST_OK(le_log_GetTraceRef("units") == trace, "the same trace");
  LE_TEST_OK(!LE_IS_TRACE_ENABLED(trace) && !le_log_IsTraceEnabled(NULL),
             "off");
  LE_TEST_OK(!LE_IS_TRACE_ENABLED(le_log_GetTraceRef("")), "no keyword");
  LE_TRACE(trace, "not written");
  /* Generated code uses these macros without a semicolon. */
  LE_ASSERT(trace != NULL)
  LE_ASSERT_OK(LE_OK)
  LE_FATAL_IF(trace == NULL, "no trace")
  LE_INFO_IF(trace == NULL, "no trace")
  LE_TRACE(trace, "not written")
  if (trace == NULL) LE_FATAL("no trace")
  le_log_EnableTrace(trace);
  LE_TEST_OK(le_log_IsTraceEnabled(trace), "on");
  LE_TRACE(trace, "written: %d", 1);
  le_log_DisableTrace(trace);
  le_log_SetFilterLevel(LE_LOG_ERR);
  LE_TEST_OK(le_log_GetFilterLevel() == LE_LOG_ERR, "level");
  {
    int evaluated = 0;
    LE_WARN("%d", ++evaluated);
    LE_DEBUG_IF(true, "%d", ++evaluated);
    LE_TEST_OK(evaluated == 0, "what is not written is not evaluated");
  }
  le_log_SetFilterLevel(before);
  LE_DUMP("abc", 3);
  LE_LOG_DUMP(LE_LOG_INFO, "0123456789abcdefg", 17);
}

/* ---- le_hashmap ---- */

LE_HASHMAP_DEFINE_STATIC(Static, 3);
LE_HASHMAP_MAKE_HASH(uint16_t)

static bool Add(const void* key, const void* value, void* context) {
  *(int*)context += *(const int*)value;
  return strcmp(key, "stop") != 0;
}

static void HashMaps(void) {
  le_hashmap_Ref_t map = le_hashmap_Create("map", 3, le_hashmap_HashString,
                                           le_hashmap_EqualsString);
  int one = 1, two = 2, three = 3, sum = 0;
  const char stored[] = "two";
  void* key = NULL;
  void* value = NULL;
  le_hashmap_It_Ref_t iterator;
  const uint32_t number32 = 5, equal32 = 5;
  const uint64_t number64 = 5, equal64 = 5;
  const uint16_t number16 = 5, equal16 = 5;
  LE_TEST_OK(le_hashmap_isEmpty(map) &&
                 le_hashmap_GetFirstNode(map, &key, NULL) == LE_NOT_FOUND,
             "empty");
  LE_TEST_OK(le_hashmap_Put(map, "one", &one) == NULL, "new");
  LE_TEST_OK(le_hashmap_Put(map, stored, &three) == NULL, "new too");
  LE_TEST_OK(le_hashmap_Put(map, "two", &two) == &three, "replaced");
  LE_TEST_OK(le_hashmap_Get(map, "two") == &two &&
                 le_hashmap_GetStoredKey(map, "two") == stored &&
                 le_hashmap_Get(map, "four") == NULL &&
                 le_hashmap_GetStoredKey(map, "four") == NULL,
             "found");
  LE_TEST_OK(le_hashmap_Size(map) == 2 && le_hashmap_ContainsKey(map, "one") &&
                 !le_hashmap_ContainsKey(map, "four"),
             "two");
  LE_TEST_OK(le_hashmap_ForEach(map, Add, &sum) && sum == 3, "all");
  LE_TEST_OK(
      le_hashmap_GetFirstNode(map, &key, &value) == LE_OK && value == &one,
      "first");
  LE_TEST_OK(
      le_hashmap_GetNodeAfter(map, key, &key, &value) == LE_OK && value == &two,
      "second");
  LE_TEST_OK(le_hashmap_GetNodeAfter(map, key, &key, NULL) == LE_NOT_FOUND,
             "last");
  LE_TEST_OK(le_hashmap_GetNodeAfter(map, "?", &key, NULL) == LE_BAD_PARAMETER,
             "not there");
  iterator = le_hashmap_GetIterator(map);
  LE_TEST_OK(le_hashmap_GetKey(iterator) == NULL, "before the first");
  LE_TEST_OK(le_hashmap_NextNode(iterator) == LE_OK &&
                 le_hashmap_GetValue(iterator) == &one,
             "at the first");
  LE_TEST_OK(le_hashmap_Remove(map, "one") == &one &&
                 le_hashmap_Remove(map, "one") == NULL &&
                 le_hashmap_GetValue(iterator) == NULL,
             "removed");
  le_hashmap_Put(map, "three", &three);
  LE_TEST_OK(le_hashmap_NextNode(iterator) == LE_OK &&
                 le_hashmap_NextNode(iterator) == LE_OK &&
                 le_hashmap_GetValue(iterator) == &three &&
                 le_hashmap_NextNode(iterator) == LE_NOT_FOUND,
             "to the end");
  LE_TEST_OK(le_hashmap_PrevNode(iterator) == LE_OK &&
                 le_hashmap_GetValue(iterator) == &three &&
                 le_hashmap_PrevNode(iterator) == LE_OK &&
                 le_hashmap_GetKey(iterator) == stored &&
                 le_hashmap_PrevNode(iterator) == LE_NOT_FOUND,
             "and back");
  iterator = le_hashmap_GetIterator(map);
  while (le_hashmap_NextNode(iterator) == LE_OK) {
  }
  le_hashmap_Put(map, "four", &one);
  LE_TEST_OK(le_hashmap_NextNode(iterator) == LE_NOT_FOUND &&
                 le_hashmap_PrevNode(iterator) == LE_OK &&
                 le_hashmap_GetValue(iterator) == &one,
             "back to a key that was put at the end");
  le_hashmap_RemoveAll(map);
  LE_TEST_OK(le_hashmap_isEmpty(map), "empty again");
  LE_TEST_OK(le_hashmap_CountCollisions(map) == 0, "no collision");
  {
    static const uint32_t keys[] = {0, 1, 2, 4};
    le_hashmap_Ref_t numbers = le_hashmap_Create(
        "numbers", 2, le_hashmap_HashUInt32, le_hashmap_EqualsUInt32);
    size_t i;
    for (i = 0; i < NUM_ARRAY_MEMBERS(keys); ++i) {
      le_hashmap_Put(numbers, &keys[i], &keys[i]);
    }
    LE_TEST_OK(le_hashmap_CountCollisions(numbers) == 2,
               "three keys in one bucket");
  }
  le_hashmap_MakeTraceable(map);

  LE_TEST_OK(
      le_hashmap_HashUInt32(&number32) == le_hashmap_HashUInt32(&equal32) &&
          le_hashmap_EqualsUInt32(&number32, &equal32),
      "32 bits");
  LE_TEST_OK(
      le_hashmap_HashUInt64(&number64) == le_hashmap_HashUInt64(&equal64) &&
          le_hashmap_EqualsUInt64(&number64, &equal64),
      "64 bits");
  LE_TEST_OK(Hashuint16_t(&number16) == Hashuint16_t(&equal16) &&
                 Equalsuint16_t(&number16, &equal16),
             "a type of the user");
  map = le_hashmap_InitStatic(Static, 3, le_hashmap_HashVoidPointer,
                              le_hashmap_EqualsVoidPointer);
  LE_TEST_OK(le_hashmap_InitStatic(Static, 3, le_hashmap_HashVoidPointer,
                                   le_hashmap_EqualsVoidPointer) == map,
             "the same map");
  le_hashmap_Put(map, &one, &two);
  LE_TEST_OK(le_hashmap_Get(map, &one) == &two, "pointers");
}

/* ---- le_args ---- */

static int Flags, IntSum, Positions;
/* Two digits for each error. It wraps around if there are many errors. */
static unsigned Errors;
static char Texts[64];
static void OnFlag(void) { ++Flags; }
static void OnInt(int value) { IntSum += value; }
static void OnText(const char* value) { strcat(Texts, value); }
static void OnPosition(const char* value) {
  Positions = Positions * 10 + (value[0] - '0');
}
static size_t OnError(size_t index, le_result_t error) {
  Errors = Errors * 100 + (unsigned)-error;
  (void)index;
  return 0;
}

static void OnMore(void) {
  int i;
  for (i = 0; i < 16; ++i) le_arg_SetIntCallback(OnInt, "n", NULL);
  le_arg_SetFlagCallback(OnMore, "more", NULL);
}

static void ArgumentsThatRegister(void) {
  const char* argv[] = {"tool", "-more", "-n", "1", "-more", "-n", "10"};
  IntSum = Flags = 0;
  le_arg_SetArgs(NUM_ARRAY_MEMBERS(argv), argv);
  le_arg_SetFlagCallback(OnMore, "more", NULL);
  le_arg_SetFlagCallback(OnFlag, "more", NULL);
  le_arg_Scan();
  /* The second "-more" has called OnFlag() and two callbacks OnMore(), which
   * have registered 32 more options "-n". */
  LE_TEST_OK(
      le_arg_GetScanResult() == LE_OK && IntSum == 16 + 480 && Flags == 2,
      "a callback registers more");
}

static void NegativeNumbers(void) {
  const char* argv[] = {"tool", "-5", "-0.5", "-7", "-n", "-3"};
  const char* wrong[] = {"tool", "-5x", "-inf", "-."};
  bool seven = false;
  IntSum = 0;
  Errors = 0;
  Texts[0] = '\0';
  le_arg_SetArgs(NUM_ARRAY_MEMBERS(argv), argv);
  le_arg_SetFlagVar(&seven, "7", NULL);
  le_arg_SetIntCallback(OnInt, "n", NULL);
  le_arg_AddPositionalCallback(OnText);
  le_arg_AllowMorePositionalArgsThanCallbacks();
  le_arg_Scan();
  LE_TEST_OK(le_arg_GetScanResult() == LE_OK && seven && IntSum == -3 &&
                 strcmp(Texts, "-5-0.5") == 0,
             "negative numbers are positional");
  le_arg_SetArgs(NUM_ARRAY_MEMBERS(wrong), wrong);
  le_arg_SetErrorHandler(OnError);
  le_arg_AddPositionalCallback(OnText);
  le_arg_AllowLessPositionalArgsThanCallbacks();
  le_arg_Scan();
  LE_TEST_OK(Errors == 151515u, "what is no number is not");
  le_arg_SetErrorHandler(NULL);
}

static void Arguments(void) {
  const char* argv[] = {"/bin/tool", "--count=7", "-c", "8",  "1",
                        "--name=",   "2",         "--", "-f", "-3"};
  const char* wrong[] = {"tool", "--what", "--flag=1",    "-c",
                         "x",    "-c",     "99999999999", "-c"};
  bool flag = false;
  int count = 0;
  const char* name = NULL;
  le_arg_SetArgs(NUM_ARRAY_MEMBERS(argv), argv);
  LE_TEST_OK(strcmp(le_arg_GetProgramName(), "tool") == 0, "program");
  LE_TEST_OK(le_arg_NumArgs() == 9 && le_arg_GetArg(3) == argv[4] &&
                 le_arg_GetArg(9) == NULL,
             "arguments");
  LE_TEST_OK(le_arg_GetFlagOption("f", "flag") == LE_OK &&
                 le_arg_GetFlagOption("g", NULL) == LE_NOT_FOUND &&
                 le_arg_GetFlagOption(NULL, "count") == LE_FORMAT_ERROR,
             "a flag");
  LE_TEST_OK(le_arg_GetIntOption(&count, "c", "count") == LE_OK && count == 7,
             "a number");
  LE_TEST_OK(le_arg_GetIntOption(&count, NULL, "name") == LE_FORMAT_ERROR,
             "no number");
  LE_TEST_OK(le_arg_GetStringOption(&name, NULL, "name") == LE_OK &&
                 strcmp(name, "") == 0,
             "an empty text");
  le_arg_SetFlagVar(&flag, "f", "flag");
  le_arg_SetFlagCallback(OnFlag, "f", "flag");
  le_arg_SetIntVar(&count, "c", "count");
  le_arg_SetIntCallback(OnInt, "c", "count");
  le_arg_SetStringVar(&name, NULL, "name");
  le_arg_SetStringCallback(OnText, NULL, "name");
  le_arg_AddPositionalCallback(OnPosition);
  le_arg_AddPositionalCallback(OnText);
  le_arg_AllowMorePositionalArgsThanCallbacks();
  le_arg_Scan();
  LE_TEST_OK(le_arg_GetScanResult() == LE_OK && flag && Flags == 1 &&
                 count == 8 && IntSum == 15 && Positions == 1 &&
                 strcmp(Texts, "2---3") == 0,
             "scanned");

  le_arg_SetArgs(NUM_ARRAY_MEMBERS(wrong), wrong);
  le_arg_SetErrorHandler(OnError);
  le_arg_SetExitOnError(false);
  le_arg_SetFlagVar(&flag, NULL, "flag");
  le_arg_SetIntVar(&count, "c", NULL);
  le_arg_AllowLessPositionalArgsThanCallbacks();
  le_arg_Scan();
  LE_TEST_OK(le_arg_GetScanResult() == LE_BAD_PARAMETER && Errors != 0,
             "errors are told");
  le_arg_SetErrorHandler(NULL);
}

/* ---- le_utf8 ---- */

static void Utf8(void) {
  static const char text[] = "a\xc3\xa4\xe2\x82\xac"; /* 1, 2 and 3 bytes */
  char buffer[8];
  size_t size = 0;
  int number = 0;
  LE_TEST_OK(le_utf8_NumChars(text) == 3 && le_utf8_NumBytes(text) == 6,
             "lengths");
  LE_TEST_OK(le_utf8_NumChars("\xc3") == LE_FORMAT_ERROR &&
                 !le_utf8_IsFormatCorrect("\x80") &&
                 le_utf8_IsFormatCorrect(text),
             "format");
  LE_TEST_OK(le_utf8_NumChars(NULL) == 0 && le_utf8_NumBytes(NULL) == 0 &&
                 !le_utf8_IsFormatCorrect(NULL) && le_utf8_IsFormatCorrect(""),
             "NULL");
  LE_TEST_OK(le_utf8_NumBytesInChar('a') == 1 &&
                 le_utf8_NumBytesInChar(text[3]) == 3 &&
                 le_utf8_NumBytesInChar(text[2]) == 0 &&
                 le_utf8_IsContinuationByte(text[2]),
             "bytes");
  LE_TEST_OK(le_utf8_Copy(buffer, text, sizeof(buffer), &size) == LE_OK &&
                 size == 6 && strcmp(buffer, text) == 0,
             "copied");
  LE_TEST_OK(le_utf8_Copy(buffer, text, 6, &size) == LE_OVERFLOW && size == 3,
             "only whole characters");
  LE_TEST_OK(le_utf8_Append(buffer, "bcde", sizeof(buffer), &size) == LE_OK &&
                 size == 7,
             "appended");
  LE_TEST_OK(le_utf8_Append(buffer, "f", sizeof(buffer), NULL) == LE_OVERFLOW,
             "full");
  LE_TEST_OK(le_utf8_CopyUpToSubStr(buffer, "key=value", "=", sizeof(buffer),
                                    NULL) == LE_OK &&
                 strcmp(buffer, "key") == 0,
             "up to");
  LE_TEST_OK(le_utf8_ParseInt(&number, "-12") == LE_OK && number == -12 &&
                 le_utf8_ParseInt(&number, "0x1F") == LE_OK && number == 31 &&
                 le_utf8_ParseInt(&number, "010") == LE_OK && number == 8 &&
                 le_utf8_ParseInt(&number, "\t +7") == LE_OK && number == 7 &&
                 le_utf8_ParseInt(&number, "7 ") == LE_FORMAT_ERROR &&
                 le_utf8_ParseInt(&number, " ") == LE_FORMAT_ERROR &&
                 le_utf8_ParseInt(&number, "-") == LE_FORMAT_ERROR &&
                 le_utf8_ParseInt(&number, "1x") == LE_FORMAT_ERROR &&
                 le_utf8_ParseInt(&number, "") == LE_FORMAT_ERROR &&
                 le_utf8_ParseInt(&number, "2147483648") == LE_OUT_OF_RANGE,
             "numbers");
}

/* Encodes the code point and decodes it again. Returns the number of bytes, or 0
 * if a result is wrong. */
static size_t BytesOf(uint32_t codePoint) {
  char buffer[4];
  size_t size = sizeof(buffer);
  size_t read;
  uint32_t back = 0;
  if (le_utf8_EncodeUnicodeCodePoint(codePoint, buffer, &size) != LE_OK) {
    return 0;
  }
  read = sizeof(buffer);
  if (le_utf8_DecodeUnicodeCodePoint(buffer, &read, &back) != LE_OK ||
      read != size || back != codePoint) {
    return 0;
  }
  read = size - 1;
  if (size > 1 &&
      (le_utf8_DecodeUnicodeCodePoint(buffer, &read, &back) != LE_UNDERFLOW ||
       read != size)) {
    return 0;
  }
  read = size - 1;
  if (le_utf8_EncodeUnicodeCodePoint(codePoint, buffer, &read) != LE_OVERFLOW ||
      read != size) {
    return 0;
  }
  return size;
}

static le_result_t Decode(const char* text) {
  size_t size = strlen(text);
  uint32_t codePoint;
  return le_utf8_DecodeUnicodeCodePoint(text, &size, &codePoint);
}

static void CodePoints(void) {
  char buffer[4];
  size_t size = sizeof(buffer);
  LE_TEST_OK(BytesOf(0) == 1 && BytesOf(0x7F) == 1 && BytesOf(0x80) == 2 &&
                 BytesOf(0x7FF) == 2 && BytesOf(0x800) == 3 &&
                 BytesOf(0xFFFF) == 3 && BytesOf(0x10000) == 4 &&
                 BytesOf(0x10FFFF) == 4,
             "code points");
  LE_TEST_OK(le_utf8_EncodeUnicodeCodePoint(0x20AC, buffer, &size) == LE_OK &&
                 size == 3 && memcmp(buffer, "\xE2\x82\xAC", 3) == 0,
             "encoded");
  LE_TEST_OK(le_utf8_EncodeUnicodeCodePoint(0x110000, buffer, &size) ==
                 LE_OUT_OF_RANGE,
             "no code point");
  LE_TEST_OK(Decode("") == LE_BAD_PARAMETER &&
                 Decode("\x80") == LE_FORMAT_ERROR &&
                 Decode("\xC3(") == LE_FORMAT_ERROR &&
                 Decode("\xE2(") == LE_FORMAT_ERROR &&
                 Decode("\xC1\xBF") == LE_FORMAT_ERROR &&
                 Decode("\xE0\x9F\xBF") == LE_FORMAT_ERROR &&
                 Decode("\xF0\x8F\xBF\xBF") == LE_FORMAT_ERROR &&
                 Decode("\xF4\x90\x80\x80") == LE_FORMAT_ERROR &&
                 Decode("\xF8\x88\x80\x80") == LE_FORMAT_ERROR,
             "not UTF-8");
}

/* ---- le_clk, timers, semaphores, threads ---- */

static void OnExpiry(le_timer_Ref_t timer) {
  LE_TEST_OK(le_timer_GetMsTimeRemaining(timer) == 0, "it has expired");
  le_event_StopLoop(NULL);
}

static void Times(void) {
  const le_clk_Time_t half = {1, 500000};
  const le_clk_Time_t zero = {0, 0};
  const le_clk_Time_t thousandth = {0, 1234};
  const le_clk_Time_t most = {
      (time_t)(UINT64_MAX >> (65 - CHAR_BIT * sizeof(time_t))), 0};
  le_clk_Time_t time = le_clk_Add(half, half);
  char text[32];
  size_t size = 0;
  le_sem_Ref_t semaphore = le_sem_Create("findable", 1);
  le_timer_Ref_t timer = le_timer_Create("timer");
  LE_TEST_OK(time.sec == 3 && time.usec == 0, "sum");
  time = le_clk_Sub(zero, half);
  LE_TEST_OK(time.sec == -2 && time.usec == 500000, "difference");
  time = le_clk_Multiply(half, 3);
  LE_TEST_OK(time.sec == 4 && time.usec == 500000, "product");
  LE_TEST_OK(le_clk_GreaterThan(half, zero) &&
                 !le_clk_GreaterThan(half, half) && le_clk_Equal(half, half),
             "compared");
  time = le_clk_Add(most, half);
  LE_TEST_OK(time.sec == most.sec && time.usec == 999999, "the largest sum");
  time = le_clk_Sub(most, le_clk_Multiply(half, -1));
  LE_TEST_OK(time.sec == most.sec && time.usec == 999999,
             "the largest difference");
  time = le_clk_Multiply(most, -2);
  LE_TEST_OK(time.sec == -most.sec - 1 && time.usec == 0,
             "the smallest product");
  LE_TEST_OK(le_clk_ConvertToUTCString(most, "%Y", text, sizeof(text), &size) ==
                     LE_OUT_OF_RANGE &&
                 size == 0 && text[0] == '\0',
             "a year that is too large");
  time = le_clk_GetRelativeTime();
  LE_TEST_OK(!le_clk_GreaterThan(time, le_clk_GetRelativeTime()), "relative");
  LE_TEST_OK(le_clk_GreaterThan(le_clk_GetAbsoluteTime(), half), "absolute");
  LE_TEST_OK(le_clk_ConvertToUTCString(half, "%Y-%m-%d %H:%M:%S", text,
                                       sizeof(text), &size) == LE_OK &&
                 size == 19 && strcmp(text, "1970-01-01 00:00:01") == 0,
             "UTC");
  LE_TEST_OK(
      le_clk_ConvertToUTCString(le_clk_Sub(half, thousandth), "%S.%J %K %%J%",
                                text, sizeof(text), NULL) == LE_OK &&
          strcmp(text, "01.498 498766 %J%") == 0,
      "milliseconds and microseconds");
  LE_TEST_OK(le_clk_ConvertToUTCString(thousandth, "%J%K", text, sizeof(text),
                                       NULL) == LE_OK &&
                 strcmp(text, "001001234") == 0,
             "with zeros");
  LE_TEST_OK(le_clk_ConvertToLocalTimeString(half, "%Y", text, 4, &size) ==
                     LE_OVERFLOW &&
                 size == 0,
             "no room");
  LE_TEST_OK(
      le_clk_GetUTCDateTimeString("", text, 1, &size) == LE_OK && size == 0,
      "an empty format");
  LE_TEST_OK(le_clk_GetLocalDateTimeString(LE_CLK_STRING_FORMAT_TIME, text,
                                           sizeof(text), NULL) == LE_OK,
             "local");
  LE_TEST_OK(le_clk_ConvertToUTCString(
                 half, LE_CLK_STRING_FORMAT_DATE " " LE_CLK_STRING_FORMAT_TIME,
                 text, sizeof(text), NULL) == LE_OK &&
                 strcmp(text, "01/01/70 00:00:01") == 0,
             "a date and a time");
  LE_TEST_OK(le_clk_ConvertToUTCString(half, LE_CLK_STRING_FORMAT_DATE_TIME,
                                       text, sizeof(text), NULL) == LE_OK &&
                 strcmp(text, "Thu Jan  1 00:00:01 1970") == 0,
             "a date with its time");

  LE_TEST_OK(le_sem_FindSemaphore("findable") == semaphore &&
                 le_sem_FindSemaphore("?") == NULL,
             "found a semaphore");
  le_sem_Delete(semaphore);
  LE_TEST_OK(le_thread_Sleep(0) == LE_OK, "slept");

  LE_TEST_OK(le_timer_GetMsInterval(timer) == 0, "no interval");
  le_timer_SetHandler(timer, OnExpiry);
  LE_TEST_OK(le_timer_SetInterval(timer, half) == LE_OK &&
                 le_timer_GetMsInterval(timer) == 1500 &&
                 le_clk_Equal(le_timer_GetInterval(timer), half),
             "interval");
  LE_TEST_OK(le_timer_SetWakeup(timer, false) == LE_OK, "wake-up");
  LE_TEST_OK(le_clk_Equal(le_timer_GetTimeRemaining(timer), zero), "stopped");
  le_timer_SetMsInterval(timer, UINT32_MAX);
  le_timer_Start(timer);
  LE_TEST_OK(le_timer_SetWakeup(timer, false) == LE_BUSY, "while it runs");
  LE_TEST_OK(le_timer_GetTimeRemaining(timer).sec > 1000000, "it runs long");
  LE_TEST_OK(le_timer_SetMsInterval(timer, 2000000000) == LE_OK &&
                 le_timer_GetTimeRemaining(timer).sec > 1000000 &&
                 le_timer_GetTimeRemaining(timer).sec <= 2000000,
             "not as long");
  LE_TEST_OK(le_timer_SetMsInterval(timer, 0) == LE_OK, "and now no longer");
  le_event_RunLoopUntilStopped();
  LE_TEST_OK(!le_timer_IsRunning(timer), "expired");
  le_timer_Delete(timer);
}

/* ---- le_test ---- */

/* ---- le_thread: before the start, and after the end ---- */

LE_THREAD_DEFINE_STATIC_STACK(Small, 10000);
static char Destructors[4];

static void OnThreadEnd(void* digit) { strcat(Destructors, digit); }

static void* AddsOne(void* context) {
  le_thread_AddDestructor(OnThreadEnd, "2");
  return context;
}

static void Threads(void) {
  le_thread_Ref_t thread = le_thread_Create("thread", AddsOne, NULL);
  char name[16];
  LE_TEST_OK(le_thread_SetPriority(thread, LE_THREAD_PRIORITY_NORMAL) == LE_OK,
             "priority");
  LE_TEST_OK(le_thread_SetStackSize(thread, 65536) == LE_OK &&
                 le_thread_SetStackSize(thread, 1) == LE_OVERFLOW &&
                 le_thread_SetStackSize(thread, SIZE_MAX) == LE_OUT_OF_RANGE,
             "stack size");
  LE_TEST_OK(LE_THREAD_SET_STATIC_STACK(thread, Small) == LE_OK &&
                 le_thread_SetStack(thread, NULL, 65536) == LE_BAD_PARAMETER &&
                 le_thread_SetStack(thread, _thread_stack_Small, 1) ==
                     LE_BAD_PARAMETER,
             "stack");
  LE_TEST_OK(sizeof(_thread_stack_Small) == LE_THREAD_STACK_MIN_SIZE,
             "a small stack is enlarged");
  le_thread_AddChildDestructor(thread, OnThreadEnd, "0");
  le_thread_AddChildDestructor(thread, OnThreadEnd, "1");
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  LE_TEST_OK(le_thread_Join(thread, NULL) == LE_OK, "joined");
  LE_TEST_OK(strcmp(Destructors, "210") == 0, "last first");
  LE_TEST_OK(le_thread_Join(thread, NULL) == LE_NOT_FOUND &&
                 le_thread_Cancel(thread) == LE_NOT_FOUND,
             "a stale reference");
  LE_TEST_OK(le_thread_GetName(thread, name, sizeof(name)) == LE_OK &&
                 strcmp(name, "(dead)") == 0,
             "no name");
}

static void TestMacros(void) {
  LE_TEST_BEGIN_TODO(true);
  LE_TEST_OK(false, "fails, and does not count");
  LE_TEST_END_TODO();
  LE_TEST_BEGIN_SKIP(true, 2)
  LE_TEST_OK(false, "is left out");
  LE_TEST_END_SKIP();
  LE_TEST(1 == 1);
  {
    int evaluated = 0;
    LE_TEST_OK((evaluated = 1) == 1, "first the condition: %d", evaluated);
    LE_TEST_OK(evaluated == 1, "once");
    LE_TEST_ASSERT(evaluated == 1, "%s", "no semicolon is missing");
  }
  LE_TEST_OUTPUT("# %s", "a line");
  LE_TEST_INFO("%s", "a remark");
  LE_TEST_OK(LE_TEST_NUM_FAILURES == 0, "none has failed");
  {
    le_test_ChildRef_t child = LE_TEST_FORK("true");
    LE_TEST_JOIN(child);
    child = LE_TEST_FORK("sh", "-c", "exit 0");
    LE_TEST_JOIN(child);
  }
  LE_TEST_OK(LE_TEST_NUM_FAILURES == 0, "nor in the children");
}

/* Uses the macros in both forms: with a semicolon, and without one before a
 * brace. */
static void ExitIf(int how) {
  if (how == 1) {
    LE_TEST_EXIT
  }
  if (how == 2) LE_TEST_EXIT;
  if (how == 3) {
    LE_TEST_SUMMARY
  }
  if (how == 4) LE_TEST_FATAL();
  if (how == 5) LE_TEST_FATAL("%d", how);
}

int main(void) {
  le_thread_InitLegatoThreadData("units");
  LE_TEST_INIT;
  LE_TEST(strcmp(le_thread_GetMyName(), "units") == 0);
  LE_TEST(strcmp(le_result_Txt(LE_OK), "LE_OK") == 0);
  Basics();
  PackValues();
  PackSizes();
  PackTuplesAndReferences();
  PackStrings();
  PackArrays();
  SafeReferences();
  Mutexes();
  Lists();
  SingleLists();
  SignalHandlers();
  Prints();
  Memory();
  SubPools();
  Events();
  Logs();
  HashMaps();
  Arguments();
  ArgumentsThatRegister();
  NegativeNumbers();
  Utf8();
  CodePoints();
  Times();
  Threads();
  TestMacros();
  ExitIf(0);
  le_thread_CleanupLegatoThreadData();
  LE_TEST_SUMMARY;
}
