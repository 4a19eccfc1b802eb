// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A part of the server of the API "box" in C++.

#include "interfaces.h"

// Returns the file, if there is one. Otherwise the output has an error code, as many
// servers leave it.
le_result_t box_Open(int in, int* outPtr) {
  *outPtr = in < 0 ? LE_FAULT : in;
  return in < 0 ? LE_BAD_PARAMETER : LE_OK;
}
