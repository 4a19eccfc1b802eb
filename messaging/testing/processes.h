// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Functions for child processes of a test, for short messages (words) between
// the test and its children, and for directoryd as a child. They use no test
// framework, so the caller must check the results.

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
  // The file descriptors that the child inherits: {number in this process,
  // number in the child}.
  std::vector<std::pair<int, int>> descriptors;
  // Added to this process's environment. An empty value removes the variable.
  std::map<std::string, std::string> environment;
  // Called in the child before the program starts. It must not allocate. If it
  // returns false, the program does not start.
  std::function<bool()> prepare;
};

// Starts a child. The child is killed when the calling thread ends. Returns -1
// and sets errno if no process can be started. If the program cannot be
// executed, or if spec.prepare() returns false, the child ends with status 127.
pid_t StartProcess(const ProcessSpec& spec);
// Kills the child by SIGKILL, waits for its end, and sets *pid to 0. Does
// nothing if *pid is not positive.
void KillProcess(pid_t* pid);

// Returns the path of a program of this repository, or "" if it is not found.
// Searches the runfiles, then the current folder and two folders relative to
// it.
std::string FindProgram(const std::string& path_in_repository);
std::string OwnProgram();

// One word is one packet of a socket. ReceiveWord() cuts a word after 256
// bytes. ReceiveWord() and IsReadable() wait for `seconds`, or without a
// timeout if `seconds` is negative. ReceiveWord() returns "" if the peer has
// closed, or if the timeout has expired.
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

  // Returns true once the directory listens, or false if it does not start.
  bool Start(std::function<bool()> prepare = nullptr);
  void Kill() { KillProcess(&pid_); }
  // Kills the directory, and removes its folder. Returns false if the folder
  // has a file that neither directoryd nor this class has made.
  bool Remove();

  pid_t pid() const { return pid_; }
  const std::string& folder() const { return folder_; }

 protected:
  // Starts the directory, without waiting until it listens.
  void Start(int output, std::function<bool()> prepare);

  pid_t pid_ = 0;

 private:
  std::string folder_;
};

}  // namespace testing
}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_TESTING_PROCESSES_H_
