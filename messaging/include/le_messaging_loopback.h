/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_messaging_loopback.h: only with //messaging:le_messaging_loopback, whose
 * directory is in the process itself.
 */

#ifndef LE_MESSAGING_LOOPBACK_H_INCLUDE_GUARD
#define LE_MESSAGING_LOOPBACK_H_INCLUDE_GUARD

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Replaces all bindings of the in-process directory. The text is that of a bindings
 * file; at first it is the one line "<*>.* -> <self>.*": each client interface is
 * bound to the service of the same name. Sessions that are open stay so; clients
 * that wait are looked up anew. LE_FORMAT_ERROR: nothing has changed, the log
 * says where the text is wrong. Any thread. */
le_result_t le_msg_SetLoopbackBindings(const char* bindingsText);

#ifdef __cplusplus
}
#endif

#endif /* LE_MESSAGING_LOOPBACK_H_INCLUDE_GUARD */
