// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The test's own process is the hub: it starts the directory and the parties,
// and forwards their signals. Each party is this program, run again for the
// current test. Its environment has the party's name and a socket to the hub.

#include "messaging/testing/process_setting.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "event/process.h"

extern char** environ;

namespace le {
namespace messaging {
namespace testing {
namespace {

constexpr char kRoleVariable[] = "LE_SCENARIO_ROLE";
constexpr char kHubVariable[] = "LE_SCENARIO_HUB";

// Each request or answer is one packet: a letter and a name. The hub answers
// all requests but S.
//   party to hub: S signal, A await an event, K kill, R start,
//                 D kill directory, U start directory
bool SendWord(int fd, char what, const std::string& name) {
  const std::string word = what + name;
  return send(fd, word.data(), word.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(word.size());
}

std::string ReceiveWord(int fd) {
  char word[256];
  ssize_t size;
  do {
    size = recv(fd, word, sizeof(word), 0);
  } while (size < 0 && errno == EINTR);
  return size <= 0 ? "" : std::string(word, static_cast<size_t>(size));
}

// ---- In a party's process --------------------------------------------------

class ProcessParty final : public Party, private event::Watch {
 public:
  explicit ProcessParty(int hub) : hub_(hub) {}

  void Signal(const std::string& event) override { SendWord(hub_, 'S', event); }
  void Await(const std::string& event) override { Ask('A', event); }
  void RunLoopUntil(const std::string& event) override {
    answered_ = false;
    SendWord(hub_, 'A', event);
    event::Loop* const loop = event::Thread::Current()->loop();
    ASSERT_TRUE(loop->AddWatch(this, hub_, kReadable));
    while (!answered_) loop->RunTurn(absl::InfiniteFuture());
    loop->RemoveWatch(this);
  }
  void RunLoopUntil(const std::function<bool()>& condition) override {
    while (!condition()) {
      event::Thread::Current()->loop()->RunTurn(absl::InfiniteFuture());
    }
  }
  void Kill(const std::string& party) override { Ask('K', party); }
  void Start(const std::string& party) override { Ask('R', party); }
  void KillDirectory() override { Ask('D', ""); }
  void StartDirectory() override { Ask('U', ""); }

 private:
  void Ask(char what, const std::string& name) {
    SendWord(hub_, what, name);
    if (ReceiveWord(hub_).empty()) _exit(EXIT_FAILURE);  // the hub has ended
  }
  void OnReady(uint32_t) override {
    if (ReceiveWord(hub_).empty()) _exit(EXIT_FAILURE);
    answered_ = true;
  }

  const int hub_;
  bool answered_ = false;
};

[[noreturn]] void BeParty(const Scenario& scenario, const std::string& name) {
  const int hub = std::atoi(std::getenv(kHubVariable));
  fcntl(hub, F_SETFD, FD_CLOEXEC);
  for (const auto& role : scenario.roles()) {
    if (role->name != name) continue;
    {
      ProcessParty party(hub);
      role->body(&party);
    }
    event::Thread::Current()->End();
    std::fflush(nullptr);
    // Not exit(), because only the hub may clean up the test.
    _exit(::testing::Test::HasFailure() ? 3 : 0);
  }
  _exit(EXIT_FAILURE);
}

// ---- In the hub ------------------------------------------------------------

std::string OwnProgram() {
  char program[4096];
  const ssize_t size = readlink("/proc/self/exe", program, sizeof(program));
  return std::string(program, size > 0 ? static_cast<size_t>(size) : 0);
}

std::string FindDirectoryd() {
  std::vector<std::string> roots;
  for (const char* variable : {"TEST_SRCDIR", "RUNFILES_DIR"}) {
    if (const char* value = std::getenv(variable)) roots.push_back(value);
  }
  // For a test that is run without Bazel.
  roots.push_back(OwnProgram() + ".runfiles");
  for (const std::string& root : roots) {
    for (const char* repository : {"le_messaging", "_main", "le_messaging+",
                                   "le_messaging~", "le_messaging~override"}) {
      const std::string path =
          root + "/" + repository + "/directory/directoryd";
      if (access(path.c_str(), X_OK) == 0) return path;
    }
  }
  for (const char* path :
       {"directory/directoryd", "external/le_messaging/directory/directoryd",
        "../le_messaging/directory/directoryd"}) {
    if (access(path, X_OK) == 0) return path;
  }
  return "";
}

class Hub {
 public:
  explicit Hub(const Scenario& scenario) : scenario_(scenario) {
    EXPECT_NE(mkdtemp(folder_), nullptr);
    bindings_file_ = std::string(folder_) + "/bindings";
    std::FILE* const file = std::fopen(bindings_file_.c_str(), "w");
    std::fputs(scenario.bindings().c_str(), file);
    std::fclose(file);
  }

  ~Hub() {
    for (auto& child : children_) {
      if (child.second.pid > 0) {
        kill(child.second.pid, SIGKILL);
        waitpid(child.second.pid, nullptr, 0);
      }
      if (child.second.socket >= 0) close(child.second.socket);
    }
    KillDirectory();
    for (const char* name : {"/directory", "/lock", "/bindings"}) {
      unlink((folder_ + std::string(name)).c_str());
    }
    EXPECT_EQ(rmdir(folder_), 0) << "something was left in " << folder_;
  }

  void Run() {
    StartDirectory();
    if (::testing::Test::HasFatalFailure()) return;
    for (const auto& role : scenario_.roles()) {
      if (role->start == Scenario::Start::kAtOnce) Start(role->name);
    }
    while (AnyRuns()) ServeOnce();
  }

 private:
  struct Child {
    pid_t pid = 0;    // 0: it has ended
    int socket = -1;  // to the party
    std::string awaits;
    bool killed = false;
  };

  bool AnyRuns() const {
    for (const auto& child : children_) {
      if (child.second.pid > 0) return true;
    }
    return false;
  }

  // Waits until a party sends a word, or ends.
  void ServeOnce() {
    std::vector<struct pollfd> polls;
    std::vector<std::string> names;
    for (const auto& child : children_) {
      if (child.second.socket < 0) continue;
      polls.push_back({child.second.socket, POLLIN, 0});
      names.push_back(child.first);
    }
    if (poll(polls.data(), polls.size(), -1) < 0) return;
    for (size_t i = 0; i < polls.size(); ++i) {
      if (polls[i].revents == 0) continue;
      const std::string word = ReceiveWord(polls[i].fd);
      if (word.empty()) {
        Ended(names[i]);
      } else {
        Obey(names[i], word[0], word.substr(1));
      }
      // The word may have ended another party. Then its socket is closed, or
      // its number is another socket's.
      return;
    }
  }

  void Ended(const std::string& name) {
    Child& child = children_[name];
    int status = 0;
    ASSERT_GT(child.pid, 0) << name << " ended twice";
    waitpid(child.pid, &status, 0);
    child.pid = 0;
    close(child.socket);
    child.socket = -1;
    if (child.killed) return;
    const Scenario::Role& role = *Find(name);
    if (role.expect == Scenario::Expect::kDeath) {
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE)
          << "party '" << name << "' should have died, status " << status;
    } else {
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
          << "party '" << name << "' failed, status " << status;
      // The other parties may wait for this one without end.
      if (status != 0) {
        for (auto& other : children_) {
          if (other.second.pid > 0) KillChild(&other.second);
        }
      }
    }
  }

  void Obey(const std::string& name, char what, const std::string& argument) {
    Child& child = children_[name];
    switch (what) {
      case 'S':
        events_.insert(argument);
        for (auto& other : children_) Answer(&other.second);
        return;
      case 'A':
        child.awaits = argument;
        Answer(&child);
        return;
      case 'K':
        if (Child& victim = children_[argument]; victim.pid > 0) {
          KillChild(&victim);
          Ended(argument);
        }
        break;
      case 'R':
        Start(argument);
        break;
      case 'D':
        KillDirectory();
        break;
      case 'U':
        StartDirectory();
        break;
    }
    SendWord(child.socket, '.', "");
  }

  void Answer(Child* child) {
    if (child->awaits.empty() || events_.count(child->awaits) == 0) return;
    child->awaits.clear();
    SendWord(child->socket, '.', "");
  }

  void KillChild(Child* child) {
    child->killed = true;
    kill(child->pid, SIGKILL);
  }

  const Scenario::Role* Find(const std::string& name) const {
    for (const auto& role : scenario_.roles()) {
      if (role->name == name) return role.get();
    }
    return nullptr;
  }

  pid_t Spawn(const std::vector<std::string>& arguments,
              const std::map<std::string, std::string>& variables,
              int inherited) {
    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string text = *entry;
      if (variables.count(text.substr(0, text.find('='))) == 0) {
        environment.push_back(text);
      }
    }
    for (const auto& variable : variables) {
      if (variable.second.empty()) continue;  // removed
      environment.push_back(variable.first + "=" + variable.second);
    }
    auto pointers = [](const std::vector<std::string>& texts) {
      std::vector<char*> result;
      for (const std::string& text : texts) {
        result.push_back(const_cast<char*>(text.c_str()));
      }
      result.push_back(nullptr);
      return result;
    };
    std::vector<char*> argv = pointers(arguments);
    std::vector<char*> envp = pointers(environment);
    // The child inherits only this descriptor.
    if (inherited >= 0) fcntl(inherited, F_SETFD, 0);
    pid_t pid = 0;
    const int error =
        posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), envp.data());
    if (inherited >= 0) fcntl(inherited, F_SETFD, FD_CLOEXEC);
    EXPECT_EQ(error, 0) << std::strerror(error);
    return error == 0 ? pid : 0;
  }

  void Start(const std::string& name) {
    ASSERT_NE(Find(name), nullptr) << "no party is called " << name;
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const ::testing::TestInfo* const test =
        ::testing::UnitTest::GetInstance()->current_test_info();
    Child child;
    child.socket = ends[0];
    child.pid = Spawn({OwnProgram(),
                       std::string("--gtest_filter=") +
                           test->test_suite_name() + "." + test->name(),
                       "--gtest_brief=1"},
                      {{kRoleVariable, name},
                       {kHubVariable, std::to_string(ends[1])},
                       {"LE_MESSAGING_DIR", folder_},
                       {"GTEST_OUTPUT", ""},
                       {"XML_OUTPUT_FILE", ""},
                       {"GTEST_SHARD_INDEX", ""},
                       {"GTEST_SHARD_STATUS_FILE", ""},
                       {"GTEST_TOTAL_SHARDS", ""},
                       {"TEST_SHARD_INDEX", ""},
                       {"TEST_SHARD_STATUS_FILE", ""},
                       {"TEST_TOTAL_SHARDS", ""}},
                      ends[1]);
    close(ends[1]);
    children_[name] = child;
  }

  void StartDirectory() {
    const std::string program = FindDirectoryd();
    ASSERT_NE(program, "") << "directoryd is not among the test's data";
    int output[2];
    ASSERT_EQ(pipe2(output, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output[1], 1);
    const std::string folder = std::string("--socket_dir=") + folder_;
    const std::string bindings = "--bindings=" + bindings_file_;
    char* argv[] = {const_cast<char*>(program.c_str()),
                    const_cast<char*>(folder.c_str()),
                    const_cast<char*>(bindings.c_str()), nullptr};
    ASSERT_EQ(posix_spawn(&directory_, program.c_str(), &actions, nullptr, argv,
                          environ),
              0);
    posix_spawn_file_actions_destroy(&actions);
    close(output[1]);
    char line[256];
    EXPECT_GT(read(output[0], line, sizeof(line)), 0) << "directoryd died";
    close(output[0]);
  }

  void KillDirectory() {
    if (directory_ <= 0) return;
    kill(directory_, SIGKILL);
    waitpid(directory_, nullptr, 0);
    directory_ = 0;
  }

  const Scenario& scenario_;
  char folder_[32] = "/tmp/le_scenario_XXXXXX";
  std::string bindings_file_;
  std::map<std::string, Child> children_;
  std::set<std::string> events_;
  pid_t directory_ = 0;
};

}  // namespace

void RunInProcesses(const Scenario& scenario) {
  if (const char* const role = std::getenv(kRoleVariable)) {
    BeParty(scenario, role);
  }
  Hub(scenario).Run();
}

}  // namespace testing
}  // namespace messaging
}  // namespace le
