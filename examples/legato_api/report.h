/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef REPORT_H_INCLUDE_GUARD
#define REPORT_H_INCLUDE_GUARD

/* Writes a line on standard output. Fatal if COMPONENT_INIT of report.c has not
 * run. */
void Report(const char* text);

#endif
