// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// Measures the cost of le_messaging and of the same work by system calls only.

#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/benchmarks/child.h"
#include "tests/benchmarks/figures.h"
#include "tests/benchmarks/rows.h"

namespace le {
namespace benchmarks {
namespace {

constexpr char kUsage[] =
    R"(report: what le_messaging costs next to bare sockets

  --rounds=N      of each comparison; default 41
  --json=FILE     the figures for programs
  --few-columns   leaves out the spread, processor time and notes
  --filter=REGEX  only the rows whose names it matches
  --other=PROGRAM only compares this build with another build's unix_party;
                  see compare.sh
  --smoke         each row once, with few operations; fails if a row has no
                  figure
)";

bool Parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    auto value = [&argument](absl::string_view name, std::string* to) {
      if (argument.substr(0, name.size()) != name) return false;
      *to = std::string(argument.substr(name.size()));
      return true;
    };
    std::string number;
    if (value("--json=", &options->json) ||
        value("--filter=", &options->filter) ||
        value("--other=", &options->other)) {
      continue;
    }
    if (value("--rounds=", &number) &&
        absl::SimpleAtoi(number, &options->rounds) && options->rounds > 0) {
      continue;
    }
    if (argument == "--few-columns") {
      options->columns = Columns::kFew;
      continue;
    }
    if (argument == "--smoke") {
      options->smoke = true;
      options->rounds = 1;
      continue;
    }
    std::fputs(kUsage, stderr);
    return false;
  }
  return true;
}

Facts FactsOfTheRun(const Options& options) {
  struct utsname system = {};
  uname(&system);
  return {
    {"system",
     absl::StrCat(system.sysname, " ", system.release, " ", system.machine)},
        {"processors", absl::StrCat(UsableCpus().size())},
#if defined(__clang__)
        {"compiler", "clang " __clang_version__},
#else
        {"compiler", "gcc " __VERSION__},
#endif
#if defined(NDEBUG)
        {"build", "release"},
#else
        {"build", "not for release: use -c opt"},
#endif
    {
      "rounds", absl::StrCat(options.rounds)
    }
  };
}

bool EndsWith(absl::string_view text, absl::string_view end) {
  return text.size() >= end.size() &&
         text.substr(text.size() - end.size()) == end;
}

// Whether a row may have no figure. Some machines do not permit tracing, have
// one processor, or have one user. Some builds cannot count allocations or
// instructions. A smoke run counts the instructions of one row only.
bool MayBeMissing(const Row& row) {
  return row.note == "tracing is not permitted here" ||
         row.note == "there is no other user here" ||
         row.note == "there is one processor only" ||
         row.note == "instructions are not counted in a sanitizer's build" ||
         row.note == "a smoke run counts one call only" ||
         (EndsWith(row.name, "_allocations") && !row.note.empty());
}

// Checks results that do not depend on the machine.
bool LooksSane(const Row& row) {
  if (!row.measured()) return MayBeMissing(row);
  if (EndsWith(row.name, "_allocations")) {
    // If messages may share packets, one allocation for two messages is
    // tolerated.
    const bool may_share = row.name != "sync_64_allocations" &&
                           row.name != "typed_sync_64_allocations" &&
                           row.name != "one_thread_64_allocations";
    return row.value <= (may_share ? 0.5 : 0);
  }
  if (row.name == "sync_64_calls") return row.value >= 4 && row.value < 16;
  // Some builds return memory to the kernel after each large message.
  const double most = row.name == "sync_1m_calls" ? 200 : 120;
  if (EndsWith(row.name, "_calls")) return row.value > 0 && row.value < most;
  return true;
}

int Main(int argc, char** argv) {
  Options options;
  if (!Parse(argc, argv, &options)) return 2;
  // Raises the limit of file descriptors, which children inherit.
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  const std::vector<Row> rows = MeasureRows(options);
  clock_gettime(CLOCK_MONOTONIC, &end);

  Facts facts = FactsOfTheRun(options);
  facts.emplace_back("seconds", absl::StrCat(end.tv_sec - start.tv_sec));
  for (const auto& fact : facts) {
    std::printf("%s: %s\n", fact.first.c_str(), fact.second.c_str());
  }
  std::printf("\n%s\n", FormatTable(rows, options.columns).c_str());
  if (!options.json.empty()) {
    FILE* const file = std::fopen(options.json.c_str(), "w");
    if (file == nullptr ||
        std::fputs(FormatJson(facts, rows).c_str(), file) < 0 ||
        std::fclose(file) != 0) {
      std::perror(options.json.c_str());
      return 1;
    }
  }
  int good = 0, falls_short = 0, unmeasured = 0, bad = 0;
  for (const Row& row : rows) {
    const Verdict verdict = Judge(row);
    if (verdict == Verdict::kOk) ++good;
    if (verdict == Verdict::kShort) ++falls_short;
    if (verdict == Verdict::kNotMeasured) ++unmeasured;
    if (options.smoke ? !LooksSane(row)
                      : !row.measured() && !MayBeMissing(row)) {
      ++bad;
      std::printf("FAILED: %s\n", row.name.c_str());
    }
  }
  std::printf("%d ok, %d short, %d not measured\n", good, falls_short,
              unmeasured);
  // A row that misses its goal is reported, but is not a failure.
  return bad > 0 || rows.empty() ? 1 : 0;
}

}  // namespace
}  // namespace benchmarks
}  // namespace le

int main(int argc, char** argv) { return le::benchmarks::Main(argc, argv); }
