/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_messaging_loopback.h: the bindings of a program that links
 * //messaging:le_messaging_loopback. Its directory is in the process itself.
 */

#ifndef LE_MESSAGING_LOOPBACK_H_INCLUDE_GUARD
#define LE_MESSAGING_LOOPBACK_H_INCLUDE_GUARD

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Replaces all bindings of the in-process directory. The text has the format of
 * a bindings file. At first there is one line, "<*>.* -> <self>.*": it binds
 * each client interface to the service of the same name. Open sessions stay
 * open. Waiting clients use the new bindings. Any thread. Fatal: NULL.
 *   LE_OK            the bindings were replaced
 *   LE_FORMAT_ERROR  nothing has changed; the log says where the text is wrong
 */
le_result_t le_msg_SetLoopbackBindings(const char* bindingsText);

#ifdef __cplusplus
}
#endif

#endif /* LE_MESSAGING_LOOPBACK_H_INCLUDE_GUARD */
