// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Pipelined requests, one-way messages, and flow control.

#include <string>
#include <vector>

#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/groups.h"

namespace le {
namespace benchmarks {
namespace {

void MeasureFlow(Bench* bench) {
  const Directory* const directory = bench->StartDirectory();
  const int64_t count = bench->Count(800);
  const std::vector<Series> large = bench->stage()->Compare(
      {Of(bench->StartRaw(1), "sync", kLarge, count),
       Of(bench->StartOurPair(directory, "looper", kLarge, 1), "pipelined",
          kLarge, count)});
  bench->SetRates("pipelined_64k", large[0], large[1]);
  Pair alone, beside;
  alone.server = bench->StartOurs(directory, {"server", "alone", "64"},
                                  bench->ServerCpu(1));
  alone.client = bench->StartOurs(directory, {"client", "alone", "64"},
                                  bench->ClientCpu());
  beside.server = bench->StartOurs(directory, {"server", "beside", "64"},
                                   bench->ServerCpu(1));
  beside.client = bench->StartOurs(directory, {"client", "beside", "64"},
                                   bench->ClientCpu());
  bench->StartOurs(directory, {"slow_reader", "beside", "64"},
                   bench->ClientCpu());
  const std::vector<Series> sync = bench->stage()->Compare(
      {Of(alone, "sync", 64, count), Of(beside, "sync", 64, count)});
  bench->SetTimes("sync_64_beside_slow", sync[0], sync[1]);
}

void MeasurePipelined(Bench* bench, int cpus, const std::string& in) {
  if (!bench->HaveCpus(cpus)) return;
  const Directory* const directory = bench->StartDirectory();
  const Variant raw =
      Of(bench->StartRaw(cpus), "pipelined", 64, bench->Count(6400));
  const Variant ours = Of(bench->StartOurPair(directory, "looper", 64, cpus),
                          "pipelined", 64, bench->Count(16000));
  const std::vector<Series> series = bench->stage()->Compare({raw, ours});
  bench->SetRates("pipelined_64" + in, series[0], series[1]);
  if (cpus > 1) return;
  bench->SetAllocations("pipelined_64_allocations", series[1]);
  bench->CountCalls("pipelined_64_calls", raw, ours, Stage::Count::kOnAverage);
}

void MeasureOneWay(Bench* bench, int cpus, const std::string& in) {
  if (!bench->HaveCpus(cpus)) return;
  const Directory* const directory = bench->StartDirectory();
  const Pair raw = bench->StartRaw(cpus);
  const Pair looper = bench->StartOurPair(directory, "looper", 64, cpus);
  const Pair large = bench->StartOurPair(directory, "looper", 1024, cpus);
  const Pair plain = bench->StartOurPair(directory, "client", 64, cpus);
  const int64_t count = bench->Count(12800);
  const Variant ours = Of(looper, "one_way", 64, 3 * count);
  const Variant ours_plain = Of(plain, "one_way", 64, count);
  const Variant floor = Of(raw, "one_way", 64, count);
  bench->stage()->FillQueue(ours);
  bench->stage()->FillQueue(ours_plain);
  const std::vector<Series> series = bench->stage()->Compare(
      {floor, ours, ours_plain, Of(raw, "one_way", 1024, count),
       Of(large, "one_way", 1024, count)});
  bench->SetRates("one_way_64" + in, series[0], series[1]);
  bench->SetRates("one_way_1k" + in, series[3], series[4]);
  bench->SetRates("one_way_64_loop" + in, series[0], series[2]);
  if (cpus > 1) return;
  bench->SetAllocations("one_way_64_allocations", series[1]);
  bench->SetAllocations("one_way_64_loop_allocations", series[2]);
  bench->CountCalls("one_way_64_calls", floor, ours, Stage::Count::kOnAverage);
  // A process cannot be traced twice, so this starts another pair.
  bench->CountCalls("one_way_64_loop_calls",
                    Of(bench->StartRaw(cpus), "one_way", 64, count), ours_plain,
                    Stage::Count::kOnAverage);
}

}  // namespace

void DeclareStreams(Bench* bench) {
  for (int cpus = 1; cpus <= 2; ++cpus) {
    const std::string in = cpus == 1 ? "" : "_2cpus";
    const std::string where = cpus == 1 ? "" : ", two CPUs";
    std::vector<Row> rows = {NewRow("pipelined_64" + in,
                                    "pipelined requests, 64 outstanding, "
                                    "64 B" +
                                        where,
                                    "/s", AtLeast(3.5))};
    if (cpus == 1) {
      rows.push_back(
          NewRow("pipelined_64_allocations", "  allocations", "", AtMost(0)));
      rows.push_back(
          NewRow("pipelined_64_calls", "  system calls", "", Goal()));
    }
    bench->Declare("pipelined, 64 B" + where, rows, [cpus, in](Bench* bench) {
      MeasurePipelined(bench, cpus, in);
    });
    rows = {NewRow("one_way_64" + in,
                   "one-way messages, bursts of 256, 64 B" + where, "/s",
                   AtLeast(8)),
            NewRow("one_way_1k" + in,
                   "one-way messages, bursts of 256, 1 KiB" + where, "/s",
                   AtLeast(2.5))};
    rows.push_back(NewRow("one_way_64_loop" + in,
                          "one-way messages, a plain loop, 64 B" + where, "/s",
                          AtLeast(cpus == 1 ? 0.85 : 0.95)));
    if (cpus == 1) {
      rows.push_back(NewRow("one_way_64_allocations", "  allocations, bursts",
                            "", AtMost(0)));
      rows.push_back(NewRow("one_way_64_loop_allocations",
                            "  allocations, plain loop", "", AtMost(0)));
      rows.push_back(
          NewRow("one_way_64_calls", "  system calls, bursts", "", Goal()));
      rows.push_back(NewRow("one_way_64_loop_calls",
                            "  system calls, plain loop", "", Goal()));
    }
    bench->Declare("one-way" + where, rows, [cpus, in](Bench* bench) {
      MeasureOneWay(bench, cpus, in);
    });
  }
}

void DeclareFlow(Bench* bench) {
  bench->Declare(
      "flow control",
      {NewRow("pipelined_64k",
              "pipelined requests, 64 outstanding, 64 KiB; the floor: one "
              "at a time",
              "/s", Goal()),
       NewRow("sync_64_beside_slow",
              "sync round trip, 64 B, beside a slow reader; the floor: no "
              "slow reader",
              "us", Goal())},
      MeasureFlow);
}

}  // namespace benchmarks
}  // namespace le
