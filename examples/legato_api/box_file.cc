// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C++ part of the server of the API "box".

#include "interfaces.h"

// Returns the received file. If there is none, the output is an error code, as
// in many servers.
le_result_t box_Open(int in, int* outPtr) {
  *outPtr = in < 0 ? LE_FAULT : in;
  return in < 0 ? LE_BAD_PARAMETER : LE_OK;
}
