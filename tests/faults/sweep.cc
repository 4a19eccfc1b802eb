// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/faults/sweep.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "event/base/log.h"
#include "tests/simulation/allocations.h"

namespace le {
namespace faults {
namespace {

// The number of calls that fail: one; as many as the library may retry without
// a pause; and more.
constexpr int kTimes[] = {1, 3, kForATime};
constexpr int kManyTimes = 30;  // replaces kForATime if MayLast() is false

// The number of calls during which no file descriptor is free.
constexpr int kExhausted[] = {1, 8, kForATime};

// The first run with a failure may leave memory in a cache or a pool. Memory
// that grows in each run is a leak.
constexpr int kTimesToLeak = 3;
constexpr int kTriesToSettle = 1000;

// A condition that lasts is logged once. Each broken connection may log its
// reason, so a repeated failure is logged repeatedly. More lines than this
// flood the log.
constexpr int kMaxLogLines = 100;

int g_log_lines = 0;

void Listen(event::LogLevel level, absl::string_view message) {
  ++g_log_lines;
  // LE_KILL_CLIENT logs at the level of fatal errors.
  if (level == event::LogLevel::kEmergency &&
      message.find("killing client") == absl::string_view::npos) {
    GiveUp(std::string(message));
  }
}

// Returns the first failed check, or "".
std::string PlayOnce(const Scenario& scenario,
                     const std::vector<Failure>& failures, Injector* injector) {
  const int descriptors = testing::OpenDescriptors();
  g_log_lines = 0;
  std::string what, folder;
  {
    Stage stage(injector, scenario.message_bytes, &what);
    folder = stage.world()->folder();
    bool costs = false, loses = false;
    for (const Failure& failure : failures) {
      if (failure.kind == nullptr) {
        costs = loses = true;
        continue;
      }
      for (const Errno& error : failure.kind->errnos) {
        if (error.value != failure.error) continue;
        costs = costs || error.cost == Cost::kSession;
      }
      const absl::string_view label = failure.kind->label;
      loses = loses || label == "Dup" || label == "SendMsg with a descriptor";
    }
    stage.MaySessionsBreak(costs);
    stage.MayLoseDescriptors(loses);
    injector->Start(failures);
    scenario.play(&stage);
  }
  injector->Stop();
  // A directory whose Unlink() failed leaves its socket.
  unlink((folder + "/directory").c_str());
  rmdir(folder.c_str());
  if (what.empty() && !testing::WaitForOpenDescriptors(descriptors)) {
    what = absl::StrCat(testing::OpenDescriptors() - descriptors,
                        " descriptors are left");
  }
  if (what.empty() && g_log_lines > kMaxLogLines) {
    what = absl::StrCat(g_log_lines, " lines in the log");
  }
  if (what.empty() && !injector->unknown().empty()) {
    what = absl::StrCat("Kinds() does not have ", injector->unknown());
  }
  return what;
}

std::string Play(const Scenario& scenario, const std::vector<Failure>& failures,
                 Injector* injector) {
  SetLabel(absl::StrCat(scenario.name, ": ", ToString(failures)));
  for (int i = 0; i < kTimesToLeak; ++i) {
    const int64_t allocations = simulation::AllocationsInUse();
    const std::string what = PlayOnce(scenario, failures, injector);
    if (!what.empty()) return what;
    // A thread that closes file descriptors may free its memory late.
    for (int k = 0; k < kTriesToSettle; ++k) {
      if (simulation::AllocationsInUse() <= allocations) return "";
      sched_yield();
    }
  }
  return "memory is left";
}

}  // namespace

Result Sweep(const Scenario& scenario, const Options& options) {
  Result result;
  const event::LogSink sink = event::SetLogSink(&Listen);
  Injector injector;
  auto play = [&](const std::vector<Failure>& failures) {
    const std::string what = Play(scenario, failures, &injector);
    if (!failures.empty()) {
      ++result.runs;
      result.injected += injector.injected();
    }
    if (what.empty()) return;
    result.failures.push_back(
        absl::StrCat(scenario.name, ": ", ToString(failures), ": ", what));
  };

  play({});
  const std::vector<const Kind*> calls = injector.calls();
  result.calls = static_cast<int>(calls.size());
  std::vector<Failure> failures;
  for (size_t k = 0; k < calls.size(); ++k) {
    Failure failure;
    failure.kind = calls[k];
    failure.first = result.calls_by_kind[failure.kind->label]++;
    for (const Errno& error : failure.kind->errnos) {
      for (int times : kTimes) {
        failure.error = error.value;
        failure.times =
            times == kForATime && !MayLast(error.value) ? kManyTimes : times;
        failures.push_back(failure);
      }
    }
    if (!Injector::CanExhaust()) continue;
    Failure exhaustion;
    exhaustion.first = static_cast<int>(k);
    for (int times : kExhausted) {
      exhaustion.times = times;
      failures.push_back(exhaustion);
    }
  }

  const size_t every = static_cast<size_t>(options.every);
  for (size_t i = static_cast<size_t>(options.offset) % every;
       i < failures.size(); i += every) {
    play({failures[i]});
  }
  std::mt19937 random(options.seed);
  for (int i = 0; i < options.pairs; ++i) {
    const Failure& one = failures[random() % failures.size()];
    play({one, failures[random() % failures.size()]});
  }
  event::SetLogSink(sink);
  return result;
}

}  // namespace faults
}  // namespace le
