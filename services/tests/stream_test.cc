// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Streams of typed services, in every setting of the test kit.

#include <memory>
#include <string>
#include <utility>
#include <vector>

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

using StreamTest = ServedTest;
INSTANTIATE_TEST_SUITE_P(Everywhere, StreamTest, AllSettings(), SettingName);

TEST_P(StreamTest, StreamsAreInOrderAndEndOnce) {
  RunClient([](Party* party, FileFactsClient* client) {
    Collected all;
    Collected failed;
    Collected none;
    le::Stream stream =
        client->Watch(Named("all", 2000), {}, all.OnItem(), all.OnEnd());
    EXPECT_TRUE(stream.status().ok()) << stream.status();
    client->Watch(Named("fail", 3), {}, failed.OnItem(), failed.OnEnd())
        .Detach();
    client->Watch(Named("none", 0), {}, nullptr, none.OnEnd()).Detach();
    // Items that arrive during a call are delivered later.
    EXPECT_TRUE(client->Count(Named("a")).ok());
    EXPECT_EQ(all.items, 0U);
    party->RunLoopUntil(
        [&] { return all.ends > 0 && failed.ends > 0 && none.ends > 0; });
    EXPECT_EQ(all.items, 2000U);
    EXPECT_TRUE(all.end.ok()) << all.end;
    EXPECT_FALSE(stream.pending());
    EXPECT_EQ(failed.items, 3U);
    EXPECT_EQ(failed.end, absl::DataLossError("the end"));
    EXPECT_EQ(none.items, 0U);
    EXPECT_EQ(
        client->Watch(Named(std::string(20000, 'x')), {}, nullptr, nullptr)
            .status()
            .code(),
        absl::StatusCode::kOutOfRange);
    EXPECT_TRUE(client->Count(Named("a")).ok());
    EXPECT_EQ(all.ends, 1);
    EXPECT_EQ(failed.ends, 1);
  });
}

TEST_P(StreamTest, CancelledStreams) {
  RunClient([](Party* party, FileFactsClient* client) {
    const auto no_end = [](const absl::Status&) { ADD_FAILURE(); };
    Collected some;
    le::Stream stream =
        client->Watch(Named("endless"), {}, some.OnItem(), no_end);
    party->RunLoopUntil([&] { return some.items >= 300; });
    stream.Cancel();
    EXPECT_FALSE(stream.pending());
    const uint64_t before = some.items;
    EXPECT_EQ(Must(client->Count(Named("cancels"))).lines(), 1U);
    EXPECT_EQ(some.items, before);
    // An item's closure cancels its own stream.
    le::Stream own;
    int items = 0;
    own = client->Watch(
        Named("endless"), {},
        [&](const Facts& item) {
          if (++items == 5) own.Cancel();
          EXPECT_EQ(item.text(), "item");
        },
        no_end);
    party->RunLoopUntil([&] { return items == 5; });
    EXPECT_EQ(Must(client->Count(Named("cancels"))).lines(), 2U);
    EXPECT_EQ(items, 5);
    // The deadline applies to the whole stream.
    Collected late;
    client
        ->Watch(Named("hold"), le::CallOptions().Timeout(absl::Milliseconds(1)),
                nullptr, late.OnEnd())
        .Detach();
    party->RunLoopUntil([&] { return late.ends > 0; });
    EXPECT_EQ(late.end.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(Must(client->Count(Named("cancels"))).lines(), 3U);
  });
}

// If a stream's items are not handled, the stream stops. Other calls and
// streams continue.
TEST_P(StreamTest, ASlowConsumerSlowsItsProducerOnly) {
  RunClient([](Party* party, FileFactsClient* client) {
    const auto no_end = [](const absl::Status&) { ADD_FAILURE(); };
    Collected slow;
    le::Stream paused =
        client->Watch(Named("endless"), le::CallOptions().Window(10, 1 << 20),
                      slow.OnItem(), no_end);
    paused.Pause();
    Collected bytes;
    le::Stream wide = client->Watch(Named("wide", 1000),
                                    le::CallOptions().Window(1000, 20000),
                                    bytes.OnItem(), no_end);
    wide.Pause();
    Collected fast;
    client->Watch(Named("all", 1000), {}, fast.OnItem(), fast.OnEnd()).Detach();
    party->RunLoopUntil([&] { return fast.ends > 0; });
    EXPECT_EQ(fast.items, 1000U);
    EXPECT_TRUE(client->Count(Named("a")).ok());
    EXPECT_EQ(slow.items, 10U) << "the window has 10 items";
    EXPECT_EQ(bytes.items, 3U)
        << "the third item of 8,000 bytes must exceed the window";
    paused.Resume();
    wide.Resume();
    party->RunLoopUntil([&] { return slow.items > 100 && bytes.items > 100; });
  });
}

// All streams may fill their windows during a blocking call.
TEST_P(StreamTest, ABlockingCallHasRoomForAllWindows) {
  RunClient([](Party* party, FileFactsClient* client) {
    std::vector<le::Stream> streams;
    for (int i = 0; i < 20; ++i) {
      streams.push_back(client->Watch(
          Named("wide", 1000), {}, nullptr,
          [](const absl::Status& status) { ADD_FAILURE() << status; }));
    }
    for (int i = 0; i < 20; ++i) {
      const absl::StatusOr<Facts> facts = client->Count(Named("a"));
      ASSERT_TRUE(facts.ok()) << facts.status();
    }
    static_cast<void>(party);
  });
}

// Streams that only their own OnReady() closures own.
class SelfOwned final : public Facility {
 public:
  struct Pushing {
    Pushing(SelfOwned* f, le::Sink<Facts> s) : facility(f), sink(std::move(s)) {
      ++facility->made;
      ++facility->alive;
    }
    ~Pushing() { --facility->alive; }
    void Continue() {
      absl::Status pushed;
      while (pushed.ok()) pushed = sink.Push(Facts());
      if (absl::IsCancelled(pushed)) ++facility->told;
    }
    SelfOwned* const facility;
    le::Sink<Facts> sink;
  };

  void Watch(const CountRequest& request, le::Sink<Facts> sink) override {
    auto pushing = std::make_shared<Pushing>(this, std::move(sink));
    le::Sink<Facts>* const own = &pushing->sink;
    EXPECT_TRUE(own->OnReady([pushing] { pushing->Continue(); }).ok());
    const bool ends = request.name() == "ends";
    EXPECT_TRUE(own->OnCancel([own, ends] {
                     EXPECT_EQ(own->OnReady([] {}).code(),
                               absl::StatusCode::kCancelled);
                     if (ends) std::move(*own).End();
                   })
                    .ok());
  }

  int made = 0;
  int alive = 0;
  int told = 0;
};

TEST_P(StreamTest, AStreamMayOwnItself) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    SelfOwned facility;
    le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil(
        [&] { return facility.made == 4 && facility.alive == 0; });
    EXPECT_EQ(facility.told, 2) << "two streams were not ended by OnCancel()";
    party->Signal("freed");
    party->RunLoopUntil([&] { return facility.made == 5; });
    server = le::Server();
    EXPECT_EQ(facility.alive, 0);
    EXPECT_EQ(facility.told, 2)
        << "a closure was called after its server was destroyed";
    party->Signal("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    client.Watch(Named("goes on"), {}, nullptr, nullptr).Cancel();
    client.Watch(Named("ends"), {}, nullptr, nullptr).Cancel();
    client.Watch(Named("goes on"), {}, nullptr, nullptr).Detach();
    client.Watch(Named("ends"), {}, nullptr, nullptr).Detach();
    EXPECT_TRUE(client.Count(Named("a")).ok());
    EXPECT_TRUE(client.Close().ok());
    party->Await("freed");
    EXPECT_TRUE(client.Open().ok());
    client.Watch(Named("goes on"), {}, nullptr, nullptr).Detach();
    party->RunLoopUntil("done");
  });
  RunScenario(scenario, GetParam());
}

// The end of a server cancels its calls, and destroys their closures without
// calling them.
TEST_P(StreamTest, AServerEndsBeforeItsCalls) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil([&] {
      return facility.kept.size() == 1 && facility.streams.size() == 1;
    });
    le::Reply<Facts>* const reply = &facility.kept[0];
    le::Sink<Facts>* const sink = &facility.streams[0]->sink;
    const auto owned = std::make_shared<int>();
    const auto never = [owned] { ADD_FAILURE(); };
    EXPECT_TRUE(reply->OnCancel(never).ok());
    EXPECT_TRUE(sink->OnCancel(never).ok());
    EXPECT_TRUE(sink->OnReady(never).ok());
    EXPECT_FALSE(reply->cancelled());
    server = le::Server();
    EXPECT_EQ(owned.use_count(), 2) << "a copy of `never` still exists";
    EXPECT_TRUE(reply->cancelled());
    EXPECT_TRUE(sink->cancelled());
    EXPECT_EQ(reply->OnCancel(never).code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(sink->OnReady(never).code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(sink->Push(Facts()).code(), absl::StatusCode::kCancelled);
    party->Signal("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    client.CountAsync(Named("keep"), {}, nullptr).Detach();
    client.Watch(Named("hold"), {}, nullptr, nullptr).Detach();
    party->RunLoopUntil("done");
  });
  RunScenario(scenario, GetParam());
}

// The credit arrives before the closure is set.
TEST_P(StreamTest, OnReadyReportsEarlierCredit) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    const le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil([&] { return facility.streams.size() == 1; });
    le::Sink<Facts>* const sink = &facility.streams[0]->sink;
    EXPECT_TRUE(sink->OnReady(nullptr).ok());
    EXPECT_TRUE(sink->Push(Facts()).ok());
    EXPECT_EQ(sink->Push(Facts()).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_TRUE(sink->OnReady(nullptr).ok());
    party->Signal("pushed");
    party->RunLoopUntil([&] { return facility.kept.size() == 1; });
    int ready = 0;
    EXPECT_EQ(sink->OnReady([&] { ++ready; }).code(),
              absl::StatusCode::kAborted);
    EXPECT_TRUE(sink->OnReady([&] { ++ready; }).ok())
        << "the credit was reported twice";
    EXPECT_TRUE(sink->Push(Facts()).ok());
    EXPECT_EQ(sink->Push(Facts()).code(), absl::StatusCode::kResourceExhausted);
    party->RunLoopUntil([&] { return ready == 1; });
    std::move(*sink).End();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    int items = 0;
    bool ended = false;
    client
        .Watch(
            Named("hold"), le::CallOptions().Window(1, 1000),
            [&](const Facts&) { ++items; },
            [&](const absl::Status&) { ended = true; })
        .Detach();
    party->RunLoopUntil("pushed");
    party->RunLoopUntil([&] { return items == 1; });
    client.CountAsync(Named("keep"), {}, nullptr).Detach();
    party->RunLoopUntil([&] { return ended; });
    EXPECT_EQ(items, 2);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Credit and room may arrive at any moment while another thread pushes.
TEST_P(StreamTest, OnReadyReportsRoomToAThreadThatPushes) {
  static constexpr uint64_t kItems = 40;
  struct Pushing {
    explicit Pushing(le::Sink<Facts> s) : sink(std::move(s)) {}
    void Run() {
      EXPECT_TRUE(sink.OnReady([this, sender = loop.sender()] {
                        sender.Post([this] { Continue(); }).IgnoreError();
                      })
                      .ok());
      Continue();
      EXPECT_TRUE(loop.Run().ok());
    }
    void Continue() {
      Facts item;
      for (; next < kItems; ++next) {
        item.set_lines(next);
        if (!sink.Push(item).ok()) return;
      }
      if (sink) std::move(sink).End();
      loop.Stop();
    }
    le::Loop loop;
    le::Sink<Facts> sink;
    uint64_t next = 0;
  };
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    le::Server server = Must(le::Serve("facts", &facility));
    le_msg_ServiceLimits_t limits = {};
    limits.maxQueuedMessages = 1;
    EXPECT_TRUE(server.SetLimits(limits).ok());
    party->RunLoopUntil([&] { return facility.streams.size() == 1; });
    const le_thread_Ref_t thread = le_thread_Create(
        "pushes",
        [](void* context) -> void* {
          Pushing(std::move(*static_cast<le::Sink<Facts>*>(context))).Run();
          return nullptr;
        },
        &facility.streams[0]->sink);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    party->RunLoopUntil("done");
    le_thread_Join(thread, nullptr);
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    Collected collected;
    client
        .Watch(Named("hold"), le::CallOptions().Window(4, 1000),
               collected.OnItem(), collected.OnEnd())
        .Detach();
    party->RunLoopUntil([&] { return collected.ends == 1; });
    EXPECT_EQ(collected.items, kItems);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), 100);
}

}  // namespace
}  // namespace files
