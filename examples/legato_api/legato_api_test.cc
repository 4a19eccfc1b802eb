// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Client and server of the API "box", in all settings.

#include "gtest/gtest.h"
#include "legato.h"
#include "messaging/testing/scenario.h"
#include "use_box.h"

// No C++ file includes what ifgen generates.
extern "C" {
#include "box_state.h"
void box_AdvertiseService(void);
le_msg_ServiceRef_t box_GetServiceRef(void);
void myBox_ConnectService(void);
le_result_t myBox_TryConnectService(void);
void myBox_DisconnectService(void);
}

namespace le {
namespace messaging {
namespace testing {
namespace {

class LegatoApiTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, LegatoApiTest, AllSettings(), SettingName);

// The client's name of the API is also the name of its interface.
constexpr char kBindings[] = "<*>.myBox -> <self>.box\n<*>.* -> <self>.*\n";

void ServerBody(Party* party) {
  box_Reset();
  box_AdvertiseService();
  int closed = 0;
  le_msg_AddServiceCloseHandler(
      box_GetServiceRef(),
      [](le_msg_SessionRef_t, void* context) { ++*static_cast<int*>(context); },
      &closed);
  party->Signal("offered");
  party->RunLoopUntil([&] { return closed == 1; });
  le_msg_DeleteService(box_GetServiceRef());
}

TEST_P(LegatoApiTest, EachFunction) {
  Scenario scenario;
  scenario.SetBindings(kBindings);
  scenario.Add("server", ServerBody);
  scenario.Add("client", [](Party* party) {
    myBox_ConnectService();
    UseBox_t use = {};
    UseBox(&use);
    party->RunLoopUntil([&] { return BoxHasAnswered(&use); });
    StopUsingBox(&use);
  });
  RunScenario(scenario, GetParam());
}

// The server removes what a client that does not say goodbye has added.
TEST_P(LegatoApiTest, AClientThatJustCloses) {
  Scenario scenario;
  scenario.SetBindings(kBindings);
  scenario.Add("server", ServerBody);
  scenario.Add("client", [](Party* party) {
    myBox_ConnectService();
    UseBox_t use = {};
    UseBox(&use);
    party->RunLoopUntil([&] { return BoxHasAnswered(&use); });
    myBox_DisconnectService();
  });
  RunScenario(scenario, GetParam());
}

// Generated code gets the results that Legato's function returns.
TEST_P(LegatoApiTest, ATryBeforeTheServerIsThere) {
  Scenario scenario;
  scenario.SetBindings("<*>.myBox -> <self>.box\n");
  scenario.Add("server", [](Party* party) {
    party->Await("tried");
    ServerBody(party);
  });
  scenario.Add("client", [](Party* party) {
    EXPECT_EQ(myBox_TryConnectService(), LE_UNAVAILABLE);
    party->Signal("tried");
    party->Await("offered");
    le_result_t result = LE_UNAVAILABLE;
    while (result == LE_UNAVAILABLE) result = myBox_TryConnectService();
    EXPECT_EQ(result, LE_OK);
    myBox_DisconnectService();
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
