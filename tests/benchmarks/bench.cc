// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/benchmarks/bench.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/benchmarks/party.h"

namespace le {
namespace benchmarks {
namespace {

void SetCpu(Row* row, const Series& floor, const Series& ours) {
  row->floor_cpu = Median(floor.cpu_ns) / 1e3;
  row->ours_cpu = Median(ours.cpu_ns) / 1e3;
}

void SetSpeed(Row* row, const Series& floor, const Series& ours) {
  SetValue(row, Ratios(floor.ns, ours.ns));
  SetCpu(row, floor, ours);
  row->cpu_value = Median(Ratios(floor.cpu_ns, ours.cpu_ns));
}

}  // namespace

Variant Of(const Pair& pair, const char* kind, size_t size,
           int64_t operations) {
  Variant variant;
  variant.client = pair.client;
  variant.others = {pair.server};
  variant.kind = kind;
  variant.size = size;
  variant.operations = operations;
  return variant;
}

ChildSpec PartySpec(const char* program, std::vector<std::string> words,
                    int cpu) {
  ChildSpec spec;
  spec.program = absl::StrContains(program, '/')
                     ? program
                     : FindProgram(absl::StrCat("tests/benchmarks/", program));
  spec.words = std::move(words);
  spec.cpu = cpu;
  return spec;
}

Row NewRow(const std::string& name, const std::string& what,
           const std::string& unit, Goal goal) {
  Row row;
  row.name = name;
  row.what = what;
  row.unit = unit;
  row.goal = goal;
  return row;
}

Bench::Bench(const Options& options) : options_(options), cpus_(UsableCpus()) {}

void Bench::Declare(const std::string& title, std::vector<Row> rows,
                    std::function<void(Bench*)> measure) {
  groups_.push_back({title, std::move(rows), std::move(measure)});
}

std::vector<Row> Bench::Run() {
  if (regcomp(&filter_, options_.filter.c_str(), REG_EXTENDED | REG_NOSUB) !=
      0) {
    std::fprintf(stderr, "the filter is not a regular expression\n");
    return {};
  }
  std::vector<Row> all;
  size_t number = 0;
  for (Group& group : groups_) {
    ++number;
    if (std::none_of(group.rows.begin(), group.rows.end(),
                     [this](const Row& row) { return Wanted(row.name); })) {
      continue;
    }
    std::fprintf(stderr, "[%zu/%zu] %s\n", number, groups_.size(),
                 group.title.c_str());
    group_ = &group;
    stage_ = std::make_unique<Stage>(options_.rounds);
    group.measure(this);
    for (const Row& row : group.rows) {
      if (!Wanted(row.name)) continue;
      all.push_back(row);
      if (row.measured()) continue;
      if (!stage_->ok()) all.back().note = stage_->error();
      std::fprintf(stderr, "        %s: not measured: %s\n", row.name.c_str(),
                   all.back().note.c_str());
    }
    stage_ = nullptr;
  }
  regfree(&filter_);
  return all;
}

bool Bench::Wanted(const std::string& name) const {
  return regexec(&filter_, name.c_str(), 0, nullptr, 0) == 0;
}

int64_t Bench::Count(int64_t operations) const {
  return options_.smoke ? std::max<int64_t>(operations / 10, 64) : operations;
}

int Bench::ServerCpu(int cpus) const {
  return cpus_[cpus > 1 && cpus_.size() > 1 ? 1 : 0];
}

bool Bench::HaveCpus(int cpus) {
  if (cpus_.size() >= static_cast<size_t>(cpus)) return true;
  stage_->Fail("there is one processor only");
  return false;
}

Directory* Bench::StartDirectory() {
  return stage_->StartDirectory(
      absl::StrCat("<", getuid(), ">.* -> <self>.*\n"), ClientCpu());
}

Pair Bench::StartRaw(int cpus, const char* how) {
  const std::pair<int, int> link = stage_->Link(SOCK_SEQPACKET);
  Pair pair;
  ChildSpec server =
      PartySpec("unix_party", {"raw_server", how}, ServerCpu(cpus));
  server.link = link.first;
  pair.server = stage_->Start(server);
  ChildSpec client = PartySpec("unix_party", {"raw_client", how}, ClientCpu());
  client.link = link.second;
  pair.client = stage_->Start(client);
  return pair;
}

Child* Bench::StartOurs(const Directory* directory,
                        std::vector<std::string> words, int cpu,
                        const char* program) {
  if (!stage_->ok()) return nullptr;
  ChildSpec spec = PartySpec(program, std::move(words), cpu);
  spec.folder = directory->folder();
  return stage_->Start(spec);
}

Pair Bench::StartOurPair(const Directory* directory, const char* client_role,
                         size_t largest, int cpus) {
  Pair pair;
  const std::string size = absl::StrCat(largest);
  const std::string name = absl::StrCat(client_role, size);
  pair.server = StartOurs(directory, {"server", name, size}, ServerCpu(cpus));
  pair.client = StartOurs(directory, {client_role, name, size}, ClientCpu());
  return pair;
}

Pair Bench::StartCppPair(const Directory* directory) {
  Pair pair;
  pair.server = StartOurs(directory, {"cpp_server", "cpp", "64"}, ClientCpu());
  pair.client = StartOurs(directory, {"cpp_client", "cpp", "64"}, ClientCpu());
  return pair;
}

Pair Bench::StartTypedPair(const Directory* directory) {
  Pair pair;
  pair.server = StartOurs(directory, {"typed_server", "typed"}, ClientCpu());
  pair.client = StartOurs(directory, {"typed_client", "typed"}, ClientCpu());
  return pair;
}

Row* Bench::Find(const std::string& name) {
  for (Row& row : group_->rows) {
    if (row.name == name) return &row;
  }
  stage_->Fail(absl::StrCat("no row ", name));
  return &group_->rows[0];
}

void Bench::SetTimes(const std::string& name, const Series& floor,
                     const Series& ours) {
  if (!stage_->ok()) return;
  Row* const row = Find(name);
  row->floor = Median(floor.ns) / 1e3;
  row->ours = Median(ours.ns) / 1e3;
  SetSpeed(row, floor, ours);
}

void Bench::SetRates(const std::string& name, const Series& floor,
                     const Series& ours) {
  if (!stage_->ok()) return;
  Row* const row = Find(name);
  row->floor = 1e9 / Median(floor.ns);
  row->ours = 1e9 / Median(ours.ns);
  SetSpeed(row, floor, ours);
}

void Bench::SetMoreCpu(const std::string& name, const Series& floor,
                       const Series& ours) {
  if (!stage_->ok()) return;
  std::vector<double> more = Differences(ours.cpu_ns, floor.cpu_ns);
  for (double& ns : more) ns /= 1e3;
  Row* const row = Find(name);
  SetValue(row, more);
  row->floor = Median(floor.cpu_ns) / 1e3;
  row->ours = Median(ours.cpu_ns) / 1e3;
}

void Bench::SetOne(const std::string& name, double value, double floor) {
  if (!stage_->ok()) return;
  Row* const row = Find(name);
  row->floor = floor;
  row->ours = row->value = value;
}

void Bench::SetAllocations(const std::string& name, const Series& ours) {
  SetOne(name, ours.allocations);
  if (stage_->ok() && std::isnan(ours.allocations)) {
    Find(name)->note = "this build's allocator cannot be counted";
  }
}

void Bench::CountCalls(const std::string& name, Variant floor, Variant ours,
                       Stage::Count count) {
  if (!Wanted(name)) return;
  // Tracing is slow.
  if (options_.smoke) floor.operations = ours.operations = 16;
  const double of_floor = Sum(stage_->CountCalls(floor, count));
  const CallCounts calls = stage_->CountCalls(ours, count);
  SetOne(name, Sum(calls), of_floor);
  if (stage_->ok()) Find(name)->note = Describe(calls);
}

CallCounts Bench::InstructionsOf(const Pair& pair) {
  // An operation takes many thousand steps, each with two thread switches.
  const int64_t operations = options_.smoke ? 1 : 8;
  return stage_->CountInstructions(Of(pair, "sync", 64, operations));
}

CallCounts Bench::InstructionsInC() {
  if (in_c_.empty()) {
    in_c_ = InstructionsOf(StartOurPair(StartDirectory(), "client", 64, 1));
  }
  return in_c_;
}

void Bench::CountInstructions(const std::string& name, const Series& measured,
                              const std::function<CallCounts()>& count_floor,
                              const std::function<CallCounts()>& count_ours) {
  if (!Wanted(name)) return;
  if (std::isnan(measured.allocations)) {
    SetOne(name, kNoFigure);
    Find(name)->note = "instructions are not counted in a sanitizer's build";
    return;
  }
  // An unoptimized call takes seconds to count.
  if (options_.smoke && name != "sync_64_instructions") {
    SetOne(name, kNoFigure);
    Find(name)->note = "a smoke run counts one call only";
    return;
  }
  const CallCounts of_floor = count_floor();
  const CallCounts of_ours = count_ours();
  SetOne(name, Sum(of_ours), Sum(of_floor));
  if (!stage_->ok()) return;
  Find(name)->note = absl::StrCat("client ", std::lround(of_ours.at(0)),
                                  ", server ", std::lround(of_ours.at(1)));
}

void Bench::SetCosts(const std::string& name, const Series& few,
                     const Series& many) {
  if (!stage_->ok()) return;
  Row* const row = Find(name);
  row->floor = Median(few.ns) / 1e3;
  row->ours = Median(many.ns) / 1e3;
  SetValue(row, Ratios(many.ns, few.ns));
  SetCpu(row, few, many);
  row->cpu_value = Median(Ratios(many.cpu_ns, few.cpu_ns));
}

}  // namespace benchmarks
}  // namespace le
