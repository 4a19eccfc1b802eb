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
  // If this code is in the program itself, dlopen() fails or does nothing.
  dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  dlerror();  // clear the error, so that the user's dlerror() omits it
}

}  // namespace event
}  // namespace le
