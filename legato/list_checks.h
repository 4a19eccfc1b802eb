// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Checks of arguments, for list.cc and singly_linked_list.cc.

#ifndef LE_MESSAGING_LEGATO_LIST_CHECKS_H_
#define LE_MESSAGING_LEGATO_LIST_CHECKS_H_

#include "event/base/log.h"

namespace le {
namespace legato {

// Returns the list. Fatal if it is null.
template <typename List>
List* Checked(const char* function, List* list) {
  if (list == nullptr) event::Misuse(function, "the list is NULL");
  return list;
}

// Returns the link. Fatal if it is null.
template <typename Link>
Link* NotNull(const char* function, Link* link) {
  if (link == nullptr) event::Misuse(function, "the link is NULL");
  return link;
}

}  // namespace legato
}  // namespace le

#endif  // LE_MESSAGING_LEGATO_LIST_CHECKS_H_
