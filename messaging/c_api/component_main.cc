// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// main() for a program that consists of components: initializes them, then runs
// the event loop.

#include "legato.h"
#include "messaging/c_api/component.h"

// The functions of the component without a name. Null: there is none.
extern "C" __attribute__((weak)) void _le_event_InitComponentOnce(void);
extern "C" __attribute__((weak)) void _le_event_InitComponent(void);

namespace {

// The list of the components. Each comes after the components that it uses.
le_component_Node_* g_first = nullptr;

void Call(void (*function)()) {
  if (function != nullptr) function();
}

// Services are advertised before any client connects, because a component may
// need the service of another one.
void Initialize(void*, void*) {
  for (auto* c = g_first; c != nullptr; c = c->next) Call(c->advertise);
  for (auto* c = g_first; c != nullptr; c = c->next) Call(c->connect);
  for (auto* c = g_first; c != nullptr; c = c->next) Call(c->initOnce);
  Call(&_le_event_InitComponentOnce);
  for (auto* c = g_first; c != nullptr; c = c->next) Call(c->init);
  Call(&_le_event_InitComponent);
}

}  // namespace

void le_component_Register_(le_component_Node_* node) {
  // Constructors call this function in the order of linking. In this order a
  // component is before the components that it uses.
  node->next = g_first;
  g_first = node;
}

int main(int argc, char** argv) {
  le_arg_SetArgs(static_cast<size_t>(argc), const_cast<const char**>(argv));
  le_event_QueueFunction(&Initialize, nullptr, nullptr);
  le_event_RunLoop();
}
