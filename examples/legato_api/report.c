/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A component on which another component depends.
 */

#include "report.h"

#include "interfaces.h"

static bool IsThere;

void Report(const char* text) {
  LE_ASSERT(IsThere);
  puts(text);
}

COMPONENT_INIT { IsThere = true; }
