// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// The processes of a few rows, and their measurements. After the first failure
// each function returns at once, without figures.

#ifndef LE_MESSAGING_TESTS_BENCHMARKS_STAGE_H_
#define LE_MESSAGING_TESTS_BENCHMARKS_STAGE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/benchmarks/child.h"
#include "tests/benchmarks/figures.h"
#include "tests/benchmarks/system_calls.h"

namespace le {
namespace benchmarks {

// One side of a comparison: a client, and the command that it executes.
struct Variant {
  Child* client = nullptr;
  std::vector<Child*> others;
  const Directory* directory = nullptr;  // if the operation uses it
  std::string kind;
  size_t size = 64;
  int64_t operations = 0;
  std::vector<ChildSpec> attackers;  // run only while this variant is measured
};

// One value for each round, per operation. Processor time and switches are
// those of all processes together.
struct Series {
  std::vector<double> ns;
  std::vector<double> cpu_ns;
  std::vector<double> switches;
  std::vector<double> longest_ns;  // of one operation, if each is timed
  // Per operation, over all rounds after the warm-up.
  double allocations = kNoFigure;
};

// The name of a raw server's socket in the folder of a directory.
constexpr char kRawName[] = "/raw";

class Stage {
 public:
  // Each comparison has `rounds` rounds.
  explicit Stage(int rounds) : rounds_(rounds) {}
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }
  void Fail(const std::string& why);

  // Starts a child, and returns when it has reported that it is ready. Returns
  // null after a failure.
  Child* Start(const ChildSpec& spec);
  Directory* StartDirectory(const std::string& bindings, int cpu);
  // Returns the two ends of a socket pair. ChildSpec::link passes an end to a
  // child. The stage closes both ends.
  std::pair<int, int> Link(int type);

  // Stops the other processes and lets the client send until it blocks. Then
  // the client's queue has its full size. Otherwise the queue would grow in a
  // later round, which counts allocations.
  void FillQueue(const Variant& variant);

  // Measures the variants one after the other in each round, in alternating
  // order, after a warm-up.
  std::vector<Series> Compare(const std::vector<Variant>& variants);
  // Counts system calls per operation, of all processes together. The processes
  // cannot be used afterwards.
  //  - kExactly: the difference of two runs. For operations that all make the
  //    same calls.
  //  - kOnAverage: the average of one run, including the few calls of the
  //    command itself. For operations that share calls: with these, the
  //    difference of two runs would vary by chance.
  enum class Count { kExactly, kOnAverage };
  CallCounts CountCalls(const Variant& variant, Count count);
  // Counts instructions per operation, as the difference of two runs. The first
  // element is the client's.
  CallCounts CountInstructions(const Variant& variant);

 private:
  struct Sample {
    double ns = kNoFigure;
    double cpu_ns = kNoFigure;
    double switches = kNoFigure;
    double longest_ns = kNoFigure;
    double allocations = 0;
    double operations = 0;
    bool allocations_counted = true;
  };
  Sample Measure(const Variant& variant);
  Sample MeasureUnderAttack(const Variant& variant);
  CallCounts Trace(const Variant& variant, SystemCallCounter::What what,
                   Count count);
  std::string Ask(Child* client, const std::string& command);

  const int rounds_;
  std::string error_;
  struct Socket {
    explicit Socket(int fd) : fd(fd) {}
    ~Socket();
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    const int fd;
  };
  std::vector<std::unique_ptr<Socket>> links_;
  std::vector<std::unique_ptr<Directory>> directories_;
  std::vector<std::unique_ptr<Child>> children_;
};

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_STAGE_H_
