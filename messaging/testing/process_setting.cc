// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The test's own process is the hub: it starts the directory and the parties,
// and passes signals between the parties. Each party is a process of the same
// program, and runs only this test. The environment variable LE_SCENARIO_ROLE
// of a party's process has the party's name. A socket connects each party to
// the hub.

#include "messaging/testing/process_setting.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "event/process.h"
#include "messaging/testing/party_loop.h"
#include "messaging/testing/processes.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

constexpr char kRoleVariable[] = "LE_SCENARIO_ROLE";
// In a party's process, the file descriptor of the socket to the hub.
constexpr int kHub = 3;

// Each request and each answer is one packet. A request of a party is a letter
// and a name:
//  - S: signal an event.
//  - A: await an event.
//  - K: kill a party.
//  - R: start a party.
//  - D: kill the directory (no name).
//  - U: start the directory (no name).
//
// The hub answers all requests except S. It answers A when the event is
// reported.

// ---- In a party's process --------------------------------------------------

class ProcessParty final : public Party, private event::Watch {
 public:
  void Signal(const std::string& event) override {
    SendWord(kHub, "S" + event);
  }
  void Await(const std::string& event) override { Ask('A', event); }
  void RunLoopUntil(const std::string& event) override {
    answered_ = false;
    SendWord(kHub, "A" + event);
    event::Loop* const loop = event::Thread::Current()->loop();
    ASSERT_TRUE(loop->AddWatch(this, kHub, kReadable));
    RunTurnsUntil([this] { return answered_; });
    loop->RemoveWatch(this);
  }
  void RunLoopUntil(const std::function<bool()>& condition) override {
    RunTurnsUntil(condition);
  }
  void Kill(const std::string& party) override { Ask('K', party); }
  void Start(const std::string& party) override { Ask('R', party); }
  void KillDirectory() override { Ask('D', ""); }
  void StartDirectory() override { Ask('U', ""); }

 private:
  void Ask(char what, const std::string& name) {
    SendWord(kHub, what + name);
    if (ReceiveWord(kHub).empty()) _exit(EXIT_FAILURE);  // the hub has ended
  }
  void OnReady(uint32_t) override {
    if (ReceiveWord(kHub).empty()) _exit(EXIT_FAILURE);
    answered_ = true;
  }

  bool answered_ = false;
};

[[noreturn]] void BeParty(const Scenario& scenario, const std::string& name) {
  fcntl(kHub, F_SETFD, FD_CLOEXEC);
  for (const auto& role : scenario.roles()) {
    if (role->name != name) continue;
    {
      ProcessParty party;
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

class Hub {
 public:
  explicit Hub(const Scenario& scenario)
      : scenario_(scenario), directory_(scenario.bindings()) {}

  ~Hub() {
    for (auto& child : children_) {
      KillProcess(&child.second.pid);
      if (child.second.socket >= 0) close(child.second.socket);
    }
    EXPECT_TRUE(directory_.Remove()) << "something was left in its folder";
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
      // The word may have ended another party and closed its socket. Then the
      // rest of `polls` is out of date: a new socket may have the same number.
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
        directory_.Kill();
        break;
      case 'U':
        StartDirectory();
        break;
    }
    SendWord(child.socket, ".");
  }

  void Answer(Child* child) {
    if (child->awaits.empty() || events_.count(child->awaits) == 0) return;
    child->awaits.clear();
    SendWord(child->socket, ".");
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

  void Start(const std::string& name) {
    ASSERT_NE(Find(name), nullptr) << "no party is called " << name;
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const ::testing::TestInfo* const test =
        ::testing::UnitTest::GetInstance()->current_test_info();
    Child child;
    child.socket = ends[0];
    child.pid = StartProcess({{OwnProgram(),
                               std::string("--gtest_filter=") +
                                   test->test_suite_name() + "." + test->name(),
                               "--gtest_brief=1"},
                              {{ends[1], kHub}},
                              {{kRoleVariable, name},
                               {"LE_MESSAGING_DIR", directory_.folder()},
                               {"GTEST_OUTPUT", ""},
                               {"XML_OUTPUT_FILE", ""},
                               {"GTEST_SHARD_INDEX", ""},
                               {"GTEST_SHARD_STATUS_FILE", ""},
                               {"GTEST_TOTAL_SHARDS", ""},
                               {"TEST_SHARD_INDEX", ""},
                               {"TEST_SHARD_STATUS_FILE", ""},
                               {"TEST_TOTAL_SHARDS", ""}},
                              nullptr});
    close(ends[1]);
    children_[name] = child;
  }

  void StartDirectory() {
    ASSERT_TRUE(directory_.Start()) << "directoryd does not start";
  }

  const Scenario& scenario_;
  std::map<std::string, Child> children_;
  std::set<std::string> events_;
  DirectoryProcess directory_;
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
