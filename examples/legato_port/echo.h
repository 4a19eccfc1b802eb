/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef EXAMPLES_LEGATO_PORT_ECHO_H_
#define EXAMPLES_LEGATO_PORT_ECHO_H_

#include <stdint.h>

#define ECHO_PROTOCOL "echo 1"

typedef struct {
  int32_t number;
} echo_Message_t;

#endif /* EXAMPLES_LEGATO_PORT_ECHO_H_ */
