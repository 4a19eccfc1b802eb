// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: results.

#include "le_basics.h"

const char* le_result_Txt(le_result_t result) {
  switch (result) {
#define LE_CASE(name) \
  case name:          \
    return #name
    LE_CASE(LE_OK);
    LE_CASE(LE_NOT_FOUND);
    LE_CASE(LE_NOT_POSSIBLE);
    LE_CASE(LE_OUT_OF_RANGE);
    LE_CASE(LE_NO_MEMORY);
    LE_CASE(LE_NOT_PERMITTED);
    LE_CASE(LE_FAULT);
    LE_CASE(LE_COMM_ERROR);
    LE_CASE(LE_TIMEOUT);
    LE_CASE(LE_OVERFLOW);
    LE_CASE(LE_UNDERFLOW);
    LE_CASE(LE_WOULD_BLOCK);
    LE_CASE(LE_DEADLOCK);
    LE_CASE(LE_FORMAT_ERROR);
    LE_CASE(LE_DUPLICATE);
    LE_CASE(LE_BAD_PARAMETER);
    LE_CASE(LE_CLOSED);
    LE_CASE(LE_BUSY);
    LE_CASE(LE_UNSUPPORTED);
    LE_CASE(LE_IO_ERROR);
    LE_CASE(LE_NOT_IMPLEMENTED);
    LE_CASE(LE_UNAVAILABLE);
    LE_CASE(LE_TERMINATED);
    LE_CASE(LE_IN_PROGRESS);
    LE_CASE(LE_SUSPENDED);
#undef LE_CASE
  }
  return "(unknown result)";
}
