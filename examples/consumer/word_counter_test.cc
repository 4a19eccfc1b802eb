// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs the typed service and its client over every transport. Also tests a
// function that calls a client, with a mock of the client.

#include "word_counter.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "messaging/testing/scenario.h"
#include "word_counter.le_mock.h"

namespace consumer {
namespace {

using ::le::messaging::testing::AllSettings;
using ::le::messaging::testing::Party;
using ::le::messaging::testing::RunScenario;
using ::le::messaging::testing::Scenario;
using ::le::messaging::testing::Setting;
using ::le::messaging::testing::SettingName;

// Returns -1 after an error.
int CountWith(WordCounterApi* api, const std::string& text) {
  Text request;
  request.set_text(text);
  const absl::StatusOr<Words> words = api->Count(request);
  return words.ok() ? static_cast<int>(words->words()) : -1;
}

class WordCounterTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, WordCounterTest, AllSettings(),
                         SettingName);

TEST_P(WordCounterTest, Counts) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    WordCounter counter;
    const auto server = le::Serve("wordCounter", &counter);
    EXPECT_TRUE(server.ok()) << server.status();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    auto client = WordCounterClient::Open("wordCounter");
    EXPECT_TRUE(client.ok()) << client.status();
    EXPECT_EQ(CountWith(&*client, ""), 0);
    EXPECT_EQ(CountWith(&*client, "  two\twords\n"), 2);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST(CallerTest, ReturnsMinusOneAfterAnError) {
  MockWordCounterApi api;
  EXPECT_CALL(api, Count)
      .WillOnce(::testing::Return(absl::UnavailableError("no server")));
  EXPECT_EQ(CountWith(&api, "text"), -1);
}

}  // namespace
}  // namespace consumer
