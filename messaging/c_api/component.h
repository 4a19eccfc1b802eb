/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The interface between main() of component_main.cc and the files that
 * le_api_component writes.
 */

#ifndef LE_MESSAGING_MESSAGING_C_API_COMPONENT_H_
#define LE_MESSAGING_MESSAGING_C_API_COMPONENT_H_

#ifdef __cplusplus
extern "C" {
#endif

/* The functions that main() calls for a component. Each may be NULL. */
typedef struct le_component_Node_ {
  void (*advertise)(void);
  void (*connect)(void);
  void (*initOnce)(void);
  void (*init)(void);
  struct le_component_Node_* next;
} le_component_Node_;

/* Called by a constructor, before main(). The node must not be destroyed. */
void le_component_Register_(le_component_Node_* node);

#ifdef __cplusplus
}
#endif

#endif /* LE_MESSAGING_MESSAGING_C_API_COMPONENT_H_ */
