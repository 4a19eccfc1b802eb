// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/process_state.h"

#include <dirent.h>

#include <cstdio>

#include "absl/strings/str_cat.h"

namespace le {
namespace sdir {
namespace {

// Empty: the file cannot be read.
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
    for (int i = 0; i < kMaxThreads && !runs; ++i) {
      const dirent* const task = readdir(tasks);
      if (task == nullptr) break;
      runs = StateIn(ReadStat(absl::StrCat(folder, "/", task->d_name))) == 'R';
    }
    closedir(tasks);
  }
  return runs;
}

}  // namespace

char StateIn(absl::string_view stat) {
  // The program's name, in parentheses, may itself contain any character.
  const size_t end = stat.rfind(") ");
  return end == absl::string_view::npos || end + 2 == stat.size()
             ? 0
             : stat[end + 2];
}

char StateOfProcess(pid_t pid) {
  const std::string folder = absl::StrCat("/proc/", pid);
  const char state = StateIn(ReadStat(folder));
  return state == 'S' && HasRunningThread(folder + "/task") ? 'R' : state;
}

std::string WhySilent(char state) {
  switch (state) {
    case 'R':
      return "it runs: a handler takes long, or another thread runs and the "
             "event loop does not";
    case 'S':
      return "it sleeps: a handler waits, or the event loop does not run";
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
