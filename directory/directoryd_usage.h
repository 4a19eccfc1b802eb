// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_DIRECTORY_DIRECTORYD_USAGE_H_
#define LE_MESSAGING_DIRECTORY_DIRECTORYD_USAGE_H_

#include "directory/usage.h"

namespace le {
namespace directory {

// The options of directoryd.
const Usage& DirectorydUsage();

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_DIRECTORYD_USAGE_H_
