// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/testing/processes.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

extern char** environ;

namespace le {
namespace messaging {
namespace testing {
namespace {

constexpr double kStartSeconds = 30;

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

// Allocates nothing: at the fork another thread may have held the allocator's
// lock. `away` has an element for each entry of spec.descriptors, for the
// number of its copy.
[[noreturn]] void Become(const ProcessSpec& spec, char* const* arguments,
                         char* const* environment, std::vector<int>* away) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // First copy all file descriptors to high numbers. So a dup2() may overwrite
  // an original, but no copy.
  for (size_t i = 0; i < away->size(); ++i) {
    (*away)[i] = fcntl(spec.descriptors[i].first, F_DUPFD_CLOEXEC, 100);
  }
  for (size_t i = 0; i < away->size(); ++i) {
    dup2((*away)[i], spec.descriptors[i].second);
  }
  if (!spec.prepare || spec.prepare()) {
    execve(arguments[0], arguments, environment);
  }
  _exit(127);
}

}  // namespace

pid_t StartProcess(const ProcessSpec& spec) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (spec.environment.count(text.substr(0, text.find('='))) == 0) {
      environment.push_back(text);
    }
  }
  for (const auto& variable : spec.environment) {
    if (variable.second.empty()) continue;
    environment.push_back(variable.first + "=" + variable.second);
  }
  const std::vector<char*> arguments = Pointers(spec.words);
  const std::vector<char*> variables = Pointers(environment);
  std::vector<int> away(spec.descriptors.size());
  const pid_t pid = fork();
  if (pid == 0) Become(spec, arguments.data(), variables.data(), &away);
  return pid;
}

void KillProcess(pid_t* pid) {
  if (*pid > 0) kill(*pid, SIGKILL);
  // If this process traces the child, waitpid() also reports the child's stops.
  for (int status = 0; *pid > 0;) {
    const pid_t waited = waitpid(*pid, &status, __WALL);
    if (waited < 0 && errno == EINTR) continue;
    if (waited < 0 || WIFEXITED(status) || WIFSIGNALED(status)) *pid = 0;
  }
}

std::string OwnProgram() {
  char program[4096];
  const ssize_t size = readlink("/proc/self/exe", program, sizeof(program));
  return std::string(program, size > 0 ? static_cast<size_t>(size) : 0);
}

std::string FindProgram(const std::string& path_in_repository) {
  std::vector<std::string> roots;
  for (const char* variable : {"TEST_SRCDIR", "RUNFILES_DIR"}) {
    if (const char* value = std::getenv(variable)) roots.push_back(value);
  }
  // The runfiles of a program that is run by hand.
  roots.push_back(OwnProgram() + ".runfiles");
  for (const std::string& root : roots) {
    // The names that Bazel gives to this repository, as the main repository and
    // as a dependency of another one.
    for (const char* repository : {"le_messaging", "_main", "le_messaging+",
                                   "le_messaging~", "le_messaging~override"}) {
      const std::string path =
          root + "/" + repository + "/" + path_in_repository;
      if (access(path.c_str(), X_OK) == 0) return path;
    }
  }
  for (const char* root : {"", "external/le_messaging/", "../le_messaging/"}) {
    const std::string path = root + path_in_repository;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

// ---- Words -----------------------------------------------------------------

bool SendWord(int socket, const std::string& word) {
  return send(socket, word.data(), word.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(word.size());
}

std::string ReceiveWord(int socket, double seconds) {
  if (!IsReadable(socket, seconds)) return "";
  char word[256];
  const ssize_t size = recv(socket, word, sizeof(word), MSG_DONTWAIT);
  return size <= 0 ? "" : std::string(word, static_cast<size_t>(size));
}

bool IsReadable(int fd, double seconds) {
  struct pollfd poll_one = {fd, POLLIN, 0};
  int ready;
  do {
    ready =
        poll(&poll_one, 1, seconds < 0 ? -1 : static_cast<int>(seconds * 1000));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

// ---- The directory ---------------------------------------------------------

DirectoryProcess::DirectoryProcess(const std::string& bindings) {
  char folder[] = "/tmp/le_directory_XXXXXX";
  if (mkdtemp(folder) == nullptr) return;
  folder_ = folder;
  if (FILE* const out = std::fopen((folder_ + "/bindings").c_str(), "w")) {
    std::fputs(bindings.c_str(), out);
    std::fclose(out);
  }
}

void DirectoryProcess::Start(int output, std::function<bool()> prepare) {
  pid_ = StartProcess(
      {{FindProgram("directory/directoryd"), "--socket_dir=" + folder_,
        "--bindings=" + folder_ + "/bindings"},
       {{output, STDOUT_FILENO}},
       {},
       std::move(prepare)});
}

bool DirectoryProcess::Start(std::function<bool()> prepare) {
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) return false;
  Start(output[1], std::move(prepare));
  close(output[1]);
  char line[256];
  const bool listens = IsReadable(output[0], kStartSeconds) &&
                       read(output[0], line, sizeof(line)) > 0;
  close(output[0]);
  return listens;
}

bool DirectoryProcess::Remove() {
  Kill();
  if (folder_.empty()) return true;
  for (const char* name : {"/directory", "/lock", "/bindings"}) {
    unlink((folder_ + name).c_str());
  }
  const bool removed = rmdir(folder_.c_str()) == 0;
  folder_.clear();
  return removed;
}

}  // namespace testing
}  // namespace messaging
}  // namespace le
