// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Opening and closing sessions, many bindings, many sessions.

#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/groups.h"

namespace le {
namespace benchmarks {
namespace {

void MeasureOpenClose(Bench* bench) {
  const Directory* const directory = bench->StartDirectory();
  if (!bench->stage()->ok()) return;
  const int cpu = bench->ClientCpu();
  const int64_t count = bench->Count(300);
  const std::string path = directory->folder() + kRawName;
  const std::pair<int, int> link = bench->stage()->Link(SOCK_SEQPACKET);
  ChildSpec host = PartySpec("unix_party", {"raw_host"}, cpu);
  host.link = link.first;
  ChildSpec introducer = PartySpec("unix_party", {"raw_introducer", path}, cpu);
  introducer.link = link.second;
  Variant raw;
  raw.others = {bench->stage()->Start(host), bench->stage()->Start(introducer)};
  raw.client =
      bench->stage()->Start(PartySpec("unix_party", {"raw_opener", path}, cpu));
  raw.kind = "open_close";
  raw.operations = count;
  Variant ours = Of(bench->StartOurPair(directory, "client", 64, 1),
                    "open_close", 64, count);
  ours.directory = directory;
  const std::vector<Series> series = bench->stage()->Compare({raw, ours});
  bench->SetTimes("open_close", series[0], series[1]);
  bench->CountCalls("open_close_calls", raw, ours);
}

Variant WithBindings(Bench* bench, int count) {
  // The binding that is used is in the middle of the list.
  std::string bindings;
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&bindings,
                    i == count / 2 ? "<*>.echo -> <self>.echo\n" : "",
                    "<*>.client", i, " -> <self>.server", i, "\n");
  }
  const Directory* const directory =
      bench->stage()->StartDirectory(bindings, bench->ClientCpu());
  Pair pair;
  pair.server =
      bench->StartOurs(directory, {"server", "echo", "64"}, bench->ClientCpu());
  pair.client =
      bench->StartOurs(directory, {"client", "echo", "64"}, bench->ClientCpu());
  Variant variant = Of(pair, "open_close", 64, bench->Count(300));
  variant.directory = directory;
  return variant;
}

void MeasureManyBindings(Bench* bench) {
  const Variant few = WithBindings(bench, 10);
  const Variant many =
      WithBindings(bench, bench->options().smoke ? 200 : 10000);
  const std::vector<Series> series = bench->stage()->Compare({few, many});
  bench->SetCosts("many_bindings", series[0], series[1]);
}

void MeasureManySessions(Bench* bench) {
  const Directory* const directory = bench->StartDirectory();
  Pair few, many;
  few.server =
      bench->StartOurs(directory, {"server", "few", "64"}, bench->ClientCpu());
  few.client =
      bench->StartOurs(directory, {"client", "few", "64"}, bench->ClientCpu());
  many.server =
      bench->StartOurs(directory, {"server", "many", "64"}, bench->ClientCpu());
  many.client =
      bench->StartOurs(directory, {"client", "many", "64"}, bench->ClientCpu());
  if (!bench->stage()->ok()) return;
  constexpr int kClients = 4;
  const int sessions = bench->options().smoke ? 100 : 10000;
  const long before = ResidentKib(many.server->pid());
  for (int i = 0; i < kClients; ++i) {
    bench->StartOurs(directory,
                     {"idle", "many", "64", absl::StrCat(sessions / kClients)},
                     -1);
  }
  if (!bench->stage()->ok()) return;
  const long after = ResidentKib(many.server->pid());
  bench->SetOne("many_sessions_memory",
                static_cast<double>(after - before) / sessions);
  const int64_t count = bench->Count(1500);
  const std::vector<Series> series = bench->stage()->Compare(
      {Of(few, "sync", 64, count), Of(many, "sync", 64, count)});
  bench->SetCosts("many_sessions_sync", series[0], series[1]);
}

}  // namespace

void DeclareSessions(Bench* bench) {
  bench->Declare(
      "open and close",
      {NewRow("open_close", "session open and close, three processes", "us",
              AtLeast(0.8)),
       NewRow("open_close_calls", "  system calls", "", AtMost(22))},
      MeasureOpenClose);
  bench->Declare(
      "many bindings",
      {NewRow("many_bindings", "open and close, 10,000 bindings against 10",
              "us", AtMost(1.2))},
      MeasureManyBindings);
  bench->Declare(
      "many sessions",
      {NewRow("many_sessions_memory", "memory of an idle session, server",
              "KiB", AtMost(0.4)),
       NewRow("many_sessions_sync",
              "sync round trip, 10,000 sessions open against 1", "us",
              AtMost(1.2))},
      MeasureManySessions);
}

}  // namespace benchmarks
}  // namespace le
