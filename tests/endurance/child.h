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

// A process that runs this program in a role. Parent and child exchange words
// over a socket. Each packet is one word.
class Child {
 public:
  explicit Child(const std::vector<std::string>& role);
  ~Child() { Kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Waits for the child's next word. Returns "" if the child has died.
  std::string Hear();
  // Waits for the child's next word. Fails if it differs from `word`.
  void Expect(const std::string& word);
  void Say(const std::string& word);
  // Sends `word`, and waits for the answer.
  std::string Ask(const std::string& word);
  // True if a word of the child has arrived and was not read, or if the child
  // has died.
  bool HasSpoken() const;

  // Sends SIGKILL. Returns when the child is dead.
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

  // Returns when the directory listens.
  void Start();
  // Starts a directory that is traced, and stops it before its first mkdir(),
  // which creates its folder. The number of calls before that depends on the
  // loader. Returns false if this process may not trace another.
  bool StartStepwise();
  // Lets the directory make `steps` system calls. Returns when it has stopped
  // before the next one.
  void MakeSteps(uint64_t steps);
  // The number of the directory's file descriptors while no peer is connected.
  int idle_descriptors() const { return idle_descriptors_; }
  // The number of introductions that the directory has made. Runs sdir.
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
