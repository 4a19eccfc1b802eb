// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/endurance/child.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/ptrace.h>
#include <sched.h>
#include <signal.h>
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

#include "absl/strings/str_cat.h"

namespace le {
namespace endurance {
namespace {

using messaging::testing::FindProgram;
using messaging::testing::StartProcess;

// The C library's declaration of ptrace() conflicts with the kernel's header.
long Trace(int request, pid_t pid, uintptr_t address, uintptr_t data) {
  return syscall(SYS_ptrace, request, pid, address, data);
}

// Waits until the process has stopped before a system call. Returns the number
// of that call.
long NextCall(pid_t pid) {
  for (int signal = 0;;) {
    Trace(PTRACE_SYSCALL, pid, 0, static_cast<uintptr_t>(signal));
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) {
      Fail(absl::StrCat("pid ", pid, " died by itself"));
    }
    // Deliver the signals that were sent to the process. A stop for an exec is
    // no such signal. (Under a sanitizer, a program may execute itself again.)
    signal = status >> 16 == 0 ? WSTOPSIG(status) : 0;
    if (signal != (SIGTRAP | 0x80)) continue;
    signal = 0;
    struct ptrace_syscall_info info = {};
    if (Trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info),
              reinterpret_cast<uintptr_t>(&info)) <= 0) {
      Fail("PTRACE_GET_SYSCALL_INFO failed");
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

}  // namespace

void Fail(const std::string& why) {
  std::printf("FAILED: %s\n", why.c_str());
  std::fflush(stdout);
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
  // In the child, the child's end of the socket is file descriptor 3.
  pid_ = StartProcess({words, {{ends[1], 3}}, {}, nullptr});
  if (pid_ < 0) Fail(std::strerror(errno));
  close(ends[1]);
}

void Child::Kill() {
  messaging::testing::KillProcess(&pid_);
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

std::string Child::Hear() { return messaging::testing::ReceiveWord(socket_); }

void Child::Expect(const std::string& word) {
  const std::string heard = Hear();
  if (heard != word) {
    Fail(absl::StrCat("pid ", pid_, " said '", heard, "', not '", word, "'"));
  }
}

void Child::Say(const std::string& word) {
  messaging::testing::SendWord(socket_, word);
}

std::string Child::Ask(const std::string& word) {
  Say(word);
  return Hear();
}

bool Child::HasSpoken() const {
  return messaging::testing::IsReadable(socket_, 0);
}

// ---- The directory ---------------------------------------------------------

Directory::Directory(const std::string& bindings) : DirectoryProcess(bindings) {
  setenv("LE_MESSAGING_DIR", folder().c_str(), 1);
  // Processes of other users must have access.
  if (chmod(folder().c_str(), 0755) != 0) Fail(std::strerror(errno));
  Start();
  // Take the least of several counts: the directory may still have a temporary
  // descriptor open when it reports that it is ready.
  idle_descriptors_ = UsageOf(pid()).descriptors;
  for (int look = 0; look < 100; ++look) {
    sched_yield();
    idle_descriptors_ = std::min(idle_descriptors_, UsageOf(pid()).descriptors);
  }
}

Directory::~Directory() {
  // A directory that was killed at any step leaves only files that Remove()
  // knows.
  if (!Remove()) Fail("something is left in the directory's folder");
}

void Directory::Start() {
  if (!DirectoryProcess::Start()) Fail("directoryd does not start");
}

bool Directory::StartStepwise() {
  // Nobody reads the line by which the directory reports that it is ready.
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  DirectoryProcess::Start(nowhere,
                          [] { return Trace(PTRACE_TRACEME, 0, 0, 0) == 0; });
  close(nowhere);
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_ || !WIFSTOPPED(status)) {
    pid_ = 0;
    return false;
  }
  if (Trace(PTRACE_SETOPTIONS, pid_, 0,
            PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) !=
      0) {
    Fail(std::strerror(errno));
  }
  while (!MakesFolder(NextCall(pid_))) {
  }
  return true;
}

void Directory::MakeSteps(uint64_t steps) {
  for (uint64_t i = 0; i < steps; ++i) NextCall(pid_);
}

long Directory::Introductions() const {
  const std::string command = FindProgram("tools/sdir/sdir") +
                              " --socket_dir=" + folder() +
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
  if (pclose(out) != 0) Fail("sdir failed");
  if (at == std::string::npos) Fail("sdir printed no introductions");
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
