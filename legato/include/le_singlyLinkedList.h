/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_singlyLinkedList.h: lists of objects that have a link as a member.
 *
 * The links are smaller than those of le_doublyLinkedList.h, but a link can be
 * removed only at the head or behind another link. Lists are not locked:
 * threads that share a list need a mutex. The child of a fork may call all
 * functions. A list or a link that is NULL is fatal, except where a comment
 * allows NULL. A currentLinkPtr that is in no list is fatal.
 */

#ifndef LE_SINGLYLINKEDLIST_H_INCLUDE_GUARD
#define LE_SINGLYLINKEDLIST_H_INCLUDE_GUARD

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Private. An object with several links may be in several lists. */
typedef struct le_sls_Link {
  struct le_sls_Link* nextPtr;
} le_sls_Link_t;

/* Private. The tail's next link is the head. */
typedef struct {
  le_sls_Link_t* tailLinkPtr;
} le_sls_List_t;

/* Returns whether a is before b. A C++ exception that leaves the function is
 * fatal. */
typedef bool (*le_sls_LessThanFunc_t)(le_sls_Link_t* a, le_sls_Link_t* b);

/* An empty list, and a link that is in no list. For assignments and
 * initializers. */
#ifdef __cplusplus
#define LE_SLS_LIST_INIT \
  le_sls_List_t { NULL }
#define LE_SLS_LINK_INIT \
  le_sls_Link_t { NULL }
#else
#define LE_SLS_LIST_INIT \
  (le_sls_List_t) { NULL }
#define LE_SLS_LINK_INIT \
  (le_sls_Link_t) { NULL }
#endif
/* An empty list, for an initializer at file scope in strict C99. */
#define LE_SLS_LIST_DECL_INIT \
  { NULL }

/* Add a link: at the head; at the tail; behind the current link (NULL: at the
 * head). The new link must be in no list. */
void le_sls_Stack(le_sls_List_t* listPtr, le_sls_Link_t* newLinkPtr);
void le_sls_Queue(le_sls_List_t* listPtr, le_sls_Link_t* newLinkPtr);
void le_sls_AddAfter(le_sls_List_t* listPtr, le_sls_Link_t* currentLinkPtr,
                     le_sls_Link_t* newLinkPtr);

/* Remove and return a link: the head; the link behind the current link. NULL:
 * there is none. */
le_sls_Link_t* le_sls_Pop(le_sls_List_t* listPtr);
le_sls_Link_t* le_sls_RemoveAfter(le_sls_List_t* listPtr,
                                  le_sls_Link_t* currentLinkPtr);

/* Return a link: the head; the tail; the link behind the current link. NULL:
 * there is none. */
le_sls_Link_t* le_sls_Peek(const le_sls_List_t* listPtr);
le_sls_Link_t* le_sls_PeekTail(const le_sls_List_t* listPtr);
le_sls_Link_t* le_sls_PeekNext(const le_sls_List_t* listPtr,
                               const le_sls_Link_t* currentLinkPtr);

/* Sorts the list. Equal links keep their order. */
void le_sls_Sort(le_sls_List_t* listPtr, le_sls_LessThanFunc_t comparatorPtr);

/* Return whether the list is empty; whether the link is in the list; whether it
 * is the head; whether it is the tail. */
bool le_sls_IsEmpty(const le_sls_List_t* listPtr);
bool le_sls_IsInList(const le_sls_List_t* listPtr,
                     const le_sls_Link_t* linkPtr);
bool le_sls_IsHead(const le_sls_List_t* listPtr, const le_sls_Link_t* linkPtr);
bool le_sls_IsTail(const le_sls_List_t* listPtr, const le_sls_Link_t* linkPtr);
/* Counts the links. */
size_t le_sls_NumLinks(const le_sls_List_t* listPtr);
/* Returns whether a link of the list has no next link. */
bool le_sls_IsListCorrupted(const le_sls_List_t* listPtr);

/* Loops over the objects of a list. The body of the loop must not remove the
 * current object. */
#define LE_SLS_FOREACH(listPtr, iteratorPtr, type, member)               \
  for (le_sls_Link_t* leSlsLink_ = le_sls_Peek(listPtr);                 \
       leSlsLink_ != NULL &&                                             \
       ((iteratorPtr) = CONTAINER_OF(leSlsLink_, type, member)) != NULL; \
       leSlsLink_ = le_sls_PeekNext((listPtr), leSlsLink_))

#ifdef __cplusplus
}
#endif

#endif /* LE_SINGLYLINKEDLIST_H_INCLUDE_GUARD */
