// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// No handler is called after its session or service was dropped. Also tests
// functions that report an error which is fatal in other functions.

#include <memory>
#include <string>
#include <vector>

#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

class DropTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, DropTest, AllSettings(), SettingName);

// The context of all handlers. Fails the test if a handler is called after the
// drop.
struct Context {
  bool dropped = false;
  int calls = 0;
  void Called() {
    EXPECT_FALSE(dropped) << "a handler was called after the drop";
    ++calls;
  }
};

void OnResult(le_msg_MessageRef_t response, le_result_t, void* context) {
  static_cast<Context*>(context)->Called();
  if (response != nullptr) le_msg_ReleaseMsg(response);
}

void OnOpened(le_msg_SessionRef_t, le_result_t, void* context) {
  static_cast<Context*>(context)->Called();
}

TEST_P(DropTest, ADroppedSessionCallsNothing) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    std::vector<le_msg_MessageRef_t> kept;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (TextOf(message) == "keep") {
        kept.push_back(message);
      } else {
        le_msg_Respond(message);
      }
    };
    service.Advertise();
    party->RunLoopUntil("done");
    for (le_msg_MessageRef_t message : kept) le_msg_ReleaseMsg(message);
  });
  scenario.Add("client", [](Party* party) {
    Context context;
    le_msg_SessionRef_t session;
    ASSERT_EQ(le_msg_TryCreateSession(TextProtocol(), "echo", &session), LE_OK);
    ASSERT_EQ(le_msg_OpenSessionSyncTimed(session, LE_MSG_NO_TIMEOUT), LE_OK);
    // Make requests that stay open, are cancelled, or are answered. At the
    // drop, none of their completions has run.
    le_msg_RequestResponseTimed(NewText(session, "keep"), LE_MSG_NO_TIMEOUT,
                                &OnResult, &context);
    const le_msg_RequestId_t cancelled = le_msg_RequestResponseTimed(
        NewText(session, "keep"), 1, &OnResult, &context);
    le_msg_CancelRequest(session, cancelled);
    le_msg_RequestResponseTimed(NewText(session, "echo"), LE_MSG_NO_TIMEOUT,
                                &OnResult, &context);
    EXPECT_EQ(Ask(session, "all have come"), "all have come");
    le_msg_MessageRef_t late = NewText(session, "late");
    context.dropped = true;
    le_msg_DropSession(session);
    // A held message of the dropped session may be sent as a request. The
    // handler of this request is not called either.
    le_msg_RequestResponseTimed(late, LE_MSG_NO_TIMEOUT, &OnResult, &context);

    le_msg_SessionRef_t opening;
    ASSERT_EQ(le_msg_TryCreateSession(TextProtocol(), "nobody", &opening),
              LE_OK);
    le_msg_OpenSessionTimed(opening, 0, &OnOpened, &context);
    le_msg_DropSession(opening);

    // A completion that is still due would run before this response arrives.
    TestClient other("echo");
    other.Open();
    bool answered = false;
    other.Request("x", [&](le_msg_MessageRef_t) { answered = true; });
    party->RunLoopUntil([&] { return answered; });
    EXPECT_EQ(context.calls, 0);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(DropTest, ASessionIsDroppedInItsOwnHandler) {
  Scenario scenario;
  scenario.Add("server", EchoServerBody);
  scenario.Add("client", [](Party* party) {
    struct State {
      Context context;
      le_msg_SessionRef_t session;
    } state;
    state.session = le_msg_CreateSession(TextProtocol(), "echo");
    le_msg_OpenSessionSync(state.session);
    for (int i = 0; i < 3; ++i) {
      le_msg_RequestResponseTimed(
          NewText(state.session, "x"), LE_MSG_NO_TIMEOUT,
          [](le_msg_MessageRef_t response, le_result_t, void* context) {
            auto* const state = static_cast<State*>(context);
            state->context.Called();
            if (response != nullptr) le_msg_ReleaseMsg(response);
            state->context.dropped = true;
            le_msg_DropSession(state->session);
          },
          &state);
    }
    party->RunLoopUntil([&] { return state.context.dropped; });
    TestClient other("echo");
    other.Open();
    EXPECT_EQ(Ask(other.ref(), "x"), "x");
    EXPECT_EQ(state.context.calls, 1);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(DropTest, ADroppedServiceCallsNothing) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Context context;
    le_msg_ServiceRef_t service;
    ASSERT_EQ(le_msg_TryCreateService(TextProtocol(), "echo", &service), LE_OK);
    le_msg_ServiceRef_t twice;
    EXPECT_EQ(le_msg_TryCreateService(TextProtocol(), "echo", &twice),
              LE_DUPLICATE);
    EXPECT_EQ(twice, nullptr);
    const auto called = [](le_msg_SessionRef_t, void* context) {
      static_cast<Context*>(context)->Called();
    };
    le_msg_AddServiceOpenHandler(service, called, &context);
    le_msg_AddServiceCloseHandler(service, called, &context);
    struct Received {
      Context* context;
      le_msg_ServiceRef_t service;
    } received = {&context, service};
    le_msg_SetServiceRecvHandler(
        service,
        [](le_msg_MessageRef_t message, void* context) {
          auto* const received = static_cast<Received*>(context);
          received->context->Called();
          le_msg_ReleaseMsg(message);
          received->context->dropped = true;
          le_msg_DropService(received->service);
        },
        &received);
    le_msg_AdvertiseService(service);
    party->RunLoopUntil("closed");
    EXPECT_EQ(context.calls, 2) << "an opening and a message";
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.on_close = [&] { party->Signal("closed"); };
    client.Open();
    le_msg_Send(NewText(client.ref(), "x"));
    le_msg_Send(NewText(client.ref(), "x"));
    party->RunLoopUntil("closed");
  });
  RunScenario(scenario, GetParam());
}

// The protocol of the session differs from that of the service. In this case
// the functions of le_messaging.h end the process (session_test).
TEST_P(DropTest, ATimedOpeningReportsAnotherProtocol) {
  Scenario scenario;
  scenario.Add("server", EchoServerBody);
  scenario.Add("client", [](Party* party) {
    le_msg_ProtocolRef_t other;
    EXPECT_EQ(le_msg_TryGetProtocolRef("", 8, &other), LE_BAD_PARAMETER);
    EXPECT_EQ(other, nullptr);
    EXPECT_EQ(le_msg_TryGetProtocolRef("other", 8, &other), LE_OK);
    EXPECT_EQ(le_msg_TryGetProtocolRef("other", 9, &other), LE_DUPLICATE);
    le_msg_SessionRef_t session =
        le_msg_CreateSession(le_msg_GetProtocolRef("other", 8), "echo");
    EXPECT_EQ(le_msg_OpenSessionSyncTimed(session, LE_MSG_NO_TIMEOUT),
              LE_FAULT);
    EXPECT_EQ(le_msg_GetWaitReason(session, nullptr, 0),
              LE_MSG_WAIT_OTHER_PROTOCOL);
    EXPECT_EQ(le_msg_TryOpenSessionSyncTimed(session, LE_MSG_NO_TIMEOUT),
              LE_FAULT);
    EXPECT_EQ(le_msg_GetWaitReason(session, nullptr, 0),
              LE_MSG_WAIT_OTHER_PROTOCOL);
    le_result_t result = LE_OK;
    le_msg_OpenSessionTimed(
        session, LE_MSG_NO_TIMEOUT,
        [](le_msg_SessionRef_t, le_result_t result, void* context) {
          *static_cast<le_result_t*>(context) = result;
        },
        &result);
    party->RunLoopUntil([&] { return result != LE_OK; });
    EXPECT_EQ(result, LE_FAULT);
    EXPECT_EQ(le_msg_GetWaitReason(session, nullptr, 0),
              LE_MSG_WAIT_OTHER_PROTOCOL);
    le_msg_DropSession(session);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
