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

// A server's report on its service.
struct Snapshot {
  std::string problem;     // why there is no snapshot. Empty: there is one
  bool is_silent = false;  // the problem: the server has not answered in time
  int64_t at_ns = 0;
  inspection::proto::Service service;
  std::vector<inspection::proto::Session> sessions;
};

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_SNAPSHOT_H_
