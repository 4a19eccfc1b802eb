/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Between main() of component_main.cc and the files that le_api_component writes.
 */

#ifndef LE_MESSAGING_MESSAGING_C_API_COMPONENT_H_
#define LE_MESSAGING_MESSAGING_C_API_COMPONENT_H_

#ifdef __cplusplus
extern "C" {
#endif

/* What a component has to be called for. Each may be NULL. */
typedef struct le_component_Node_ {
  void (*advertise)(void);
  void (*connect)(void);
  void (*initOnce)(void);
  void (*init)(void);
  struct le_component_Node_* next;
} le_component_Node_;

/* By a constructor, before main(). The node must live for ever. */
void le_component_Register_(le_component_Node_* node);

#ifdef __cplusplus
}
#endif

#endif /* LE_MESSAGING_MESSAGING_C_API_COMPONENT_H_ */
