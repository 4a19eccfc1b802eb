// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The cost of a tap for the service that is tapped.

#include <string>
#include <vector>

#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/groups.h"

namespace le {
namespace benchmarks {
namespace {

// The client and the server share a processor. The process that taps has the
// other processor.
Pair StartTapped(Bench* bench, const Directory* directory, const char* role,
                 const std::string& name, const char* how) {
  Pair pair;
  pair.server =
      bench->StartOurs(directory, {"server", name, "64"}, bench->ServerCpu(1));
  pair.client =
      bench->StartOurs(directory, {role, name, "64"}, bench->ClientCpu());
  if (how != nullptr) {
    bench->StartOurs(directory, {name, how}, bench->ServerCpu(2), "tap_party");
  }
  return pair;
}

void MeasureTap(Bench* bench) {
  if (!bench->HaveCpus(2)) return;
  const Directory* const directory = bench->StartDirectory();
  const auto sync = [&](const std::string& name, const char* how) {
    return Of(StartTapped(bench, directory, "client", name, how), "sync", 64,
              bench->Count(1500));
  };
  const Variant untapped = sync("s", nullptr);
  const Variant tapped = sync("sr", "read");
  std::vector<Series> series =
      bench->stage()->Compare({untapped, tapped, sync("so", "overflow")});
  bench->SetTimes("tap_sync_64", series[0], series[1]);
  bench->SetTimes("tap_sync_64_overflow", series[0], series[2]);
  const auto one_way = [&](const std::string& name, const char* how) {
    return Of(StartTapped(bench, directory, "looper", name, how), "one_way", 64,
              bench->Count(38400));
  };
  series =
      bench->stage()->Compare({one_way("o", nullptr), one_way("or", "read"),
                               one_way("oo", "overflow")});
  bench->SetRates("tap_one_way_64", series[0], series[1]);
  bench->SetRates("tap_one_way_64_overflow", series[0], series[2]);
  bench->CountCalls("tap_sync_64_calls", untapped, tapped);
}

}  // namespace

void DeclareTap(Bench* bench) {
  bench->Declare(
      "tap",
      {NewRow("tap_sync_64",
              "sync round trip, 64 B, tapped; the floor: untapped", "us",
              AtLeast(0.95)),
       NewRow("tap_sync_64_overflow", "  the tap reads nothing", "us",
              AtLeast(0.95)),
       NewRow("tap_sync_64_calls", "  system calls", "", AtMost(5)),
       NewRow("tap_one_way_64", "one-way messages, bursts of 256, 64 B, tapped",
              "/s", AtLeast(0.7)),
       NewRow("tap_one_way_64_overflow", "  the tap reads nothing", "/s",
              AtLeast(0.7))},
      MeasureTap);
}

}  // namespace benchmarks
}  // namespace le
