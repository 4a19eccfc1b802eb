// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TOOLS_SDIR_USAGE_H_
#define LE_MESSAGING_TOOLS_SDIR_USAGE_H_

#include "directory/usage.h"

namespace le {
namespace sdir {

// The commands and options of sdir.
const directory::Usage& SdirUsage();

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_USAGE_H_
