// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/benchmarks/rows.h"

#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/groups.h"

namespace le {
namespace benchmarks {

std::vector<Row> MeasureRows(const Options& options) {
  Bench bench(options);
  if (!options.other.empty()) {
    DeclareOther(&bench);
    return bench.Run();
  }
  DeclareSync(&bench);
  DeclareStreams(&bench);
  DeclareTyped(&bench);
  DeclareFlow(&bench);
  DeclareTap(&bench);
  DeclareSessions(&bench);
  DeclareWithinOneProcess(&bench);
  DeclareSize(&bench);
  return bench.Run();
}

}  // namespace benchmarks
}  // namespace le
