// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/testing/replay.h"

#include <fstream>
#include <sstream>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "messaging/recording/pcapng.h"
#include "messaging/recording/replayer.h"

namespace le {
namespace messaging {
namespace testing {

void ReplayFile(const std::string& path, double speed) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  ASSERT_TRUE(file.good()) << "cannot read " << path;
  const absl::StatusOr<recording::Recording> recording =
      recording::ParsePcapng(bytes.str());
  ASSERT_TRUE(recording.ok()) << path << ": " << recording.status();
  recording::ReplayOptions options;
  options.speed = speed;
  recording::ReplayCounts counts;
  const absl::Status replayed = recording::Replay(
      *recording, options,
      [&path](const std::string& difference) {
        ADD_FAILURE() << path << ": " << difference;
      },
      &counts);
  EXPECT_TRUE(replayed.ok()) << path << ": " << replayed;
  EXPECT_GT(counts.same + counts.different, 0u)
      << path << ": no response was compared";
}

}  // namespace testing
}  // namespace messaging
}  // namespace le
