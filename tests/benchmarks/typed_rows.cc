// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Typed services. The floor is the C API.

#include <vector>

#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/groups.h"

namespace le {
namespace benchmarks {
namespace {

void MeasureTyped(Bench* bench) {
  const Directory* const directory = bench->StartDirectory();
  const Pair c = bench->StartOurPair(directory, "client", 64, 1);
  const Pair c_large = bench->StartOurPair(directory, "client", kLarge, 1);
  const Pair c_looper = bench->StartOurPair(directory, "looper", 64, 1);
  const Pair typed = bench->StartTypedPair(directory);
  const std::vector<Series> series = bench->stage()->Compare({
      Of(c, "sync", 64, bench->Count(1500)),
      Of(typed, "sync", 64, bench->Count(1500)),
      Of(typed, "sync_small", 64, bench->Count(1500)),
      Of(c_large, "sync", kLarge, bench->Count(800)),
      Of(typed, "sync_large", kLarge, bench->Count(800)),
      Of(c_looper, "pipelined", 64, bench->Count(16000)),
      Of(typed, "pipelined", 64, bench->Count(16000)),
      Of(c_looper, "one_way", 64, bench->Count(38400)),
      Of(typed, "one_way", 64, bench->Count(12800)),
      Of(typed, "stream", 64, bench->Count(12800)),
  });
  bench->SetTimes("typed_sync_64", series[0], series[1]);
  bench->SetMoreCpu("typed_sync_64_cpu", series[0], series[1]);
  bench->SetMoreCpu("typed_small_sync_64_cpu", series[0], series[2]);
  bench->SetTimes("typed_sync_64k", series[3], series[4]);
  bench->SetRates("typed_pipelined_64", series[5], series[6]);
  bench->SetRates("typed_one_way_64", series[7], series[8]);
  bench->SetRates("typed_stream_64", series[7], series[9]);
  if (!bench->stage()->ok()) return;
  bench->SetAllocations("typed_sync_64_allocations", series[1]);
  bench->SetAllocations("typed_pipelined_64_allocations", series[6]);
  bench->CountInstructions(
      "typed_sync_64_instructions", series[1],
      [bench] { return bench->InstructionsInC(); },
      [bench] {
        return bench->InstructionsOf(
            bench->StartTypedPair(bench->StartDirectory()));
      });
}

}  // namespace

void DeclareTyped(Bench* bench) {
  bench->Declare(
      "typed services",
      {NewRow("typed_sync_64", "typed call, 64 B; the floor in C", "us",
              Goal()),
       NewRow("typed_sync_64_cpu", "  CPU per call over C's, both sides", "us",
              AtMost(0.6)),
       NewRow("typed_sync_64_allocations", "  allocations", "", AtMost(0)),
       NewRow("typed_sync_64_instructions",
              "  instructions outside the kernel; those of C", "", Goal()),
       NewRow("typed_small_sync_64_cpu",
              "  CPU over C's, (le.largest_message) as in C", "us", Goal()),
       NewRow("typed_sync_64k", "typed call, 64 KiB; the floor in C", "us",
              Goal()),
       NewRow("typed_pipelined_64",
              "typed calls, 64 outstanding, 64 B; the floor in C", "/s",
              Goal()),
       NewRow("typed_pipelined_64_allocations", "  allocations", "", AtMost(0)),
       NewRow("typed_one_way_64",
              "typed one-way messages, bursts of 256, 64 B; the floor in C",
              "/s", Goal()),
       NewRow("typed_stream_64",
              "items of a stream, 64 B; the floor: one-way messages in C", "/s",
              AtLeast(0.6))},
      MeasureTyped);
}

}  // namespace benchmarks
}  // namespace le
