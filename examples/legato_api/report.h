/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef REPORT_H_INCLUDE_GUARD
#define REPORT_H_INCLUDE_GUARD

/* Writes a line on standard output. Fatal before the component's
 * COMPONENT_INIT. */
void Report(const char* text);

#endif
