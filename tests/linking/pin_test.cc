// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The library pins its own code when a thread first uses it, before it sets the
// thread's data. plugin_test shows what this prevents.

#include <dlfcn.h>

#include "gtest/gtest.h"
#include "le_messaging.h"
#include "legato.h"

namespace {

int g_pins = 0;

TEST(PinTest, TheFirstUseOfTheLibraryPinsIt) {
  EXPECT_EQ(g_pins, 0);
  le_msg_CreateSession(le_msg_GetProtocolRef("text", 8), "pin");
  EXPECT_EQ(g_pins, 1);
  le_msg_CreateSession(le_msg_GetProtocolRef("text", 8), "pin");
  EXPECT_EQ(g_pins, 1);
}

}  // namespace

// Stands in for the C library's function.
extern "C" void* dlopen(const char* /*file*/, int mode) noexcept {
  if ((mode & RTLD_NODELETE) != 0) ++g_pins;
  return nullptr;
}
