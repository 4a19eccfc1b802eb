// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/benchmarks/stage.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace le {
namespace benchmarks {
namespace {

// No step takes this long, even on the slowest machine under a sanitizer.
constexpr double kPatienceSeconds = 60;

// A process that gets no processor time for this long is waiting, even on a
// busy machine.
constexpr double kQuietSeconds = 0.05;

}  // namespace

Stage::Socket::~Socket() { close(fd); }

Stage::~Stage() {
  children_.clear();
  for (const auto& directory : directories_) {
    unlink((directory->folder() + kRawName).c_str());
  }
}

void Stage::Fail(const std::string& why) {
  if (error_.empty()) error_ = why;
}

Child* Stage::Start(const ChildSpec& spec) {
  if (!ok()) return nullptr;
  const std::string role =
      absl::StrCat(spec.program.substr(spec.program.rfind('/') + 1), " ",
                   spec.words.empty() ? "" : spec.words[0]);
  std::string error;
  std::unique_ptr<Child> child = Child::Start(spec, &error);
  if (child == nullptr) {
    Fail(absl::StrCat(role, ": ", error));
    return nullptr;
  }
  children_.push_back(std::move(child));
  if (children_.back()->Hear(kPatienceSeconds) != "ready") {
    Fail(absl::StrCat(role, " does not become ready"));
    return nullptr;
  }
  return children_.back().get();
}

Directory* Stage::StartDirectory(const std::string& bindings, int cpu) {
  if (!ok()) return nullptr;
  directories_.push_back(std::make_unique<Directory>(bindings));
  if (!directories_.back()->Start(PinTo(cpu))) {
    Fail("directoryd does not start");
    return nullptr;
  }
  return directories_.back().get();
}

std::pair<int, int> Stage::Link(int type) {
  int ends[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) {
    Fail(std::strerror(errno));
    return {-1, -1};
  }
  for (int end : ends) links_.push_back(std::make_unique<Socket>(end));
  return {ends[0], ends[1]};
}

std::string Stage::Ask(Child* client, const std::string& command) {
  client->Say(command);
  const std::string answer = client->Hear(kPatienceSeconds);
  if (answer.empty() || answer == "failed") {
    Fail(absl::StrCat("'", command, "' ",
                      answer.empty() ? "hangs or has died" : answer));
  }
  return answer;
}

Stage::Sample Stage::Measure(const Variant& variant) {
  Sample sample;
  if (!ok()) return sample;
  auto look = [&variant, &sample] {
    Usage all = variant.client->Look();
    sample.allocations_counted &= all.allocations_counted;
    // The client reports its own allocations, without those for the command.
    all.allocations = 0;
    for (const Child* other : variant.others) {
      const Usage usage = other->Look();
      all.cpu_ns += usage.cpu_ns;
      all.voluntary_switches += usage.voluntary_switches;
      all.allocations += usage.allocations;
    }
    if (variant.directory != nullptr) {
      const Usage usage = UsageOf(variant.directory->pid());
      all.cpu_ns += usage.cpu_ns;
      all.voluntary_switches += usage.voluntary_switches;
    }
    return all;
  };
  const Usage before = look();
  const std::string answer = Ask(
      variant.client,
      absl::StrCat(variant.kind, " ", variant.size, " ", variant.operations));
  const Usage after = look();
  double allocations = 0;
  if (std::sscanf(answer.c_str(), "%lf %lf %lf %lf", &sample.ns, &allocations,
                  &sample.operations, &sample.longest_ns) != 4) {
    Fail(absl::StrCat("'", answer, "' is not a result"));
    return Sample();
  }
  sample.cpu_ns = (after.cpu_ns - before.cpu_ns) / sample.operations;
  sample.switches = (after.voluntary_switches - before.voluntary_switches) /
                    sample.operations;
  sample.allocations = allocations + after.allocations - before.allocations;
  return sample;
}

Stage::Sample Stage::MeasureUnderAttack(const Variant& variant) {
  const size_t others = children_.size();
  for (const ChildSpec& attacker : variant.attackers) Start(attacker);
  const Sample sample = Measure(variant);
  children_.resize(others);
  return sample;
}

void Stage::FillQueue(const Variant& variant) {
  if (!ok()) return;
  auto tell_others = [&variant](int signal) {
    for (const Child* other : variant.others) kill(other->pid(), signal);
  };
  tell_others(SIGSTOP);
  // The client waits for a response after the warm-up, so only the messages of
  // the warm-up fill the queue. The warm-up is an eighth of the operations.
  // With eight times the operations, the warm-up has as many messages as the
  // timed part of a usual command.
  variant.client->Say(absl::StrCat(variant.kind, " ", variant.size, " ",
                                   8 * variant.operations));
  double before;
  double now = variant.client->Look().cpu_ns;
  do {
    before = now;
    variant.client->Hear(kQuietSeconds);  // times out once the client blocks
    now = variant.client->Look().cpu_ns;
  } while (now != before);
  tell_others(SIGCONT);
  const std::string answer = variant.client->Hear(kPatienceSeconds);
  if (answer.empty() || answer == "failed") Fail("a full queue does not empty");
}

std::vector<Series> Stage::Compare(const std::vector<Variant>& variants) {
  std::vector<Series> all(variants.size());
  std::vector<double> allocations(variants.size(), 0);
  std::vector<double> operations(variants.size(), 0);
  // Two rounds of warm-up, in which pools grow.
  for (int i = 0; i < 2; ++i) {
    for (const Variant& variant : variants) MeasureUnderAttack(variant);
  }
  for (int round = 0; round < rounds_ && ok(); ++round) {
    for (size_t i = 0; i < variants.size(); ++i) {
      const size_t which = round % 2 == 0 ? i : variants.size() - 1 - i;
      const Sample sample = MeasureUnderAttack(variants[which]);
      Series& series = all[which];
      series.ns.push_back(sample.ns);
      series.cpu_ns.push_back(sample.cpu_ns);
      series.switches.push_back(sample.switches);
      series.longest_ns.push_back(sample.longest_ns);
      allocations[which] +=
          sample.allocations_counted ? sample.allocations : kNoFigure;
      operations[which] += sample.operations;
    }
  }
  if (!ok()) return std::vector<Series>(variants.size());
  for (size_t i = 0; i < variants.size(); ++i) {
    all[i].allocations = allocations[i] / operations[i];
  }
  return all;
}

CallCounts Stage::CountCalls(const Variant& variant, Count count) {
  return Trace(variant, SystemCallCounter::What::kCalls, count);
}

CallCounts Stage::CountInstructions(const Variant& variant) {
  return Trace(variant, SystemCallCounter::What::kInstructions,
               Count::kExactly);
}

CallCounts Stage::Trace(const Variant& variant, SystemCallCounter::What what,
                        Count count) {
  if (!ok()) return {};
  std::vector<pid_t> pids = {variant.client->pid()};
  for (const Child* other : variant.others) pids.push_back(other->pid());
  if (variant.directory != nullptr) pids.push_back(variant.directory->pid());
  SystemCallCounter counter;
  if (!counter.Attach(pids, what)) {
    Fail("tracing is not permitted here");
    return {};
  }
  auto run = [&](int64_t operations) {
    variant.client->Say(
        absl::StrCat(variant.kind, " ", variant.size, " ", operations));
    if (!counter.CountUntil([&variant] { return variant.client->HasSpoken(); },
                            kPatienceSeconds)) {
      Fail(absl::StrCat("'", variant.kind, "' hangs while it is traced"));
    } else if (variant.client->Hear(0) == "failed") {
      Fail(absl::StrCat("'", variant.kind, "' failed while it was traced"));
    }
    return counter.TakeCounts();
  };
  // The number of operations that a command executes, with its warm-up.
  auto all = [](int64_t operations) {
    Command command;
    command.operations = operations;
    return static_cast<double>(operations + command.warm_up());
  };
  const int64_t fewer = variant.operations;
  const int64_t more = 2 * fewer;
  run(fewer);
  const CallCounts of_fewer = ok() ? run(fewer) : CallCounts();
  const CallCounts of_more = ok() ? run(more) : CallCounts();
  if (!ok()) return {};
  return count == Count::kExactly
             ? PerOperation(of_fewer, of_more, all(more) - all(fewer))
             : PerOperation({}, of_more, all(more));
}

}  // namespace benchmarks
}  // namespace le
