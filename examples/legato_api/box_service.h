/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * This file is written by hand in the form of ifgen's output. It names the
 * protocol and the interface of the API "box".
 */

#ifndef BOX_SERVICE_H_INCLUDE_GUARD
#define BOX_SERVICE_H_INCLUDE_GUARD

#include "legato.h"

#define PROTOCOL_ID_STR "box of the example, 1"
#ifdef MK_TOOLS_BUILD
extern const char** box_ServiceInstanceNamePtr;
#define SERVICE_INSTANCE_NAME (*box_ServiceInstanceNamePtr)
#else
#define SERVICE_INSTANCE_NAME "box"
#endif

#endif
