// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A waiting client learns the cause of its wait.

#include <string>

#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

class WaitingTest : public ::testing::TestWithParam<Setting> {};

std::string CauseOf(le_msg_SessionRef_t session) {
  char cause[200];
  le_msg_GetWaitReason(session, cause, sizeof(cause));
  return cause;
}

// A client that starts to open its session, and does not block.
class OpeningClient : public TestClient {
 public:
  explicit OpeningClient(const std::string& name) : TestClient(name) {
    le_msg_OpenSession(
        ref(),
        [](le_msg_SessionRef_t, void* context) {
          static_cast<OpeningClient*>(context)->is_open = true;
        },
        this);
  }
  void RunLoopUntilItWaitsFor(Party* party, le_msg_WaitReason_t reason) {
    party->RunLoopUntil(
        [&] { return le_msg_GetWaitReason(ref(), nullptr, 0) == reason; });
    EXPECT_FALSE(is_open);
  }
  void RunLoopUntilItIsOpen(Party* party) {
    party->RunLoopUntil([&] { return is_open; });
    EXPECT_EQ(le_msg_GetWaitReason(ref(), nullptr, 0), LE_MSG_WAIT_NONE);
    EXPECT_EQ(CauseOf(ref()), "");
  }

  bool is_open = false;
};

TEST_P(WaitingTest, ForABinding) {
  Scenario scenario;
  scenario.SetBindings("# none\n");
  scenario.Add("client", [](Party* party) {
    OpeningClient client("echo");
    client.RunLoopUntilItWaitsFor(party, LE_MSG_WAIT_NO_BINDING);
    const std::string cause = CauseOf(client.ref());
    EXPECT_NE(cause.find("no binding <"), std::string::npos) << cause;
    EXPECT_NE(cause.find(">.echo -> <USER>.echo"), std::string::npos) << cause;
    char small[5] = "xxxx";
    EXPECT_EQ(le_msg_GetWaitReason(client.ref(), small, sizeof(small)),
              LE_MSG_WAIT_NO_BINDING);
    EXPECT_EQ(std::string(small), "no b");
    EXPECT_EQ(le_msg_GetWaitReason(client.ref(), small, 0),
              LE_MSG_WAIT_NO_BINDING);
    EXPECT_EQ(std::string(small), "no b");

    le_msg_CloseSession(client.ref());
    EXPECT_EQ(le_msg_GetWaitReason(client.ref(), nullptr, 0), LE_MSG_WAIT_NONE);
    EXPECT_EQ(le_msg_TryOpenSessionSync(client.ref()), LE_NOT_PERMITTED);
    EXPECT_EQ(le_msg_GetWaitReason(client.ref(), nullptr, 0),
              LE_MSG_WAIT_NO_BINDING);
  });
  RunScenario(scenario, GetParam());
}

TEST_P(WaitingTest, ForAServiceAndThenForItsServer) {
  Scenario scenario;
  scenario.Add("client", [](Party* party) {
    OpeningClient client("echo");
    client.RunLoopUntilItWaitsFor(party, LE_MSG_WAIT_NOT_OFFERED);
    const std::string cause = CauseOf(client.ref());
    EXPECT_NE(cause.find(".echo is not offered"), std::string::npos) << cause;
    party->Signal("waits");
    // The server offers the service, and does not run its loop.
    client.RunLoopUntilItWaitsFor(party, LE_MSG_WAIT_NOT_TAKEN);
    party->Signal("noticed");
    client.RunLoopUntilItIsOpen(party);
    party->Signal("done");
  });
  scenario.Add("server", [](Party* party) {
    party->Await("waits");
    TestService service("echo");
    service.Advertise();
    party->Await("noticed");
    party->RunLoopUntil("done");
  });
  RunScenario(scenario, GetParam());
}

// The directory introduces the client at once, so it reports no cause. The
// library knows that the server has not accepted the client.
TEST_P(WaitingTest, ForAServerThatHasAlwaysBeenThere) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.Advertise();
    party->Signal("offered");
    party->Await("noticed");
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    party->Await("offered");
    OpeningClient client("echo");
    client.RunLoopUntilItWaitsFor(party, LE_MSG_WAIT_NOT_TAKEN);
    party->Signal("noticed");
    client.RunLoopUntilItIsOpen(party);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(WaitingTest, ForRoomAtTheService) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxSessions = 1;
    le_msg_SetServiceLimits(service.ref(), &limits);
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient first("echo");
    first.Open();
    TestClient second("echo");
    EXPECT_EQ(le_msg_TryOpenSessionSync(second.ref()), LE_BUSY);
    EXPECT_EQ(le_msg_GetWaitReason(second.ref(), nullptr, 0),
              LE_MSG_WAIT_SERVICE_FULL);
    OpeningClient third("echo");
    third.RunLoopUntilItWaitsFor(party, LE_MSG_WAIT_SERVICE_FULL);
    first.Delete();
    third.RunLoopUntilItIsOpen(party);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A timed opening ends with LE_TIMEOUT, whatever it waits for. Then
// le_msg_GetWaitReason() returns the cause.
TEST_P(WaitingTest, UntilADeadline) {
  Scenario scenario;
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    // The directory may report the cause after the deadline, so try longer
    // timeouts.
    for (uint32_t timeout = 200;
         le_msg_GetWaitReason(client.ref(), nullptr, 0) !=
         LE_MSG_WAIT_NOT_OFFERED;
         timeout *= 2) {
      EXPECT_EQ(le_msg_OpenSessionSyncTimed(client.ref(), timeout), LE_TIMEOUT);
      EXPECT_NE(le_msg_GetWaitReason(client.ref(), nullptr, 0),
                LE_MSG_WAIT_NONE);
    }
    EXPECT_NE(CauseOf(client.ref()), "");

    struct Told {
      le_result_t result = LE_OK;
      le_msg_WaitReason_t reason = LE_MSG_WAIT_NONE;
    } told;
    le_msg_OpenSessionTimed(
        client.ref(), 1,
        [](le_msg_SessionRef_t session, le_result_t result, void* context) {
          auto* told = static_cast<Told*>(context);
          told->result = result;
          told->reason = le_msg_GetWaitReason(session, nullptr, 0);
        },
        &told);
    party->RunLoopUntil([&] { return told.result != LE_OK; });
    EXPECT_EQ(told.result, LE_TIMEOUT);
    EXPECT_NE(told.reason, LE_MSG_WAIT_NONE);
  });
  RunScenario(scenario, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Everywhere, WaitingTest, AllSettings(), SettingName);

// Settings with a directory that can be killed.
class WaitingForADirectoryTest : public ::testing::TestWithParam<Setting> {};

TEST_P(WaitingForADirectoryTest, ThatIsGone) {
  Scenario scenario;
  scenario.Add("client", [](Party* party) {
    party->KillDirectory();
    OpeningClient client("echo");
    client.RunLoopUntilItWaitsFor(party, LE_MSG_WAIT_NO_DIRECTORY);
    const std::string cause = CauseOf(client.ref());
    EXPECT_NE(cause.find("no directory"), std::string::npos) << cause;
    TestClient other("echo");
    EXPECT_EQ(le_msg_TryOpenSessionSync(other.ref()), LE_COMM_ERROR);
    EXPECT_EQ(le_msg_GetWaitReason(other.ref(), nullptr, 0),
              LE_MSG_WAIT_NO_DIRECTORY);
    party->StartDirectory();
    client.RunLoopUntilItWaitsFor(party, LE_MSG_WAIT_NOT_OFFERED);
  });
  RunScenario(scenario, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Everywhere, WaitingForADirectoryTest,
                         KillingSettings(), SettingName);

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
