// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/graph_page.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "directory/users.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/sdir/graph_layout.h"

namespace le {
namespace sdir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kHostile[] =
    "</text></svg><script>document.title='hostile'</script>\"onload='x'&lt;";

// All processes have the hostile name.
class HostileNames final : private directory::Users, public Names {
 public:
  HostileNames() : Names(static_cast<directory::Users*>(this)) {}
  std::string ProgramOf(pid_t) override { return kHostile; }

 private:
  absl::StatusOr<uid_t> UidOf(const std::string&) override {
    return absl::NotFoundError("");
  }
  std::string NameOf(uid_t) override { return "ann"; }
};

inspection::proto::Session Client(uint64_t number, int pid, uint64_t requests) {
  inspection::proto::Session session;
  session.set_number(number);
  session.set_pid(pid);
  session.mutable_counts()->set_requests(requests);
  session.mutable_counts()->set_messages_in(requests);
  session.mutable_counts()->set_messages_out(requests);
  session.mutable_counts()->set_bytes_in(requests * 100);
  return session;
}

InspectedService Service(std::string name, int64_t at_ns,
                         std::vector<inspection::proto::Session> sessions) {
  InspectedService service;
  service.service = std::move(name);
  service.pid = 7;
  service.snapshot.at_ns = at_ns;
  service.snapshot.sessions = std::move(sessions);
  return service;
}

// Three services, of which one has no client. Client 20 has one session with
// the first service and two with the second service. Client 30 has one session
// with the second service.
std::vector<InspectedService> Services(int64_t at_ns, uint64_t scale) {
  return {Service("<ann>.idle", at_ns, {Client(1, 20, 7)}),
          Service(absl::StrCat("<ann>.", kHostile), at_ns,
                  {Client(1, 20, 100 * scale), Client(2, 20, 20 * scale),
                   Client(3, 30, 3 * scale)}),
          Service("<ann>.lonely", at_ns, {})};
}

std::string Page(const std::vector<InspectedService>& services) {
  HostileNames names;
  return GraphPage(ByService(Services(0, 0)), services,
                   absl::FromUnixSeconds(0), &names);
}

TEST(GraphLayoutTest, ALineHasAllSessionsOfAClientWithAService) {
  const auto services = Services(2'000'000'000, 2);
  const Graph graph = LayOut(ByService(Services(0, 0)), services);
  ASSERT_EQ(graph.lines.size(), 3u);
  const Graph::Line& busiest = graph.lines[0];
  EXPECT_EQ(busiest.pid, 20);
  EXPECT_EQ(busiest.sessions, 2u);
  EXPECT_EQ(busiest.activity.messages, 480u);
  EXPECT_EQ(busiest.activity.seconds, 2);
  EXPECT_EQ(busiest.service, 0u) << "the busiest service is first";
  EXPECT_GT(busiest.width, graph.lines[1].width);
  EXPECT_EQ(graph.lines[2].width, 1) << "an idle line";
  EXPECT_EQ(graph.clients.size(), 2u);
}

TEST(GraphLayoutTest, LinesEndWithinTheirNodesAndDoNotOverlapThere) {
  std::vector<InspectedService> services;
  std::vector<InspectedService> before;
  for (int s = 0; s < 9; ++s) {
    std::vector<inspection::proto::Session> clients;
    for (int c = 0; c < 9; ++c) {
      clients.push_back(Client(c, 100 + c, 1000u * (s * c % 7)));
    }
    services.push_back(Service(absl::StrCat("s", s), 1'000'000'000, clients));
    before.push_back(Service(absl::StrCat("s", s), 0, {}));
  }
  const Graph graph = LayOut(ByService(before), services);
  ASSERT_EQ(graph.lines.size(), 81u);
  for (const Graph::Line& a : graph.lines) {
    const Graph::Node& client = graph.clients[a.client];
    const Graph::Node& service = graph.services[a.service];
    EXPECT_GE(a.client_y - a.width / 2, client.top);
    EXPECT_LE(a.client_y + a.width / 2, client.top + client.height);
    EXPECT_GE(a.service_y - a.width / 2, service.top);
    EXPECT_LE(a.service_y + a.width / 2, service.top + service.height);
    EXPECT_LE(client.top + client.height, graph.height);
    for (const Graph::Line& b : graph.lines) {
      if (&a == &b || a.client != b.client) continue;
      EXPECT_GE(std::abs(a.client_y - b.client_y), (a.width + b.width) / 2);
    }
  }
}

TEST(GraphLayoutTest, LeavesOutServicesAndLinesBeyondTheLimits) {
  std::vector<InspectedService> services;
  for (size_t i = 0; i <= kMaxGraphServices; ++i) {
    services.push_back(Service(absl::StrCat("s", i), 0, {}));
  }
  for (size_t i = 0; i <= kMaxGraphLines; ++i) {
    services[0].snapshot.sessions.push_back(Client(i, static_cast<int>(i), 0));
  }
  const Graph graph = LayOut({}, services);
  EXPECT_EQ(graph.services.size(), kMaxGraphServices);
  EXPECT_EQ(graph.lines.size(), kMaxGraphLines);
  EXPECT_EQ(graph.left_out_services, 1u);
  EXPECT_EQ(graph.left_out_lines, 1u);
  EXPECT_THAT(Page(services), HasSubstr("1 further services are left out. 1 "
                                        "further lines are left out."));
}

TEST(GraphPageTest, ShowsRates) {
  const std::string page = Page(Services(2'000'000'000, 2));
  EXPECT_THAT(page, HasSubstr("rates over 2.0 s."));
  EXPECT_THAT(page, HasSubstr("<td>2<td>120<td>240<td>12<td>0<td>-<td>-</tr>"));
  EXPECT_THAT(page, HasSubstr("<td>1<td>3.0<td>6.0<td>0<td>0<td>-<td>-</tr>"));
  EXPECT_THAT(page, HasSubstr("&lt;ann&gt;.lonely<td>0<td>0<td>0<td>0<td>0"));
  EXPECT_THAT(page, HasSubstr(" idle\" stroke"));
}

TEST(GraphPageTest, ANewServiceHasNoRates) {
  EXPECT_THAT(Page({Service("<ann>.new", 5, {Client(1, 20, 8)})}),
              HasSubstr("<td>1<td>-<td>-<td>-<td>0<td>-<td>-</tr>"));
}

TEST(GraphPageTest, ShowsAServerThatDoesNotAnswer) {
  InspectedService silent = Service("<ann>.silent", 0, {});
  silent.snapshot.problem = "does not <b>answer";
  const std::string page = Page({silent});
  EXPECT_THAT(page, HasSubstr("class=\"s0 silent\""));
  EXPECT_THAT(page, HasSubstr("colspan=\"7\">does not &lt;b&gt;answer</tr>"));
}

TEST(GraphPageTest, ANameIsNoMarkup) {
  const std::string page = Page(Services(2'000'000'000, 2));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("\"onload")));
  EXPECT_THAT(page, Not(HasSubstr("'onload")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;document.title="));
  EXPECT_THAT(page, HasSubstr("&amp;lt;"));
}

// Returns the output of a command.
std::string OutputOf(const std::string& command) {
  std::FILE* const pipe = popen(command.c_str(), "re");
  std::string output;
  char part[65536];
  for (size_t size = 1; size > 0;) {
    size = std::fread(part, 1, sizeof(part), pipe);
    output.append(part, size);
  }
  pclose(pipe);
  return output;
}

TEST(GraphPageTest, ABrowserShowsThePageAndRunsNoScript) {
  if (OutputOf("command -v chromium").empty()) {
    GTEST_SKIP() << "chromium is not installed";
  }
  const std::string folder = ::testing::TempDir();
  const std::string file = absl::StrCat(folder, "/graph.html");
  std::ofstream(file) << Page(Services(2'000'000'000, 2));
  const std::string dom = OutputOf(absl::StrCat(
      "HOME='", folder, "' chromium --headless --no-sandbox --disable-gpu ",
      "--user-data-dir='", folder, "/chromium' --dump-dom 'file://", file,
      "' 2>&1"));
  EXPECT_THAT(dom, HasSubstr("<title>Who talks to whom</title>"));
  EXPECT_THAT(dom, Not(HasSubstr("<script")));
  const auto count = [&](const char* tag) {
    const std::vector<std::string> parts = absl::StrSplit(dom, tag);
    return parts.size() - 1;
  };
  EXPECT_EQ(count("<path class="), 3u) << dom;
  EXPECT_EQ(count("<g class="), 5u);
  EXPECT_EQ(count("<tr>"), 5u);
}

}  // namespace
}  // namespace sdir
}  // namespace le
