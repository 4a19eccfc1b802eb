// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Client and server of the API "box", in all settings.

#include <csetjmp>
#include <cstdint>

#include "gtest/gtest.h"
#include "le_eventLoop_ext.h"
#include "legato.h"
#include "messaging/testing/scenario.h"
#include "use_box.h"

// The headers of ifgen are for C, so this file declares the functions itself.
extern "C" {
#include "box_state.h"
void box_AdvertiseService(void);
le_msg_ServiceRef_t box_GetServiceRef(void);
void myBox_ConnectService(void);
le_result_t myBox_TryConnectService(void);
void myBox_DisconnectService(void);
void myBox_SetServerDisconnectHandler(void (*handler)(void*), void* context);
void myBox_Count(uint32_t* countPtr);
}

namespace le {
namespace messaging {
namespace testing {
namespace {

class LegatoApiTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, LegatoApiTest, AllSettings(), SettingName);

// Here "myBox" is the client's name of the API, and also the name of the
// client's interface.
constexpr char kBindings[] = "<*>.myBox -> <self>.box\n<*>.* -> <self>.*\n";

// Serves this many sessions, one after the other.
void Serve(Party* party, int sessions) {
  box_Reset();
  box_AdvertiseService();
  int closed = 0;
  le_msg_AddServiceCloseHandler(
      box_GetServiceRef(),
      [](le_msg_SessionRef_t, void* context) { ++*static_cast<int*>(context); },
      &closed);
  party->RunLoopUntil([&] { return closed == sessions; });
  EXPECT_EQ(box_HandlerCount(), 0);
  le_msg_DeleteService(box_GetServiceRef());
}
void ServerBody(Party* party) { Serve(party, 1); }

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

// A client does not remove its handlers. Expected: the server removes the
// handlers when the session closes. ServerBody() checks this.
TEST_P(LegatoApiTest, AClientClosesWithoutRemovingItsHandlers) {
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

// The results are those of Legato's le_msg_TryOpenSessionSync().
TEST_P(LegatoApiTest, TryConnectBeforeTheServerExists) {
  Scenario scenario;
  scenario.SetBindings("<*>.myBox -> <self>.box\n");
  scenario.Add("server", [](Party* party) {
    party->Await("tried");
    Serve(party, 2);
  });
  scenario.Add("client", [](Party* party) {
    EXPECT_EQ(myBox_TryConnectService(), LE_UNAVAILABLE);
    party->Signal("tried");
    // This call waits until the service is offered.
    myBox_ConnectService();
    myBox_DisconnectService();
    EXPECT_EQ(myBox_TryConnectService(), LE_OK);
    myBox_DisconnectService();
  });
  RunScenario(scenario, GetParam());
}

std::jmp_buf g_disconnected;
std::jmp_buf g_left_again;

// Real programs leave the handler in this way, to survive the end of a server.
TEST_P(LegatoApiTest, AClientThatLeavesTheDisconnectHandlerByLongjmp) {
  if (GetParam() == Setting::kSimulated) {
    GTEST_SKIP() << "longjmp() does not know the stacks of simulated threads";
  }
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the frames that longjmp() skips leak memory";
#endif
  Scenario scenario;
  scenario.SetBindings(kBindings);
  scenario.Add("server", [](Party* party) {
    box_Reset();
    box_AdvertiseService();
    party->RunLoopUntil("connected");
    le_msg_DeleteService(box_GetServiceRef());
    party->Await("disconnected");
    ServerBody(party);
  });
  scenario.Add("client", [](Party* party) {
    myBox_ConnectService();
    myBox_SetServerDisconnectHandler(
        [](void*) { std::longjmp(g_disconnected, 1); }, nullptr);
    if (setjmp(g_disconnected) == 0) {
      party->Signal("connected");
      le_event_RunLoop();
    }
    party->Signal("disconnected");
    // docs/porting.md says which calls the program may use now.
    EXPECT_EQ(le_event_TryRunLoopUntilStopped(), LE_BUSY);
    static bool served;
    served = false;
    le_event_QueueFunction([](void*, void*) { served = true; }, nullptr,
                           nullptr);
    while (!served) le_event_ServiceLoop();
    if (setjmp(g_left_again) == 0) {
      le_event_QueueFunction(
          [](void*, void*) { std::longjmp(g_left_again, 1); }, nullptr,
          nullptr);
      le_event_RunLoop();
    }
    myBox_ConnectService();
    uint32_t count = 1;
    myBox_Count(&count);
    EXPECT_EQ(count, 0u);
    myBox_DisconnectService();
  });
  RunScenario(scenario, GetParam());
}

// A handler may service the loop of its thread.
TEST_P(LegatoApiTest, AHandlerThatServesTheLoop) {
  Scenario scenario;
  scenario.SetBindings(kBindings);
  scenario.Add("server", ServerBody);
  scenario.Add("client", [](Party* party) {
    myBox_ConnectService();
    UseBox_t use = {};
    UseBox(&use);
    bool inner = false;
    bool outer = false;
    le_event_QueueFunction(
        [](void* inner, void* outer) {
          le_event_QueueFunction(
              [](void* inner, void*) { *static_cast<bool*>(inner) = true; },
              inner, nullptr);
          while (le_event_ServiceLoop() == LE_OK) {
          }
          EXPECT_TRUE(*static_cast<bool*>(inner));
          *static_cast<bool*>(outer) = true;
        },
        &inner, &outer);
    party->RunLoopUntil([&] { return outer && BoxHasAnswered(&use); });
    StopUsingBox(&use);
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
