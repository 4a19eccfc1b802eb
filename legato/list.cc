// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: doubly linked lists. The links form a ring, and the list has a
// pointer to the head.

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "event/base/log.h"
#include "event/user_code.h"
#include "le_doublyLinkedList.h"
#include "legato/list_checks.h"

using le::event::CallUser;
using le::event::Misuse;
using le::legato::Checked;
using le::legato::NotNull;

namespace {

// Returns the link. Fatal if the link is in no list.
template <typename Link>
Link* Listed(const char* function, const le_dls_List_t* list, Link* link) {
  NotNull(function, link);
  if (list->headLinkPtr == nullptr || link->nextPtr == nullptr) {
    Misuse(function, "the link is in no list");
  }
  return link;
}

void InsertBefore(le_dls_Link_t* next, le_dls_Link_t* link) {
  link->nextPtr = next;
  link->prevPtr = next->prevPtr;
  next->prevPtr->nextPtr = link;
  next->prevPtr = link;
}

void Append(le_dls_List_t* list, le_dls_Link_t* link) {
  if (list->headLinkPtr == nullptr) {
    list->headLinkPtr = link->nextPtr = link->prevPtr = link;
  } else {
    InsertBefore(list->headLinkPtr, link);
  }
}

void Remove(le_dls_List_t* list, le_dls_Link_t* link) {
  if (link->nextPtr == link) {
    list->headLinkPtr = nullptr;
  } else {
    if (list->headLinkPtr == link) list->headLinkPtr = link->nextPtr;
    link->prevPtr->nextPtr = link->nextPtr;
    link->nextPtr->prevPtr = link->prevPtr;
  }
  link->nextPtr = link->prevPtr = nullptr;
}

le_dls_Link_t* Tail(const le_dls_List_t* list) {
  return list->headLinkPtr == nullptr ? nullptr : list->headLinkPtr->prevPtr;
}

std::vector<le_dls_Link_t*> TakeAll(le_dls_List_t* list) {
  std::vector<le_dls_Link_t*> links;
  while (list->headLinkPtr != nullptr) {
    links.push_back(list->headLinkPtr);
    Remove(list, list->headLinkPtr);
  }
  return links;
}

}  // namespace

void le_dls_Stack(le_dls_List_t* listPtr, le_dls_Link_t* newLinkPtr) {
  le_dls_List_t* const list = Checked(__func__, listPtr);
  Append(list, NotNull(__func__, newLinkPtr));
  list->headLinkPtr = newLinkPtr;
}

void le_dls_Queue(le_dls_List_t* listPtr, le_dls_Link_t* newLinkPtr) {
  Append(Checked(__func__, listPtr), NotNull(__func__, newLinkPtr));
}

void le_dls_AddAfter(le_dls_List_t* listPtr, le_dls_Link_t* currentLinkPtr,
                     le_dls_Link_t* newLinkPtr) {
  le_dls_List_t* const list = Checked(__func__, listPtr);
  InsertBefore(Listed(__func__, list, currentLinkPtr)->nextPtr,
               NotNull(__func__, newLinkPtr));
}

void le_dls_AddBefore(le_dls_List_t* listPtr, le_dls_Link_t* currentLinkPtr,
                      le_dls_Link_t* newLinkPtr) {
  le_dls_List_t* const list = Checked(__func__, listPtr);
  InsertBefore(Listed(__func__, list, currentLinkPtr),
               NotNull(__func__, newLinkPtr));
  if (list->headLinkPtr == currentLinkPtr) list->headLinkPtr = newLinkPtr;
}

le_dls_Link_t* le_dls_Pop(le_dls_List_t* listPtr) {
  le_dls_List_t* const list = Checked(__func__, listPtr);
  le_dls_Link_t* const head = list->headLinkPtr;
  if (head != nullptr) Remove(list, head);
  return head;
}

le_dls_Link_t* le_dls_PopTail(le_dls_List_t* listPtr) {
  le_dls_List_t* const list = Checked(__func__, listPtr);
  le_dls_Link_t* const tail = Tail(list);
  if (tail != nullptr) Remove(list, tail);
  return tail;
}

void le_dls_Remove(le_dls_List_t* listPtr, le_dls_Link_t* linkToRemovePtr) {
  le_dls_List_t* const list = Checked(__func__, listPtr);
  Remove(list, Listed(__func__, list, linkToRemovePtr));
}

le_dls_Link_t* le_dls_Peek(const le_dls_List_t* listPtr) {
  return Checked(__func__, listPtr)->headLinkPtr;
}

le_dls_Link_t* le_dls_PeekTail(const le_dls_List_t* listPtr) {
  return Tail(Checked(__func__, listPtr));
}

le_dls_Link_t* le_dls_PeekNext(const le_dls_List_t* listPtr,
                               const le_dls_Link_t* currentLinkPtr) {
  const le_dls_List_t* const list = Checked(__func__, listPtr);
  le_dls_Link_t* const next = Listed(__func__, list, currentLinkPtr)->nextPtr;
  return next == list->headLinkPtr ? nullptr : next;
}

le_dls_Link_t* le_dls_PeekPrev(const le_dls_List_t* listPtr,
                               const le_dls_Link_t* currentLinkPtr) {
  const le_dls_List_t* const list = Checked(__func__, listPtr);
  Listed(__func__, list, currentLinkPtr);
  return currentLinkPtr == list->headLinkPtr ? nullptr
                                             : currentLinkPtr->prevPtr;
}

void le_dls_Swap(le_dls_List_t* listPtr, le_dls_Link_t* linkPtr,
                 le_dls_Link_t* otherLinkPtr) {
  le_dls_List_t* const list = Checked(__func__, listPtr);
  Listed(__func__, list, linkPtr);
  Listed(__func__, list, otherLinkPtr);
  if (!le_dls_IsInList(list, linkPtr) || !le_dls_IsInList(list, otherLinkPtr)) {
    Misuse(__func__, "a link is in another list");
  }
  if (linkPtr == otherLinkPtr) return;
  le_dls_Link_t* const head = list->headLinkPtr;
  le_dls_Link_t place;  // marks the position of linkPtr
  InsertBefore(linkPtr, &place);
  Remove(list, linkPtr);
  InsertBefore(otherLinkPtr, linkPtr);
  Remove(list, otherLinkPtr);
  InsertBefore(&place, otherLinkPtr);
  Remove(list, &place);
  list->headLinkPtr = head == linkPtr        ? otherLinkPtr
                      : head == otherLinkPtr ? linkPtr
                                             : head;
}

void le_dls_Sort(le_dls_List_t* listPtr, le_dls_LessThanFunc_t comparatorPtr) {
  le_dls_List_t* const list = Checked(__func__, listPtr);
  if (comparatorPtr == nullptr) Misuse(__func__, "the function is NULL");
  std::vector<le_dls_Link_t*> links = TakeAll(list);
  CallUser("the comparator of le_dls_Sort()", [&] {
    std::stable_sort(links.begin(), links.end(), comparatorPtr);
  });
  for (le_dls_Link_t* link : links) Append(list, link);
}

bool le_dls_IsEmpty(const le_dls_List_t* listPtr) {
  return Checked(__func__, listPtr)->headLinkPtr == nullptr;
}

bool le_dls_IsInList(const le_dls_List_t* listPtr,
                     const le_dls_Link_t* linkPtr) {
  const le_dls_Link_t* const head = Checked(__func__, listPtr)->headLinkPtr;
  NotNull(__func__, linkPtr);
  const le_dls_Link_t* at = head;
  while (at != nullptr && at != linkPtr) {
    at = at->nextPtr == head ? nullptr : at->nextPtr;
  }
  return at != nullptr;
}

bool le_dls_IsHead(const le_dls_List_t* listPtr, const le_dls_Link_t* linkPtr) {
  const le_dls_List_t* const list = Checked(__func__, listPtr);
  return list->headLinkPtr == NotNull(__func__, linkPtr);
}

bool le_dls_IsTail(const le_dls_List_t* listPtr, const le_dls_Link_t* linkPtr) {
  const le_dls_List_t* const list = Checked(__func__, listPtr);
  return Tail(list) == NotNull(__func__, linkPtr);
}

size_t le_dls_NumLinks(const le_dls_List_t* listPtr) {
  const le_dls_Link_t* const head = Checked(__func__, listPtr)->headLinkPtr;
  if (head == nullptr) return 0;
  size_t count = 1;
  for (const le_dls_Link_t* at = head->nextPtr; at != head; at = at->nextPtr) {
    ++count;
  }
  return count;
}

bool le_dls_IsListCorrupted(const le_dls_List_t* listPtr) {
  const le_dls_Link_t* const head = Checked(__func__, listPtr)->headLinkPtr;
  const le_dls_Link_t* at = head;
  while (at != nullptr) {
    if (at->nextPtr == nullptr || at->prevPtr == nullptr ||
        at->nextPtr->prevPtr != at || at->prevPtr->nextPtr != at) {
      return true;
    }
    at = at->nextPtr == head ? nullptr : at->nextPtr;
  }
  return false;
}
