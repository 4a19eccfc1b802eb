// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Full queues (docs/flow-control.md). If there is no room for a message, the
// sender waits, gathers, gets an error, or loses its session. The last test is
// about timers: a session with more messages than a turn handles does not delay
// them.

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "event/process.h"
#include "gmock/gmock.h"
#include "le_eventLoop_ext.h"
#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

using ::testing::ContainsRegex;

class RoomTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, RoomTest, AllSettings(), SettingName);

constexpr size_t kKiB = 1024;
// The most bytes that a transport adds to a frame.
constexpr size_t kOverhead = 64;

le_msg_ProtocolRef_t FullProtocol(size_t size) {
  return le_msg_GetProtocolRef(("full " + std::to_string(size)).c_str(), size);
}

// A message with a number, of the protocol's full size.
le_msg_MessageRef_t NewFull(le_msg_SessionRef_t session, uint32_t number = 0) {
  const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
  void* const payload = le_msg_GetPayloadPtr(message);
  std::memset(payload, 'x', le_msg_GetMaxPayloadSize(message));
  std::memcpy(payload, &number, sizeof(number));
  return message;
}

uint32_t NumberOf(le_msg_MessageRef_t message) {
  uint32_t number;
  std::memcpy(&number, le_msg_GetPayloadPtr(message), sizeof(number));
  return number;
}

// Calls le_msg_TrySend() until there is no room, at most `most` times. Returns
// how many messages were accepted.
int FillByTrySend(le_msg_SessionRef_t session, int most) {
  for (int sent = 0; sent < most; ++sent) {
    const le_msg_MessageRef_t message = NewFull(session);
    const le_result_t result = le_msg_TrySend(message);
    if (result == LE_OK) continue;
    EXPECT_EQ(result, LE_WOULD_BLOCK);
    le_msg_ReleaseMsg(message);
    return sent;
  }
  return most;
}

// If many responses are queued for a client that does not read, the server
// receives nothing more from this client. So the client finds no room, however
// long it waits.
TEST_P(RoomTest, AClientThatDoesNotReadFindsNoRoom) {
  static constexpr size_t kSize = 4 * kKiB;
  static constexpr uint32_t kRequests = 200;  // fit into the client's queue
  static constexpr int kMost = 5000;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService echo("echo", FullProtocol(kSize));
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedBytes = 16 * kSize;
    le_msg_SetServiceLimits(echo.ref(), &limits);
    int received = 0;
    echo.on_message = [&](le_msg_MessageRef_t message) {
      ++received;
      if (!le_msg_NeedsResponse(message)) return le_msg_ReleaseMsg(message);
      std::memset(le_msg_GetPayloadPtr(message), 'x', kSize);
      le_msg_Respond(message);
    };
    TestService count("count");
    count.on_message = [&](le_msg_MessageRef_t message) {
      SetText(message, std::to_string(received));
      le_msg_Respond(message);
    };
    echo.Advertise();
    count.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo", FullProtocol(kSize));
    TestClient counter("count");
    client.on_close = [] { ADD_FAILURE() << "the session was closed"; };
    client.Open();
    counter.Open();
    uint32_t answers = 0;
    for (uint32_t i = 0; i < kRequests; ++i) {
      le_msg_RequestResponse(
          NewFull(client.ref()),
          [](le_msg_MessageRef_t response, void* context) {
            ASSERT_NE(response, nullptr);
            ++*static_cast<uint32_t*>(context);
            le_msg_ReleaseMsg(response);
          },
          &answers);
    }
    // While Ask() waits for its response, the server's loop gets a turn. The
    // wait also sends the messages that are queued in `client`, but does not
    // read from `client`.
    int sent = 0;
    std::string received;
    for (int same = 0; same < 20 && sent < kMost; ++same) {
      sent += FillByTrySend(client.ref(), kMost - sent);
      const std::string now = Ask(counter.ref(), "received?");
      if (std::exchange(received, now) != now) same = 0;
    }
    EXPECT_LT(sent, kMost);
    EXPECT_EQ(FillByTrySend(client.ref(), 1), 0);
    EXPECT_LT(std::stoi(received), sent + static_cast<int>(kRequests));
    EXPECT_EQ(answers, 0u);
    // Now the client reads.
    party->RunLoopUntil([&] { return answers == kRequests; });
    client.on_close = [] {};
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/3);
}

// A client that does not wait for room learns from its room handler when it may
// send again.
TEST_P(RoomTest, ARoomHandlerIsCalledWhenThereIsRoom) {
  static constexpr uint32_t kCount = 20000;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo", FullProtocol(kKiB));
    uint32_t received = 0;
    service.on_message = [&](le_msg_MessageRef_t message) {
      EXPECT_EQ(NumberOf(message), received++);
      le_msg_ReleaseMsg(message);
    };
    service.Advertise();
    party->RunLoopUntil("open");
    party->Signal("stalled");
    party->Await("full");
    party->RunLoopUntil([&] { return received == kCount; });
    party->Signal("done");
    party->RunLoopUntil("seen");  // the end of the service closes the session
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo", FullProtocol(kKiB));
    client.on_close = [] { ADD_FAILURE() << "the session was closed"; };
    uint32_t sent = 0;
    int refusals = 0;
    le_msg_MessageRef_t waits = nullptr;
    client.on_room = [&] {
      while (waits != nullptr || sent < kCount) {
        if (waits == nullptr) waits = NewFull(client.ref(), sent++);
        const le_result_t result = le_msg_TrySend(waits);
        if (result == LE_WOULD_BLOCK) {
          ++refusals;
          party->Signal("full");
          return;
        }
        EXPECT_EQ(result, LE_OK);
        waits = nullptr;
      }
    };
    client.Open();
    party->Signal("open");
    party->Await("stalled");
    client.on_room();
    party->RunLoopUntil("done");
    party->Signal("seen");
    client.on_close = [] {};
    EXPECT_GT(refusals, 0);
  });
  RunScenario(scenario, GetParam(), /*seeds=*/1);
}

// By default, a queue has room for two messages of the largest size, on both
// sides.
TEST_P(RoomTest, TwoLargestMessagesFitByDefault) {
  static constexpr size_t kLargest = kKiB * kKiB;
  const bool exact = !HasKernelBuffer(GetParam());
  const auto fill = [exact](le_msg_SessionRef_t session) {
    const int sent = FillByTrySend(session, 3);
    EXPECT_GE(sent, 2);
    if (exact) {
      EXPECT_EQ(sent, 2);
    }
  };
  Scenario scenario;
  scenario.Add("server", [&](Party* party) {
    TestService service("echo", FullProtocol(kLargest));
    bool filled = false;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (!std::exchange(filled, true)) fill(le_msg_GetSession(message));
      le_msg_ReleaseMsg(message);
    };
    service.Advertise();
    party->RunLoopUntil("open");
    party->Signal("stalled");
    party->Await("full");
    party->RunLoopUntil([&] { return filled; });
    party->Signal("filled");
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [&](Party* party) {
    TestClient client("echo", FullProtocol(kLargest));
    client.Open();
    party->Signal("open");
    party->Await("stalled");
    fill(client.ref());
    party->Signal("full");
    // Now the server fills its queue. Over loopback, exactly two messages must
    // fit, so the client must not read: a read would make room for a third one.
    // Over a socket, the client must run its loop to send the rest of its own
    // first message.
    if (exact) {
      party->Await("filled");
    } else {
      party->RunLoopUntil("filled");
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/3);
}

// If a send without a deadline finds no room in a client's handler, it does not
// wait: the message is gathered. If a handler sends more than may be gathered,
// the library closes the session. The log names the interface and the cause.
TEST_P(RoomTest, AHandlerThatSendsTooMuchLosesItsSession) {
  static constexpr uint32_t kQueued = 100;
  static constexpr uint32_t kGathered = 2 * kQueued;
  const bool exact = !HasKernelBuffer(GetParam());
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    bool closed = false;
    service.on_close = [&](le_msg_SessionRef_t session) {
      EXPECT_EQ(le_msg_GetCloseReason(session), LE_MSG_CLOSE_BY_PEER);
      closed = true;
    };
    service.Advertise();
    party->RunLoopUntil("open");
    party->Signal("stalled");
    party->Await("full");
    party->RunLoopUntil([&] { return closed; });
    party->Signal("done");
  });
  scenario.Add("client", [exact](Party* party) {
    TestClient client("echo");
    bool closed = false;
    client.on_close = [&] {
      EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_SLOW_READER);
      closed = true;
    };
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedMessages = kQueued;
    limits.maxGatheredBytes = kGathered * (kTextSize + kOverhead);
    le_msg_SetSessionLimits(client.ref(), &limits);
    client.Open();
    party->Signal("open");
    party->Await("stalled");
    const LogCapture log;
    std::function<void()> send_until_closed = [&] {
      const std::string text(kTextSize - 1, 'x');
      uint32_t sent = 0;
      while (le_msg_SendTimed(NewText(client.ref(), text), LE_MSG_NO_TIMEOUT) ==
             LE_OK) {
        ++sent;
      }
      EXPECT_GE(sent, kGathered);
      if (exact) {
        EXPECT_EQ(sent, kGathered);
      }
    };
    le_event_QueueFunction(
        [](void* function, void*) {
          (*static_cast<std::function<void()>*>(function))();
        },
        &send_until_closed, nullptr);
    party->RunLoopUntil([&] { return closed; });
    EXPECT_THAT(log.text(),
                ContainsRegex(
                    "ERROR interface 'echo': closing the session with pid "
                    "[0-9]+ of user [0-9]+: slow reader: .* [(][0-9]+ bytes "
                    "are queued for it, and the sender must not wait, because "
                    "it runs in a handler"));
    party->Signal("full");
    party->RunLoopUntil("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/5);
}

// While a send with a deadline waits, the server receives a few messages. Then
// there is room for the message, but too little for a call of the room handler.
TEST_P(RoomTest, ATimedSendFitsAtItsDeadline) {
  if (GetParam() != Setting::kSimulated) GTEST_SKIP() << "waits a second";
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    int received = 0;
    service.on_message = [&](le_msg_MessageRef_t message) {
      le_msg_ReleaseMsg(message);
      if (++received == 3) party->Await("sent");
    };
    service.Advertise();
    party->RunLoopUntil("open");
    party->Signal("stalled");
    party->Await("full");
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedBytes = 20 * (kTextSize + kOverhead);
    le_msg_SetSessionLimits(client.ref(), &limits);
    client.Open();
    party->Signal("open");
    party->Await("stalled");
    const std::string text(kTextSize - 1, 'x');
    EXPECT_EQ(FillByTrySend(client.ref(), 21), 20);
    party->Signal("full");
    EXPECT_EQ(le_msg_SendTimed(NewText(client.ref(), text), 1000), LE_OK);
    party->Signal("sent");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/5);
}

// A thread with a service gathers for a server that receives nothing. Beyond
// the limit it waits for ten seconds, and then the session ends: otherwise two
// such threads could wait for each other.
TEST_P(RoomTest, AThreadWithAServiceDoesNotWaitForEver) {
  if (GetParam() != Setting::kSimulated) GTEST_SKIP() << "waits 10 seconds";
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.Advertise();
    party->RunLoopUntil("open");
    party->Signal("stalled");
    party->Await("done");
  });
  scenario.Add("client", [](Party* party) {
    TestService own("own");
    TestClient client("echo");
    client.on_close = [] {};
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedMessages = 10;
    limits.maxGatheredBytes = 20 * (kTextSize + kOverhead);
    le_msg_SetSessionLimits(client.ref(), &limits);
    client.Open();
    party->Signal("open");
    party->Await("stalled");
    const event::Instant begin = event::Process::Current()->Now();
    const std::string text(kTextSize - 1, 'x');
    int sent = 0;
    while (le_msg_GetCloseReason(client.ref()) == LE_MSG_CLOSE_NONE) {
      le_msg_Send(NewText(client.ref(), text));
      ++sent;
    }
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_SLOW_READER);
    EXPECT_GT(sent, 20);
    const absl::Duration waited = event::Process::Current()->Now() - begin;
    EXPECT_GE(waited, absl::Seconds(9));
    EXPECT_LT(waited, absl::Seconds(13));
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/20);
}

// While a thread waits for a response, another thread of the client sends too
// much in a handler, so the session is closed. Expected: the wait ends.
TEST_P(RoomTest, ACloseByAnotherThreadEndsARequest) {
  if (GetParam() != Setting::kSimulated) GTEST_SKIP() << "waits 10 seconds";
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.Advertise();
    party->RunLoopUntil("open");
    party->Signal("stalled");
    party->Await("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.on_close = [] {};
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedMessages = 10;
    limits.maxGatheredBytes = 20 * (kTextSize + kOverhead);
    le_msg_SetSessionLimits(client.ref(), &limits);
    client.Open();
    party->Signal("open");
    party->Await("stalled");
    const le_thread_Ref_t thread = le_thread_Create(
        "thread",
        [](void* session) -> void* {
          le_event_QueueFunction(
              [](void* session, void*) {
                const std::string text(kTextSize - 1, 'x');
                while (le_msg_SendTimed(
                           NewText(static_cast<le_msg_SessionRef_t>(session),
                                   text),
                           LE_MSG_NO_TIMEOUT) == LE_OK) {
                }
                le_event_StopLoop(nullptr);
              },
              session, nullptr);
          le_event_RunLoopUntilStopped();
          return nullptr;
        },
        client.ref());
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    EXPECT_EQ(le_msg_RequestSyncResponse(NewText(client.ref(), "request")),
              nullptr);
    le_thread_Join(thread, nullptr);
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_SLOW_READER);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/20);
}

// A client that waits in le_msg_Send() holds a limited number of pushes. Beyond
// the limit the session is closed.
TEST_P(RoomTest, TheMessagesHeldDuringASendAreLimited) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    bool pushed = false;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (!std::exchange(pushed, true)) {
        const le_msg_SessionRef_t session = le_msg_GetSession(message);
        for (int i = 0; i < 100; ++i) le_msg_Send(NewText(session, "push"));
      }
      le_msg_ReleaseMsg(message);
    };
    service.Advertise();
    party->RunLoopUntil([&] { return pushed; });
    party->Signal("pushed");
    party->Await("closed");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    uint32_t received = 0;
    bool closed = false;
    client.on_message = [&](le_msg_MessageRef_t message) {
      EXPECT_FALSE(closed);
      ++received;
      le_msg_ReleaseMsg(message);
    };
    client.on_close = [&] { closed = true; };
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedBytes = 2 * (kTextSize + kOverhead);
    le_msg_SetSessionLimits(client.ref(), &limits);
    client.Open();
    le_msg_Send(NewText(client.ref(), "push to me"));
    party->Await("pushed");
    // The kernel's socket and the queue hold fewer than 10,000 messages, so the
    // client waits for room.
    const std::string text(kTextSize - 1, 'x');
    for (int i = 0; i < 10000; ++i) {
      if (le_msg_GetCloseReason(client.ref()) != LE_MSG_CLOSE_NONE) break;
      le_msg_Send(NewText(client.ref(), text));
    }
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_RECEIVE_LIMIT);
    party->RunLoopUntil([&] { return closed; });
    EXPECT_GT(received, 0u);
    EXPECT_LT(received, 100u);
    party->Signal("closed");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/3);
}

// A flood of messages does not delay the timers of a loop. Each handler takes
// 100 us or more, so at most 100 are called until a timer of 10 ms is due. A
// few more are called in the turn in which the timer becomes due.
TEST_P(RoomTest, ATimerBesideAFloodExpires) {
  static constexpr int kCount = 1000;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    const le_sem_Ref_t never = le_sem_Create("never", 0);
    int received = 0;
    int most = 0;
    int since_the_timer = 0;
    service.on_message = [&](le_msg_MessageRef_t message) {
      le_msg_ReleaseMsg(message);
      le_sem_WaitWithTimeOut(never, le_clk_Time_t{0, 100});
      ++received;
      most = std::max(most, ++since_the_timer);
    };
    service.Advertise();
    party->RunLoopUntil("open");
    party->Await("sent");
    const le_timer_Ref_t timer = le_timer_Create("beside");
    le_timer_SetMsInterval(timer, 10);
    le_timer_SetRepeat(timer, 0);
    le_timer_SetContextPtr(timer, &since_the_timer);
    le_timer_SetHandler(timer, [](le_timer_Ref_t timer) {
      *static_cast<int*>(le_timer_GetContextPtr(timer)) = 0;
    });
    le_timer_Start(timer);
    party->RunLoopUntil([&] { return received == kCount; });
    le_timer_Delete(timer);
    le_sem_Delete(never);
    EXPECT_LT(most, 200);
    party->Signal("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    party->Signal("open");
    for (int i = 0; i < kCount; ++i) {
      le_msg_Send(NewText(client.ref(), "flood"));
    }
    party->Signal("sent");
    // The loop sends the messages for which the kernel's socket had no room.
    party->RunLoopUntil("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/3);
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
