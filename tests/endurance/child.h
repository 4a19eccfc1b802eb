// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The parent's side: starts, kills and inspects child processes.

#ifndef LE_MESSAGING_TESTS_ENDURANCE_CHILD_H_
#define LE_MESSAGING_TESTS_ENDURANCE_CHILD_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "messaging/testing/processes.h"

namespace le {
namespace endurance {

// This program again, in a role, with a socket: one word a packet.
class Child {
 public:
  explicit Child(const std::vector<std::string>& role);
  ~Child() { Kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Waits for its next word; "" if it has died.
  std::string Hear();
  // Like Hear(). Fails if the word is another.
  void Expect(const std::string& word);
  void Say(const std::string& word);
  // Sends it, and waits for the answer.
  std::string Ask(const std::string& word);
  // Whether a word is there that has not been read.
  bool HasSpoken() const;

  // By SIGKILL. Returns when it is dead.
  void Kill();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  int socket_ = -1;
};

// The real directoryd. LE_MESSAGING_DIR of this process names its folder.
class Directory : public messaging::testing::DirectoryProcess {
 public:
  explicit Directory(const std::string& bindings);
  ~Directory();

  // Returns when it listens.
  void Start();
  // Starts one that is traced. It is stopped before the call that looks for its
  // folder; the calls before that are the loader's, and their number is
  // unknown. False: this process may not trace another.
  bool StartStepwise();
  // Lets it make so many system calls, and stops it before the next one. Blocks
  // while it makes none.
  void MakeSteps(uint64_t steps);
  // Its descriptors when nobody is connected.
  int idle_descriptors() const { return idle_descriptors_; }
  // The number of introductions that it has made, from sdir.
  long Introductions() const;

 private:
  int idle_descriptors_ = 0;
};

// The resources of a process.
struct Usage {
  int descriptors = 0;
  long resident_kib = 0;
  double cpu_seconds = 0;
};
Usage UsageOf(pid_t pid);

// Ends the program with a failure.
[[noreturn]] void Fail(const std::string& why);

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_CHILD_H_
