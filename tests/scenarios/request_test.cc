// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Requests and their completions.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

class RequestTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, RequestTest, AllSettings(), SettingName);

TEST_P(RequestTest, SyncIsAnswered) {
  Scenario scenario;
  scenario.Add("server", EchoServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    for (int i = 0; i < 5; ++i) {
      const std::string text = "text " + std::to_string(i);
      EXPECT_EQ(Ask(client.ref(), text), text);
    }
    client.Delete();
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(RequestTest, AsyncAreAnsweredInOrder) {
  Scenario scenario;
  scenario.Add("server", EchoServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    std::vector<std::string> answers;
    for (int i = 0; i < 10; ++i) {
      client.Request(std::to_string(i), [&](le_msg_MessageRef_t response) {
        ASSERT_NE(response, nullptr);
        answers.push_back(TextOf(response));
      });
    }
    EXPECT_TRUE(answers.empty()) << "a callback ran inside an API call";
    party->RunLoopUntil([&] { return answers.size() == 10; });
    for (int i = 0; i < 10; ++i) EXPECT_EQ(answers[i], std::to_string(i));
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A synchronous request does not overtake messages that were sent before it.
// Messages that arrive during the call are delivered after it, in order.
TEST_P(RequestTest, SyncKeepsTheOrder) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    int seen = 0;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (!le_msg_NeedsResponse(message)) {
        EXPECT_EQ(TextOf(message), std::to_string(seen++));
        le_msg_ReleaseMsg(message);
        return;
      }
      EXPECT_EQ(seen, 5);
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      le_msg_Send(NewText(session, "push 1"));
      le_msg_Send(NewText(session, "push 2"));
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    std::vector<std::string> pushed;
    client.on_message = [&](le_msg_MessageRef_t message) {
      pushed.push_back(TextOf(message));
      le_msg_ReleaseMsg(message);
    };
    client.Open();
    for (int i = 0; i < 5; ++i) {
      le_msg_Send(NewText(client.ref(), std::to_string(i)));
    }
    EXPECT_EQ(Ask(client.ref(), "now"), "now");
    EXPECT_TRUE(pushed.empty()) << "a callback ran inside an API call";
    party->RunLoopUntil([&] { return pushed.size() == 2; });
    EXPECT_EQ(pushed, (std::vector<std::string>{"push 1", "push 2"}));
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// If the server releases a request without a response, the request completes
// with NULL. Other requests are not affected.
TEST_P(RequestTest, ReleasedUnansweredCompletesWithNull) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      if (TextOf(message) == "release me") {
        le_msg_ReleaseMsg(message);
      } else {
        le_msg_Respond(message);
      }
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "release me"), "(null)");
    EXPECT_EQ(Ask(client.ref(), "alive"), "alive");
    int nulls = 0;
    client.Request("release me", [&](le_msg_MessageRef_t response) {
      EXPECT_EQ(response, nullptr);
      ++nulls;
    });
    party->RunLoopUntil([&] { return nulls == 1; });
    le_msg_MessageRef_t response = nullptr;
    EXPECT_EQ(
        le_msg_RequestSyncResponseTimed(NewText(client.ref(), "release me"),
                                        LE_MSG_NO_TIMEOUT, &response),
        LE_UNAVAILABLE);
    EXPECT_EQ(response, nullptr);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(RequestTest, ANullHandlerIsLegal) {
  Scenario scenario;
  scenario.Add("server", EchoServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    le_msg_RequestResponse(NewText(client.ref(), "for nobody"), nullptr,
                           nullptr);
    bool answered = false;
    client.Request("for me", [&](le_msg_MessageRef_t) { answered = true; });
    party->RunLoopUntil([&] { return answered; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// After a close the loop completes pending requests with NULL, in the order of
// the requests. The close handler is not called.
TEST_P(RequestTest, CloseCompletesWithNullInOrder) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    std::vector<le_msg_MessageRef_t> held;
    service.on_message = [&](le_msg_MessageRef_t message) {
      held.push_back(message);
      if (held.size() == 3) party->Signal("all held");
    };
    service.Advertise();
    party->RunLoopUntil("done");
    for (le_msg_MessageRef_t message : held) le_msg_Respond(message);
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.on_close = [] { ADD_FAILURE() << "called for a close at this end"; };
    client.Open();
    std::vector<int> completed;
    for (int i = 0; i < 3; ++i) {
      client.Request("x", [&completed, i](le_msg_MessageRef_t response) {
        EXPECT_EQ(response, nullptr);
        completed.push_back(i);
      });
    }
    party->RunLoopUntil("all held");
    le_msg_CloseSession(client.ref());
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_BY_CALLER);
    EXPECT_TRUE(completed.empty()) << "a callback ran inside an API call";
    party->RunLoopUntil([&] { return completed.size() == 3; });
    EXPECT_EQ(completed, (std::vector<int>{0, 1, 2}));
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(RequestTest, DeleteCompletesWithNull) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    std::vector<le_msg_MessageRef_t> held;
    service.on_message = [&](le_msg_MessageRef_t message) {
      held.push_back(message);
      party->Signal("held");
    };
    service.Advertise();
    party->RunLoopUntil("done");
    for (le_msg_MessageRef_t message : held) le_msg_ReleaseMsg(message);
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    bool completed = false;
    client.Request("x", [&](le_msg_MessageRef_t response) {
      EXPECT_EQ(response, nullptr);
      completed = true;
    });
    party->RunLoopUntil("held");
    client.Delete();
    EXPECT_FALSE(completed);
    party->RunLoopUntil([&] { return completed; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// The completions of a deleted session run at the latest when its thread ends.
TEST_P(RequestTest, DeleteCompletesBeforeTheThreadEnds) {
  Scenario scenario;
  scenario.Add("server", EchoServerBody);
  scenario.Add("client", [](Party* party) {
    int completed = 0;
    const le_thread_Ref_t thread = le_thread_Create(
        "short",
        [](void* completed) -> void* {
          const le_msg_SessionRef_t session =
              le_msg_CreateSession(TextProtocol(), "echo");
          le_msg_OpenSessionSync(session);
          for (int i = 0; i < 2; ++i) {
            le_msg_RequestResponse(
                NewText(session, "x"),
                [](le_msg_MessageRef_t response, void* completed) {
                  EXPECT_EQ(response, nullptr);
                  ++*static_cast<int*>(completed);
                },
                completed);
          }
          le_msg_DeleteSession(session);
          EXPECT_EQ(*static_cast<int*>(completed), 0);
          return nullptr;
        },
        &completed);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    le_thread_Join(thread, nullptr);
    EXPECT_EQ(completed, 2);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(RequestTest, OnAClosedSessionCompletesWithNull) {
  Scenario scenario;
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    EXPECT_EQ(Ask(client.ref(), "x"), "(null)");
    bool completed = false;
    client.Request("x", [&](le_msg_MessageRef_t response) {
      EXPECT_EQ(response, nullptr);
      completed = true;
    });
    EXPECT_FALSE(completed);
    party->RunLoopUntil([&] { return completed; });
    // A message sent on a closed session is dropped.
    le_msg_Send(NewText(client.ref(), "x"));
    EXPECT_EQ(le_msg_SendTimed(NewText(client.ref(), "x"), 10), LE_CLOSED);
  });
  RunScenario(scenario, GetParam());
}

// A synchronous request to a service of the same thread returns NULL. It does
// not hang.
TEST_P(RequestTest, SyncToTheOwnThreadReturnsNull) {
  Scenario scenario;
  scenario.Add("both", [](Party* party) {
    TestService service("echo");
    service.Advertise();
    TestClient client("echo");
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "x"), "(null)");
    le_msg_MessageRef_t response = nullptr;
    EXPECT_EQ(le_msg_RequestSyncResponseTimed(NewText(client.ref(), "x"),
                                              LE_MSG_NO_TIMEOUT, &response),
              LE_DEADLOCK);
    bool answered = false;
    client.Request("x", [&](le_msg_MessageRef_t response) {
      answered = response != nullptr;
    });
    party->RunLoopUntil([&] { return answered; });
  });
  RunScenario(scenario, GetParam());
}

struct Outcome {
  bool done = false;
  le_result_t result = LE_OK;
};

void Record(le_msg_MessageRef_t response, le_result_t result, void* context) {
  auto* outcome = static_cast<Outcome*>(context);
  EXPECT_FALSE(outcome->done) << "completed twice";
  outcome->done = true;
  outcome->result = result;
  EXPECT_EQ(response != nullptr, result == LE_OK);
  if (response != nullptr) le_msg_ReleaseMsg(response);
}

// A response that has arrived before the deadline counts even if the client
// runs its loop later. A program may be busy or stopped at the deadline.
TEST_P(RequestTest, AResponseThatHasArrivedCountsAfterTheDeadline) {
  constexpr int kRequests = 300;  // more than a session delivers in a turn
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    int answered = 0;
    service.on_message = [&](le_msg_MessageRef_t message) {
      le_msg_Respond(message);
      if (++answered < kRequests) return;
      // The loop runs this after it has sent all responses.
      le_event_QueueFunction(
          [](void* context, void*) {
            static_cast<Party*>(context)->Signal("answered");
          },
          party, nullptr);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    std::vector<Outcome> outcomes(kRequests);
    // Requests that are made in the loop are gathered into few packets. With
    // one packet for each request, there would be more packets than the kernel
    // queues.
    std::function<void()> ask = [&] {
      for (Outcome& outcome : outcomes) {
        const le_msg_MessageRef_t message = le_msg_CreateMsg(client.ref());
        le_msg_SetPayloadSize(message, 1);
        le_msg_RequestResponseTimed(message, 1, Record, &outcome);
      }
      le_msg_Flush(client.ref());
      party->Await("answered");
      PassTime();
    };
    le_event_QueueFunction(
        [](void* context, void*) {
          (*static_cast<std::function<void()>*>(context))();
        },
        &ask, nullptr);
    party->RunLoopUntil([&] {
      return std::all_of(outcomes.begin(), outcomes.end(),
                         [](const Outcome& outcome) { return outcome.done; });
    });
    for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.result, LE_OK);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// The response has arrived behind more pushes than the inbox of a busy client
// holds.
TEST_P(RequestTest, AResponseBehindAFullInboxCountsAfterTheDeadline) {
  static constexpr int kPushes = 20;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [&](le_msg_MessageRef_t message) {
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      for (int i = 0; i < kPushes; ++i) {
        const le_msg_MessageRef_t push = NewText(session, "push");
        le_msg_SetFd(push, open("/dev/null", O_RDONLY | O_CLOEXEC));
        le_msg_Send(push);
      }
      le_msg_Respond(message);
      // The loop runs this after it has sent all messages.
      le_event_QueueFunction(
          [](void* context, void*) {
            static_cast<Party*>(context)->Signal("answered");
          },
          party, nullptr);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedFds = 3;
    le_msg_SetSessionLimits(client.ref(), &limits);
    int received = 0;
    client.on_message = [&](le_msg_MessageRef_t message) {
      close(le_msg_GetFd(message));
      ++received;
      le_msg_ReleaseMsg(message);
    };
    client.Open();
    Outcome outcome;
    le_msg_RequestResponseTimed(NewText(client.ref(), "x"), 1, Record,
                                &outcome);
    le_msg_Flush(client.ref());
    party->Await("answered");
    PassTime();
    party->RunLoopUntil([&] { return outcome.done; });
    EXPECT_EQ(outcome.result, LE_OK);
    EXPECT_EQ(received, kPushes);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Requests end at their deadlines or by cancellation. A late response is
// ignored.
TEST_P(RequestTest, DeadlinesAndCancellation) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    std::vector<le_msg_MessageRef_t> held;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (TextOf(message) == "hold") {
        held.push_back(message);
      } else if (TextOf(message) == "answer") {
        for (le_msg_MessageRef_t h : held) le_msg_Respond(h);
        held.clear();
        le_msg_Respond(message);
      } else {
        le_msg_Respond(message);
      }
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    le_msg_MessageRef_t response = nullptr;
    EXPECT_EQ(le_msg_RequestSyncResponseTimed(NewText(client.ref(), "hold"), 1,
                                              &response),
              LE_TIMEOUT);
    Outcome timed, cancelled, answered;
    le_msg_RequestResponseTimed(NewText(client.ref(), "hold"), 1, Record,
                                &timed);
    const le_msg_RequestId_t id = le_msg_RequestResponseTimed(
        NewText(client.ref(), "hold"), LE_MSG_NO_TIMEOUT, Record, &cancelled);
    EXPECT_EQ(le_msg_CancelRequest(client.ref(), id), LE_OK);
    EXPECT_FALSE(cancelled.done);
    EXPECT_EQ(le_msg_CancelRequest(client.ref(), id), LE_NOT_FOUND);
    party->RunLoopUntil([&] { return timed.done && cancelled.done; });
    EXPECT_EQ(timed.result, LE_TIMEOUT);
    EXPECT_EQ(cancelled.result, LE_TERMINATED);

    le_msg_RequestResponseTimed(NewText(client.ref(), "answer"),
                                LE_MSG_NO_TIMEOUT, Record, &answered);
    party->RunLoopUntil([&] { return answered.done; });
    EXPECT_EQ(answered.result, LE_OK);
    EXPECT_EQ(Ask(client.ref(), "alive"), "alive");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// If the program has added a reference to a message, it may change the message
// and send it again, by the same pointer. The message arrives complete each
// time, whatever its length was before.
TEST_P(RequestTest, AMessageMayBeSentAgain) {
  static constexpr size_t kLarge = size_t{64} * 1024;
  const auto protocol = [] { return le_msg_GetProtocolRef("large", kLarge); };
  Scenario scenario;
  scenario.Add("server", [&](Party* party) {
    TestService service("echo", protocol());
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [&](Party* party) {
    TestClient client("echo", protocol());
    client.Open();
    const le_msg_MessageRef_t message = le_msg_CreateMsg(client.ref());
    auto* const payload = static_cast<char*>(le_msg_GetPayloadPtr(message));
    const std::pair<char, size_t> contents[] = {
        {'a', 10}, {'b', kLarge}, {'c', 10}, {'d', 2000}};
    std::string expected(kLarge, '\0');
    for (const auto& [letter, length] : contents) {
      std::memset(payload, letter, length);
      expected.replace(0, length, length, letter);
      le_msg_AddRef(message);
      const le_msg_MessageRef_t response = le_msg_RequestSyncResponse(message);
      ASSERT_NE(response, nullptr);
      EXPECT_EQ(
          std::memcmp(le_msg_GetPayloadPtr(response), expected.data(), kLarge),
          0)
          << letter;
      le_msg_ReleaseMsg(response);
      EXPECT_EQ(std::memcmp(payload, expected.data(), kLarge), 0) << letter;
    }
    le_msg_ReleaseMsg(message);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/5);
}

// A completion may make requests, also a synchronous one.
TEST_P(RequestTest, CompletionsMayMakeRequests) {
  Scenario scenario;
  scenario.Add("server", EchoServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    bool done = false;
    client.Request("1", [&](le_msg_MessageRef_t response) {
      ASSERT_NE(response, nullptr);
      EXPECT_EQ(Ask(client.ref(), "2"), "2");
      client.Request("3", [&](le_msg_MessageRef_t response) {
        EXPECT_NE(response, nullptr);
        done = true;
      });
    });
    party->RunLoopUntil([&] { return done; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
