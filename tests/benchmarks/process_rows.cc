// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Messages within one process, and the size of a server.

#include <string>
#include <utility>
#include <vector>

#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/groups.h"

namespace le {
namespace benchmarks {
namespace {

Variant Alone(Bench* bench, std::vector<std::string> words, const char* kind,
              int64_t operations) {
  Variant variant;
  variant.client = bench->stage()->Start(
      PartySpec("loopback_party", std::move(words), bench->ClientCpu()));
  variant.kind = kind;
  variant.operations = operations;
  return variant;
}

void MeasureThreads(Bench* bench) {
  const int64_t count = bench->Count(2000);
  const Variant floor = Alone(bench, {"handover"}, "sync", count);
  const Variant ours = Alone(bench, {"threads", "echo", "64"}, "sync", count);
  const std::vector<Series> series = bench->stage()->Compare({floor, ours});
  bench->SetTimes("threads_sync_64", series[0], series[1]);
  bench->SetAllocations("threads_sync_64_allocations", series[1]);
}

void MeasureOneThread(Bench* bench) {
  const Variant ours =
      Alone(bench, {"local", "64"}, "one_way", bench->Count(50000));
  const std::vector<Series> series = bench->stage()->Compare({ours});
  if (!bench->stage()->ok()) return;
  std::vector<double> times = series[0].ns;
  for (double& ns : times) ns /= 1e3;
  Row* const row = bench->Find("one_thread_64");
  SetValue(row, times);
  row->ours = row->value;
  row->ours_cpu = Median(series[0].cpu_ns) / 1e3;
  bench->SetAllocations("one_thread_64_allocations", series[0]);
}

void SetMoreMemory(Bench* bench, const std::string& name, const Child* floor,
                   const Child* ours) {
  Row* const row = bench->Find(name);
  row->floor = static_cast<double>(ResidentKib(floor->pid()));
  row->ours = static_cast<double>(ResidentKib(ours->pid()));
  row->value = row->ours - row->floor;
}

void MeasureSize(Bench* bench) {
  const Directory* const directory = bench->StartDirectory();
  if (!bench->stage()->ok()) return;
  Pair c, typed;
  c.server = bench->StartOurs(directory, {"plain"}, bench->ClientCpu(),
                              "plain_server");
  c.client = bench->StartOurs(directory, {"client", "plain", "64"},
                              bench->ClientCpu());
  typed.server = bench->StartOurs(directory, {"typed"}, bench->ClientCpu(),
                                  "typed_plain_server");
  typed.client = bench->StartOurs(directory, {"typed_client", "typed"},
                                  bench->ClientCpu());
  const Child* const empty =
      bench->stage()->Start(PartySpec("empty", {}, bench->ClientCpu()));
  // The servers use their memory only after some requests.
  bench->stage()->Compare({Of(c, "sync", 64, bench->Count(500)),
                           Of(typed, "sync", 64, bench->Count(500))});
  if (!bench->stage()->ok()) return;
  SetMoreMemory(bench, "server_memory", empty, c.server);
  SetMoreMemory(bench, "typed_server_memory", c.server, typed.server);
  bench->SetOne("server_threads", ThreadsOf(c.server->pid()) - 1);
}

}  // namespace

void DeclareWithinOneProcess(Bench* bench) {
  bench->Declare(
      "threads",
      {NewRow("threads_sync_64",
              "sync round trip, two threads, loopback, 64 B; the floor: "
              "condition variables",
              "us", AtLeast(1.4)),
       NewRow("threads_sync_64_allocations", "  allocations", "", AtMost(0))},
      MeasureThreads);
  bench->Declare(
      "one thread",
      {NewRow("one_thread_64", "a message to oneself, loopback, 64 B", "us",
              AtMost(0.3)),
       NewRow("one_thread_64_allocations", "  allocations", "", AtMost(0))},
      MeasureOneThread);
}

void DeclareSize(Bench* bench) {
  bench->Declare(
      "size of a server",
      {NewRow("server_memory", "memory of a server over an empty program",
              "KiB", AtMost(1536)),
       NewRow("server_threads", "threads of the library", "", AtMost(0)),
       NewRow("typed_server_memory", "memory of a typed server over one in C",
              "KiB", Goal())},
      MeasureSize);
}

}  // namespace benchmarks
}  // namespace le
