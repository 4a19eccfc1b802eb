// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Limits on queues and requests, and the effects on peers that exceed them.

#include "messaging/machine/limits.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "event/base/log.h"
#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

class LimitsTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, LimitsTest, AllSettings(), SettingName);

constexpr uint32_t kQueuedMessages = 100;
// A message of kPushBytes counts as kPushCost bytes over loopback.
constexpr size_t kPushBytes = 36;
constexpr size_t kPushCost = kPushBytes + 64;

void SetLimits(le_msg_ServiceRef_t service, le_msg_SlowReaderPolicy_t policy) {
  le_msg_ServiceLimits_t limits = {};
  limits.structSize = sizeof(limits);
  limits.maxQueuedMessages = kQueuedMessages;
  limits.maxGatheredBytes = 2 * kQueuedMessages * kPushCost;
  limits.slowReaderPolicy = policy;
  le_msg_SetServiceLimits(service, &limits);
}

le_msg_MessageRef_t NewPush(le_msg_SessionRef_t session, int number) {
  const std::string text = std::to_string(number);
  return NewText(session, text + std::string(kPushBytes - text.size(), '.'));
}

// A client that does not read loses its session when the limit of gathered
// bytes is exceeded. It receives all messages that were accepted before, and
// then the close.
TEST_P(LimitsTest, ASlowReaderIsClosed) {
  const bool exact = !HasKernelBuffer(GetParam());
  Scenario scenario;
  scenario.Add("server", [exact](Party* party) {
    TestService service("echo");
    SetLimits(service.ref(), LE_MSG_SLOW_READER_CLOSE);
    int sent = 0;
    bool closed = false;
    service.on_message = [&](le_msg_MessageRef_t message) {
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      while (le_msg_SendTimed(NewPush(session, sent), LE_MSG_NO_TIMEOUT) ==
             LE_OK) {
        ++sent;
      }
      EXPECT_GE(sent, static_cast<int>(2 * kQueuedMessages));
      if (exact) {
        EXPECT_EQ(sent, static_cast<int>(2 * kQueuedMessages));
      }
      le_msg_ReleaseMsg(message);
    };
    service.on_close = [&](le_msg_SessionRef_t session) {
      EXPECT_EQ(le_msg_GetCloseReason(session), LE_MSG_CLOSE_SLOW_READER);
      closed = true;
    };
    service.Advertise();
    party->RunLoopUntil([&] { return closed; });
    party->Signal("closed");
  });
  scenario.Add("client", [exact](Party* party) {
    TestClient client("echo");
    int received = 0;
    bool closed = false;
    client.on_message = [&](le_msg_MessageRef_t message) {
      EXPECT_EQ(std::stoi(TextOf(message)), received++);
      le_msg_ReleaseMsg(message);
    };
    client.on_close = [&] { closed = true; };
    client.Open();
    le_msg_Send(NewText(client.ref(), "flood me"));
    party->Await("closed");
    party->RunLoopUntil([&] { return closed; });
    if (exact) {
      EXPECT_EQ(received, static_cast<int>(2 * kQueuedMessages));
    }
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_BY_PEER);
  });
  RunScenario(scenario, GetParam());
}

// A client loses its session when more bytes of responses are queued than may
// be gathered, and the client has read nothing for ten seconds.
TEST_P(LimitsTest, AClientThatReadsNoAnswersIsClosed) {
  if (GetParam() != Setting::kSimulated) {
    GTEST_SKIP() << "it takes ten seconds of real time";
  }
  constexpr size_t kSize = 65536;
  constexpr int kRequests = 40;
  const auto protocol = [] { return le_msg_GetProtocolRef("large", kSize); };
  Scenario scenario;
  scenario.Add("server", [&](Party* party) {
    TestService service("echo", protocol());
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedBytes = 2 * kSize;
    limits.maxGatheredBytes = 5 * kSize;
    le_msg_SetServiceLimits(service.ref(), &limits);
    std::vector<le_msg_MessageRef_t> requests;
    service.on_message = [&](le_msg_MessageRef_t message) {
      requests.push_back(message);
      if (requests.size() < kRequests) return;
      for (const le_msg_MessageRef_t request : requests) {
        std::memset(le_msg_GetPayloadPtr(request), 1, kSize);
        le_msg_Respond(request);
      }
    };
    bool closed = false;
    service.on_close = [&](le_msg_SessionRef_t session) {
      EXPECT_EQ(le_msg_GetCloseReason(session), LE_MSG_CLOSE_SLOW_READER);
      closed = true;
    };
    service.Advertise();
    party->RunLoopUntil([&] { return closed; });
    party->Signal("closed");
  });
  scenario.Add("client", [&](Party* party) {
    TestClient client("echo", protocol());
    bool closed = false;
    client.on_close = [&] { closed = true; };
    client.Open();
    int completed = 0;
    for (int i = 0; i < kRequests; ++i) {
      le_msg_RequestResponse(
          le_msg_CreateMsg(client.ref()),
          [](le_msg_MessageRef_t response, void* count) {
            ++*static_cast<int*>(count);
            if (response != nullptr) le_msg_ReleaseMsg(response);
          },
          &completed);
    }
    party->Await("closed");
    party->RunLoopUntil([&] { return closed; });
    EXPECT_EQ(completed, kRequests);
  });
  RunScenario(scenario, GetParam());
}

// Sends a last message as soon as there is room.
void SendEnd(void* session, void*) {
  const auto ref = static_cast<le_msg_SessionRef_t>(session);
  if (le_msg_SendTimed(NewText(ref, "-1"), 0) == LE_OK) return;
  le_event_QueueFunction(&SendEnd, session, nullptr);
}

// Makes ten requests, each with a file descriptor.
void SendDescriptors(Party* party) {
  TestClient client("echo");
  client.Open();
  for (int i = 0; i < 10; ++i) {
    const le_msg_MessageRef_t request = NewText(client.ref(), "here");
    le_msg_SetFd(request, open("/dev/null", O_RDONLY | O_CLOEXEC));
    const le_msg_MessageRef_t response = le_msg_RequestSyncResponse(request);
    ASSERT_NE(response, nullptr);
    EXPECT_EQ(TextOf(response), "here");
    le_msg_ReleaseMsg(response);
  }
  party->Signal("done");
}

// A service that refuses descriptors receives the messages without them, and
// the session stays open.
TEST_P(LimitsTest, AServiceMayTakeNoDescriptors) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    le_msg_RefuseServiceFds(service.ref());
    service.on_message = [&](le_msg_MessageRef_t message) {
      EXPECT_LT(le_msg_GetFd(message), 0);
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", &SendDescriptors);
  RunScenario(scenario, GetParam());
}

TEST_P(LimitsTest, AServiceMayLeaveDescriptorsInItsMessages) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    int messages = 0;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (++messages % 2 == 0) {
        const int fd = le_msg_GetFd(message);
        EXPECT_GE(fd, 0);
        close(fd);
      }
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", &SendDescriptors);
  RunScenario(scenario, GetParam());
}

// With LE_MSG_SLOW_READER_DROP, a slow reader loses messages and keeps its
// session.
TEST_P(LimitsTest, ASlowReaderMissesMessages) {
  constexpr int kFlood = 5000;
  const bool exact = !HasKernelBuffer(GetParam());
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    SetLimits(service.ref(), LE_MSG_SLOW_READER_DROP);
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (le_msg_NeedsResponse(message)) {
        le_msg_Respond(message);
        return;
      }
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      for (int i = 0; i < kFlood; ++i) {
        // The messages are long enough to fill the kernel's buffer too.
        le_msg_Send(
            NewText(session, std::to_string(i) + std::string(200, '.')));
      }
      le_msg_ReleaseMsg(message);
      SendEnd(session, nullptr);
      party->Signal("flooded");
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [exact](Party* party) {
    TestClient client("echo");
    std::vector<int> received;
    bool ended = false;
    client.on_message = [&](le_msg_MessageRef_t message) {
      const int number = std::stoi(TextOf(message));
      le_msg_ReleaseMsg(message);
      if (number < 0) {
        ended = true;
      } else {
        received.push_back(number);
      }
    };
    client.Open();
    le_msg_Send(NewText(client.ref(), "flood me"));
    party->Await("flooded");
    party->RunLoopUntil([&] { return ended; });
    EXPECT_EQ(Ask(client.ref(), "alive?"), "alive?");
    EXPECT_GE(received.size(), kQueuedMessages);
    EXPECT_LT(received.size(), static_cast<size_t>(kFlood));
    if (exact) {
      EXPECT_EQ(received.size(), kQueuedMessages);
    }
    for (size_t i = 1; i < received.size(); ++i) {
      EXPECT_LT(received[i - 1], received[i]);
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/5);
}

// If le_msg_TrySend() finds no room, the server continues when its room handler
// is called. No message is lost. A response is sent even if the queue
// is full.
TEST_P(LimitsTest, AServerThatPacesItsPushesLosesNothing) {
  static constexpr int kFlood = 5000;
  const bool exact = !HasKernelBuffer(GetParam());
  Scenario scenario;
  scenario.Add("server", [exact](Party* party) {
    TestService service("echo");
    SetLimits(service.ref(), LE_MSG_SLOW_READER_CLOSE);
    int sent = 0;
    le_msg_MessageRef_t waits = nullptr;
    auto flood = [&](le_msg_SessionRef_t session) {
      while (waits != nullptr || sent < kFlood) {
        if (waits == nullptr) waits = NewPush(session, sent++);
        const le_result_t result = le_msg_TrySend(waits);
        if (result == LE_WOULD_BLOCK) return;
        EXPECT_EQ(result, LE_OK);
        waits = nullptr;
      }
    };
    service.on_room = [&](le_msg_SessionRef_t session) { flood(session); };
    service.on_message = [&](le_msg_MessageRef_t message) {
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      flood(session);
      EXPECT_NE(waits, nullptr);
      if (exact) {
        EXPECT_EQ(sent, static_cast<int>(kQueuedMessages) + 1);
      }
      EXPECT_EQ(le_msg_SendTimed(NewPush(session, -1), 0), LE_TIMEOUT);
      le_msg_Respond(message);
      party->Signal("full");
    };
    service.on_close = [&](le_msg_SessionRef_t session) {
      EXPECT_EQ(le_msg_GetCloseReason(session), LE_MSG_CLOSE_BY_PEER);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    int received = 0;
    bool answered = false;
    client.on_message = [&](le_msg_MessageRef_t message) {
      EXPECT_EQ(std::stoi(TextOf(message)), received++);
      le_msg_ReleaseMsg(message);
    };
    client.Open();
    client.Request("flood me", [&](le_msg_MessageRef_t response) {
      EXPECT_NE(response, nullptr);
      answered = true;
    });
    party->Await("full");
    party->RunLoopUntil([&] { return received == kFlood; });
    EXPECT_TRUE(answered);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/5);
}

// Messages that arrive during a blocking call are held, up to a limit. If more
// arrive, the session is closed. The held messages are delivered before the
// close handler runs.
TEST_P(LimitsTest, TheMessagesHeldByABlockedReaderAreLimited) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedBytes = size_t{64} << 20;
    limits.maxQueuedMessages = 1u << 20;
    le_msg_SetServiceLimits(service.ref(), &limits);
    service.on_message = [&](le_msg_MessageRef_t message) {
      const int count = std::stoi(TextOf(message));
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      for (int i = 0; i < count; ++i) {
        le_msg_Send(NewText(session, std::to_string(i)));
      }
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    int received = 0;
    bool closed = false;
    client.on_message = [&](le_msg_MessageRef_t message) {
      EXPECT_FALSE(closed);
      EXPECT_EQ(TextOf(message), std::to_string(received++));
      le_msg_ReleaseMsg(message);
    };
    client.on_close = [&] { closed = true; };
    client.Open();

    constexpr int kFits = 1000;
    EXPECT_EQ(Ask(client.ref(), std::to_string(kFits)), std::to_string(kFits));
    EXPECT_EQ(received, 0) << "a callback ran inside an API call";
    party->RunLoopUntil([&] { return received == kFits; });

    received = 0;
    constexpr int kTooMany = 10000;
    EXPECT_EQ(Ask(client.ref(), std::to_string(kTooMany)), "(null)");
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_RECEIVE_LIMIT);
    party->RunLoopUntil([&] { return closed; });
    EXPECT_GE(received, kFits);
    EXPECT_LE(received * kTextSize, size_t{1} << 20);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/3);
}

// Holds requests with the text "hold". Responds to all of them when another
// message arrives.
void HoldingServerBody(Party* party) {
  TestService service("echo");
  std::vector<le_msg_MessageRef_t> held;
  service.on_message = [&](le_msg_MessageRef_t message) {
    if (TextOf(message) == "hold") {
      held.push_back(message);
      return;
    }
    for (le_msg_MessageRef_t request : held) le_msg_Respond(request);
    held.clear();
    le_msg_ReleaseMsg(message);
  };
  service.on_close = [&](le_msg_SessionRef_t) {
    for (le_msg_MessageRef_t request : held) le_msg_ReleaseMsg(request);
    held.clear();
  };
  service.Advertise();
  party->RunLoopUntil("done");
}

// The client's limit of pending requests: N are allowed, N+1 are not.
TEST_P(LimitsTest, TheRequestsOfAClientAreLimited) {
  Scenario scenario;
  scenario.Add("server", &HoldingServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    constexpr uint32_t kMax = 5;
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxOpenRequests = kMax;
    le_msg_SetSessionLimits(client.ref(), &limits);
    le_msg_GetSessionLimits(client.ref(), &limits);
    EXPECT_EQ(limits.maxOpenRequests, kMax);
    EXPECT_EQ(limits.maxQueuedMessages, 16384u);
    EXPECT_EQ(limits.maxQueuedFds, 256u);
    EXPECT_EQ(limits.maxQueuedBytes, size_t{1} << 20);
    client.Open();

    std::vector<le_result_t> results;
    auto request = [&] {
      return le_msg_RequestResponseTimed(
          NewText(client.ref(), "hold"), LE_MSG_NO_TIMEOUT,
          [](le_msg_MessageRef_t response, le_result_t result, void* context) {
            if (response != nullptr) le_msg_ReleaseMsg(response);
            static_cast<std::vector<le_result_t>*>(context)->push_back(result);
          },
          &results);
    };
    for (uint32_t i = 0; i < kMax; ++i) EXPECT_NE(request(), 0u);
    EXPECT_EQ(request(), 0u);
    le_msg_MessageRef_t response = nullptr;
    EXPECT_EQ(le_msg_RequestSyncResponseTimed(NewText(client.ref(), "hold"),
                                              LE_MSG_NO_TIMEOUT, &response),
              LE_NO_MEMORY);
    party->RunLoopUntil([&] { return results.size() == 1; });
    EXPECT_EQ(results[0], LE_NO_MEMORY);
    // The limit may be raised while the session is open.
    limits.maxOpenRequests = kMax + 1;
    le_msg_SetSessionLimits(client.ref(), &limits);
    EXPECT_NE(request(), 0u);
    EXPECT_EQ(request(), 0u);
    le_msg_Send(NewText(client.ref(), "answer"));
    party->RunLoopUntil([&] { return results.size() == 2 + kMax + 1; });
    EXPECT_EQ(std::count(results.begin(), results.end(), LE_OK),
              static_cast<int>(kMax) + 1);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Calls `then` after this number of turns of the loop. Choose the number so
// that all messages that can arrive have arrived before the call.
void RunTurns(int turns, const std::function<void()>& then) {
  if (turns == 0) return then();
  auto* const next =
      new std::function<void()>([turns, then] { RunTurns(turns - 1, then); });
  le_event_QueueFunction(
      [](void* function, void*) {
        auto* const next = static_cast<std::function<void()>*>(function);
        (*next)();
        delete next;
      },
      next, nullptr);
}

struct RequestBound {  // 0: the default
  uint32_t max_requests;
  size_t max_bytes;
};
// A service limits the requests without a response, in number or in bytes.
// Further requests wait at the client, and are answered later.
void ExpectRequestsWait(Setting setting, RequestBound bound) {
  static constexpr uint32_t kMax = 8, kRequests = 5 * kMax;
  Scenario scenario;
  scenario.Add("server", [bound](Party* party) {
    TestService service("echo");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxOpenRequests = bound.max_requests;
    limits.maxRequestBytes = bound.max_bytes;
    le_msg_SetServiceLimits(service.ref(), &limits);
    std::vector<le_msg_MessageRef_t> held;
    std::vector<size_t> most;
    service.on_message = [&](le_msg_MessageRef_t message) {
      held.push_back(message);
      EXPECT_LE(held.size(), kMax);
      if (held.size() < kMax) return;
      RunTurns(20, [&] {
        most.push_back(held.size());
        for (le_msg_MessageRef_t request : held) le_msg_Respond(request);
        held.clear();
      });
    };
    service.Advertise();
    party->RunLoopUntil("sent");
    party->RunLoopUntil("done");
    EXPECT_EQ(most, std::vector<size_t>(kRequests / kMax, kMax));
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    uint32_t answers = 0;
    client.on_close = [&] { ADD_FAILURE() << "the session is closed"; };
    client.Open();
    for (uint32_t i = 0; i < kRequests; ++i) {
      client.Request(std::string(144, 'x'), [&](le_msg_MessageRef_t response) {
        EXPECT_NE(response, nullptr);
        ++answers;
      });
    }
    party->Signal("sent");
    party->RunLoopUntil([&] { return answers == kRequests; });
    party->Signal("done");
  });
  RunScenario(scenario, setting);
}

TEST_P(LimitsTest, RequestsWithoutAResponseAreBoundedInNumber) {
  ExpectRequestsWait(GetParam(), {8, 0});
}

TEST_P(LimitsTest, RequestsWithoutAResponseAreBoundedInBytes) {
  // Each request counts as 144 + 512 bytes.
  ExpectRequestsWait(GetParam(), {0, 8 * 656});
}

// A client ends while its server does not read from it. Expected: the server
// learns of the end.
TEST_P(LimitsTest, AClientThatIsNotReadMayEnd) {
  static constexpr uint32_t kMax = 3;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxOpenRequests = kMax;
    le_msg_SetServiceLimits(service.ref(), &limits);
    std::vector<le_msg_MessageRef_t> held;
    bool closed = false;
    service.on_message = [&](le_msg_MessageRef_t message) {
      held.push_back(message);
      if (held.size() == kMax) party->Signal("full");
    };
    service.on_close = [&](le_msg_SessionRef_t session) {
      EXPECT_EQ(le_msg_GetCloseReason(session), LE_MSG_CLOSE_BY_PEER);
      EXPECT_EQ(held.size(), 2 * kMax)
          << "the requests that arrived before the close";
      closed = true;
    };
    service.Advertise();
    party->RunLoopUntil([&] { return closed; });
    for (le_msg_MessageRef_t request : held) le_msg_ReleaseMsg(request);
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    for (uint32_t i = 0; i < 2 * kMax; ++i) {
      client.Request("x", [](le_msg_MessageRef_t response) {
        EXPECT_EQ(response, nullptr);
      });
    }
    party->Await("full");
    client.Delete();
  });
  RunScenario(scenario, GetParam());
}

// A client's queue has limits. At a limit a sender waits for room, or returns
// at its deadline.
TEST_P(LimitsTest, TheQueueOfAClientIsLimited) {
  const bool exact = !HasKernelBuffer(GetParam());
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.Advertise();
    party->RunLoopUntil("open");
    party->Signal("stalled");
    party->Await("full");
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [exact](Party* party) {
    TestClient client("echo");
    constexpr uint32_t kMax = 20;
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedMessages = kMax;
    client.Open();
    party->Signal("open");
    party->Await("stalled");
    le_msg_SetSessionLimits(client.ref(), &limits);
    uint32_t sent = 0;
    while (le_msg_SendTimed(NewText(client.ref(), "x"), 0) == LE_OK) ++sent;
    EXPECT_GE(sent, kMax);
    if (exact) {
      EXPECT_EQ(sent, kMax);
    }
    party->Signal("full");
    le_msg_Send(NewText(client.ref(), "as soon as there is room"));
    EXPECT_EQ(Ask(client.ref(), "alive?"), "alive?");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// The file descriptors in queued messages are limited.
TEST_P(LimitsTest, QueuedDescriptorsAreLimited) {
  static constexpr int kMax = 3;
  const bool exact = !HasKernelBuffer(GetParam());
  Scenario scenario;
  scenario.Add("server", [exact](Party* party) {
    TestService service("echo");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedFds = kMax;
    le_msg_SetServiceLimits(service.ref(), &limits);
    service.on_message = [&](le_msg_MessageRef_t message) {
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      int sent = 0;
      for (;; ++sent) {
        le_msg_MessageRef_t news = NewText(session, std::to_string(sent));
        le_msg_SetFd(news, open("/dev/null", O_RDONLY | O_CLOEXEC));
        const le_result_t result = le_msg_TrySend(news);
        if (result == LE_OK) continue;
        EXPECT_EQ(result, LE_WOULD_BLOCK);
        le_msg_ReleaseMsg(news);
        break;
      }
      EXPECT_GE(sent, kMax);
      if (exact) {
        EXPECT_EQ(sent, kMax);
      }
      le_msg_Respond(message);
      party->Signal("full");
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    int received = 0;
    bool answered = false;
    client.on_message = [&](le_msg_MessageRef_t message) {
      EXPECT_EQ(TextOf(message), std::to_string(received++));
      le_msg_ReleaseMsg(message);
    };
    client.Open();
    client.Request("flood me", [&](le_msg_MessageRef_t response) {
      EXPECT_NE(response, nullptr);
      answered = true;
    });
    party->Await("full");
    party->RunLoopUntil([&] { return answered; });
    EXPECT_GE(received, kMax);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// The file descriptors in messages that are held during a blocking call are
// limited too.
TEST_P(LimitsTest, TheDescriptorsHeldByABlockedReaderAreLimited) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [&](le_msg_MessageRef_t message) {
      const int count = std::stoi(TextOf(message));
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      for (int i = 0; i < count; ++i) {
        le_msg_MessageRef_t news = NewText(session, std::to_string(i));
        le_msg_SetFd(news, open("/dev/null", O_RDONLY | O_CLOEXEC));
        le_msg_Send(news);
      }
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    constexpr int kMax = 7;
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedFds = kMax;
    le_msg_SetSessionLimits(client.ref(), &limits);
    int received = 0;
    bool closed = false;
    client.on_message = [&](le_msg_MessageRef_t message) {
      EXPECT_FALSE(closed);
      const int fd = le_msg_GetFd(message);
      EXPECT_GE(fd, 0);
      close(fd);
      ++received;
      le_msg_ReleaseMsg(message);
    };
    client.on_close = [&] { closed = true; };
    client.Open();
    EXPECT_EQ(Ask(client.ref(), std::to_string(kMax)), std::to_string(kMax));
    party->RunLoopUntil([&] { return received == kMax; });
    EXPECT_EQ(Ask(client.ref(), std::to_string(kMax + 1)), "(null)");
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_RECEIVE_LIMIT);
    party->RunLoopUntil([&] { return closed; });
    EXPECT_EQ(received, 2 * kMax + 1);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

std::mutex g_mutex;
int g_warnings = 0;  // guarded by g_mutex

void CountWarnings(event::LogLevel, absl::string_view message) {
  std::lock_guard<std::mutex> lock(g_mutex);
  if (message.find("messages are in use") == absl::string_view::npos) return;
  EXPECT_NE(message.find("'leaky'"), absl::string_view::npos) << message;
  ++g_warnings;
}

// If more messages are in use than ten times the set size of the pool, the
// library logs a warning: the program may have forgotten to release messages.
TEST_P(LimitsTest, AGrowingPoolCausesAWarning) {
  Scenario scenario;
  scenario.Add("client", [](Party*) {
    TestClient client("leaky");
    constexpr size_t kPool = 7, kFactor = 10;
    le_msg_SetProtocolPoolSize(TextProtocol(), kPool);
    auto warnings = [] {
      std::lock_guard<std::mutex> lock(g_mutex);
      return g_warnings;
    };
    const int before = warnings();
    const event::LogSink sink = event::SetLogSink(&CountWarnings);
    std::vector<le_msg_MessageRef_t> messages;
    while (messages.size() < kPool * kFactor) {
      messages.push_back(le_msg_CreateMsg(client.ref()));
    }
    EXPECT_EQ(warnings(), before);
    messages.push_back(le_msg_CreateMsg(client.ref()));
    EXPECT_EQ(warnings(), before + 1);
    for (le_msg_MessageRef_t message : messages) le_msg_ReleaseMsg(message);
    event::SetLogSink(sink);
  });
  RunScenario(scenario, GetParam());
}

// If the program has set no pool size, the library logs no warning up to
// 100,000 messages: a program may correctly hold many messages.
TEST_P(LimitsTest, APoolWithoutASetSizeMayGrow) {
  Scenario scenario;
  scenario.Add("client", [](Party*) {
    TestClient client("leaky", le_msg_GetProtocolRef("bulk", 1));
    std::vector<le_msg_MessageRef_t> messages;
    const int before = [] {
      std::lock_guard<std::mutex> lock(g_mutex);
      return g_warnings;
    }();
    const event::LogSink sink = event::SetLogSink(&CountWarnings);
    while (messages.size() < kMaxOpenRequests) {
      messages.push_back(le_msg_CreateMsg(client.ref()));
    }
    event::SetLogSink(sink);
    {
      std::lock_guard<std::mutex> lock(g_mutex);
      EXPECT_EQ(g_warnings, before);
    }
    for (le_msg_MessageRef_t message : messages) le_msg_ReleaseMsg(message);
  });
  RunScenario(scenario, GetParam(), /*seeds=*/1);
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
