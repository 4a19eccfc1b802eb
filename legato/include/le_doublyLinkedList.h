/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_doublyLinkedList.h: lists of objects that have a link as a member.
 *
 *   typedef struct { int number; le_dls_Link_t link; } Thing_t;
 *   le_dls_List_t things = LE_DLS_LIST_INIT;
 *   thing->link = LE_DLS_LINK_INIT;
 *   le_dls_Queue(&things, &thing->link);
 *   Thing_t* first = CONTAINER_OF(le_dls_Peek(&things), Thing_t, link);
 *
 * Lists are not locked: threads that share a list need a mutex. The child of a
 * fork may call all functions. Fatal in all functions: a list or a link is
 * NULL. Fatal in functions with a parameter currentLinkPtr: that link is in no
 * list.
 */

#ifndef LE_DOUBLYLINKEDLIST_H_INCLUDE_GUARD
#define LE_DOUBLYLINKEDLIST_H_INCLUDE_GUARD

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Private. An object with several links may be in several lists. */
typedef struct le_dls_Link {
  struct le_dls_Link* nextPtr;
  struct le_dls_Link* prevPtr;
} le_dls_Link_t;

/* Private. */
typedef struct {
  le_dls_Link_t* headLinkPtr;
} le_dls_List_t;

/* Returns whether a is before b. A C++ exception that leaves the function is
 * fatal. */
typedef bool (*le_dls_LessThanFunc_t)(le_dls_Link_t* a, le_dls_Link_t* b);

/* An empty list, and a link that is in no list. For assignments and
 * initializers. */
#ifdef __cplusplus
#define LE_DLS_LIST_INIT \
  le_dls_List_t { NULL }
#define LE_DLS_LINK_INIT \
  le_dls_Link_t { NULL, NULL }
#else
#define LE_DLS_LIST_INIT \
  (le_dls_List_t) { NULL }
#define LE_DLS_LINK_INIT \
  (le_dls_Link_t) { NULL, NULL }
#endif
/* An empty list, for an initializer at file scope in strict C99. */
#define LE_DLS_LIST_DECL_INIT \
  { NULL }

/* Add a link: at the head, at the tail, after the current link, before the
 * current link. The new link must be in no list. */
void le_dls_Stack(le_dls_List_t* listPtr, le_dls_Link_t* newLinkPtr);
void le_dls_Queue(le_dls_List_t* listPtr, le_dls_Link_t* newLinkPtr);
void le_dls_AddAfter(le_dls_List_t* listPtr, le_dls_Link_t* currentLinkPtr,
                     le_dls_Link_t* newLinkPtr);
void le_dls_AddBefore(le_dls_List_t* listPtr, le_dls_Link_t* currentLinkPtr,
                      le_dls_Link_t* newLinkPtr);

/* Remove and return the head, or the tail. NULL: the list is empty. */
le_dls_Link_t* le_dls_Pop(le_dls_List_t* listPtr);
le_dls_Link_t* le_dls_PopTail(le_dls_List_t* listPtr);
/* Removes a link of this list. */
void le_dls_Remove(le_dls_List_t* listPtr, le_dls_Link_t* linkToRemovePtr);

/* The head, or the tail. NULL: the list is empty. */
le_dls_Link_t* le_dls_Peek(const le_dls_List_t* listPtr);
le_dls_Link_t* le_dls_PeekTail(const le_dls_List_t* listPtr);
/* The link after the current link, or before it. NULL: there is none. */
le_dls_Link_t* le_dls_PeekNext(const le_dls_List_t* listPtr,
                               const le_dls_Link_t* currentLinkPtr);
le_dls_Link_t* le_dls_PeekPrev(const le_dls_List_t* listPtr,
                               const le_dls_Link_t* currentLinkPtr);

/* Exchanges the positions of two links of this list. */
void le_dls_Swap(le_dls_List_t* listPtr, le_dls_Link_t* linkPtr,
                 le_dls_Link_t* otherLinkPtr);
/* Sorts the list. Equal links keep their order. */
void le_dls_Sort(le_dls_List_t* listPtr, le_dls_LessThanFunc_t comparatorPtr);

/* Return whether the list is empty, whether it has this link, and whether the
 * link is its head or its tail. */
bool le_dls_IsEmpty(const le_dls_List_t* listPtr);
bool le_dls_IsInList(const le_dls_List_t* listPtr,
                     const le_dls_Link_t* linkPtr);
bool le_dls_IsHead(const le_dls_List_t* listPtr, const le_dls_Link_t* linkPtr);
bool le_dls_IsTail(const le_dls_List_t* listPtr, const le_dls_Link_t* linkPtr);
/* The number of links. The function counts them. */
size_t le_dls_NumLinks(const le_dls_List_t* listPtr);
/* Returns whether a link has a neighbour that does not point back to it. */
bool le_dls_IsListCorrupted(const le_dls_List_t* listPtr);

/* Loops over the objects of a list. The loop's body must not remove the current
 * object. */
#define LE_DLS_FOREACH(listPtr, iteratorPtr, type, member)               \
  for (le_dls_Link_t* leDlsLink_ = le_dls_Peek(listPtr);                 \
       leDlsLink_ != NULL &&                                             \
       ((iteratorPtr) = CONTAINER_OF(leDlsLink_, type, member)) != NULL; \
       leDlsLink_ = le_dls_PeekNext((listPtr), leDlsLink_))

#ifdef __cplusplus
}
#endif

#endif /* LE_DOUBLYLINKEDLIST_H_INCLUDE_GUARD */
