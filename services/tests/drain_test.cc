// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A server that ends after its open calls, in every setting of the test kit.

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "le/messaging.h"
#include "messaging/testing/scenario.h"
#include "services/tests/facility.h"

namespace files {
namespace {

using le::messaging::testing::AllSettings;
using le::messaging::testing::Party;
using le::messaging::testing::RunScenario;
using le::messaging::testing::Scenario;
using le::messaging::testing::SettingName;

class DrainTest
    : public ::testing::TestWithParam<le::messaging::testing::Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, DrainTest, AllSettings(), SettingName);

TEST_P(DrainTest, OpenCallsEndAndNewCallsAreRefused) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil([&] {
      return facility.kept.size() == 1 && facility.streams.size() == 1;
    });
    bool drained = false;
    EXPECT_TRUE(server
                    .Drain([&] {
                      // The results of the open calls must not be lost.
                      server = le::Server();
                      drained = true;
                    })
                    .ok());
    party->Signal("drains");
    party->RunLoopUntil([&] { return facility.logged == "a line"; });
    facility.kept[0]->set_text("the answer");
    std::move(facility.kept[0]).Send();
    party->RunLoopUntil("the answer is there");
    EXPECT_FALSE(drained) << "a stream is open";
    EXPECT_EQ(server.Advertise().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(facility.streams[0]->sink.Push(Facts()).ok());
    std::move(facility.streams[0]->sink).End();
    party->RunLoopUntil([&] { return drained; });
    Facility next;
    server = Must(le::Serve("facts", &next));
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    FileFactsClient late = Must(FileFactsClient::Create("facts"));
    std::string text;
    Collected collected;
    bool closed = false;
    bool opened = false;
    EXPECT_TRUE(client.OnClosed([&](le::CloseReason) { closed = true; }).ok());
    client
        .CountAsync(Named("keep"), {},
                    [&](absl::StatusOr<const Facts*> facts) {
                      text = facts.ok() ? (*facts)->text() : "error";
                    })
        .Detach();
    client.Watch(Named("hold"), {}, collected.OnItem(), collected.OnEnd())
        .Detach();
    party->RunLoopUntil("drains");
    EXPECT_EQ(late.TryOpen().code(), absl::StatusCode::kNotFound);
    EXPECT_TRUE(late.KeepOpen([&](absl::Status status) {
                      EXPECT_TRUE(status.ok()) << status;
                      opened = true;
                    })
                    .ok());
    EXPECT_EQ(client.Count(Named("a")).status(),
              absl::UnavailableError("the server is ending"));
    Collected refused;
    client.Watch(Named("all", 1), {}, refused.OnItem(), refused.OnEnd())
        .Detach();
    party->RunLoopUntil([&] { return refused.ends > 0; });
    EXPECT_EQ(refused.end, absl::UnavailableError("the server is ending"));
    Line line;
    line.set_text("a line");
    EXPECT_TRUE(client.Log(line).ok());
    party->RunLoopUntil([&] { return !text.empty(); });
    EXPECT_EQ(text, "the answer");
    EXPECT_FALSE(closed || opened);
    party->Signal("the answer is there");
    party->RunLoopUntil([&] { return closed && opened; });
    EXPECT_EQ(collected.items, 1U);
    EXPECT_EQ(collected.ends, 1);
    EXPECT_TRUE(collected.end.ok()) << collected.end;
    EXPECT_EQ(Must(late.Count(Named("a"))).text(), "a");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Sends a reply.
void* Send(void* context) {
  std::move(*static_cast<le::Reply<Facts>*>(context)).Send();
  return nullptr;
}

// Keeps the Sink of each stream.
class Holder final : public Facility {
 public:
  void Watch(const CountRequest&, le::Sink<Facts> sink) override {
    held.push_back(std::move(sink));
  }
  std::vector<le::Sink<Facts>> held;
};

TEST_P(DrainTest, CancelsTheStreamsThatDoNotEndByThemselves) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Holder holder;
    le::Server server = Must(le::Serve("facts", &holder));
    std::vector<le::Sink<Facts>>& held = holder.held;
    party->RunLoopUntil([&] { return held.size() == 3; });
    int cancels = 0;
    EXPECT_TRUE(held[0].CancelOnDrain().ok());
    EXPECT_TRUE(held[0]
                    .OnCancel([&] {
                      ++cancels;
                      std::move(held[0]).End();
                    })
                    .ok());
    bool drained = false;
    EXPECT_TRUE(server.Drain([&] { drained = true; }).ok());
    EXPECT_EQ(cancels, 0) << "called inside Drain()";
    party->RunLoopUntil([&] { return cancels == 1; });
    // The other two streams are still open. CancelOnDrain() during a drain
    // cancels its stream at once.
    EXPECT_FALSE(held[1].cancelled() || held[2].cancelled());
    EXPECT_TRUE(absl::IsCancelled(held[2].CancelOnDrain()));
    EXPECT_TRUE(held[2].cancelled());
    std::move(held[2]).End();
    EXPECT_FALSE(drained);
    std::move(held[1]).End();
    party->RunLoopUntil([&] { return drained; });
    EXPECT_TRUE(absl::IsFailedPrecondition(held[1].CancelOnDrain()));
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    Collected collected[3];
    for (Collected& stream : collected) {
      client.Watch({}, {}, stream.OnItem(), stream.OnEnd()).Detach();
    }
    for (const Collected& stream : collected) {
      party->RunLoopUntil([&] { return stream.ends == 1; });
      EXPECT_TRUE(stream.end.ok()) << stream.end;
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// The session of a caller without open calls is closed. A client that keeps its
// session open then waits for the next server.
TEST_P(DrainTest, ClosesTheSessionsWithoutCalls) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil([&] { return facility.kept.size() == 1; });
    bool drained = false;
    EXPECT_TRUE(server.Drain([&] { drained = true; }).ok());
    party->RunLoopUntil("closed");
    EXPECT_FALSE(drained);
    std::move(facility.kept[0]).Send();
    party->RunLoopUntil([&] { return drained; });
    // The session of the last call is closed, too.
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient idle = Must(FileFactsClient::Open("facts"));
    FileFactsClient busy = Must(FileFactsClient::Open("facts"));
    EXPECT_TRUE(idle.Count(Named("a")).ok());
    bool idle_closed = false, busy_closed = false, answered = false;
    EXPECT_TRUE(
        idle.OnClosed([&](le::CloseReason) { idle_closed = true; }).ok());
    EXPECT_TRUE(
        busy.OnClosed([&](le::CloseReason) { busy_closed = true; }).ok());
    busy.CountAsync(Named("keep"), {},
                    [&](absl::StatusOr<const Facts*> facts) {
                      EXPECT_TRUE(facts.ok()) << facts.status();
                      answered = true;
                    })
        .Detach();
    party->RunLoopUntil([&] { return idle_closed; });
    EXPECT_FALSE(busy_closed || answered);
    party->Signal("closed");
    party->RunLoopUntil([&] { return busy_closed; });
    EXPECT_TRUE(answered);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Sends large replies.
void* SendAll(void* context) {
  for (auto& reply : *static_cast<std::vector<le::Reply<Facts>>*>(context)) {
    reply->set_text(std::string(15000, 'x'));
    std::move(reply).Send();
  }
  return nullptr;
}

// Another thread sends the results. Expected: the drain closes no session whose
// result is still to be sent.
TEST_P(DrainTest, AThreadSendsResultsDuringTheDrain) {
  constexpr size_t kSessions = 40;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil([&] { return facility.kept.size() == kSessions; });
    bool drained = false;
    EXPECT_TRUE(server.Drain([&] { drained = true; }).ok());
    const le_thread_Ref_t thread =
        le_thread_Create("sends", &SendAll, &facility.kept);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    party->RunLoopUntil([&] { return drained; });
    le_thread_Join(thread, nullptr);
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    std::vector<FileFactsClient> clients;
    size_t results = 0;
    for (size_t i = 0; i < kSessions; ++i) {
      clients.push_back(Must(FileFactsClient::Open("facts")));
      clients.back()
          .CountAsync(Named("keep"), {},
                      [&](absl::StatusOr<const Facts*> facts) {
                        EXPECT_TRUE(facts.ok()) << facts.status();
                        ++results;
                      })
          .Detach();
    }
    party->RunLoopUntil([&] { return results == kSessions; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A client that repeats its refused calls does not keep its session open.
TEST_P(DrainTest, RefusedCallsDoNotDelayTheEnd) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil("called");
    EXPECT_TRUE(server.Drain(nullptr).ok());
    party->Signal("drains");
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    EXPECT_TRUE(client.Count(Named("a")).ok());
    bool closed = false;
    EXPECT_TRUE(client.OnClosed([&](le::CloseReason) { closed = true; }).ok());
    std::function<void()> call = [&] {
      client
          .CountAsync(Named("a"), {},
                      [&](absl::StatusOr<const Facts*> facts) {
                        if (facts.ok() || !client.is_open()) return;
                        EXPECT_TRUE(absl::IsUnavailable(facts.status()));
                        call();
                      })
          .Detach();
    };
    party->Signal("called");
    party->RunLoopUntil("drains");
    for (int i = 0; i < 10; ++i) call();
    party->RunLoopUntil([&] { return closed; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Two sessions have streams, and the closure of one stream destroys the server.
// Expected: no other closure is called.
TEST_P(DrainTest, AClosureThatADrainCallsMayDestroyTheServer) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Holder holder;
    le::Server server = Must(le::Serve("facts", &holder));
    party->RunLoopUntil([&] { return holder.held.size() == 4; });
    int cancels = 0;
    for (le::Sink<Facts>& sink : holder.held) {
      EXPECT_TRUE(sink.CancelOnDrain().ok());
      EXPECT_TRUE(sink.OnCancel([&] {
                        ++cancels;
                        server = le::Server();
                      })
                      .ok());
    }
    EXPECT_TRUE(server.Drain([] { ADD_FAILURE(); }).ok());
    party->RunLoopUntil("done");
    EXPECT_EQ(cancels, 1);
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient clients[] = {Must(FileFactsClient::Open("facts")),
                                 Must(FileFactsClient::Open("facts"))};
    Collected collected[4];
    int closed = 0;
    for (int i = 0; i < 4; ++i) {
      clients[i % 2]
          .Watch({}, {}, collected[i].OnItem(), collected[i].OnEnd())
          .Detach();
    }
    for (FileFactsClient& client : clients) {
      EXPECT_TRUE(client.OnClosed([&](le::CloseReason) { ++closed; }).ok());
    }
    party->RunLoopUntil([&] { return closed == 2; });
    for (const Collected& stream : collected) {
      EXPECT_TRUE(absl::IsUnavailable(stream.end)) << stream.end;
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(DrainTest, AnyThreadMayFinishTheLastCall) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil([&] { return facility.kept.size() == 3; });
    bool drained = false;
    EXPECT_TRUE(
        server.Drain([] { ADD_FAILURE() << "this closure is replaced"; }).ok());
    EXPECT_TRUE(server
                    .Drain([&] {
                      server = le::Server();
                      EXPECT_FALSE(std::exchange(drained, true));
                    })
                    .ok());
    // The server waits for a cancelled call too, until its Reply is destroyed.
    party->Signal("drains");
    party->RunLoopUntil([&] { return facility.cancels == 1; });
    facility.kept.erase(facility.kept.begin());
    // Responses that are sent in this turn of the loop must not be lost.
    le::Loop loop;
    EXPECT_TRUE(loop.Post([&] {
                      const le_thread_Ref_t thread =
                          le_thread_Create("sends", &Send, &facility.kept[1]);
                      le_thread_SetJoinable(thread);
                      std::move(facility.kept[0]).Send();
                      EXPECT_FALSE(drained);
                      le_thread_Start(thread);
                      le_thread_Join(thread, nullptr);
                    })
                    .ok());
    party->RunLoopUntil([&] { return drained; });
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    le::Call cancelled = client.CountAsync(Named("keep"), {}, nullptr);
    int answers = 0;
    for (int i = 0; i < 2; ++i) {
      client
          .CountAsync(Named("keep"), {},
                      [&](absl::StatusOr<const Facts*> facts) {
                        EXPECT_TRUE(facts.ok()) << facts.status();
                        ++answers;
                      })
          .Detach();
    }
    party->RunLoopUntil("drains");
    cancelled.Cancel();
    party->RunLoopUntil([&] { return answers == 2; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(DrainTest, AServerWithoutCallsDrainsFromTheLoop) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    le::Server server = Must(le::Serve("facts", &facility));
    bool drained = false;
    EXPECT_TRUE(
        server.Drain([] { ADD_FAILURE() << "this closure is replaced"; }).ok());
    EXPECT_TRUE(server
                    .Drain([&] {
                      EXPECT_FALSE(drained);
                      drained = true;
                    })
                    .ok());
    EXPECT_FALSE(drained);
    party->RunLoopUntil([&] { return drained; });
    EXPECT_EQ(le::Server().Drain(nullptr).code(),
              absl::StatusCode::kFailedPrecondition);
    // The destructor of the server destroys the closure without calling it.
    auto owned = std::make_shared<int>();
    const std::weak_ptr<int> watch = owned;
    EXPECT_TRUE(
        server.Drain([owned = std::move(owned)] { ADD_FAILURE(); }).ok());
    server = le::Server();
    EXPECT_TRUE(watch.expired());
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace files
