// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/top.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/sdir/known_names.h"

namespace le {
namespace sdir {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

inspection::proto::Session Client(uint64_t number, uint64_t requests) {
  inspection::proto::Session session;
  session.set_number(number);
  session.set_uid(1001);
  session.set_pid(static_cast<int32_t>(number));
  session.mutable_counts()->set_requests(requests);
  session.mutable_counts()->set_messages_in(requests);
  session.mutable_counts()->set_messages_out(requests);
  return session;
}

InspectedService Service(const std::string& name, int64_t at_ns,
                         std::vector<inspection::proto::Session> sessions) {
  InspectedService entry;
  entry.service = name;
  entry.pid = 7;
  entry.snapshot.at_ns = at_ns;
  entry.snapshot.service.set_sessions(sessions.size());
  entry.snapshot.sessions = std::move(sessions);
  return entry;
}

TEST(TopTest, ShowsRatesSinceTheLastSnapshot) {
  KnownNames names;
  Top top(&names);
  EXPECT_THAT(top.Update({Service("<a>.s", 0, {Client(1, 100)})}, 9),
              MatchesRegex("(.|\n)*1 sessions +- +- +- +- (.|\n)*"));
  // The second session began after the first snapshot. It has used the server's
  // loop for 0.8 s.
  inspection::proto::Session second = Client(2, 50);
  second.mutable_counts()->set_busy_ns(800'000'000);
  const InspectedService later =
      Service("<a>.s", 2'000'000'000, {Client(1, 300), second});
  EXPECT_THAT(
      top.Update({later}, 9),
      MatchesRegex("(.|\n)*2 sessions +40 +125 +250 (.|\n)*"
                   "pid 2 +40 +25 +50 (.|\n)*pid 1 +0 +100 +200 (.|\n)*"));
}

TEST(TopTest, ShowsTheBusiestFirstAndServersThatDoNotAnswer) {
  KnownNames names;
  Top top(&names);
  InspectedService silent;
  silent.service = "<a>.silent";
  silent.snapshot.problem = "does not answer";
  std::vector<inspection::proto::Session> many;
  for (uint64_t i = 1; i <= 6; ++i) many.push_back(Client(i, i));
  const auto update = [&](size_t lines) {
    return top.Update(
        {Service("<a>.idle", 0, {}), Service("<a>.busy", 0, many), silent},
        lines);
  };
  for (auto& client : many) client = Client(client.number(), 0);
  update(100);
  for (auto& client : many) client = Client(client.number(), client.number());
  const std::string table = update(100);
  EXPECT_THAT(table, StartsWith("<a>.silent pid 0 PROBLEM: does not"));
  EXPECT_LT(table.find("<a>.busy"), table.find("<a>.idle"));
  EXPECT_LT(table.find("pid 6"), table.find("pid 5"));
  EXPECT_EQ(table.find("pid 1 "), std::string::npos) << "more than 5 clients";
  EXPECT_EQ(update(2),
            table.substr(0, table.find('\n', table.find('\n') + 1) + 1));
}

TEST(TopTest, ShowsTheTimesOfTheLastRequests) {
  KnownNames names;
  Top top(&names);
  InspectedService entry = Service("<a>.s", 0, {});
  const auto update = [&](std::vector<uint64_t> latency) {
    entry.snapshot.service.mutable_latency()->Assign(latency.begin(),
                                                     latency.end());
    return top.Update({entry}, 9);
  };
  EXPECT_THAT(update({5, 0, 0}), HasSubstr(" 2 ns     2 ns "));
  EXPECT_THAT(update({5, 0, 3}), HasSubstr(" 8 ns     8 ns "));
  // There was no request since the last snapshot, so the times of all requests
  // are shown.
  EXPECT_THAT(update({5, 0, 3}), HasSubstr(" 2 ns     8 ns "));
}

// At most five such servers are named. Otherwise a user's services could push
// the table off the terminal.
TEST(TopTest, ShowsAFewServersThatDoNotAnswer) {
  KnownNames names;
  Top top(&names);
  InspectedService silent = Service("<a>.silent", 0, {});
  silent.snapshot.problem = "does not answer";
  const auto lines = [&](size_t count) {
    const std::string text =
        top.Update(std::vector<InspectedService>(count, silent), 99);
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_EQ(lines(5), 6);
  EXPECT_EQ(lines(6), 7);
  EXPECT_EQ(lines(60), 7);
}

}  // namespace
}  // namespace sdir
}  // namespace le
