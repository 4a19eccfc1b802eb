// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TOOLS_SDIR_SNAPSHOT_H_
#define LE_MESSAGING_TOOLS_SDIR_SNAPSHOT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "directory/proto/inspection.pb.h"

namespace le {
namespace sdir {

// What a server has told of its service.
struct Snapshot {
  std::string problem;  // why there is none, or not all of it
  int64_t at_ns = 0;
  inspection::proto::Service service;
  std::vector<inspection::proto::Session> sessions;
};

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_SNAPSHOT_H_
