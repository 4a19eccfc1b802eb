// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs the service and its client over every transport.

#include "word_count.h"

#include "gtest/gtest.h"
#include "legato.h"
#include "messaging/testing/scenario.h"

namespace {

using ::le::messaging::testing::AllSettings;
using ::le::messaging::testing::Party;
using ::le::messaging::testing::RunScenario;
using ::le::messaging::testing::Scenario;
using ::le::messaging::testing::Setting;
using ::le::messaging::testing::SettingName;

class WordCountTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, WordCountTest, AllSettings(), SettingName);

TEST_P(WordCountTest, Counts) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    wordCount_Serve();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    le_msg_SessionRef_t session = wordCount_Connect();
    EXPECT_EQ(wordCount_Count(session, ""), 0);
    EXPECT_EQ(wordCount_Count(session, "one"), 1);
    EXPECT_EQ(wordCount_Count(session, "  two\twords\n"), 2);
    EXPECT_EQ(wordCount_Count(session, std::string(5000, 'x').c_str()), 1);
    le_msg_DeleteSession(session);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(WordCountTest, CountFailsAfterTheServiceHasEnded) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    le_msg_ServiceRef_t service = wordCount_Serve();
    party->RunLoopUntil("served");
    le_msg_DeleteService(service);
    party->Signal("ended");
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    le_msg_SessionRef_t session = wordCount_Connect();
    EXPECT_EQ(wordCount_Count(session, "still there"), 2);
    party->Signal("served");
    party->Await("ended");
    EXPECT_EQ(wordCount_Count(session, "gone"), -1);
    le_msg_DeleteSession(session);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
