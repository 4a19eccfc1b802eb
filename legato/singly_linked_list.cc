// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: singly linked lists. The links form a ring, and the list has a
// pointer to the tail.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "event/base/log.h"
#include "event/user_code.h"
#include "le_singlyLinkedList.h"
#include "legato/list_checks.h"

using le::event::CallUser;
using le::event::Misuse;
using le::legato::Checked;
using le::legato::NotNull;

namespace {

// Returns the link. Fatal if the link is in no list.
template <typename Link>
Link* Listed(const char* function, const le_sls_List_t* list, Link* link) {
  NotNull(function, link);
  if (list->tailLinkPtr == nullptr || link->nextPtr == nullptr) {
    Misuse(function, "the link is in no list");
  }
  return link;
}

// Inserts the link behind the tail: it becomes the head. If the list is empty,
// the link becomes the tail too.
void Stack(le_sls_List_t* list, le_sls_Link_t* link) {
  if (list->tailLinkPtr == nullptr) list->tailLinkPtr = link->nextPtr = link;
  le_sls_Link_t* const tail = list->tailLinkPtr;
  if (tail == link) return;
  link->nextPtr = tail->nextPtr;
  tail->nextPtr = link;
}

le_sls_Link_t* RemoveAfter(le_sls_List_t* list, le_sls_Link_t* link) {
  le_sls_Link_t* const removed = link->nextPtr;
  link->nextPtr = removed->nextPtr;
  if (removed == list->tailLinkPtr) {
    list->tailLinkPtr = removed == link ? nullptr : link;
  }
  removed->nextPtr = nullptr;
  return removed;
}

le_sls_Link_t* Head(const le_sls_List_t* list) {
  return list->tailLinkPtr == nullptr ? nullptr : list->tailLinkPtr->nextPtr;
}

// Null: the link is the tail.
le_sls_Link_t* Next(const le_sls_List_t* list, const le_sls_Link_t* link) {
  return link == list->tailLinkPtr ? nullptr : link->nextPtr;
}

}  // namespace

void le_sls_Stack(le_sls_List_t* listPtr, le_sls_Link_t* newLinkPtr) {
  Stack(Checked(__func__, listPtr), NotNull(__func__, newLinkPtr));
}

void le_sls_Queue(le_sls_List_t* listPtr, le_sls_Link_t* newLinkPtr) {
  Stack(Checked(__func__, listPtr), NotNull(__func__, newLinkPtr));
  listPtr->tailLinkPtr = newLinkPtr;
}

void le_sls_AddAfter(le_sls_List_t* listPtr, le_sls_Link_t* currentLinkPtr,
                     le_sls_Link_t* newLinkPtr) {
  le_sls_List_t* const list = Checked(__func__, listPtr);
  NotNull(__func__, newLinkPtr);
  if (currentLinkPtr == nullptr) {
    Stack(list, newLinkPtr);
    return;
  }
  Listed(__func__, list, currentLinkPtr);
  newLinkPtr->nextPtr = currentLinkPtr->nextPtr;
  currentLinkPtr->nextPtr = newLinkPtr;
  if (currentLinkPtr == list->tailLinkPtr) list->tailLinkPtr = newLinkPtr;
}

le_sls_Link_t* le_sls_Pop(le_sls_List_t* listPtr) {
  le_sls_List_t* const list = Checked(__func__, listPtr);
  if (list->tailLinkPtr == nullptr) return nullptr;
  return RemoveAfter(list, list->tailLinkPtr);
}

le_sls_Link_t* le_sls_RemoveAfter(le_sls_List_t* listPtr,
                                  le_sls_Link_t* currentLinkPtr) {
  le_sls_List_t* const list = Checked(__func__, listPtr);
  if (Listed(__func__, list, currentLinkPtr) == list->tailLinkPtr) {
    return nullptr;
  }
  return RemoveAfter(list, currentLinkPtr);
}

le_sls_Link_t* le_sls_Peek(const le_sls_List_t* listPtr) {
  return Head(Checked(__func__, listPtr));
}

le_sls_Link_t* le_sls_PeekTail(const le_sls_List_t* listPtr) {
  return Checked(__func__, listPtr)->tailLinkPtr;
}

le_sls_Link_t* le_sls_PeekNext(const le_sls_List_t* listPtr,
                               const le_sls_Link_t* currentLinkPtr) {
  const le_sls_List_t* const list = Checked(__func__, listPtr);
  return Next(list, Listed(__func__, list, currentLinkPtr));
}

void le_sls_Sort(le_sls_List_t* listPtr, le_sls_LessThanFunc_t comparatorPtr) {
  le_sls_List_t* const list = Checked(__func__, listPtr);
  if (comparatorPtr == nullptr) Misuse(__func__, "the function is NULL");
  std::vector<le_sls_Link_t*> links;
  for (le_sls_Link_t* at = Head(list); at != nullptr; at = Next(list, at)) {
    links.push_back(at);
  }
  CallUser("the comparator of le_sls_Sort()", [&] {
    std::stable_sort(links.begin(), links.end(), comparatorPtr);
  });
  list->tailLinkPtr = nullptr;
  for (le_sls_Link_t* link : links) le_sls_Queue(list, link);
}

bool le_sls_IsEmpty(const le_sls_List_t* listPtr) {
  return Checked(__func__, listPtr)->tailLinkPtr == nullptr;
}

bool le_sls_IsInList(const le_sls_List_t* listPtr,
                     const le_sls_Link_t* linkPtr) {
  const le_sls_List_t* const list = Checked(__func__, listPtr);
  NotNull(__func__, linkPtr);
  const le_sls_Link_t* at = Head(list);
  while (at != nullptr && at != linkPtr) at = Next(list, at);
  return at != nullptr;
}

bool le_sls_IsHead(const le_sls_List_t* listPtr, const le_sls_Link_t* linkPtr) {
  const le_sls_List_t* const list = Checked(__func__, listPtr);
  return Head(list) == NotNull(__func__, linkPtr);
}

bool le_sls_IsTail(const le_sls_List_t* listPtr, const le_sls_Link_t* linkPtr) {
  const le_sls_List_t* const list = Checked(__func__, listPtr);
  return list->tailLinkPtr == NotNull(__func__, linkPtr);
}

size_t le_sls_NumLinks(const le_sls_List_t* listPtr) {
  const le_sls_List_t* const list = Checked(__func__, listPtr);
  size_t count = 0;
  for (const le_sls_Link_t* at = Head(list); at != nullptr;
       at = Next(list, at)) {
    ++count;
  }
  return count;
}

bool le_sls_IsListCorrupted(const le_sls_List_t* listPtr) {
  const le_sls_List_t* const list = Checked(__func__, listPtr);
  const le_sls_Link_t* at = list->tailLinkPtr;
  if (at == nullptr) return false;
  do {
    at = at->nextPtr;
  } while (at != nullptr && at != list->tailLinkPtr);
  return at == nullptr;
}
