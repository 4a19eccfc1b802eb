// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/benchmarks/child.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace le {
namespace benchmarks {
namespace {

// The descriptors of a new process: {number here, number there}.
using Inherited = std::vector<std::pair<int, int>>;

// From here to exec nothing is allocated.
[[noreturn]] void Become(const std::vector<char*>& arguments,
                         const Inherited& inherited, int cpu) {
  // The child dies with its parent.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    sched_setaffinity(0, sizeof(cpus), &cpus);
  }
  // First move all of them to other numbers, so that none is overwritten.
  int away[8];
  size_t count = 0;
  for (const auto& pair : inherited) {
    away[count++] = fcntl(pair.first, F_DUPFD, 100);
  }
  count = 0;
  for (const auto& pair : inherited) {
    dup2(away[count], pair.second);
    close(away[count++]);
  }
  execv(arguments[0], arguments.data());
  _exit(127);
}

pid_t StartProcess(const std::vector<std::string>& words,
                   const Inherited& inherited, int cpu) {
  std::vector<char*> arguments;
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid == 0) Become(arguments, inherited, cpu);
  return pid;
}

void KillAndWait(pid_t pid) {
  if (pid <= 0) return;
  kill(pid, SIGKILL);
  // A process that was traced may report earlier stops first.
  for (int status = 0;;) {
    const pid_t waited = waitpid(pid, &status, __WALL);
    if (waited < 0 && errno == EINTR) continue;
    if (waited < 0 || WIFEXITED(status) || WIFSIGNALED(status)) return;
  }
}

bool WaitReadable(int fd, double seconds) {
  struct pollfd poll_one = {fd, POLLIN, 0};
  int ready;
  do {
    ready = poll(&poll_one, 1, static_cast<int>(seconds * 1000));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

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
    if (!spec.folder.empty()) {
      setenv("LE_MESSAGING_DIR", spec.folder.c_str(), 1);
    }
    std::vector<std::string> words = {spec.program};
    words.insert(words.end(), spec.words.begin(), spec.words.end());
    Inherited inherited = {{ends[1], kParent}, {page, kCounters}};
    if (spec.link >= 0) inherited.push_back({spec.link, kLink});
    pid = StartProcess(words, inherited, spec.cpu);
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
  KillAndWait(pid_);
  close(socket_);
  munmap(counters_, sizeof(Counters));
}

bool Child::HasSpoken() const { return WaitReadable(socket_, 0); }

std::string Child::Hear(double seconds) {
  if (!WaitReadable(socket_, seconds)) return "";
  char word[256];
  const ssize_t size = recv(socket_, word, sizeof(word), MSG_DONTWAIT);
  return size <= 0 ? "" : std::string(word, static_cast<size_t>(size));
}

void Child::Say(const std::string& word) {
  send(socket_, word.data(), word.size(), MSG_NOSIGNAL);
}

Usage Child::Look() const {
  Usage usage = UsageOf(pid_);
  usage.allocations = static_cast<double>(counters_->allocations.load());
  usage.allocations_counted = counters_->counted != 0;
  return usage;
}

// ---- The directory ---------------------------------------------------------

std::unique_ptr<Directory> Directory::Start(const std::string& bindings,
                                            int cpu, std::string* error) {
  char folder[] = "/tmp/le_benchmark_XXXXXX";
  if (mkdtemp(folder) == nullptr) {
    *error = ErrnoText("mkdtemp");
    return nullptr;
  }
  std::unique_ptr<Directory> directory(new Directory(folder));
  const std::string file = directory->folder_ + "/bindings";
  int output[2];
  FILE* const out = std::fopen(file.c_str(), "w");
  if (out == nullptr || std::fputs(bindings.c_str(), out) < 0 ||
      std::fclose(out) != 0 || pipe2(output, O_CLOEXEC) != 0) {
    *error = ErrnoText(file);
    return nullptr;
  }
  directory->pid_ =
      StartProcess({FindProgram("directory/directoryd"),
                    "--socket_dir=" + directory->folder_, "--bindings=" + file},
                   {{output[1], STDOUT_FILENO}}, cpu);
  close(output[1]);
  char line[256];
  const bool ready =
      WaitReadable(output[0], 30) && read(output[0], line, sizeof(line)) > 0;
  close(output[0]);
  if (ready) return directory;
  *error = "directoryd does not start";
  return nullptr;
}

Directory::~Directory() {
  KillAndWait(pid_);
  for (const char* name : {"/directory", "/lock", "/bindings", "/raw"}) {
    unlink((folder_ + name).c_str());
  }
  rmdir(folder_.c_str());
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

std::string FindProgram(const std::string& path_in_repository) {
  char self[4096];
  const ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
  const std::string program(self, size > 0 ? static_cast<size_t>(size) : 0);
  for (const std::string& path :
       {path_in_repository,
        program + ".runfiles/le_messaging/" + path_in_repository,
        program + ".runfiles/_main/" + path_in_repository}) {
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
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
