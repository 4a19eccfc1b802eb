// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/base/pin.h"

#include <dlfcn.h>

#include <atomic>

namespace le {
namespace event {

void PinThisCode() {
  static std::atomic<bool> pinned{false};
  if (pinned.exchange(true)) return;
  Dl_info here;
  if (dladdr(&pinned, &here) == 0 || here.dli_fname == nullptr) return;
  // Of a program itself it fails, or does nothing.
  dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  dlerror();  // is not for the user to find
}

}  // namespace event
}  // namespace le
