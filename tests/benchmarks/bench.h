// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// Measures groups of rows. The rows of a group share processes. The functions
// here start these processes, and set the figures of a row.

#ifndef LE_MESSAGING_TESTS_BENCHMARKS_BENCH_H_
#define LE_MESSAGING_TESTS_BENCHMARKS_BENCH_H_

#include <regex.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/benchmarks/child.h"
#include "tests/benchmarks/figures.h"
#include "tests/benchmarks/rows.h"
#include "tests/benchmarks/stage.h"

namespace le {
namespace benchmarks {

constexpr size_t kLarge = 65536;

struct Pair {
  Child* client = nullptr;
  Child* server = nullptr;
};

Variant Of(const Pair& pair, const char* kind, size_t size, int64_t operations);
// `program` is a path, or the name of a target of this folder.
ChildSpec PartySpec(const char* program, std::vector<std::string> words,
                    int cpu);
Row NewRow(const std::string& name, const std::string& what,
           const std::string& unit, Goal goal);

class Bench {
 public:
  explicit Bench(const Options& options);

  // Adds a group: rows that share processes and rounds. `measure` sets the
  // figures of the rows.
  void Declare(const std::string& title, std::vector<Row> rows,
               std::function<void(Bench*)> measure);
  // Measures the groups in the order of their declaration.
  std::vector<Row> Run();

  // ---- For the functions that measure a group ----

  const Options& options() const { return options_; }
  // The processes of the current group.
  Stage* stage() { return stage_.get(); }
  int64_t Count(int64_t operations) const;

  // The processors of client and server.
  int ClientCpu() const { return cpus_[0]; }
  int ServerCpu(int cpus) const;
  bool HaveCpus(int cpus);

  // The directory's bindings let each process of this user open all services of
  // the user.
  Directory* StartDirectory();
  Pair StartRaw(int cpus, const char* how = "blocking");
  Child* StartOurs(const Directory* directory, std::vector<std::string> words,
                   int cpu, const char* program = "unix_party");
  Pair StartOurPair(const Directory* directory, const char* client_role,
                    size_t largest, int cpus);
  Pair StartCppPair(const Directory* directory);
  Pair StartTypedPair(const Directory* directory);

  Row* Find(const std::string& name);
  // Sets the row's value to a ratio of speeds. The row's `floor` and `ours` are
  // in microseconds.
  void SetTimes(const std::string& name, const Series& floor,
                const Series& ours);
  // Sets the row's value to a ratio of speeds. The row's `floor` and `ours` are
  // in operations per second.
  void SetRates(const std::string& name, const Series& floor,
                const Series& ours);
  // Sets the row's value to a ratio of costs: `many` divided by `few`. The
  // row's `floor` is the cost of `few`.
  void SetCosts(const std::string& name, const Series& few, const Series& many);
  // Sets the row's value to the difference of the processor times per
  // operation: ours minus the floor.
  void SetMoreCpu(const std::string& name, const Series& floor,
                  const Series& ours);
  void SetOne(const std::string& name, double value, double floor = kNoFigure);
  void SetAllocations(const std::string& name, const Series& ours);
  // Must be the last measurement: the processes cannot be used afterwards.
  void CountCalls(const std::string& name, Variant floor, Variant ours,
                  Stage::Count count = Stage::Count::kExactly);

  // Instructions of a sync round trip of 64 B.
  CallCounts InstructionsOf(const Pair& pair);
  CallCounts InstructionsInC();
  // `measured` is any series of this build. If it has no count of allocations,
  // the build has a sanitizer, whose instructions would be counted too.
  void CountInstructions(const std::string& name, const Series& measured,
                         const std::function<CallCounts()>& count_floor,
                         const std::function<CallCounts()>& count_ours);

 private:
  struct Group {
    std::string title;
    std::vector<Row> rows;
    std::function<void(Bench*)> measure;
  };

  bool Wanted(const std::string& name) const;

  const Options options_;
  const std::vector<int> cpus_;
  regex_t filter_;
  std::vector<Group> groups_;
  Group* group_ = nullptr;
  CallCounts in_c_;  // of InstructionsInC()
  std::unique_ptr<Stage> stage_;
};

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_BENCH_H_
