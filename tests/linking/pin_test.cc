// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The first use of the library in a process pins the library's code
// (event/base/pin.h). plugin_test shows that a thread can then end after it has
// closed a plug-in.

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
