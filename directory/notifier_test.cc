// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tests with real datagrams, and a loop with virtual time.

#include "directory/notifier.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/testing/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

std::vector<std::string>* g_log = nullptr;

class NotifierTest : public ::testing::Test {
 protected:
  NotifierTest() {
    g_log = &log_;
    event::SetLogSink([](event::LogLevel, absl::string_view text) {
      g_log->emplace_back(text);
    });
    EXPECT_NE(mkdtemp(folder_), nullptr);
  }
  ~NotifierTest() override {
    event::SetLogSink(nullptr);
    unlink(path().c_str());
    rmdir(folder_);
  }

  std::string path() const { return std::string(folder_) + "/notify"; }
  // An abstract name of this test's own.
  std::string abstract_name() const { return "@" + path(); }

  // Makes the service manager's socket at `address`.
  void Listen(const std::string& address) {
    struct sockaddr_un at = {};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, address.data(), address.size());
    if (address[0] == '@') at.sun_path[0] = '\0';
    manager_.reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(
        bind(manager_.get(), reinterpret_cast<struct sockaddr*>(&at),
             static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) +
                                    address.size())),
        0)
        << std::strerror(errno);
  }
  // Returns the datagrams that have arrived, with ' ' for each newline.
  std::vector<std::string> Heard() {
    std::vector<std::string> all;
    char text[256];
    for (ssize_t size; (size = recv(manager_.get(), text, sizeof(text),
                                    MSG_DONTWAIT)) >= 0;) {
      all.emplace_back(text, static_cast<size_t>(size));
      for (char& c : all.back()) c = c == '\n' ? ' ' : c;
    }
    return all;
  }
  // Fills the service manager's socket. Returns how many datagrams it takes.
  size_t Fill(const std::string& address) {
    struct sockaddr_un to = {};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address.data(), address.size());
    const event::UniqueFd other(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    size_t count = 0;
    while (sendto(other.get(), "x", 1, MSG_DONTWAIT,
                  reinterpret_cast<struct sockaddr*>(&to), sizeof(to)) == 1) {
      ++count;
    }
    return count;
  }

  // Runs `body` with a notifier in a process. The first three arguments are the
  // process's NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  void Run(const std::string& notify_socket, const std::string& watchdog_usec,
           const std::string& watchdog_pid,
           const std::function<void(Notifier*)>& body) {
    event::SimProcess* const process = sim_.AddProcess("directoryd", {9, 1, 1});
    process->SetEnv("NOTIFY_SOCKET", notify_socket);
    process->SetEnv("WATCHDOG_USEC", watchdog_usec);
    process->SetEnv("WATCHDOG_PID", watchdog_pid);
    sim_.Spawn(process, "main", [&] {
      loop_ = event::Thread::Current()->loop();
      Notifier notifier(process, loop_, [this] { return status_; });
      for (const char* name :
           {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
        EXPECT_EQ(process->GetEnv(name), "") << name;
      }
      body(&notifier);
    });
    EXPECT_EQ(sim_.Run(), event::Simulation::Outcome::kEnded);
  }
  void Advance(absl::Duration time) {
    const event::Instant end = loop_->Now() + time;
    while (loop_->Now() < end) loop_->RunTurn(end);
    while (loop_->RunTurn(absl::InfinitePast())) {
    }
  }

  char folder_[32] = "/tmp/le_notifier_XXXXXX";
  std::vector<std::string> log_;
  event::Simulation sim_{1};
  event::Loop* loop_ = nullptr;
  event::UniqueFd manager_;
  std::string status_ = "a";
};

TEST_F(NotifierTest, ReportsReadyReloadingAndStopping) {
  for (const std::string& address : {path(), abstract_name()}) {
    Listen(address);
    Run(address, "", "", [&](Notifier* notifier) {
      EXPECT_THAT(Heard(), IsEmpty());
      notifier->Ready();
      EXPECT_THAT(Heard(), ElementsAre("READY=1 STATUS=a "));
      notifier->Reloading();
      EXPECT_THAT(
          Heard(),
          ElementsAre(MatchesRegex("RELOADING=1 MONOTONIC_USEC=[0-9]+")));
      notifier->Ready();
      EXPECT_THAT(Heard(), ElementsAre("READY=1 STATUS=a "));
      notifier->Stopping();
      EXPECT_THAT(Heard(), ElementsAre("STOPPING=1"));
      Advance(absl::Minutes(1));
      EXPECT_THAT(Heard(), IsEmpty());
    });
  }
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(NotifierTest, ReportsTheStatusWhenItChanges) {
  Listen(path());
  Run(path(), "", "", [&](Notifier* notifier) {
    notifier->Ready();
    EXPECT_THAT(Heard(), SizeIs(1));
    Advance(Notifier::kInterval);
    EXPECT_THAT(Heard(), IsEmpty());
    status_ = "b";
    Advance(Notifier::kInterval);
    EXPECT_THAT(Heard(), ElementsAre("STATUS=b "));
  });
}

TEST_F(NotifierTest, NotifiesTheWatchdogTwiceInItsTime) {
  Listen(path());
  for (const char* pid : {"", "9"}) {
    Run(path(), "4000000", pid, [&](Notifier* notifier) {
      Advance(absl::Seconds(4));
      EXPECT_THAT(Heard(), IsEmpty());  // directoryd is not ready
      notifier->Ready();
      EXPECT_THAT(Heard(), ElementsAre("READY=1 WATCHDOG=1 STATUS=a "));
      Advance(absl::Seconds(2) - absl::Microseconds(1));
      EXPECT_THAT(Heard(), IsEmpty());
      Advance(absl::Microseconds(1));
      EXPECT_THAT(Heard(), ElementsAre("WATCHDOG=1 "));
      Advance(absl::Seconds(2));
      EXPECT_THAT(Heard(), ElementsAre("WATCHDOG=1 "));
    });
  }
}

TEST_F(NotifierTest, AcceptsAnyWatchdogTime) {
  Listen(path());
  Run(path(), "1", "", [&](Notifier* notifier) {
    notifier->Ready();
    Advance(Notifier::kShortest);
    EXPECT_THAT(Heard(), SizeIs(2));
  });
  Run(path(), "9223372036854775807", "", [&](Notifier* notifier) {
    notifier->Ready();
    Advance(Notifier::kInterval);
    EXPECT_THAT(Heard(), SizeIs(2));
  });
}

TEST_F(NotifierTest, ThereMayBeNoWatchdog) {
  Listen(path());
  const auto expect_none = [this](Notifier* notifier) {
    notifier->Ready();
    EXPECT_THAT(Heard(), ElementsAre("READY=1 STATUS=a "));
  };
  Run(path(), "4000000", "10", expect_none);  // for another process
  EXPECT_THAT(log_, IsEmpty());
  for (const char* wrong : {"0", "-1", "x", "9223372036854775808"}) {
    log_.clear();
    Run(path(), wrong, "", expect_none);
    EXPECT_THAT(log_, ElementsAre(HasSubstr("WATCHDOG_USEC is '")));
  }
}

TEST_F(NotifierTest, AFullSocketGetsReadyLater) {
  Listen(path());
  const size_t others = Fill(path());
  Run(path(), "", "", [&](Notifier* notifier) {
    notifier->Ready();
    notifier->Reloading();
    Advance(Notifier::kRetry);
    EXPECT_THAT(Heard(), SizeIs(others));
    Advance(Notifier::kRetry);
    EXPECT_THAT(Heard(), ElementsAre("READY=1 STATUS=a "));
    Advance(Notifier::kInterval);
    EXPECT_THAT(Heard(), IsEmpty());
  });
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(NotifierTest, AManagerThatStartsLateGetsReadyAndARestartedOneTheStatus) {
  Run(path(), "", "", [&](Notifier* notifier) {
    notifier->Ready();
    Advance(2 * Notifier::kRetry);
    Listen(path());
    Advance(Notifier::kRetry);
    EXPECT_THAT(Heard(), ElementsAre("READY=1 STATUS=a "));
    unlink(path().c_str());
    Listen(path());
    status_ = "b";
    Advance(Notifier::kInterval + Notifier::kRetry);
    EXPECT_THAT(Heard(), ElementsAre("STATUS=b "));
  });
  EXPECT_THAT(log_, ElementsAre(HasSubstr("cannot notify the service manager "
                                          "at '")));
}

TEST_F(NotifierTest, WithoutAnAddressItDoesNothing) {
  const auto live = [this](Notifier* notifier) {
    notifier->Reloading();
    notifier->Ready();
    Advance(absl::Minutes(1));
    notifier->Stopping();
  };
  Run("", "1000", "", live);
  EXPECT_THAT(log_, IsEmpty());
  for (const std::string& wrong :
       {std::string("notify"), std::string("vsock:2:1"),
        "/" + std::string(107, 'x')}) {
    log_.clear();
    Run(wrong, "1000", "", live);
    EXPECT_THAT(log_,
                ElementsAre(HasSubstr("is neither a path nor an abstract")));
  }
}

}  // namespace
}  // namespace directory
}  // namespace le
