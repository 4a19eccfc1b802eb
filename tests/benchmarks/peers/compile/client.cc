// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// A client of a typed service.

#include <string>

#include "absl/status/statusor.h"
#include "tests/benchmarks/echo.le.h"

namespace le {
namespace benchmarks {

absl::StatusOr<Blob> CallEcho(const std::string& data) {
  absl::StatusOr<EchoClient> client = EchoClient::Open("echo");
  if (!client.ok()) return client.status();
  Blob blob;
  blob.set_data(data);
  return client->Call(blob);
}

}  // namespace benchmarks
}  // namespace le
