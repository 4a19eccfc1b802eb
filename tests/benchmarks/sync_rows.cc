// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Synchronous round trips.

#include <string>
#include <vector>

#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/groups.h"

namespace le {
namespace benchmarks {
namespace {

constexpr size_t kVeryLarge = 1 << 20;
// The tolerated number of additional thread switches per operation.
constexpr double kSwitchTolerance = 0.05;

void MeasureSync(Bench* bench, int cpus, const std::string& in) {
  if (!bench->HaveCpus(cpus)) return;
  const Directory* const directory = bench->StartDirectory();
  const int64_t count = bench->Count(cpus == 1 ? 1500 : 700);
  const Variant raw = Of(bench->StartRaw(cpus), "sync", 64, count);
  const Variant epoll = Of(bench->StartRaw(cpus, "epoll"), "sync", 64, count);
  const Variant ours =
      Of(bench->StartOurPair(directory, "client", 64, cpus), "sync", 64, count);
  const std::vector<Series> series =
      bench->stage()->Compare({raw, epoll, ours});
  bench->SetTimes("sync_64" + in, series[0], series[2]);
  bench->SetTimes("sync_64_epoll" + in, series[1], series[2]);
  if (cpus > 1 || !bench->stage()->ok()) return;
  bench->SetMoreCpu("sync_64_cpu", series[0], series[2]);
  bench->SetOne("sync_64_switches", Median(series[2].switches),
                Median(series[0].switches));
  bench->SetAllocations("sync_64_allocations", series[2]);
  bench->CountCalls("sync_64_calls", raw, ours);
  // A process cannot be traced twice, so other processes are counted.
  bench->CountInstructions(
      "sync_64_instructions", series[2],
      [bench] { return bench->InstructionsOf(bench->StartRaw(1)); },
      [bench] { return bench->InstructionsInC(); });
}

void MeasureCpp(Bench* bench) {
  const Directory* const directory = bench->StartDirectory();
  const int64_t count = bench->Count(1500);
  const Variant c =
      Of(bench->StartOurPair(directory, "client", 64, 1), "sync", 64, count);
  const Variant cpp = Of(bench->StartCppPair(directory), "sync", 64, count);
  const std::vector<Series> series = bench->stage()->Compare({c, cpp});
  bench->SetTimes("cpp_sync_64", series[0], series[1]);
  bench->SetMoreCpu("cpp_sync_64_cpu", series[0], series[1]);
  if (!bench->stage()->ok()) return;
  bench->SetAllocations("cpp_sync_64_allocations", series[1]);
  bench->CountInstructions(
      "cpp_sync_64_instructions", series[1],
      [bench] { return bench->InstructionsInC(); },
      [bench] {
        return bench->InstructionsOf(
            bench->StartCppPair(bench->StartDirectory()));
      });
}

void MeasureLargeSync(Bench* bench) {
  const Directory* const directory = bench->StartDirectory();
  const int64_t count = bench->Count(800);
  const Variant raw = Of(bench->StartRaw(1), "sync", kLarge, count);
  const Variant ours = Of(bench->StartOurPair(directory, "client", kLarge, 1),
                          "sync", kLarge, count);
  const std::vector<Series> series = bench->stage()->Compare({raw, ours});
  bench->SetTimes("sync_64k", series[0], series[1]);
  bench->CountCalls("sync_64k_calls", raw, ours);
}

void MeasureVeryLargeSync(Bench* bench) {
  const Directory* const directory = bench->StartDirectory();
  const int64_t count = bench->Count(150);
  const Variant pieces =
      Of(bench->StartRaw(1, "pieces"), "sync", kVeryLarge, count);
  const Variant large =
      Of(bench->StartRaw(1, "large"), "sync", kVeryLarge, count);
  const Variant ours =
      Of(bench->StartOurPair(directory, "client", kVeryLarge, 1), "sync",
         kVeryLarge, count);
  const std::vector<Series> series =
      bench->stage()->Compare({pieces, large, ours});
  bench->SetTimes("sync_1m_pieces", series[0], series[2]);
  bench->SetTimes("sync_1m", series[1], series[2]);
  // The number of parts that one call sends depends on when the peer reads.
  bench->CountCalls("sync_1m_calls", pieces, ours, Stage::Count::kOnAverage);
}

void MeasurePartlyUsed(Bench* bench) {
  const Directory* const directory = bench->StartDirectory();
  const int64_t count = bench->Count(1500);
  const Pair pair = bench->StartOurPair(directory, "client", kLarge, 1);
  const std::vector<Series> series = bench->stage()->Compare(
      {Of(bench->StartRaw(1), "sync", 64, count),
       Of(pair, "sync_sized", 64, count), Of(pair, "sync", 64, count)});
  bench->SetTimes("sync_64_of_64k_sized", series[0], series[1]);
  bench->SetTimes("sync_64_of_64k", series[0], series[2]);
}

}  // namespace

void DeclareSync(Bench* bench) {
  for (int cpus = 1; cpus <= 2; ++cpus) {
    const std::string in = cpus == 1 ? "" : "_2cpus";
    const std::string where = cpus == 1 ? "" : ", two CPUs";
    std::vector<Row> rows = {
        NewRow("sync_64" + in, "sync round trip, 64 B" + where, "us",
               AtLeast(cpus == 1 ? 0.85 : 0.95)),
        NewRow("sync_64_epoll" + in,
               "  the same, the floor with an epoll server" + where, "us",
               Goal()),
    };
    if (cpus == 1) {
      rows.push_back(NewRow("sync_64_cpu",
                            "  CPU per call over the floor's, both sides", "us",
                            AtMost(1.2)));
      rows.push_back(NewRow("sync_64_switches", "  voluntary switches", "",
                            AtMost(2 + kSwitchTolerance)));
      rows.push_back(
          NewRow("sync_64_allocations", "  allocations", "", AtMost(0)));
      rows.push_back(NewRow("sync_64_calls", "  system calls", "", AtMost(5)));
      rows.push_back(NewRow("sync_64_instructions",
                            "  instructions outside the kernel", "", Goal()));
    }
    bench->Declare("sync, 64 B" + where, rows,
                   [cpus, in](Bench* bench) { MeasureSync(bench, cpus, in); });
  }
  bench->Declare(
      "sync, 64 B, the C++ API",
      {NewRow("cpp_sync_64", "sync round trip, 64 B, in C++ against C", "us",
              AtLeast(0.9)),
       NewRow("cpp_sync_64_cpu", "  CPU per call over C's, both sides", "us",
              AtMost(0.6)),
       NewRow("cpp_sync_64_allocations", "  allocations", "", AtMost(0)),
       NewRow("cpp_sync_64_instructions",
              "  instructions outside the kernel; those of C", "", Goal())},
      MeasureCpp);
  bench->Declare(
      "sync, 64 KiB",
      {NewRow("sync_64k", "sync round trip, 64 KiB", "us", AtLeast(0.85)),
       NewRow("sync_64k_calls", "  system calls", "", Goal())},
      MeasureLargeSync);
  bench->Declare(
      "sync, 1 MiB",
      {NewRow("sync_1m_pieces",
              "sync round trip, 1 MiB; the floor in pieces of 64 KiB", "us",
              AtLeast(0.95)),
       NewRow("sync_1m", "  the same, the floor with a large buffer", "us",
              Goal()),
       NewRow("sync_1m_calls", "  system calls; the floor in pieces", "",
              Goal())},
      MeasureVeryLargeSync);
  bench->Declare("sync, 64 B of 64 KiB",
                 {NewRow("sync_64_of_64k_sized",
                         "sync round trip, 64 B of 64 KiB, length set", "us",
                         AtLeast(0.75)),
                  NewRow("sync_64_of_64k",
                         "sync round trip, 64 B of 64 KiB, length not set",
                         "us", AtLeast(0.65))},
                 MeasurePartlyUsed);
}

}  // namespace benchmarks
}  // namespace le
