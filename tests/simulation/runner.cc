// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/runner.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "event/base/log.h"
#include "tests/simulation/allocations.h"

extern char** environ;

namespace le {
namespace simulation {
namespace {

// A worker is replaced after this number of seeds, because killed processes do
// not free all their memory.
constexpr uint64_t kSeedsPerWorker = 500;

// A run takes milliseconds. A run that takes this time counts as endless.
constexpr unsigned kMaxSecondsPerRun = 60;

constexpr uint64_t kFailuresShown = 5;

struct Kind {
  const char* name;
  bool Plan::*on;
};
constexpr Kind kKinds[] = {
    {"kill_clients", &Plan::kill_clients},
    {"kill_servers", &Plan::kill_servers},
    {"kill_directory", &Plan::kill_directory},
    {"rebind", &Plan::rebind},
    {"break_connections", &Plan::break_connections},
    {"few_descriptors", &Plan::few_descriptors},
    {"small_queues", &Plan::small_queues},
    {"hide_services", &Plan::hide_services},
    {"threads", &Plan::threads},
    {"misbehave", &Plan::misbehave},
    {"exits", &Plan::exits},
    {"slow", &Plan::slow},
    {"plain_code", &Plan::plain_code},
    {"small_buffers", &Plan::small_buffers},
    {"failing_calls", &Plan::failing_calls},
    {"slow_programs", &Plan::slow_programs},
    {"full_logs", &Plan::full_logs},
    {"large_messages", &Plan::large_messages},
    {"forks", &Plan::forks},
    {"strangers", &Plan::strangers},
    {"typed", &Plan::typed},
    {"inspects", &Plan::inspects},
};

Result RunOnce(const Plan& plan, bool trace) {
  return World::New(plan)->Run(trace);
}

}  // namespace

Result RunPlan(const Plan& plan, bool trace) {
  const int64_t before = AllocationsInUse();
  Result result = RunOnce(plan, trace);
  // Memory is not compared in two cases: on the simulated kernel, the shipped
  // code fills caches for the whole real process; over loopback, killed
  // processes do not free all their memory.
  if (plan.kernel || plan.kills() || !result.failure.empty()) return result;
  // The first run may have filled a pool that is kept, or allocated the result.
  // A leak also shows in the second run.
  const int64_t between = AllocationsInUse();
  if (between <= before + 8) return result;
  const int64_t start = AllocationsInUse();
  { const Result again = RunOnce(plan, false); }
  const int64_t left = AllocationsInUse() - start;
  if (left > 0) {
    result.failure = absl::StrCat(left, " blocks of memory are left");
  }
  return result;
}

// ---- Options ---------------------------------------------------------------

bool Options::Parse(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::pair<std::string, std::string> flag =
        absl::StrSplit(argv[i], absl::MaxSplits('=', 1));
    const std::string& value = flag.second;
    bool good = true;
    if (flag.first == "--seeds") {
      good = absl::SimpleAtoi(value, &seeds);
    } else if (flag.first == "--first") {
      good = absl::SimpleAtoi(value, &first);
    } else if (flag.first == "--jobs") {
      good = absl::SimpleAtoi(value, &jobs);
    } else if (flag.first == "--clients") {
      good = absl::SimpleAtoi(value, &clients) && clients > 0;
    } else if (flag.first == "--servers") {
      good = absl::SimpleAtoi(value, &servers) && servers > 0;
    } else if (flag.first == "--operations") {
      good = absl::SimpleAtoi(value, &operations);
    } else if (flag.first == "--blows") {
      good = absl::SimpleAtoi(value, &blows);
    } else if (flag.first == "--only") {
      only = value;
      has_only = true;
    } else if (flag.first == "--trace") {
      trace = true;
    } else if (flag.first == "--until_failure") {
      until_failure = true;
    } else if (flag.first == "--kernel") {
      kernel = true;
    } else if (flag.first == "--worker") {
      worker = true;
    } else {
      good = false;
    }
    if (!good) {
      fprintf(stderr,
              "cannot understand %s\n"
              "usage: simulation [--seeds=N] [--first=S] [--jobs=N] [--trace]\n"
              "  [--until_failure] [--kernel]\n"
              "  to replay a shrunk failure: [--clients=N] [--servers=N]\n"
              "  [--operations=N] [--blows=N] [--only=TROUBLE,...]\n",
              argv[i]);
      return false;
    }
  }
  return true;
}

Plan Options::PlanOf(uint64_t seed) const {
  Plan plan = Plan::Draw(seed);
  plan.kernel = kernel;
  if (clients >= 0) plan.clients = clients;
  if (servers >= 0) plan.servers = servers;
  if (operations >= 0) plan.operations = operations;
  if (blows >= 0) plan.blows = blows;
  if (has_only) {
    const std::vector<std::string> names = absl::StrSplit(only, ',');
    for (const Kind& kind : kKinds) {
      plan.*kind.on =
          std::find(names.begin(), names.end(), kind.name) != names.end();
    }
  }
  return plan;
}

// ---- Workers ---------------------------------------------------------------

namespace {

// The exit status of a run that has reported its failure. Not 1, with which a
// fatal error of the library ends a process.
constexpr int kReportedFailure = 3;

// Runs these seeds, and reports the results. Returns false if a run has failed.
bool RunSeeds(const Options& options, uint64_t first, uint64_t end) {
  uint64_t steps = 0;
  std::map<std::string, uint64_t> faults;
  bool failed = false;
  for (uint64_t seed = first; seed < end; ++seed) {
    printf("run %llu\n", static_cast<unsigned long long>(seed));
    fflush(stdout);
    alarm(kMaxSecondsPerRun);
    const Result result = RunPlan(options.PlanOf(seed), options.trace);
    steps += result.steps;
    for (const auto& fault : result.faults) faults[fault.first] += fault.second;
    if (options.trace) fputs(result.trace.c_str(), stderr);
    if (result.failure.empty()) continue;
    failed = true;
    std::string line = result.failure;
    std::replace(line.begin(), line.end(), '\n', '|');
    printf("fail %llu %s\n", static_cast<unsigned long long>(seed),
           line.c_str());
  }
  for (const auto& fault : faults) {
    printf("fault %llu %s\n", static_cast<unsigned long long>(fault.second),
           fault.first.c_str());
  }
  printf("steps %llu\n", static_cast<unsigned long long>(steps));
  fflush(stdout);
  return !failed;
}

}  // namespace

int RunWorker(const Options& options) {
  event::SetLogSink([](event::LogLevel, absl::string_view) {});
  const uint64_t end = options.first + options.seeds;
  if (!options.kernel) {
    // _exit() skips the leak checker: killed processes do not free all their
    // memory.
    _exit(RunSeeds(options, options.first, end) ? 0 : 1);
  }
  // The shipped code keeps caches for the whole real process. It takes a lock
  // to fill a cache. When it releases the lock, the simulation may switch
  // threads. In a shared process a run would depend on the runs before it, so
  // each seed runs in its own real process.
  for (uint64_t seed = options.first; seed < end; ++seed) {
    const pid_t child = fork();
    if (child == 0) {
      _exit(RunSeeds(options, seed, seed + 1) ? 0 : kReportedFailure);
    }
    int status = 0;
    std::string failure;
    if (child < 0 || waitpid(child, &status, 0) != child) {
      failure = "the run has no process";
    } else if (WIFSIGNALED(status)) {
      const bool hangs = WTERMSIG(status) == SIGALRM;
      failure = absl::StrCat("the run ", hangs ? "hangs" : "crashes",
                             ", with signal ", WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0 &&
               WEXITSTATUS(status) != kReportedFailure) {
      failure = absl::StrCat("the run exits with ", WEXITSTATUS(status));
    }
    if (!failure.empty()) {
      printf("fail %llu %s\n", static_cast<unsigned long long>(seed),
             failure.c_str());
      fflush(stdout);
    }
  }
  printf("steps 0\n");
  fflush(stdout);
  _exit(0);
}

namespace {

// A worker process, and its output.
class Worker {
 public:
  Worker(uint64_t first, uint64_t seeds, const std::string& more_flags)
      : first_(first) {
    std::vector<std::string> words = {"/proc/self/exe", "--worker",
                                      absl::StrCat("--first=", first),
                                      absl::StrCat("--seeds=", seeds)};
    for (absl::string_view flag :
         absl::StrSplit(more_flags, ' ', absl::SkipEmpty())) {
      words.emplace_back(flag);
    }
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(&word[0]);
    argv.push_back(nullptr);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (posix_spawn(&pid_, words[0].c_str(), &actions, nullptr, argv.data(),
                    environ) != 0) {
      pid_ = -1;
    }
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    output_ = fdopen(ends[0], "r");
  }
  ~Worker() {
    if (output_ != nullptr) fclose(output_);
  }

  struct Report {
    uint64_t runs = 0;
    uint64_t steps = 0;
    std::map<std::string, uint64_t> faults;
    std::map<uint64_t, std::string> failures;  // by seed
    uint64_t next = 0;                         // the first seed not run
  };
  // Waits until the worker has ended.
  Report Read() {
    Report report;
    // A worker that dies before its first seed has failed at this seed.
    uint64_t running = first_;
    report.next = first_ + 1;
    char* line = nullptr;
    size_t capacity = 0;
    bool complete = false;
    while (output_ != nullptr && getline(&line, &capacity, output_) > 0) {
      char word[16];
      unsigned long long number = 0;
      int text = 0;
      if (sscanf(line, "%15s %llu %n", word, &number, &text) < 2) continue;
      const std::string rest(
          absl::StripTrailingAsciiWhitespace(line + std::max(text, 0)));
      if (!strcmp(word, "run")) {
        running = number;
        report.next = number + 1;
        ++report.runs;
      } else if (!strcmp(word, "fail")) {
        report.failures[number] = rest;
      } else if (!strcmp(word, "fault")) {
        report.faults[rest] += number;
      } else if (!strcmp(word, "steps")) {
        report.steps += number;
        complete = true;
      }
    }
    free(line);
    int status = -1;  // the worker has not started
    if (pid_ > 0) waitpid(pid_, &status, 0);
    if (!complete) {
      report.failures[running] =
          WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
              ? "the run hangs"
              : absl::StrCat("the run crashes, with status ", status);
    }
    return report;
  }

 private:
  const uint64_t first_;
  pid_t pid_ = -1;
  FILE* output_ = nullptr;
};

std::string MoreFlags(const Options& options) {
  std::string flags;
  auto number = [&](const char* name, int value) {
    if (value >= 0) absl::StrAppend(&flags, " --", name, "=", value);
  };
  number("clients", options.clients);
  number("servers", options.servers);
  number("operations", options.operations);
  number("blows", options.blows);
  if (options.has_only) absl::StrAppend(&flags, " --only=", options.only);
  if (options.trace) absl::StrAppend(&flags, " --trace");
  if (options.kernel) absl::StrAppend(&flags, " --kernel");
  return flags;
}

double Seconds() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

void Explain(uint64_t seed, const std::string& failure,
             const Options& options) {
  printf("\nseed %llu: %s\n", static_cast<unsigned long long>(seed),
         failure.c_str());
  const Plan plan = options.PlanOf(seed);
  std::string last = failure;
  const Plan small = Shrink(plan, [&last](const Plan& smaller) {
    Worker worker(smaller.seed, 1, smaller.ToFlags());
    const auto report = worker.Read();
    if (report.failures.empty()) return false;
    last = report.failures.begin()->second;
    return true;
  });
  printf("shrunk: %s\nreplay: %s\n", last.c_str(), small.ToFlags().c_str());
  fflush(stdout);
}

}  // namespace

Plan Shrink(Plan plan, const std::function<bool(const Plan&)>& fails) {
  bool smaller = true;
  auto attempt = [&](const Plan& candidate) {
    if (!fails(candidate)) return;
    plan = candidate;
    smaller = true;
  };
  while (smaller) {
    smaller = false;
    for (const Kind& kind : kKinds) {
      if (!(plan.*kind.on)) continue;
      Plan candidate = plan;
      candidate.*kind.on = false;
      attempt(candidate);
    }
    for (int Plan::*count :
         {&Plan::clients, &Plan::servers, &Plan::operations, &Plan::blows}) {
      const int least =
          count == &Plan::clients || count == &Plan::servers ? 1 : 0;
      for (int less : {least, plan.*count / 2, plan.*count - 1}) {
        if (less < least || less >= plan.*count) continue;
        Plan candidate = plan;
        candidate.*count = less;
        attempt(candidate);
      }
    }
  }
  return plan;
}

int RunAll(const Options& options) {
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  const size_t jobs = options.jobs > 0 ? static_cast<size_t>(options.jobs)
                                       : static_cast<size_t>(cpus);
  const double start = Seconds();
  const std::string flags = MoreFlags(options);
  Worker::Report total;
  uint64_t next = options.first;
  const uint64_t end = options.first + options.seeds;
  std::vector<std::pair<uint64_t, std::unique_ptr<Worker>>> running;
  double told = start;
  while (next < end || !running.empty()) {
    while (next < end && running.size() < jobs) {
      const uint64_t count = std::min(kSeedsPerWorker, end - next);
      running.emplace_back(next + count,
                           std::make_unique<Worker>(next, count, flags));
      next += count;
    }
    // All workers take about the same time, so wait for the oldest.
    const uint64_t its_end = running.front().first;
    const Worker::Report report = running.front().second->Read();
    running.erase(running.begin());
    total.runs += report.runs;
    total.steps += report.steps;
    for (const auto& fault : report.faults) {
      total.faults[fault.first] += fault.second;
    }
    for (const auto& failure : report.failures) {
      total.failures[failure.first] = failure.second;
      if (total.failures.size() <= kFailuresShown) {
        Explain(failure.first, failure.second, options);
      }
    }
    if (options.until_failure && !total.failures.empty()) next = end;
    // If a worker has crashed, another one runs the remaining seeds.
    if (report.next < its_end && total.failures.size() <= kFailuresShown) {
      running.emplace_back(
          its_end,
          std::make_unique<Worker>(report.next, its_end - report.next, flags));
    }
    if (Seconds() - told > 10) {
      told = Seconds();
      fprintf(stderr, "%llu of %llu seeds, %zu failures, %.0f s\n",
              static_cast<unsigned long long>(total.runs),
              static_cast<unsigned long long>(options.seeds),
              total.failures.size(), told - start);
    }
  }
  printf("\n%llu seeds, %llu steps, %.1f s with %zu jobs\n",
         static_cast<unsigned long long>(total.runs),
         static_cast<unsigned long long>(total.steps), Seconds() - start, jobs);
  for (const auto& fault : total.faults) {
    printf("  %12llu  %s\n", static_cast<unsigned long long>(fault.second),
           fault.first.c_str());
  }
  printf("%zu failures\n", total.failures.size());
  return total.failures.empty() ? 0 : 1;
}

}  // namespace simulation
}  // namespace le
