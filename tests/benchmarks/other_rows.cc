// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// This build of the library next to another one, in the same rounds.

#include <string>
#include <vector>

#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/groups.h"

namespace le {
namespace benchmarks {
namespace {

void MeasureOther(Bench* bench) {
  const Directory* const directory = bench->StartDirectory();
  const std::string& path = bench->options().other;
  const auto start = [&](const char* program, const std::string& name,
                         const char* role) {
    Pair pair;
    pair.server = bench->StartOurs(directory, {"server", name, "64"},
                                   bench->ServerCpu(1), program);
    pair.client = bench->StartOurs(directory, {role, name, "64"},
                                   bench->ClientCpu(), program);
    return pair;
  };
  const auto variant = [&](const Pair& pair, const char* kind, int64_t count) {
    return Of(pair, kind, 64, bench->Count(count));
  };
  const Pair other = start(path.c_str(), "other", "client");
  const Pair ours = start("unix_party", "ours", "client");
  const Pair other_loop = start(path.c_str(), "other_loop", "looper");
  const Pair our_loop = start("unix_party", "our_loop", "looper");
  const Variant other_one_way = variant(other_loop, "one_way", 38400);
  const Variant our_one_way = variant(our_loop, "one_way", 38400);
  bench->stage()->FillQueue(other_one_way);
  bench->stage()->FillQueue(our_one_way);
  const std::vector<Series> series = bench->stage()->Compare(
      {variant(other, "sync", 1500), variant(ours, "sync", 1500),
       variant(other_loop, "pipelined", 16000),
       variant(our_loop, "pipelined", 16000), other_one_way, our_one_way});
  bench->SetTimes("other_sync_64", series[0], series[1]);
  bench->SetRates("other_pipelined_64", series[2], series[3]);
  bench->SetRates("other_one_way_64", series[4], series[5]);
}

}  // namespace

void DeclareOther(Bench* bench) {
  bench->Declare(
      "this build; the floor is the other build",
      {NewRow("other_sync_64", "sync round trip, 64 B", "us", AtLeast(0.99)),
       NewRow("other_pipelined_64", "pipelined requests, 64 B", "/s",
              AtLeast(0.99)),
       NewRow("other_one_way_64", "one-way messages, bursts of 256, 64 B", "/s",
              AtLeast(0.99))},
      MeasureOther);
}

}  // namespace benchmarks
}  // namespace le
