// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The log lines of the library.

#include <fcntl.h>

#include <cerrno>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "gmock/gmock.h"
#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

std::vector<std::string>* g_log = nullptr;

class LoggedTest : public ::testing::Test {
 protected:
  void Run(const Scenario& scenario, event::LogLevel level) {
    g_log = &log_;
    event::SetLogLevel(level);
    const event::LogSink sink =
        event::SetLogSink([](event::LogLevel level, absl::string_view line) {
          if (absl::StartsWith(line, "refused: "))
            return;  // a line of the directory
          g_log->push_back(absl::StrCat(event::LogLevelName(level), " ", line));
        });
    RunScenario(scenario, Setting::kSimulated, /*seeds=*/1);
    event::SetLogSink(sink);
    event::SetLogLevel(event::LogLevel::kInfo);
  }

  std::vector<std::string> log_;
};

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::MatchesRegex;
using ::testing::UnorderedElementsAre;

// The log and the wait reason name a local service.
TEST_F(LoggedTest, AWaitForALocalServiceNamesIt) {
  static std::string cause;
  Scenario scenario;
  scenario.Add("client", [](Party*) {
    le_msg_LocalService_t local;
    const le_msg_ServiceRef_t service = le_msg_InitLocalService(
        &local, "inside",
        le_mem_CreatePool("local messages",
                          LE_MSG_LOCAL_HEADER_SIZE + kTextSize));
    const le_msg_SessionRef_t session = le_msg_CreateLocalSession(&local);
    EXPECT_EQ(le_msg_OpenSessionSyncTimed(session, 5000), LE_TIMEOUT);
    char text[256];
    EXPECT_EQ(le_msg_GetWaitReason(session, text, sizeof(text)),
              LE_MSG_WAIT_NOT_OFFERED);
    cause = text;
    le_msg_DeleteSession(session);
    le_msg_DeleteService(service);
  });
  Run(scenario, event::LogLevel::kInfo);
  EXPECT_THAT(log_, ElementsAre(MatchesRegex(
                        "WARNING interface 'inside .local service at .*': "
                        "waiting: service <.*>.inside .* is not offered .*")));
  EXPECT_THAT(cause, MatchesRegex("service <.*>.inside .* is not offered .*"));
}

// The log reports a long wait of a blocking opening, and the end of the wait.
TEST_F(LoggedTest, ALongWaitAndItsEndAreLogged) {
  Scenario scenario;
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    EXPECT_EQ(le_msg_OpenSessionSyncTimed(client.ref(), 5000), LE_TIMEOUT);
    EXPECT_EQ(le_msg_OpenSessionSyncTimed(client.ref(), 2000), LE_TIMEOUT);
    EXPECT_EQ(le_msg_GetWaitReason(client.ref(), nullptr, 0),
              LE_MSG_WAIT_NOT_OFFERED);
    party->Signal("waits");
    client.Open();
    party->Signal("done");
  });
  scenario.Add("server", [](Party* party) {
    party->Await("waits");
    le_msg_SessionRef_t nobody = le_msg_CreateSession(TextProtocol(), "nobody");
    EXPECT_EQ(le_msg_OpenSessionSyncTimed(nobody, 3000), LE_TIMEOUT);
    le_msg_DeleteSession(nobody);
    TestService service("echo");
    service.Advertise();
    party->RunLoopUntil("done");
  });
  Run(scenario, event::LogLevel::kInfo);
  const char kEcho[] =
      "WARNING interface 'echo': waiting: service <.*>.echo is not offered "
      "\\(is its server running\\?\\)";
  // The third line of 'echo' and the line of 'nobody' have the same time, so
  // their order varies.
  EXPECT_THAT(log_,
              UnorderedElementsAre(
                  MatchesRegex(kEcho), MatchesRegex(kEcho), MatchesRegex(kEcho),
                  MatchesRegex("WARNING interface 'nobody': waiting: service "
                               "<.*>.nobody is not offered .*"),
                  MatchesRegex("INFO interface 'echo': open after 3.*s, "
                               "served by pid .* of user .*")));
}

// Each opening with the result LE_FAULT logs one line.
TEST_F(LoggedTest, AnotherProtocolIsLogged) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    le_msg_SessionRef_t session =
        le_msg_CreateSession(le_msg_GetProtocolRef("other", 8), "echo");
    EXPECT_EQ(le_msg_OpenSessionSyncTimed(session, LE_MSG_NO_TIMEOUT),
              LE_FAULT);
    EXPECT_EQ(le_msg_TryOpenSessionSyncTimed(session, LE_MSG_NO_TIMEOUT),
              LE_FAULT);
    le_result_t result = LE_OK;
    le_msg_OpenSessionTimed(
        session, LE_MSG_NO_TIMEOUT,
        [](le_msg_SessionRef_t, le_result_t result, void* context) {
          *static_cast<le_result_t*>(context) = result;
        },
        &result);
    party->RunLoopUntil([&] { return result == LE_FAULT; });
    le_msg_DeleteSession(session);
    party->Signal("done");
  });
  Run(scenario, event::LogLevel::kInfo);
  const auto line = MatchesRegex(
      "WARNING interface 'echo': cannot open a session: the service has "
      "protocol '.*' .*, not protocol 'other' .*");
  EXPECT_THAT(log_, ElementsAre(line, line, line));
}

TEST_F(LoggedTest, TheLifeOfASessionIsLoggedAtDebugLevel) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.Advertise();
    party->RunLoopUntil("closed");
    le_msg_HideService(service.ref());
    party->Signal("hidden");
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    le_msg_CloseSession(client.ref());
    party->Signal("closed");
    party->Await("hidden");
    EXPECT_EQ(le_msg_TryOpenSessionSync(client.ref()), LE_NOT_FOUND);
    party->Signal("done");
  });
  Run(scenario, event::LogLevel::kDebug);
  for (const char* line : {
           "DEBUG service 'echo': being advertised",
           "DEBUG interface 'echo': opening",
           "DEBUG service 'echo': a session with pid .* of user .*",
           "DEBUG interface 'echo': open after .*, served by pid .* of user .*",
           "DEBUG interface 'echo': closed by the program",
           "DEBUG interface 'echo': a session is closed: .*",
           "DEBUG service 'echo': hidden",
           "DEBUG interface 'echo': opening, if that is possible now",
           "DEBUG interface 'echo': not opened: service .* is not offered",
       }) {
    EXPECT_THAT(log_, Contains(MatchesRegex(line))) << line;
  }
}

// le_msg_Send() returns no result, so it logs a dropped message.
TEST_F(LoggedTest, ADroppedMessageIsLogged) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    party->RunLoopUntil("advertise");
    service.Advertise();
    party->RunLoopUntil("close");
    service.Delete();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    const auto said = [] { return g_log->size(); };
    const auto send = [&] { le_msg_Send(NewText(client.ref(), "x")); };
    size_t lines = said();
    send();
    EXPECT_EQ(said(), ++lines) << "never opened";
    bool open = false;
    le_msg_OpenSession(
        client.ref(),
        [](le_msg_SessionRef_t, void* open) {
          *static_cast<bool*>(open) = true;
        },
        &open);
    send();
    EXPECT_EQ(said(), ++lines) << "opening";
    party->Signal("advertise");
    party->RunLoopUntil([&] { return open; });
    send();
    EXPECT_EQ(said(), lines) << "open";
    bool closed = false;
    client.on_close = [&] { closed = true; };
    party->Signal("close");
    party->RunLoopUntil([&] { return closed; });
    send();
    EXPECT_EQ(said(), ++lines) << "closed";
    // A send that returns LE_CLOSED logs nothing.
    EXPECT_EQ(le_msg_TrySend(NewText(client.ref(), "x")), LE_CLOSED);
    EXPECT_EQ(le_msg_SendTimed(NewText(client.ref(), "x"), 1), LE_CLOSED);
    EXPECT_EQ(said(), lines);
    // In a flood of dropped messages, only the first ones have a line each.
    for (int i = 0; i < 1000; ++i) send();
    EXPECT_LT(said(), lines + 50);
    party->Signal("done");
  });
  Run(scenario, event::LogLevel::kInfo);
  EXPECT_THAT(log_, Contains("WARNING interface 'echo': a message is dropped: "
                             "the session is not open"));
}

TEST_F(LoggedTest, ARequestToAServerOnTheSameThreadIsLogged) {
  Scenario scenario;
  scenario.Add("both", [](Party*) {
    TestService service("echo");
    service.Advertise();
    TestClient client("echo");
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "x"), "(null)");
  });
  Run(scenario, event::LogLevel::kInfo);
  EXPECT_THAT(log_, Contains("WARNING interface 'echo': a request fails: the "
                             "server runs on this thread"));
}

// Blocks for this time, without running the loop.
void Block(time_t seconds) {
  const le_sem_Ref_t never = le_sem_Create("never", 0);
  le_sem_WaitWithTimeOut(never, le_clk_Time_t{seconds, 0});
  le_sem_Delete(never);
}

TEST_F(LoggedTest, ASendThatWaitsForRoomIsLoggedOnce) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.Advertise();
    party->RunLoopUntil("open");
    Block(5);
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedBytes = 1;
    le_msg_SetSessionLimits(client.ref(), &limits);
    client.Open();
    party->Signal("open");
    size_t sent = 0;
    while (g_log->empty() && ++sent < 10000) {
      le_msg_Send(NewText(client.ref(), "x"));
    }
    party->Signal("done");
  });
  Run(scenario, event::LogLevel::kInfo);
  EXPECT_THAT(log_, ElementsAre(MatchesRegex(
                        "WARNING interface 'echo': a send waits for room: pid "
                        ".* of user .* has received nothing for 1 s .it is "
                        "busy or stopped., and .* bytes are queued for it")));
}

TEST_F(LoggedTest, ARequestThatWaitsLongIsLoggedOnce) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      Block(25);
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    for (size_t lines = 1; lines <= 2; ++lines) {
      EXPECT_EQ(Ask(client.ref(), "x"), "x");
      EXPECT_EQ(g_log->size(), lines);
    }
    party->Signal("done");
  });
  Run(scenario, event::LogLevel::kInfo);
  const auto line = MatchesRegex(
      "WARNING interface 'echo': a request has waited 10s for a response from "
      "pid .* of user .*");
  EXPECT_THAT(log_, ElementsAre(line, line));
}

TEST_F(LoggedTest, AServerThatDoesNotRespondIsLoggedOnceForASession) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxOpenRequests = 3;
    le_msg_SetServiceLimits(service.ref(), &limits);
    std::vector<le_msg_MessageRef_t> kept;
    service.on_message = [&](le_msg_MessageRef_t message) {
      kept.push_back(message);
    };
    service.Advertise();
    for (int round = 0; round < 2; ++round) {
      party->RunLoopUntil([&] { return kept.size() == 3; });
      party->Signal(round == 0 ? "first" : "second");
      for (le_msg_MessageRef_t message : kept) le_msg_Respond(message);
      kept.clear();
    }
    party->RunLoopUntil([&] { return kept.size() == 1; });
    le_msg_Respond(kept[0]);
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    int answers = 0;
    for (int i = 0; i < 7; ++i) {
      client.Request("x", [&](le_msg_MessageRef_t) { ++answers; });
    }
    party->RunLoopUntil([&] { return answers == 7; });
    party->Signal("done");
  });
  Run(scenario, event::LogLevel::kInfo);
  EXPECT_THAT(log_, ElementsAre(MatchesRegex(
                        "WARNING service 'echo': 3 requests of pid .* of user "
                        ".* have no response: nothing more is received from "
                        "it until requests are responded to or released")));
}

TEST_F(LoggedTest, TheLimitOfOpenRequestsIsLoggedOnceUntilThereIsRoom) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxOpenRequests = 4;
    le_msg_SetSessionLimits(client.ref(), &limits);
    client.Open();
    for (size_t round = 1; round <= 2; ++round) {
      int ended = 0;
      for (int i = 0; i < 9; ++i) {
        client.Request("x", [&](le_msg_MessageRef_t) { ++ended; });
      }
      EXPECT_EQ(g_log->size(), round);
      party->RunLoopUntil([&] { return ended == 9; });
    }
    party->Signal("done");
  });
  Run(scenario, event::LogLevel::kInfo);
  const char kLine[] =
      "WARNING interface 'echo': 4 requests are open (maxOpenRequests): "
      "further requests fail";
  EXPECT_THAT(log_, ElementsAre(kLine, kLine));
}

TEST_F(LoggedTest, RequestsBeforeAndDuringAnOpeningHaveTheirOwnLines) {
  Scenario scenario;
  scenario.Add("client", [](Party*) {
    TestClient client("echo");
    EXPECT_EQ(Ask(client.ref(), "x"), "(null)");
    le_msg_OpenSession(client.ref(), nullptr, nullptr);
    EXPECT_EQ(Ask(client.ref(), "x"), "(null)");
    // A request that returns LE_CLOSED logs nothing.
    le_msg_MessageRef_t response;
    EXPECT_EQ(le_msg_RequestSyncResponseTimed(NewText(client.ref(), "x"), 1,
                                              &response),
              LE_CLOSED);
  });
  Run(scenario, event::LogLevel::kInfo);
  EXPECT_THAT(log_,
              ElementsAre("WARNING interface 'echo': a request fails: it was "
                          "made on a session that is not open",
                          "WARNING interface 'echo': a request fails: it was "
                          "made on a session that is still being opened (wait "
                          "for its callback, or use "
                          "le_msg_OpenSessionSync())"));
}

TEST_F(LoggedTest, ACloseForTheReceiveLimitNamesTheRemedy) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      for (int i = 0; i < 100; ++i) le_msg_Send(NewText(session, "push"));
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedBytes = 2 * (kTextSize + 64);
    le_msg_SetSessionLimits(client.ref(), &limits);
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "x"), "(null)");
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_RECEIVE_LIMIT);
    party->Signal("done");
  });
  Run(scenario, event::LogLevel::kInfo);
  EXPECT_THAT(log_, Contains(MatchesRegex(
                        "ERROR interface 'echo': closing the session .*run its "
                        "loop, or raise maxQueuedBytes or maxQueuedFds by "
                        "le_msg_SetSessionLimits.*")));
}

TEST_F(LoggedTest, DroppedPushesAreLoggedAtPowersOfTwo) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedMessages = 2;
    limits.slowReaderPolicy = LE_MSG_SLOW_READER_DROP;
    le_msg_SetServiceLimits(service.ref(), &limits);
    service.on_message = [&](le_msg_MessageRef_t message) {
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      for (int i = 0; i < 2 + 10; ++i) le_msg_Send(NewText(session, "push"));
      le_msg_ReleaseMsg(message);
      party->Signal("pushed");
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    le_msg_Send(NewText(client.ref(), "x"));
    party->Await("pushed");
    party->Signal("done");
  });
  Run(scenario, event::LogLevel::kInfo);
  const auto dropped = [](const char* number) {
    return MatchesRegex(absl::StrCat(
        "WARNING service 'echo': pid .* of user .* reads slowly: ", number,
        " messages to it were dropped so far"));
  };
  EXPECT_THAT(log_, ElementsAre(dropped("1"), dropped("2"), dropped("4"),
                                dropped("8")));
}

TEST_F(LoggedTest, AResponseToAOneWayMessageIsLogged) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    le_msg_Send(NewText(client.ref(), "no request"));
    EXPECT_EQ(Ask(client.ref(), "a request"), "a request");
    party->Signal("done");
  });
  Run(scenario, event::LogLevel::kInfo);
  EXPECT_THAT(log_,
              ElementsAre("ERROR le_msg_Respond: interface 'echo': this "
                          "message is not a request; it is released without a "
                          "response"));
}

constexpr char kDescriptorLost[] =
    "WARNING interface 'echo': the file descriptor of a message could not be ";
constexpr char kNotReceived[] =
    "received: the service refuses file descriptors, or this process has "
    "reached RLIMIT_NOFILE";

void AskWithDescriptor(le_msg_SessionRef_t session) {
  const le_msg_MessageRef_t request = NewText(session, "x");
  le_msg_SetFd(request, open("/dev/null", O_RDONLY | O_CLOEXEC));
  le_msg_MessageRef_t response = nullptr;
  EXPECT_EQ(
      le_msg_RequestSyncResponseTimed(request, LE_MSG_NO_TIMEOUT, &response),
      LE_OK);
  if (response != nullptr) le_msg_ReleaseMsg(response);
}

// A request gets a response even if its file descriptor is lost. The receiver's
// log names the side that has lost the file descriptor.
TEST_F(LoggedTest, ALostDescriptorIsLoggedByTheReceiver) {
  struct FailingDup final : event::sys::Interceptor {
    explicit FailingDup(int error) : error(error) {
      event::sys::SetInterceptor(this);
    }
    ~FailingDup() override { event::sys::SetInterceptor(nullptr); }
    int FailCall(const event::sys::Call& call) override {
      return absl::string_view(call.name) == "Dup" ? error : 0;
    }
    const int error;
  };
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      EXPECT_EQ(le_msg_GetFd(message), -1);
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [&](Party* party) {
    TestClient client("echo");
    client.Open();
    for (const int error : {EBADF, EMFILE}) {
      const FailingDup fails(error);
      AskWithDescriptor(client.ref());
    }
    party->Signal("done");
  });
  Run(scenario, event::LogLevel::kInfo);
  EXPECT_THAT(log_, ElementsAre(absl::StrCat(kDescriptorLost,
                                             "sent: it had been closed, or the "
                                             "sender's log says why"),
                                absl::StrCat(kDescriptorLost, kNotReceived)));
}

TEST_F(LoggedTest, ARefusedDescriptorIsLogged) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    le_msg_RefuseServiceFds(service.ref());
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    AskWithDescriptor(client.ref());
    party->Signal("done");
  });
  Run(scenario, event::LogLevel::kInfo);
  EXPECT_THAT(log_, ElementsAre(absl::StrCat(kDescriptorLost, kNotReceived)));
}

// If le_msg_TryOpenSessionSync() fails, the log says why.
TEST_F(LoggedTest, AFailedOpeningIsLogged) {
  Scenario scenario;
  scenario.SetBindings("<*>.echo -> <self>.echo\n");
  scenario.Add("client", [](Party*) {
    TestClient bound("echo");
    EXPECT_EQ(le_msg_TryOpenSessionSync(bound.ref()), LE_NOT_FOUND);
    TestClient unbound("demo");
    EXPECT_EQ(le_msg_TryOpenSessionSync(unbound.ref()), LE_NOT_PERMITTED);
  });
  Run(scenario, event::LogLevel::kInfo);
  EXPECT_THAT(
      log_, ElementsAre(
                MatchesRegex("WARNING interface 'echo': cannot open a session: "
                             "service <.*>.echo is not offered"),
                MatchesRegex("WARNING interface 'demo': cannot open a session: "
                             "no binding <.*>.demo -> <USER>.demo.*")));
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
