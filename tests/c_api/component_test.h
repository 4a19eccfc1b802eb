/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef LE_MESSAGING_TESTS_C_API_COMPONENT_TEST_H_
#define LE_MESSAGING_TESTS_C_API_COMPONENT_TEST_H_

/* Records that `function` was called. */
void Note(const char* function);

#endif /* LE_MESSAGING_TESTS_C_API_COMPONENT_TEST_H_ */
