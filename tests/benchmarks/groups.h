// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// The groups of rows. Each function declares groups of one subject.

#ifndef LE_MESSAGING_TESTS_BENCHMARKS_GROUPS_H_
#define LE_MESSAGING_TESTS_BENCHMARKS_GROUPS_H_

#include "tests/benchmarks/bench.h"

namespace le {
namespace benchmarks {

void DeclareSync(Bench* bench);
void DeclareStreams(Bench* bench);
void DeclareTyped(Bench* bench);
void DeclareFlow(Bench* bench);
void DeclareTap(Bench* bench);
void DeclareSessions(Bench* bench);
void DeclareWithinOneProcess(Bench* bench);
void DeclareSize(Bench* bench);
void DeclareOther(Bench* bench);

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_GROUPS_H_
