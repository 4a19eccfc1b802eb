// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// Uses a message of echo.proto, and no service: the baseline of
// compile_time.sh.

#include <string>

#include "tests/benchmarks/echo.pb.h"

namespace le {
namespace benchmarks {

std::string Serialize(const std::string& data) {
  Blob blob;
  blob.set_data(data);
  return blob.SerializeAsString();
}

}  // namespace benchmarks
}  // namespace le
