// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C++ part of the server of the API "box".

#include "interfaces.h"

// Passes the received file back. If there is none, sets *outPtr to an error
// code, as many servers do.
le_result_t box_Open(int in, int* outPtr) {
  *outPtr = in < 0 ? LE_FAULT : in;
  return in < 0 ? LE_BAD_PARAMETER : LE_OK;
}
