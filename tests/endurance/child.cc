// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/endurance/child.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/ptrace.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "absl/strings/str_cat.h"

extern char** environ;

namespace le {
namespace endurance {
namespace {

// The processes that we have started and not yet ended.
std::set<pid_t>* Running() {
  static auto* const pids = new std::set<pid_t>;
  return pids;
}

std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) {
    pointers.push_back(const_cast<char*>(word.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

pid_t Spawn(const std::vector<std::string>& words, int inherited, int as) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, inherited, as);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, words[0].c_str(), &actions, nullptr,
                                Pointers(words).data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) Fail(absl::StrCat(words[0], ": ", std::strerror(error)));
  Running()->insert(pid);
  return pid;
}

void KillAndWait(pid_t* pid) {
  if (*pid <= 0) return;
  kill(*pid, SIGKILL);
  // A traced process may have stopped before.
  for (int status = 0; waitpid(*pid, &status, 0) == *pid;) {
    if (!WIFSTOPPED(status)) break;
  }
  Running()->erase(*pid);
  *pid = 0;
}

// The C library's header conflicts with the kernel's.
long Trace(int request, pid_t pid, uintptr_t address, uintptr_t data) {
  return syscall(SYS_ptrace, request, pid, address, data);
}

// Waits until a process has stopped before a system call, and says which.
long NextCall(pid_t pid) {
  for (int signal = 0;;) {
    Trace(PTRACE_SYSCALL, pid, 0, static_cast<uintptr_t>(signal));
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) {
      Fail(absl::StrCat("pid ", pid, " died by itself"));
    }
    // Pass on its signals, but not the stop of an exec, which a sanitizer
    // makes.
    signal = status >> 16 == 0 ? WSTOPSIG(status) : 0;
    if (signal != (SIGTRAP | 0x80)) continue;
    signal = 0;
    struct ptrace_syscall_info info = {};
    if (Trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info),
              reinterpret_cast<uintptr_t>(&info)) <= 0) {
      Fail("a traced process cannot be looked at");
    }
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      return static_cast<long>(info.entry.nr);
    }
  }
}

bool MakesFolder(long call) {
#ifdef SYS_mkdir
  if (call == SYS_mkdir) return true;
#endif
  return call == SYS_mkdirat;
}

// Starts a program that is traced from its first instruction on; it waits
// there. 0: that is not permitted.
pid_t SpawnTraced(const std::vector<std::string>& words, int output) {
  const std::vector<char*> arguments = Pointers(words);
  const pid_t pid = fork();
  if (pid < 0) Fail(std::strerror(errno));
  if (pid == 0) {
    if (dup2(output, STDOUT_FILENO) < 0 ||
        Trace(PTRACE_TRACEME, 0, 0, 0) != 0) {
      _exit(EXIT_FAILURE);
    }
    execv(arguments[0], arguments.data());
    _exit(EXIT_FAILURE);
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) return 0;
  Running()->insert(pid);
  if (Trace(PTRACE_SETOPTIONS, pid, 0,
            PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) !=
      0) {
    Fail(std::strerror(errno));
  }
  return pid;
}

// Another program of this repository, among our data.
std::string Find(const std::string& name) {
  char self[4096];
  const ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
  const std::string program(self, size > 0 ? static_cast<size_t>(size) : 0);
  for (const std::string& path :
       {name, program + ".runfiles/le_messaging/" + name,
        program + ".runfiles/_main/" + name}) {
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  Fail(name + " is not among this program's data");
}

}  // namespace

void Fail(const std::string& why) {
  std::printf("FAILED: %s\n", why.c_str());
  std::fflush(stdout);
  // Otherwise some children would wait for ever.
  for (pid_t pid : *Running()) kill(pid, SIGKILL);
  std::exit(EXIT_FAILURE);
}

// ---- Children --------------------------------------------------------------

Child::Child(const std::vector<std::string>& role) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    Fail(std::strerror(errno));
  }
  socket_ = ends[0];
  std::vector<std::string> words = {"/proc/self/exe", "--role"};
  words.insert(words.end(), role.begin(), role.end());
  // The role finds its socket at number 3.
  pid_ = Spawn(words, ends[1], 3);
  close(ends[1]);
}

void Child::Kill() {
  KillAndWait(&pid_);
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

std::string Child::Hear() {
  char word[256];
  ssize_t size;
  do {
    size = recv(socket_, word, sizeof(word), 0);
  } while (size < 0 && errno == EINTR);
  return size <= 0 ? "" : std::string(word, static_cast<size_t>(size));
}

void Child::Expect(const std::string& word) {
  const std::string heard = Hear();
  if (heard != word) {
    Fail(absl::StrCat("pid ", pid_, " said '", heard, "', not '", word, "'"));
  }
}

void Child::Say(const std::string& word) {
  send(socket_, word.data(), word.size(), MSG_NOSIGNAL);
}

std::string Child::Ask(const std::string& word) {
  Say(word);
  return Hear();
}

bool Child::HasSpoken() const {
  struct pollfd poll_one = {socket_, POLLIN, 0};
  return poll(&poll_one, 1, 0) > 0;
}

// ---- The directory ---------------------------------------------------------

Directory::Directory(const std::string& bindings) {
  char folder[] = "/tmp/le_endurance_XXXXXX";
  if (mkdtemp(folder) == nullptr) Fail(std::strerror(errno));
  folder_ = folder;
  const std::string file = folder_ + "/bindings";
  FILE* const out = std::fopen(file.c_str(), "w");
  std::fputs(bindings.c_str(), out);
  std::fclose(out);
  setenv("LE_MESSAGING_DIR", folder, 1);
  // Other users than root must have access.
  if (chmod(folder, 0755) != 0) Fail(std::strerror(errno));
  Start();
  // The least of several looks: it may still have one open when it reports that
  // it is ready.
  idle_descriptors_ = UsageOf(pid_).descriptors;
  for (int look = 0; look < 100; ++look) {
    sched_yield();
    idle_descriptors_ = std::min(idle_descriptors_, UsageOf(pid_).descriptors);
  }
}

Directory::~Directory() {
  Kill();
  for (const char* name : {"/directory", "/lock", "/bindings"}) {
    unlink((folder_ + name).c_str());
  }
  // Its files are gone, at whatever step it was killed.
  if (rmdir(folder_.c_str()) != 0) Fail("something is left in " + folder_);
}

std::vector<std::string> Directory::Command() const {
  return {Find("directory/directoryd"), "--socket_dir=" + folder_,
          "--bindings=" + folder_ + "/bindings"};
}

void Directory::Start() {
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) Fail(std::strerror(errno));
  pid_ = Spawn(Command(), output[1], STDOUT_FILENO);
  close(output[1]);
  char line[256];
  if (read(output[0], line, sizeof(line)) <= 0) Fail("directoryd died");
  close(output[0]);
}

void Directory::Kill() { KillAndWait(&pid_); }

bool Directory::StartStepwise() {
  // Nobody reads the line that says it is ready.
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  pid_ = SpawnTraced(Command(), nowhere);
  close(nowhere);
  if (pid_ == 0) return false;
  while (!MakesFolder(NextCall(pid_))) {
  }
  return true;
}

void Directory::MakeSteps(uint64_t steps) {
  for (uint64_t i = 0; i < steps; ++i) NextCall(pid_);
}

long Directory::Introductions() const {
  const std::string command = Find("tools/sdir/sdir") +
                              " --socket_dir=" + folder_ +
                              " list --format=json";
  FILE* const out = popen(command.c_str(), "r");
  if (out == nullptr) Fail("sdir cannot be run");
  std::string text;
  char part[4096];
  for (size_t size; (size = std::fread(part, 1, sizeof(part), out)) > 0;) {
    text.append(part, size);
  }
  const std::string key = "\"introductions\":";
  const size_t at = text.find(key);
  if (pclose(out) != 0 || at == std::string::npos) Fail("sdir says nothing");
  return std::atol(text.c_str() + at + key.size());
}

// ---- The resources of a process --------------------------------------------

Usage UsageOf(pid_t pid) {
  Usage usage;
  const std::string process = absl::StrCat("/proc/", pid);
  if (DIR* const fds = opendir((process + "/fd").c_str())) {
    while (const dirent* const entry = readdir(fds)) {
      if (entry->d_name[0] != '.') ++usage.descriptors;
    }
    closedir(fds);
  }
  if (FILE* const file = std::fopen((process + "/statm").c_str(), "r")) {
    long total = 0, resident = 0;
    if (std::fscanf(file, "%ld %ld", &total, &resident) == 2) {
      usage.resident_kib = resident * (sysconf(_SC_PAGESIZE) / 1024);
    }
    std::fclose(file);
  }
  if (FILE* const file = std::fopen((process + "/stat").c_str(), "r")) {
    unsigned long user = 0, system = 0;
    if (std::fscanf(file,
                    "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
                    "%lu %lu",
                    &user, &system) == 2) {
      usage.cpu_seconds = static_cast<double>(user + system) /
                          static_cast<double>(sysconf(_SC_CLK_TCK));
    }
    std::fclose(file);
  }
  return usage;
}

}  // namespace endurance
}  // namespace le
