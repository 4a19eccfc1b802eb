// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Child processes of a test, the words that they exchange with it, and directoryd as
// one of them. Depends on no test framework: the caller decides what a failure is.

#ifndef LE_MESSAGING_MESSAGING_TESTING_PROCESSES_H_
#define LE_MESSAGING_MESSAGING_TESTING_PROCESSES_H_

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace le {
namespace messaging {
namespace testing {

struct ProcessSpec {
  std::vector<std::string> words;  // the program's path, and its arguments
  // The file descriptors that it inherits: {number here, number there}.
  std::vector<std::pair<int, int>> descriptors;
  // Added to this process's environment. An empty value removes the variable.
  std::map<std::string, std::string> environment;
  // Called in the child before the program starts. It must not allocate.
  std::function<bool()> prepare;
};

// Starts a child, which is killed when the calling thread ends. -1 with errno if there
// can be none. A child whose program cannot be executed ends with status 127.
pid_t StartProcess(const ProcessSpec& spec);
// Kills it by SIGKILL, and waits until it is dead; then *pid is 0. Does nothing if it
// is not above 0.
void KillProcess(pid_t* pid);

// The path of a program among the data of this one; "" if it is not there.
std::string FindProgram(const std::string& path_in_repository);
std::string OwnProgram();

// One word is one packet of a socket. Receiving waits for `seconds`, or without a
// bound if that is negative. "": the peer has closed, or the time is over.
bool SendWord(int socket, const std::string& word);
std::string ReceiveWord(int socket, double seconds = -1);
bool IsReadable(int fd, double seconds);

// directoryd, in a folder of its own.
class DirectoryProcess {
 public:
  explicit DirectoryProcess(const std::string& bindings);
  ~DirectoryProcess() { Remove(); }
  DirectoryProcess(const DirectoryProcess&) = delete;
  DirectoryProcess& operator=(const DirectoryProcess&) = delete;

  // Returns when it listens. False if it does not.
  bool Start(std::function<bool()> prepare = nullptr);
  void Kill() { KillProcess(&pid_); }
  // Kills it, and removes its folder. False if a file is left there that is not its.
  bool Remove();

  pid_t pid() const { return pid_; }
  const std::string& folder() const { return folder_; }

 protected:
  // Starts it, and does not wait for it.
  void Start(int output, std::function<bool()> prepare);

  pid_t pid_ = 0;

 private:
  std::string folder_;
};

}  // namespace testing
}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_TESTING_PROCESSES_H_
