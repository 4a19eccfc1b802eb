// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/benchmarks/rows.h"

#include <regex.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/benchmarks/child.h"
#include "tests/benchmarks/party.h"
#include "tests/benchmarks/stage.h"

namespace le {
namespace benchmarks {
namespace {

constexpr size_t kLarge = 65536;
constexpr size_t kVeryLarge = 1 << 20;
// The tolerated number of additional thread switches per operation.
constexpr double kSwitchTolerance = 0.05;

// Rows that share processes and rounds.
struct Group {
  std::string title;
  std::vector<Row> rows;
  std::function<void(class Bench*)> measure;
};

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options), cpus_(UsableCpus()) {
    DeclareSync();
    DeclareStreams();
    DeclareTyped();
    DeclareFlow();
    DeclareSessions();
    DeclareWithinOneProcess();
    DeclareSize();
  }

  std::vector<Row> Run() {
    if (regcomp(&filter_, options_.filter.c_str(), REG_EXTENDED | REG_NOSUB) !=
        0) {
      std::fprintf(stderr, "the filter is no regular expression\n");
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

 private:
  // ---- Helpers of the groups ----

  struct Pair {
    Child* client = nullptr;
    Child* server = nullptr;
  };

  bool Wanted(const std::string& name) const {
    return regexec(&filter_, name.c_str(), 0, nullptr, 0) == 0;
  }
  int64_t Count(int64_t operations) const {
    return options_.smoke ? std::max<int64_t>(operations / 10, 64) : operations;
  }
  // The processors of client and server.
  int ClientCpu() const { return cpus_[0]; }
  int ServerCpu(int cpus) const {
    return cpus_[cpus > 1 && cpus_.size() > 1 ? 1 : 0];
  }
  bool HaveCpus(int cpus) {
    if (cpus_.size() >= static_cast<size_t>(cpus)) return true;
    stage_->Fail("there is one processor only");
    return false;
  }

  static ChildSpec Party(const char* program, std::vector<std::string> words,
                         int cpu) {
    ChildSpec spec;
    spec.program = FindProgram(absl::StrCat("tests/benchmarks/", program));
    spec.words = std::move(words);
    spec.cpu = cpu;
    return spec;
  }
  // The directory's bindings let each process of this user open all services of
  // the user.
  Directory* StartDirectory() {
    return stage_->StartDirectory(
        absl::StrCat("<", getuid(), ">.* -> <self>.*\n"), ClientCpu());
  }
  Pair StartRaw(int cpus, const char* how = "blocking") {
    const std::pair<int, int> link = stage_->Link(SOCK_SEQPACKET);
    Pair pair;
    ChildSpec server =
        Party("unix_party", {"raw_server", how}, ServerCpu(cpus));
    server.link = link.first;
    pair.server = stage_->Start(server);
    ChildSpec client = Party("unix_party", {"raw_client", how}, ClientCpu());
    client.link = link.second;
    pair.client = stage_->Start(client);
    return pair;
  }
  Child* StartOurs(const Directory* directory, std::vector<std::string> words,
                   int cpu, const char* program = "unix_party") {
    if (!stage_->ok()) return nullptr;
    ChildSpec spec = Party(program, std::move(words), cpu);
    spec.folder = directory->folder();
    return stage_->Start(spec);
  }
  Pair StartOurPair(const Directory* directory, const char* client_role,
                    size_t largest, int cpus) {
    Pair pair;
    const std::string size = absl::StrCat(largest);
    const std::string name = absl::StrCat(client_role, size);
    pair.server = StartOurs(directory, {"server", name, size}, ServerCpu(cpus));
    pair.client = StartOurs(directory, {client_role, name, size}, ClientCpu());
    return pair;
  }
  Pair StartCppPair(const Directory* directory) {
    Pair pair;
    pair.server =
        StartOurs(directory, {"cpp_server", "cpp", "64"}, ClientCpu());
    pair.client =
        StartOurs(directory, {"cpp_client", "cpp", "64"}, ClientCpu());
    return pair;
  }
  Pair StartTypedPair(const Directory* directory) {
    Pair pair;
    pair.server = StartOurs(directory, {"typed_server", "typed"}, ClientCpu());
    pair.client = StartOurs(directory, {"typed_client", "typed"}, ClientCpu());
    return pair;
  }
  static Variant Of(const Pair& pair, const char* kind, size_t size,
                    int64_t operations) {
    Variant variant;
    variant.client = pair.client;
    variant.others = {pair.server};
    variant.kind = kind;
    variant.size = size;
    variant.operations = operations;
    return variant;
  }

  Row* Find(const std::string& name) {
    for (Row& row : group_->rows) {
      if (row.name == name) return &row;
    }
    stage_->Fail(absl::StrCat("no row ", name));
    return &group_->rows[0];
  }
  // Sets the row's value to a ratio of speeds; `floor` and `ours` are in
  // microseconds.
  void SetTimes(const std::string& name, const Series& floor,
                const Series& ours) {
    if (!stage_->ok()) return;
    Row* const row = Find(name);
    row->floor = Median(floor.ns) / 1e3;
    row->ours = Median(ours.ns) / 1e3;
    SetSpeed(row, floor, ours);
  }
  // Sets the row's value to a ratio of speeds; `floor` and `ours` are in
  // operations per second.
  void SetRates(const std::string& name, const Series& floor,
                const Series& ours) {
    if (!stage_->ok()) return;
    Row* const row = Find(name);
    row->floor = 1e9 / Median(floor.ns);
    row->ours = 1e9 / Median(ours.ns);
    SetSpeed(row, floor, ours);
  }
  static void SetSpeed(Row* row, const Series& floor, const Series& ours) {
    SetValue(row, Ratios(floor.ns, ours.ns));
    SetCpu(row, floor, ours);
    row->cpu_value = Median(Ratios(floor.cpu_ns, ours.cpu_ns));
  }
  static void SetCpu(Row* row, const Series& floor, const Series& ours) {
    row->floor_cpu = Median(floor.cpu_ns) / 1e3;
    row->ours_cpu = Median(ours.cpu_ns) / 1e3;
  }
  // Sets the row's value to the difference of the processor times per
  // operation: ours minus the floor.
  void SetMoreCpu(const std::string& name, const Series& floor,
                  const Series& ours) {
    if (!stage_->ok()) return;
    std::vector<double> more = Differences(ours.cpu_ns, floor.cpu_ns);
    for (double& ns : more) ns /= 1e3;
    Row* const row = Find(name);
    SetValue(row, more);
    row->floor = Median(floor.cpu_ns) / 1e3;
    row->ours = Median(ours.cpu_ns) / 1e3;
  }
  void SetOne(const std::string& name, double value, double floor = kNoFigure) {
    if (!stage_->ok()) return;
    Row* const row = Find(name);
    row->floor = floor;
    row->ours = row->value = value;
  }
  void SetAllocations(const std::string& name, const Series& ours) {
    SetOne(name, ours.allocations);
    if (stage_->ok() && std::isnan(ours.allocations)) {
      Find(name)->note = "this build's allocator cannot be counted";
    }
  }
  // Must be the last measurement: the processes cannot be used afterwards.
  void CountCalls(const std::string& name, Variant floor, Variant ours,
                  Stage::Count count = Stage::Count::kExactly) {
    if (!Wanted(name)) return;
    // Tracing is slow.
    if (options_.smoke) floor.operations = ours.operations = 16;
    const double of_floor = Sum(stage_->CountCalls(floor, count));
    const CallCounts calls = stage_->CountCalls(ours, count);
    SetOne(name, Sum(calls), of_floor);
    if (stage_->ok()) Find(name)->note = Describe(calls);
  }

  // Instructions of a sync round trip of 64 B.
  CallCounts InstructionsOf(const Pair& pair) {
    // An operation takes many thousand steps, each with two thread switches.
    const int64_t operations = options_.smoke ? 1 : 8;
    return stage_->CountInstructions(Of(pair, "sync", 64, operations));
  }
  CallCounts InstructionsInC() {
    if (in_c_.empty()) {
      in_c_ = InstructionsOf(StartOurPair(StartDirectory(), "client", 64, 1));
    }
    return in_c_;
  }
  // `measured` is any series of this build. If it has no count of allocations,
  // the build has a sanitizer, whose instructions would be counted too.
  void CountInstructions(const std::string& name, const Series& measured,
                         const std::function<CallCounts()>& count_floor,
                         const std::function<CallCounts()>& count_ours) {
    if (!Wanted(name)) return;
    if (std::isnan(measured.allocations)) {
      SetOne(name, kNoFigure);
      Find(name)->note = "this build has instructions of others";
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

  void Declare(const std::string& title, std::vector<Row> rows,
               std::function<void(Bench*)> measure) {
    groups_.push_back({title, std::move(rows), std::move(measure)});
  }
  static Row NewRow(const std::string& name, const std::string& what,
                    const std::string& unit, Goal goal) {
    Row row;
    row.name = name;
    row.what = what;
    row.unit = unit;
    row.goal = goal;
    return row;
  }

  // ---- Sync ----

  void DeclareSync() {
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
                              "  CPU per call over the floor's, both sides",
                              "us", AtMost(1.2)));
        rows.push_back(NewRow("sync_64_switches", "  voluntary switches", "",
                              AtMost(2 + kSwitchTolerance)));
        rows.push_back(
            NewRow("sync_64_allocations", "  allocations", "", AtMost(0)));
        rows.push_back(
            NewRow("sync_64_calls", "  system calls", "", AtMost(5)));
        rows.push_back(NewRow("sync_64_instructions",
                              "  instructions outside the kernel", "", Goal()));
      }
      Declare("sync, 64 B" + where, rows,
              [cpus, in](Bench* b) { b->MeasureSync(cpus, in); });
    }
    Declare(
        "sync, 64 B, the C++ API",
        {NewRow("cpp_sync_64", "sync round trip, 64 B, in C++ against C", "us",
                AtLeast(0.9)),
         NewRow("cpp_sync_64_cpu", "  CPU per call over C's, both sides", "us",
                AtMost(0.6)),
         NewRow("cpp_sync_64_allocations", "  allocations", "", AtMost(0)),
         NewRow("cpp_sync_64_instructions",
                "  instructions outside the kernel; those of C", "", Goal())},
        [](Bench* b) { b->MeasureCpp(); });
    Declare("sync, 64 KiB",
            {NewRow("sync_64k", "sync round trip, 64 KiB", "us", AtLeast(0.85)),
             NewRow("sync_64k_calls", "  system calls", "", Goal())},
            [](Bench* b) { b->MeasureLargeSync(); });
    Declare("sync, 1 MiB",
            {NewRow("sync_1m_pieces",
                    "sync round trip, 1 MiB; the floor in pieces of 64 KiB",
                    "us", AtLeast(0.95)),
             NewRow("sync_1m", "  the same, the floor with a large buffer",
                    "us", Goal()),
             NewRow("sync_1m_calls", "  system calls; the floor in pieces", "",
                    Goal())},
            [](Bench* b) { b->MeasureVeryLargeSync(); });
    Declare("sync, 64 B of 64 KiB",
            {NewRow("sync_64_of_64k_sized",
                    "sync round trip, 64 B of 64 KiB, length set", "us",
                    AtLeast(0.75)),
             NewRow("sync_64_of_64k",
                    "sync round trip, 64 B of 64 KiB, length not set", "us",
                    AtLeast(0.65))},
            [](Bench* b) { b->MeasurePartlyUsed(); });
  }

  void MeasureSync(int cpus, const std::string& in) {
    if (!HaveCpus(cpus)) return;
    const Directory* const directory = StartDirectory();
    const int64_t count = Count(cpus == 1 ? 1500 : 700);
    const Variant raw = Of(StartRaw(cpus), "sync", 64, count);
    const Variant epoll = Of(StartRaw(cpus, "epoll"), "sync", 64, count);
    const Variant ours =
        Of(StartOurPair(directory, "client", 64, cpus), "sync", 64, count);
    const std::vector<Series> series = stage_->Compare({raw, epoll, ours});
    SetTimes("sync_64" + in, series[0], series[2]);
    SetTimes("sync_64_epoll" + in, series[1], series[2]);
    if (cpus > 1 || !stage_->ok()) return;
    SetMoreCpu("sync_64_cpu", series[0], series[2]);
    SetOne("sync_64_switches", Median(series[2].switches),
           Median(series[0].switches));
    SetAllocations("sync_64_allocations", series[2]);
    CountCalls("sync_64_calls", raw, ours);
    // A process cannot be traced twice, so this starts others.
    CountInstructions(
        "sync_64_instructions", series[2],
        [this] { return InstructionsOf(StartRaw(1)); },
        [this] { return InstructionsInC(); });
  }

  void MeasureCpp() {
    const Directory* const directory = StartDirectory();
    const int64_t count = Count(1500);
    const Variant c =
        Of(StartOurPair(directory, "client", 64, 1), "sync", 64, count);
    const Variant cpp = Of(StartCppPair(directory), "sync", 64, count);
    const std::vector<Series> series = stage_->Compare({c, cpp});
    SetTimes("cpp_sync_64", series[0], series[1]);
    SetMoreCpu("cpp_sync_64_cpu", series[0], series[1]);
    if (!stage_->ok()) return;
    SetAllocations("cpp_sync_64_allocations", series[1]);
    CountInstructions(
        "cpp_sync_64_instructions", series[1],
        [this] { return InstructionsInC(); },
        [this] { return InstructionsOf(StartCppPair(StartDirectory())); });
  }

  void MeasureLargeSync() {
    const Directory* const directory = StartDirectory();
    const int64_t count = Count(800);
    const Variant raw = Of(StartRaw(1), "sync", kLarge, count);
    const Variant ours =
        Of(StartOurPair(directory, "client", kLarge, 1), "sync", kLarge, count);
    const std::vector<Series> series = stage_->Compare({raw, ours});
    SetTimes("sync_64k", series[0], series[1]);
    CountCalls("sync_64k_calls", raw, ours);
  }

  void MeasureVeryLargeSync() {
    const Directory* const directory = StartDirectory();
    const int64_t count = Count(150);
    const Variant pieces = Of(StartRaw(1, "pieces"), "sync", kVeryLarge, count);
    const Variant large = Of(StartRaw(1, "large"), "sync", kVeryLarge, count);
    const Variant ours = Of(StartOurPair(directory, "client", kVeryLarge, 1),
                            "sync", kVeryLarge, count);
    const std::vector<Series> series = stage_->Compare({pieces, large, ours});
    SetTimes("sync_1m_pieces", series[0], series[2]);
    SetTimes("sync_1m", series[1], series[2]);
    // The number of parts that one call sends depends on when the far end
    // reads.
    CountCalls("sync_1m_calls", pieces, ours, Stage::Count::kOnAverage);
  }

  void MeasurePartlyUsed() {
    const Directory* const directory = StartDirectory();
    const int64_t count = Count(1500);
    const Pair pair = StartOurPair(directory, "client", kLarge, 1);
    const std::vector<Series> series = stage_->Compare(
        {Of(StartRaw(1), "sync", 64, count), Of(pair, "sync_sized", 64, count),
         Of(pair, "sync", 64, count)});
    SetTimes("sync_64_of_64k_sized", series[0], series[1]);
    SetTimes("sync_64_of_64k", series[0], series[2]);
  }

  // ---- Pipelined and one-way ----

  void DeclareStreams() {
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
      Declare("pipelined, 64 B" + where, rows,
              [cpus, in](Bench* b) { b->MeasurePipelined(cpus, in); });
      rows = {NewRow("one_way_64" + in,
                     "one-way messages, bursts of 256, 64 B" + where, "/s",
                     AtLeast(8)),
              NewRow("one_way_1k" + in,
                     "one-way messages, bursts of 256, 1 KiB" + where, "/s",
                     AtLeast(2.5))};
      rows.push_back(NewRow("one_way_64_loop" + in,
                            "one-way messages, a plain loop, 64 B" + where,
                            "/s", AtLeast(cpus == 1 ? 0.85 : 0.95)));
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
      Declare("one-way" + where, rows,
              [cpus, in](Bench* b) { b->MeasureOneWay(cpus, in); });
    }
  }

  // ---- Typed services; the floor is the C API ----

  void DeclareTyped() {
    Declare(
        "typed services",
        {NewRow("typed_sync_64", "typed call, 64 B; the floor in C", "us",
                Goal()),
         NewRow("typed_sync_64_cpu", "  CPU per call over C's, both sides",
                "us", AtMost(0.6)),
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
         NewRow("typed_pipelined_64_allocations", "  allocations", "",
                AtMost(0)),
         NewRow("typed_one_way_64",
                "typed one-way messages, bursts of 256, 64 B; the floor in C",
                "/s", Goal()),
         NewRow("typed_stream_64",
                "items of a stream, 64 B; the floor: one-way messages in C",
                "/s", AtLeast(0.6))},
        [](Bench* b) { b->MeasureTyped(); });
  }

  void MeasureTyped() {
    const Directory* const directory = StartDirectory();
    const Pair c = StartOurPair(directory, "client", 64, 1);
    const Pair c_large = StartOurPair(directory, "client", kLarge, 1);
    const Pair c_looper = StartOurPair(directory, "looper", 64, 1);
    const Pair typed = StartTypedPair(directory);
    const std::vector<Series> series = stage_->Compare({
        Of(c, "sync", 64, Count(1500)),
        Of(typed, "sync", 64, Count(1500)),
        Of(typed, "sync_small", 64, Count(1500)),
        Of(c_large, "sync", kLarge, Count(800)),
        Of(typed, "sync_large", kLarge, Count(800)),
        Of(c_looper, "pipelined", 64, Count(16000)),
        Of(typed, "pipelined", 64, Count(16000)),
        Of(c_looper, "one_way", 64, Count(38400)),
        Of(typed, "one_way", 64, Count(12800)),
        Of(typed, "stream", 64, Count(12800)),
    });
    SetTimes("typed_sync_64", series[0], series[1]);
    SetMoreCpu("typed_sync_64_cpu", series[0], series[1]);
    SetMoreCpu("typed_small_sync_64_cpu", series[0], series[2]);
    SetTimes("typed_sync_64k", series[3], series[4]);
    SetRates("typed_pipelined_64", series[5], series[6]);
    SetRates("typed_one_way_64", series[7], series[8]);
    SetRates("typed_stream_64", series[7], series[9]);
    if (!stage_->ok()) return;
    SetAllocations("typed_sync_64_allocations", series[1]);
    SetAllocations("typed_pipelined_64_allocations", series[6]);
    CountInstructions(
        "typed_sync_64_instructions", series[1],
        [this] { return InstructionsInC(); },
        [this] { return InstructionsOf(StartTypedPair(StartDirectory())); });
  }

  void DeclareFlow() {
    Declare("flow control",
            {NewRow("pipelined_64k",
                    "pipelined requests, 64 outstanding, 64 KiB; the floor one "
                    "at a time",
                    "/s", Goal()),
             NewRow("sync_64_beside_slow",
                    "sync round trip, 64 B, beside a slow reader; the floor "
                    "without",
                    "us", Goal())},
            [](Bench* b) { b->MeasureFlow(); });
  }

  void MeasureFlow() {
    const Directory* const directory = StartDirectory();
    const int64_t count = Count(800);
    const std::vector<Series> large =
        stage_->Compare({Of(StartRaw(1), "sync", kLarge, count),
                         Of(StartOurPair(directory, "looper", kLarge, 1),
                            "pipelined", kLarge, count)});
    SetRates("pipelined_64k", large[0], large[1]);
    Pair alone, beside;
    alone.server =
        StartOurs(directory, {"server", "alone", "64"}, ServerCpu(1));
    alone.client = StartOurs(directory, {"client", "alone", "64"}, ClientCpu());
    beside.server =
        StartOurs(directory, {"server", "beside", "64"}, ServerCpu(1));
    beside.client =
        StartOurs(directory, {"client", "beside", "64"}, ClientCpu());
    StartOurs(directory, {"slow_reader", "beside", "64"}, ClientCpu());
    const std::vector<Series> sync = stage_->Compare(
        {Of(alone, "sync", 64, count), Of(beside, "sync", 64, count)});
    SetTimes("sync_64_beside_slow", sync[0], sync[1]);
  }

  void MeasurePipelined(int cpus, const std::string& in) {
    if (!HaveCpus(cpus)) return;
    const Directory* const directory = StartDirectory();
    const Variant raw = Of(StartRaw(cpus), "pipelined", 64, Count(6400));
    const Variant ours = Of(StartOurPair(directory, "looper", 64, cpus),
                            "pipelined", 64, Count(16000));
    const std::vector<Series> series = stage_->Compare({raw, ours});
    SetRates("pipelined_64" + in, series[0], series[1]);
    if (cpus > 1) return;
    SetAllocations("pipelined_64_allocations", series[1]);
    CountCalls("pipelined_64_calls", raw, ours, Stage::Count::kOnAverage);
  }

  void MeasureOneWay(int cpus, const std::string& in) {
    if (!HaveCpus(cpus)) return;
    const Directory* const directory = StartDirectory();
    const Pair raw = StartRaw(cpus);
    const Pair looper = StartOurPair(directory, "looper", 64, cpus);
    const Pair large = StartOurPair(directory, "looper", 1024, cpus);
    const Pair plain = StartOurPair(directory, "client", 64, cpus);
    const int64_t count = Count(12800);
    const Variant ours = Of(looper, "one_way", 64, 3 * count);
    const Variant ours_plain = Of(plain, "one_way", 64, count);
    const Variant floor = Of(raw, "one_way", 64, count);
    stage_->FillQueue(ours);
    stage_->FillQueue(ours_plain);
    const std::vector<Series> series = stage_->Compare(
        {floor, ours, ours_plain, Of(raw, "one_way", 1024, count),
         Of(large, "one_way", 1024, count)});
    SetRates("one_way_64" + in, series[0], series[1]);
    SetRates("one_way_1k" + in, series[3], series[4]);
    SetRates("one_way_64_loop" + in, series[0], series[2]);
    if (cpus > 1) return;
    SetAllocations("one_way_64_allocations", series[1]);
    SetAllocations("one_way_64_loop_allocations", series[2]);
    CountCalls("one_way_64_calls", floor, ours, Stage::Count::kOnAverage);
    // A process cannot be traced twice, so this starts another server.
    CountCalls("one_way_64_loop_calls",
               Of(StartRaw(cpus), "one_way", 64, count), ours_plain,
               Stage::Count::kOnAverage);
  }

  // ---- Sessions ----

  void DeclareSessions() {
    Declare("open and close",
            {NewRow("open_close", "session open and close, three processes",
                    "us", AtLeast(0.8)),
             NewRow("open_close_calls", "  system calls", "", AtMost(22))},
            [](Bench* b) { b->MeasureOpenClose(); });
    Declare(
        "many bindings",
        {NewRow("many_bindings", "open and close, 10,000 bindings against 10",
                "us", AtMost(1.2))},
        [](Bench* b) { b->MeasureManyBindings(); });
    Declare("many sessions",
            {NewRow("many_sessions_memory", "memory of an idle session, server",
                    "KiB", AtMost(0.4)),
             NewRow("many_sessions_sync",
                    "sync round trip, 10,000 sessions open against 1", "us",
                    AtMost(1.2))},
            [](Bench* b) { b->MeasureManySessions(); });
  }

  void MeasureOpenClose() {
    const Directory* const directory = StartDirectory();
    if (!stage_->ok()) return;
    const int cpu = ClientCpu();
    const int64_t count = Count(300);
    const std::string path = directory->folder() + kRawName;
    const std::pair<int, int> link = stage_->Link(SOCK_SEQPACKET);
    ChildSpec host = Party("unix_party", {"raw_host"}, cpu);
    host.link = link.first;
    ChildSpec introducer = Party("unix_party", {"raw_introducer", path}, cpu);
    introducer.link = link.second;
    Variant raw;
    raw.others = {stage_->Start(host), stage_->Start(introducer)};
    raw.client = stage_->Start(Party("unix_party", {"raw_opener", path}, cpu));
    raw.kind = "open_close";
    raw.operations = count;
    Variant ours =
        Of(StartOurPair(directory, "client", 64, 1), "open_close", 64, count);
    ours.directory = directory;
    const std::vector<Series> series = stage_->Compare({raw, ours});
    SetTimes("open_close", series[0], series[1]);
    CountCalls("open_close_calls", raw, ours);
  }

  Variant WithBindings(int count) {
    // The binding that is used is in the middle of the list.
    std::string bindings;
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&bindings,
                      i == count / 2 ? "<*>.echo -> <self>.echo\n" : "",
                      "<*>.client", i, " -> <self>.server", i, "\n");
    }
    const Directory* const directory =
        stage_->StartDirectory(bindings, ClientCpu());
    Pair pair;
    pair.server = StartOurs(directory, {"server", "echo", "64"}, ClientCpu());
    pair.client = StartOurs(directory, {"client", "echo", "64"}, ClientCpu());
    Variant variant = Of(pair, "open_close", 64, Count(300));
    variant.directory = directory;
    return variant;
  }
  void MeasureManyBindings() {
    const Variant few = WithBindings(10);
    const Variant many = WithBindings(options_.smoke ? 200 : 10000);
    const std::vector<Series> series = stage_->Compare({few, many});
    SetCosts("many_bindings", series[0], series[1]);
  }

  void MeasureManySessions() {
    const Directory* const directory = StartDirectory();
    Pair few, many;
    few.server = StartOurs(directory, {"server", "few", "64"}, ClientCpu());
    few.client = StartOurs(directory, {"client", "few", "64"}, ClientCpu());
    many.server = StartOurs(directory, {"server", "many", "64"}, ClientCpu());
    many.client = StartOurs(directory, {"client", "many", "64"}, ClientCpu());
    if (!stage_->ok()) return;
    constexpr int kClients = 4;
    const int sessions = options_.smoke ? 100 : 10000;
    const long before = ResidentKib(many.server->pid());
    for (int i = 0; i < kClients; ++i) {
      StartOurs(directory,
                {"idle", "many", "64", absl::StrCat(sessions / kClients)}, -1);
    }
    if (!stage_->ok()) return;
    const long after = ResidentKib(many.server->pid());
    SetOne("many_sessions_memory",
           static_cast<double>(after - before) / sessions);
    const int64_t count = Count(1500);
    const std::vector<Series> series = stage_->Compare(
        {Of(few, "sync", 64, count), Of(many, "sync", 64, count)});
    SetCosts("many_sessions_sync", series[0], series[1]);
  }

  // Sets the row's value to the ratio of the cost with many to that with few.
  void SetCosts(const std::string& name, const Series& few,
                const Series& many) {
    if (!stage_->ok()) return;
    Row* const row = Find(name);
    row->floor = Median(few.ns) / 1e3;
    row->ours = Median(many.ns) / 1e3;
    SetValue(row, Ratios(many.ns, few.ns));
    SetCpu(row, few, many);
    row->cpu_value = Median(Ratios(many.cpu_ns, few.cpu_ns));
  }

  // ---- Within one process ----

  void DeclareWithinOneProcess() {
    Declare(
        "threads",
        {NewRow("threads_sync_64",
                "sync round trip, two threads, loopback, 64 B; the floor: "
                "condition variables",
                "us", AtLeast(1.4)),
         NewRow("threads_sync_64_allocations", "  allocations", "", AtMost(0))},
        [](Bench* b) { b->MeasureThreads(); });
    Declare(
        "one thread",
        {NewRow("one_thread_64", "a message to oneself, loopback, 64 B", "us",
                AtMost(0.3)),
         NewRow("one_thread_64_allocations", "  allocations", "", AtMost(0))},
        [](Bench* b) { b->MeasureOneThread(); });
  }

  Variant Alone(std::vector<std::string> words, const char* kind,
                int64_t operations) {
    Variant variant;
    variant.client =
        stage_->Start(Party("loopback_party", std::move(words), ClientCpu()));
    variant.kind = kind;
    variant.operations = operations;
    return variant;
  }
  void MeasureThreads() {
    const int64_t count = Count(2000);
    const Variant floor = Alone({"handover"}, "sync", count);
    const Variant ours = Alone({"threads", "echo", "64"}, "sync", count);
    const std::vector<Series> series = stage_->Compare({floor, ours});
    SetTimes("threads_sync_64", series[0], series[1]);
    SetAllocations("threads_sync_64_allocations", series[1]);
  }
  void MeasureOneThread() {
    const Variant ours = Alone({"local", "64"}, "one_way", Count(50000));
    const std::vector<Series> series = stage_->Compare({ours});
    if (!stage_->ok()) return;
    std::vector<double> times = series[0].ns;
    for (double& ns : times) ns /= 1e3;
    Row* const row = Find("one_thread_64");
    SetValue(row, times);
    row->ours = row->value;
    row->ours_cpu = Median(series[0].cpu_ns) / 1e3;
    SetAllocations("one_thread_64_allocations", series[0]);
  }

  // ---- Size ----

  void DeclareSize() {
    Declare(
        "size of a server",
        {NewRow("server_memory", "memory of a server over a program of nothing",
                "KiB", AtMost(1536)),
         NewRow("server_threads", "threads of ours", "", AtMost(0)),
         NewRow("typed_server_memory", "memory of a typed server over one in C",
                "KiB", Goal())},
        [](Bench* b) { b->MeasureSize(); });
  }

  void MeasureSize() {
    const Directory* const directory = StartDirectory();
    if (!stage_->ok()) return;
    Pair c, typed;
    c.server = StartOurs(directory, {"plain"}, ClientCpu(), "plain_server");
    c.client = StartOurs(directory, {"client", "plain", "64"}, ClientCpu());
    typed.server =
        StartOurs(directory, {"typed"}, ClientCpu(), "typed_plain_server");
    typed.client = StartOurs(directory, {"typed_client", "typed"}, ClientCpu());
    const Child* const empty = stage_->Start(Party("empty", {}, ClientCpu()));
    // The servers use their memory only after some requests.
    stage_->Compare(
        {Of(c, "sync", 64, Count(500)), Of(typed, "sync", 64, Count(500))});
    if (!stage_->ok()) return;
    SetMoreMemory("server_memory", empty, c.server);
    SetMoreMemory("typed_server_memory", c.server, typed.server);
    SetOne("server_threads", ThreadsOf(c.server->pid()) - 1);
  }
  void SetMoreMemory(const std::string& name, const Child* floor,
                     const Child* ours) {
    Row* const row = Find(name);
    row->floor = static_cast<double>(ResidentKib(floor->pid()));
    row->ours = static_cast<double>(ResidentKib(ours->pid()));
    row->value = row->ours - row->floor;
  }

  const Options options_;
  const std::vector<int> cpus_;
  regex_t filter_;
  std::vector<Group> groups_;
  Group* group_ = nullptr;
  CallCounts in_c_;  // of InstructionsInC()
  std::unique_ptr<Stage> stage_;
};

}  // namespace

std::vector<Row> MeasureRows(const Options& options) {
  return Bench(options).Run();
}

}  // namespace benchmarks
}  // namespace le
