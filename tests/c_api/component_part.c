/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A component of component_test, which compiles this file once for each
 * component. legato.h defines _GNU_SOURCE, so strchrnul() is declared.
 */

#include "legato.h"
#include "tests/c_api/component_test.h"

COMPONENT_INIT_ONCE { Note(STRINGIZE(COMPONENT_INIT_ONCE_NAME)); }

COMPONENT_INIT {
  static const char name[] = STRINGIZE(COMPONENT_INIT_NAME);
  LE_ASSERT(strchrnul(name, '?') == name + strlen(name));
  Note(name);
}
