// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A list of the directory's, for people and for programs. Pure.

#ifndef LE_MESSAGING_TOOLS_SDIR_LIST_FORMAT_H_
#define LE_MESSAGING_TOOLS_SDIR_LIST_FORMAT_H_

#include <string>

#include "directory/proto/directory.pb.h"

namespace le {
namespace sdir {

std::string FormatText(const directory::proto::ListPart& list);
// One line of JSON.
std::string FormatJson(const directory::proto::ListPart& list);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_LIST_FORMAT_H_
