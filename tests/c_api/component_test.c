/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A program of two components, and of this file, which belongs to no component.
 * The component "upper" uses the component "lower". main() calls each
 * COMPONENT_INIT_ONCE, then each COMPONENT_INIT.
 */

#include "tests/c_api/component_test.h"

#include <string.h>

#include "legato.h"

static const char* Called[8];
static size_t Count;

void Note(const char* function) {
  LE_ASSERT(Count < NUM_ARRAY_MEMBERS(Called));
  Called[Count++] = function;
}

COMPONENT_INIT_ONCE { Note(STRINGIZE(COMPONENT_INIT_ONCE_NAME)); }

/* The old name of COMPONENT_INIT. */
LE_EVENT_INIT_HANDLER {
  static const char* const expected[] = {
      "_lower_COMPONENT_INIT_ONCE",  "_upper_COMPONENT_INIT_ONCE",
      "_le_event_InitComponentOnce", "_lower_COMPONENT_INIT",
      "_upper_COMPONENT_INIT",       "_le_event_InitComponent",
  };
  size_t i;
  Note(STRINGIZE(COMPONENT_INIT_NAME));
  LE_TEST_PLAN(NUM_ARRAY_MEMBERS(expected) + 2);
  LE_TEST_OK(strcmp(STRINGIZE(LE_COMPONENT_NAME), "") == 0, "no name");
  LE_TEST_OK(Count == NUM_ARRAY_MEMBERS(expected), "each function is called");
  for (i = 0; i < NUM_ARRAY_MEMBERS(expected); ++i) {
    LE_TEST_OK(i < Count && strcmp(Called[i], expected[i]) == 0, "%s",
               expected[i]);
  }
  LE_TEST_EXIT;
}
