// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Promises of the public headers that no other file of this folder tests.

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <mutex>

#include "event/base/log.h"
#include "messaging/machine/limits.h"
#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

class ContractTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, ContractTest, AllSettings(), SettingName);

struct Completions {
  uint32_t responses = 0;
  uint32_t too_many = 0;
};

void Count(le_msg_MessageRef_t response, le_result_t result, void* context) {
  auto* const completions = static_cast<Completions*>(context);
  if (result == LE_OK) {
    ++completions->responses;
    le_msg_ReleaseMsg(response);
  } else {
    EXPECT_EQ(result, LE_NO_MEMORY);
    ++completions->too_many;
  }
}

// A request beyond the session's limit is not sent, and completes with
// LE_NO_MEMORY. It does not affect the other requests.
TEST_P(ContractTest, TheNumberOfOpenRequestsIsLimited) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedBytes = size_t{256} << 20;
    limits.maxQueuedMessages = 2 * kMaxOpenRequests;
    le_msg_SetServiceLimits(service.ref(), &limits);
    std::vector<le_msg_MessageRef_t> held;
    service.on_message = [&](le_msg_MessageRef_t message) {
      held.push_back(message);
    };
    service.Advertise();
    party->RunLoopUntil("asked");
    party->RunLoopUntil([&] { return held.size() == kMaxOpenRequests; });
    for (le_msg_MessageRef_t request : held) le_msg_Respond(request);
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    Completions completions;
    auto request = [&] {
      return le_msg_RequestResponseTimed(
          NewText(client.ref(), ""), LE_MSG_NO_TIMEOUT, &Count, &completions);
    };
    for (uint32_t i = 0; i < kMaxOpenRequests; ++i) ASSERT_NE(request(), 0u);
    EXPECT_EQ(request(), 0u);
    le_msg_MessageRef_t response = nullptr;
    EXPECT_EQ(le_msg_RequestSyncResponseTimed(NewText(client.ref(), ""),
                                              LE_MSG_NO_TIMEOUT, &response),
              LE_NO_MEMORY);
    EXPECT_EQ(response, nullptr);
    EXPECT_EQ(completions.too_many, 0u) << "a callback ran inside an API call";
    party->Signal("asked");
    party->RunLoopUntil([&] {
      return completions.responses == kMaxOpenRequests &&
             completions.too_many == 1;
    });
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_NONE);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/1);
}

std::mutex g_mutex;
std::string g_blamed;  // guarded by g_mutex; log lines about slow readers

void NoteSlowReader(event::LogLevel, absl::string_view message) {
  std::lock_guard<std::mutex> lock(g_mutex);
  if (message.find("slow reader") == absl::string_view::npos) return;
  g_blamed += std::string(message) + "\n";
}

// A service sets a limit of queued bytes. Only the session of the client that
// does not read is closed.
TEST_P(ContractTest, AServiceLimitsItsQueuedBytes) {
  static constexpr size_t kLimit = 64 * 1024;
  const bool exact =
      GetParam() == Setting::kSimulated || GetParam() == Setting::kThreads;
  Scenario scenario;
  scenario.Add("server", [exact](Party* party) {
    TestService service("echo");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedBytes = kLimit;
    limits.maxGatheredBytes = 2 * kLimit;
    le_msg_SetServiceLimits(service.ref(), &limits);
    bool closed = false;
    service.on_message = [&](le_msg_MessageRef_t message) {
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      if (le_msg_NeedsResponse(message)) {
        le_msg_Respond(message);
        return;
      }
      size_t sent = 0;
      const std::string text(kTextSize - 1, 'x');
      le_msg_MessageRef_t push = NewText(session, text);
      while (le_msg_TrySend(push) == LE_OK) {
        ++sent;
        push = NewText(session, text);
      }
      EXPECT_EQ(le_msg_GetCloseReason(session), LE_MSG_CLOSE_NONE);
      // A server's le_msg_Send() does not wait for room. It gathers messages,
      // up to maxGatheredBytes.
      le_msg_Send(push);
      for (size_t i = 0; i < kLimit / kTextSize; ++i) {
        le_msg_Send(NewText(session, text));
      }
      if (exact) {
        // The payloads fill more than half of the limit. The rest is their
        // overhead.
        EXPECT_LE(sent * kTextSize, kLimit);
        EXPECT_GT(sent * kTextSize, kLimit / 2);
      }
      le_msg_ReleaseMsg(message);
    };
    pid_t slow = 0;
    service.on_close = [&](le_msg_SessionRef_t session) {
      if (le_msg_GetCloseReason(session) == LE_MSG_CLOSE_SLOW_READER) {
        closed = true;
        EXPECT_EQ(le_msg_GetClientProcessId(session, &slow), LE_OK);
      }
    };
    service.Advertise();
    const event::LogSink sink = event::SetLogSink(&NoteSlowReader);
    party->RunLoopUntil([&] { return closed; });
    event::SetLogSink(sink);
    {
      std::lock_guard<std::mutex> lock(g_mutex);
      EXPECT_NE(g_blamed.find("'echo': closing the session with pid " +
                              std::to_string(slow) + " of user "),
                std::string::npos)
          << g_blamed;
      EXPECT_NE(g_blamed.find("a message is dropped: "), std::string::npos)
          << g_blamed;
      EXPECT_NE(g_blamed.find(" bytes are queued for it"), std::string::npos)
          << g_blamed;
      g_blamed.clear();
    }
    party->Signal("closed");
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient slow("echo"), sound("echo");
    slow.Open();
    sound.Open();
    le_msg_Send(NewText(slow.ref(), "flood me"));
    party->Await("closed");
    EXPECT_EQ(Ask(sound.ref(), "still there?"), "still there?");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/5);
}

// After a session is closed, a held request of the session keeps the session's
// reference valid.
TEST_P(ContractTest, AHeldRequestOutlivesItsSession) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    le_msg_MessageRef_t held = nullptr;
    bool closed = false;
    service.on_message = [&](le_msg_MessageRef_t message) { held = message; };
    service.on_close = [&](le_msg_SessionRef_t) { closed = true; };
    service.Advertise();
    party->RunLoopUntil([&] { return held != nullptr; });
    party->Signal("held");
    party->RunLoopUntil([&] { return closed; });
    const le_msg_SessionRef_t session = le_msg_GetSession(held);
    uid_t uid = 0;
    EXPECT_EQ(le_msg_GetClientUserId(session, &uid), LE_CLOSED);
    EXPECT_EQ(le_msg_SendTimed(NewText(session, "nobody hears"), 0), LE_CLOSED);
    EXPECT_EQ(le_msg_GetSessionInterface(session) != nullptr, true);
    le_msg_CloseSession(session);
    EXPECT_TRUE(le_msg_NeedsResponse(held));
    le_msg_Respond(held);
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    client.Request("hold me", [](le_msg_MessageRef_t response) {
      EXPECT_EQ(response, nullptr);
    });
    party->RunLoopUntil("held");
    client.Delete();
  });
  RunScenario(scenario, GetParam());
}

TEST_P(ContractTest, AClientWithoutReceiveHandlerDropsMessages) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      for (int i = 0; i < 3; ++i) le_msg_Send(NewText(session, "unasked"));
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    le_msg_SetSessionRecvHandler(client.ref(), nullptr, nullptr);
    client.Open();
    int answers = 0;
    for (int i = 0; i < 3; ++i) {
      client.Request("x", [&](le_msg_MessageRef_t response) {
        EXPECT_NE(response, nullptr);
        ++answers;
      });
    }
    party->RunLoopUntil([&] { return answers == 3; });
    EXPECT_EQ(Ask(client.ref(), "y"), "y");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(ContractTest, OpeningNeedsNoCallback) {
  Scenario scenario;
  scenario.Add("server", EchoServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    le_msg_OpenSession(client.ref(), nullptr, nullptr);
    auto is_open = [&] {
      uid_t uid = 0;
      pid_t pid = 0;
      return le_msg_GetServerUserCreds(client.ref(), &uid, &pid) == LE_OK;
    };
    EXPECT_FALSE(is_open());
    party->RunLoopUntil(is_open);
    EXPECT_EQ(Ask(client.ref(), "x"), "x");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A blocking open does not deliver events of other sessions. They are delivered
// later.
TEST_P(ContractTest, ABlockingOpenLeavesOtherEventsForLater) {
  Scenario scenario;
  scenario.Add("first", [](Party* party) {
    TestService service("first");
    service.on_message = [&](le_msg_MessageRef_t message) {
      le_msg_Send(NewText(le_msg_GetSession(message), "news"));
      le_msg_ReleaseMsg(message);
      party->Signal("pushed");
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("second", [](Party* party) {
    party->Await("pushed");
    TestService service("second");
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient first("first"), second("second");
    int news = 0;
    first.on_message = [&](le_msg_MessageRef_t message) {
      ++news;
      le_msg_ReleaseMsg(message);
    };
    first.Open();
    le_msg_Send(NewText(first.ref(), "what is new?"));
    second.Open();
    EXPECT_EQ(news, 0) << "a callback ran inside an API call";
    party->RunLoopUntil([&] { return news == 1; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A program without a loop learns by a synchronous call that its session is
// closed. The program may open the session again. The session has no close
// handler. So a loop would end the program at the close, but no loop runs.
TEST_P(ContractTest, WithoutALoopAClosedSessionIsOpenedAgain) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      if (TextOf(message) != "close") return le_msg_Respond(message);
      le_msg_CloseSession(le_msg_GetSession(message));
      le_msg_ReleaseMsg(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    const le_msg_SessionRef_t session =
        le_msg_CreateSession(TextProtocol(), "echo");
    for (int i = 0; i < 3; ++i) {
      le_msg_OpenSessionSync(session);
      EXPECT_EQ(Ask(session, "x"), "x");
      EXPECT_EQ(Ask(session, "close"), "(null)");
      EXPECT_EQ(le_msg_GetCloseReason(session), LE_MSG_CLOSE_BY_PEER);
      EXPECT_EQ(Ask(session, "still closed"), "(null)");
    }
    le_msg_DeleteSession(session);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

le_msg_SessionEventHandlerRef_t g_self, g_other;
int g_calls;

TEST_P(ContractTest, AHandlerMayRemoveItselfAndOthers) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    g_calls = 0;
    int opens = 0;
    service.on_open = [&](le_msg_SessionRef_t) { ++opens; };
    g_other = le_msg_AddServiceOpenHandler(
        service.ref(),
        [](le_msg_SessionRef_t, void*) { ADD_FAILURE() << "it was removed"; },
        nullptr);
    g_self = le_msg_AddServiceOpenHandler(
        service.ref(),
        [](le_msg_SessionRef_t, void*) {
          ++g_calls;
          le_msg_RemoveServiceHandler(g_other);
          le_msg_RemoveServiceHandler(g_self);
        },
        nullptr);
    service.Advertise();
    party->RunLoopUntil([&] { return opens == 2; });
    EXPECT_EQ(g_calls, 1);
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient first("echo"), second("echo");
    first.Open();
    second.Open();
    EXPECT_EQ(Ask(second.ref(), "x"), "x");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A program without a loop loses no message for which the kernel had no room:
// the next call on the session sends the message.
TEST_P(ContractTest, WithoutALoopTheNextCallSendsQueuedMessages) {
  // These messages exceed the buffer of a socket, and fit into a session's
  // queue.
  static constexpr int kMessages = 2000;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    int received = 0;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (!le_msg_NeedsResponse(message)) {
        EXPECT_EQ(TextOf(message), std::to_string(received++));
        return le_msg_ReleaseMsg(message);
      }
      EXPECT_EQ(received, kMessages);
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("open");
    party->Await("sent");
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    party->Signal("open");
    for (int i = 0; i < kMessages; ++i) {
      ASSERT_EQ(le_msg_SendTimed(NewText(client.ref(), std::to_string(i)), 0),
                LE_OK);
    }
    party->Signal("sent");
    EXPECT_EQ(Ask(client.ref(), "all?"), "all?");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/3);
}

// A forked child has a duplicate of each session's socket. A close reaches the
// peer nevertheless.
TEST_P(ContractTest, ACloseReachesThePeerDespiteAFork) {
  if (GetParam() != Setting::kUnixProcesses) {
    GTEST_SKIP() << "this test needs a process of its own";
  }
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    int closes = 0;
    service.on_close = [&](le_msg_SessionRef_t) { ++closes; };
    service.Advertise();
    party->RunLoopUntil([&] { return closes == 1; });
    party->Signal("closed");
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient held("echo"), other("echo");
    held.Open();
    other.Open();
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[1]);
      char byte;
      _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    held.Delete();
    party->RunLoopUntil("closed");
    EXPECT_EQ(waitpid(child, nullptr, WNOHANG), 0) << "the child has ended";
    EXPECT_EQ(Ask(other.ref(), "x"), "x");
    close(ends[1]);
    int status = 1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    party->Signal("done");
    close(ends[0]);
  });
  RunScenario(scenario, GetParam());
}

// The library handles no signal. It starts threads only to close file
// descriptors that other users have sent (transports/closer.h). In this test no
// other user sends any.
TEST_P(ContractTest, TheLibraryAddsNoThreadAndNoSignalHandler) {
  if (GetParam() != Setting::kUnixProcesses) {
    GTEST_SKIP() << "this test needs a process of its own";
  }
  auto threads = [] {
    int count = 0;
    DIR* const tasks = opendir("/proc/self/task");
    while (const dirent* const entry = readdir(tasks)) {
      if (entry->d_name[0] != '.') ++count;
    }
    closedir(tasks);
    return count;
  };
  Scenario scenario;
  scenario.Add("server", [threads](Party* party) {
    const int before = threads();
    TestService service("echo");
    service.Advertise();
    party->RunLoopUntil("done");
    EXPECT_EQ(threads(), before);
  });
  scenario.Add("client", [threads](Party* party) {
    const int before = threads();
    TestClient client("echo");
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "x"), "x");
    EXPECT_EQ(threads(), before);
    struct sigaction action;
    ASSERT_EQ(sigaction(SIGPIPE, nullptr, &action), 0);
    EXPECT_EQ(action.sa_handler, SIG_DFL);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A program with a loop of its own polls one file descriptor.
TEST_P(ContractTest, AForeignLoopPollsOneDescriptor) {
  if (GetParam() == Setting::kSimulated) {
    GTEST_SKIP() << "a simulated loop has no file descriptor";
  }
  Scenario scenario;
  scenario.Add("server", EchoServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    bool opened = false;
    int answers = 0;
    le_msg_OpenSession(
        client.ref(),
        [](le_msg_SessionRef_t, void* opened) {
          *static_cast<bool*>(opened) = true;
        },
        &opened);
    auto wait_until = [](const std::function<bool()>& condition) {
      while (!condition()) {
        struct pollfd poll_one = {le_event_GetFd(), POLLIN, 0};
        ASSERT_EQ(poll(&poll_one, 1, -1), 1);
        while (le_event_ServiceLoop() == LE_OK) {
        }
      }
    };
    wait_until([&] { return opened; });
    for (int i = 0; i < 3; ++i) {
      client.Request("x", [&](le_msg_MessageRef_t response) {
        EXPECT_NE(response, nullptr);
        ++answers;
      });
    }
    wait_until([&] { return answers == 3; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Any file descriptor can be sent, also one of a socket or a folder. The
// library closes it if the receiver does not fetch it.
TEST_P(ContractTest, SocketsAndFoldersTravelAsAnyDescriptor) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      if (TextOf(message) == "fetch") {
        const int fd = le_msg_GetFd(message);
        EXPECT_GE(fd, 0);
        le_msg_SetFd(message, fd);
      }
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    auto ask = [&](const char* text, int fd) {
      const le_msg_MessageRef_t message = NewText(client.ref(), text);
      le_msg_SetFd(message, fd);
      return le_msg_RequestSyncResponse(message);
    };
    for (bool fetched : {true, false}) {
      int ends[2];
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
      const le_msg_MessageRef_t response =
          ask(fetched ? "fetch" : "leave", ends[1]);
      ASSERT_NE(response, nullptr);
      const int back = le_msg_GetFd(response);
      EXPECT_EQ(back >= 0, fetched);
      if (back >= 0) {
        EXPECT_EQ(write(back, "x", 1), 1);
        close(back);
      }
      le_msg_ReleaseMsg(response);
      // The server may close its copy after its response. But it closes the
      // copy before it receives the next request. So make another request
      // before the read: a read that blocks would stop a simulation.
      EXPECT_EQ(Ask(client.ref(), "next"), "next");
      char bytes[2];
      EXPECT_EQ(read(ends[0], bytes, 2), fetched ? 1 : 0);
      if (fetched) {
        EXPECT_EQ(read(ends[0], bytes, 2), 0) << "another end is open";
      }
      close(ends[0]);
    }
    const le_msg_MessageRef_t response =
        ask("fetch", open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_NE(response, nullptr);
    struct stat folder;
    const int back = le_msg_GetFd(response);
    EXPECT_EQ(fstat(back, &folder), 0);
    EXPECT_TRUE(S_ISDIR(folder.st_mode));
    close(back);
    le_msg_ReleaseMsg(response);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/5);
}

// Any process can connect to a socket with an abstract name, since no folder
// protects the socket. If a socket without a name sends while SO_PASSCRED is
// set, the kernel gives it an abstract name.
TEST_P(ContractTest, NoSocketGetsAnAbstractName) {
  auto expect_none = [] {
    int sockets = 0;
    for (int fd = 0; fd < 1024; ++fd) {
      struct sockaddr_un name = {};
      socklen_t size = sizeof(name);
      if (getsockname(fd, reinterpret_cast<struct sockaddr*>(&name), &size) !=
              0 ||
          name.sun_family != AF_UNIX) {
        continue;
      }
      ++sockets;
      EXPECT_FALSE(size > offsetof(struct sockaddr_un, sun_path) &&
                   name.sun_path[0] == '\0')
          << "descriptor " << fd;
    }
    return sockets;
  };
  Scenario scenario;
  scenario.Add("server", [expect_none](Party* party) {
    TestService service("echo");
    service.Advertise();
    party->RunLoopUntil("done");
    expect_none();
  });
  scenario.Add("client", [expect_none](Party* party) {
    TestClient client("echo"), waiting("nobody's");
    client.Open();
    le_msg_OpenSession(waiting.ref(), nullptr, nullptr);
    EXPECT_EQ(Ask(client.ref(), "x"), "x");
    const int sockets = expect_none();
    if (GetParam() == Setting::kUnixProcesses) {
      EXPECT_GE(sockets, 2);
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/2);
}

// If the receiver has no free file descriptor, the message arrives without its
// descriptor.
TEST_P(ContractTest, AMessageArrivesThoughItsDescriptorCannot) {
  if (GetParam() != Setting::kUnixProcesses) {
    GTEST_SKIP() << "the limit applies to a whole process";
  }
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      le_msg_SetFd(message, open("/dev/null", O_RDONLY | O_CLOEXEC));
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    struct rlimit old, none;
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 1;
    for (bool starved : {true, false}) {
      ASSERT_EQ(setrlimit(RLIMIT_NOFILE, starved ? &none : &old), 0);
      const le_msg_MessageRef_t response =
          le_msg_RequestSyncResponse(NewText(client.ref(), "x"));
      ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
      ASSERT_NE(response, nullptr);
      EXPECT_EQ(TextOf(response), "x");
      const int fd = le_msg_GetFd(response);
      EXPECT_EQ(fd >= 0, !starved);
      if (fd >= 0) close(fd);
      le_msg_ReleaseMsg(response);
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
