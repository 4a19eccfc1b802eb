// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/typed.h: the header that generated headers include. It has no names of its
// own.

#ifndef LE_MESSAGING_SERVICES_LE_TYPED_H_
#define LE_MESSAGING_SERVICES_LE_TYPED_H_

#include "le/serve.h"
#include "le/topic.h"
#include "le/typed_client.h"

#endif  // LE_MESSAGING_SERVICES_LE_TYPED_H_
