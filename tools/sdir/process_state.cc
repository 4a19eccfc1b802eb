// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/process_state.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace le {
namespace sdir {
namespace {

// Empty: there is no such file.
std::string ReadStat(const std::string& folder) {
  char text[1024];
  size_t size = 0;
  if (std::FILE* const file = std::fopen((folder + "/stat").c_str(), "re")) {
    size = std::fread(text, 1, sizeof(text), file);
    std::fclose(file);
  }
  return std::string(text, size);
}

bool HasRunningThread(const std::string& folder) {
  bool runs = false;
  if (DIR* const tasks = opendir(folder.c_str())) {
    while (const dirent* const task = runs ? nullptr : readdir(tasks)) {
      const std::string stat =
          ReadStat(absl::StrCat(folder, "/", task->d_name));
      runs = ParseStat(stat, 1).state == 'R';
    }
    closedir(tasks);
  }
  return runs;
}

}  // namespace

ProcessState ParseStat(absl::string_view stat, double ticks_per_second) {
  ProcessState process;
  // The program's name, in parentheses, may itself contain any character.
  const size_t end = stat.rfind(')');
  if (end == absl::string_view::npos) return process;
  const std::vector<absl::string_view> fields =
      absl::StrSplit(stat.substr(end + 1), ' ', absl::SkipEmpty());
  constexpr size_t kState = 0, kUser = 11, kSystem = 12;
  uint64_t user, system;
  if (fields.size() <= kSystem || fields[kState].size() != 1 ||
      !absl::SimpleAtoi(fields[kUser], &user) ||
      !absl::SimpleAtoi(fields[kSystem], &system)) {
    return process;
  }
  process.state = fields[kState][0];
  process.cpu_seconds = static_cast<double>(user + system) / ticks_per_second;
  return process;
}

ProcessState StateOfProcess(pid_t pid) {
  const std::string folder = absl::StrCat("/proc/", pid);
  ProcessState process =
      ParseStat(ReadStat(folder), static_cast<double>(sysconf(_SC_CLK_TCK)));
  if (process.state == 'S' && HasRunningThread(folder + "/task")) {
    process.state = 'R';
  }
  return process;
}

std::string WhySilent(char state) {
  switch (state) {
    case 'R':
      return "it runs, but not its event loop: a handler takes long or does "
             "not "
             "return";
    case 'S':
      return "it sleeps, but not in its event loop: a handler waits, or no "
             "event loop runs";
    case 'D':
      return "it waits for a disk or another device";
    case 'T':
      return "it is stopped by a signal (SIGCONT continues it)";
    case 't':
      return "a debugger has stopped it";
    default:
      return "it is stopped, or its event loop does not run";
  }
}

}  // namespace sdir
}  // namespace le
