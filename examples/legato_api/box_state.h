/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BOX_STATE_H_INCLUDE_GUARD
#define BOX_STATE_H_INCLUDE_GUARD

/* Empties the box. COMPONENT_INIT calls this function. A test also calls it,
 * because a test process runs several servers, one after the other. */
void box_Reset(void);

/* The number of handlers that clients have added. */
int box_HandlerCount(void);

#endif
