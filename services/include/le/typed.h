// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/typed.h: includes the headers that generated code needs. It declares
// nothing itself.

#ifndef LE_MESSAGING_SERVICES_LE_TYPED_H_
#define LE_MESSAGING_SERVICES_LE_TYPED_H_

#include "le/serve.h"
#include "le/topic.h"
#include "le/typed_client.h"

#endif  // LE_MESSAGING_SERVICES_LE_TYPED_H_
