// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// main() for a program that is written as a component: runs COMPONENT_INIT,
// then the event loop.

#include "legato.h"

extern "C" void _le_event_InitComponent(void);

int main() {
  le_event_QueueFunction([](void*, void*) { _le_event_InitComponent(); },
                         nullptr, nullptr);
  le_event_RunLoop();
}
