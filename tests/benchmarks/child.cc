// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/benchmarks/child.h"

#include <dirent.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace le {
namespace benchmarks {
namespace {

using messaging::testing::KillProcess;
using messaging::testing::StartProcess;

std::string ErrnoText(const std::string& what) {
  return absl::StrCat(what, ": ", std::strerror(errno));
}

}  // namespace

// ---- Children --------------------------------------------------------------

std::unique_ptr<Child> Child::Start(const ChildSpec& spec, std::string* error) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    *error = ErrnoText("socketpair");
    return nullptr;
  }
  const int page = memfd_create("counters", MFD_CLOEXEC);
  void* counters = MAP_FAILED;
  if (page >= 0 && ftruncate(page, sizeof(Counters)) == 0) {
    counters = mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE,
                    MAP_SHARED, page, 0);
  }
  pid_t pid = -1;
  if (counters != MAP_FAILED) {
    messaging::testing::ProcessSpec process;
    process.words = {spec.program};
    process.words.insert(process.words.end(), spec.words.begin(),
                         spec.words.end());
    process.descriptors = {{ends[1], kParent}, {page, kCounters}};
    if (spec.link >= 0) process.descriptors.push_back({spec.link, kLink});
    if (!spec.folder.empty()) {
      process.environment["LE_MESSAGING_DIR"] = spec.folder;
    }
    // The child changes its user itself, since that user may be unable to
    // execute the program.
    if (spec.uid != 0) process.environment[kUser] = absl::StrCat(spec.uid);
    process.prepare = PinTo(spec.cpu);
    pid = StartProcess(process);
  }
  if (pid < 0) *error = ErrnoText("cannot start a process");
  close(ends[1]);
  if (page >= 0) close(page);
  if (pid < 0) {
    close(ends[0]);
    if (counters != MAP_FAILED) munmap(counters, sizeof(Counters));
    return nullptr;
  }
  return std::unique_ptr<Child>(
      new Child(pid, ends[0], static_cast<Counters*>(counters)));
}

Child::~Child() {
  KillProcess(&pid_);
  close(socket_);
  munmap(counters_, sizeof(Counters));
}

bool Child::HasSpoken() const {
  return messaging::testing::IsReadable(socket_, 0);
}

std::string Child::Hear(double seconds) {
  return messaging::testing::ReceiveWord(socket_, seconds);
}

void Child::Say(const std::string& word) {
  messaging::testing::SendWord(socket_, word);
}

Usage Child::Look() const {
  Usage usage = UsageOf(pid_);
  usage.allocations = static_cast<double>(counters_->allocations.load());
  usage.allocations_counted = counters_->counted != 0;
  return usage;
}

// ---- The resources of a process --------------------------------------------

Usage UsageOf(pid_t pid) {
  Usage usage;
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(pid, &clock) == 0 &&
      clock_gettime(clock, &time) == 0) {
    usage.cpu_ns = static_cast<double>(time.tv_sec) * 1e9 +
                   static_cast<double>(time.tv_nsec);
  }
  FILE* const file =
      std::fopen(absl::StrCat("/proc/", pid, "/status").c_str(), "r");
  if (file == nullptr) return usage;
  char line[256];
  long switches = 0;
  while (std::fgets(line, sizeof(line), file) != nullptr) {
    if (std::sscanf(line, "voluntary_ctxt_switches: %ld", &switches) == 1) {
      usage.voluntary_switches = static_cast<double>(switches);
    }
  }
  std::fclose(file);
  return usage;
}

long ResidentKib(pid_t pid) {
  FILE* const file =
      std::fopen(absl::StrCat("/proc/", pid, "/statm").c_str(), "r");
  if (file == nullptr) return 0;
  long total = 0, resident = 0;
  if (std::fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
  std::fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

int ThreadsOf(pid_t pid) {
  DIR* const tasks = opendir(absl::StrCat("/proc/", pid, "/task").c_str());
  if (tasks == nullptr) return 0;
  int count = 0;
  while (const dirent* const entry = readdir(tasks)) {
    if (entry->d_name[0] != '.') ++count;
  }
  closedir(tasks);
  return count;
}

std::function<bool()> PinTo(int cpu) {
  if (cpu < 0) return nullptr;
  return [cpu] {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    return sched_setaffinity(0, sizeof(cpus), &cpus) == 0;
  };
}

std::vector<int> UsableCpus() {
  std::vector<int> usable;
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0) return {-1};
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &cpus)) usable.push_back(cpu);
  }
  return usable;
}

}  // namespace benchmarks
}  // namespace le
