// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Topics, in every setting of the test kit.

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

class TopicTest
    : public ::testing::TestWithParam<le::messaging::testing::Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, TopicTest, AllSettings(), SettingName);

// Adds each stream to its topic, which keeps two items.
class Publisher : public Facility {
 public:
  explicit Publisher(le::SlowStream policy)
      : topic(std::make_unique<le::Topic<Facts>>(policy, 2)) {}
  void Watch(const CountRequest&, le::Sink<Facts> sink) override {
    topic->Add(std::move(sink));
  }
  // Publishes the items from `first` to `last`.
  void Publish(uint64_t first, uint64_t last) {
    Facts item;
    for (uint64_t number = first; number <= last; ++number) {
      item.set_lines(number);
      topic->Publish(item);
    }
  }
  std::unique_ptr<le::Topic<Facts>> topic;
};

struct Watcher {
  Watcher(FileFactsClient* client, const le::CallOptions& options)
      : stream(client->Watch(
            Named("watch"), options,
            [this](const Facts& item) { items.push_back(item.lines()); },
            [this](absl::Status status) {
              end = std::move(status);
              ended = true;
            })) {}
  std::vector<uint64_t> items;
  absl::Status end;
  bool ended = false;
  le::Stream stream;
};

TEST_P(TopicTest, EachStreamGetsTheItemsFromItsBeginningToItsEnd) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Publisher publisher(le::SlowStream::kEnds);
    const le::Server server = Must(le::Serve("facts", &publisher));
    party->RunLoopUntil([&] { return publisher.topic->size() == 1; });
    publisher.Publish(0, 1);
    party->Signal("two items");
    party->RunLoopUntil([&] { return publisher.topic->size() == 3; });
    publisher.Publish(2, 3);
    party->Signal("four items");
    party->RunLoopUntil([&] { return publisher.topic->size() == 2; });
    publisher.Publish(4, 4);
    publisher.topic->EndAll(absl::DataLossError("the end"));
    EXPECT_EQ(publisher.topic->size(), 0U);
    publisher.Publish(5, 5);
    party->RunLoopUntil([&] { return publisher.topic->size() == 1; });
    publisher.topic = nullptr;
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    Watcher early(&client, {});
    party->RunLoopUntil("two items");
    Watcher late(&client, {});
    Watcher cancelled(&client, {});
    party->RunLoopUntil("four items");
    party->RunLoopUntil([&] { return cancelled.items.size() == 2; });
    cancelled.stream.Cancel();
    party->RunLoopUntil([&] { return early.ended && late.ended; });
    EXPECT_EQ(early.items, (std::vector<uint64_t>{0, 1, 2, 3, 4}));
    EXPECT_EQ(early.end, absl::DataLossError("the end"));
    EXPECT_EQ(late.items, (std::vector<uint64_t>{2, 3, 4}));
    EXPECT_EQ(cancelled.items, (std::vector<uint64_t>{2, 3}));
    EXPECT_FALSE(cancelled.ended);
    Watcher last(&client, {});
    party->RunLoopUntil([&] { return last.ended; });
    EXPECT_TRUE(absl::IsUnavailable(last.end)) << last.end;
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// The topic keeps two items.
TEST_P(TopicTest, AStreamMayBeginWithTheKeptItems) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    struct KeptPublisher final : public Publisher {
      KeptPublisher() : Publisher(le::SlowStream::kEnds) {}
      void Watch(const CountRequest&, le::Sink<Facts> sink) override {
        topic->AddWithKept(std::move(sink));
      }
    } publisher;
    const le::Server server = Must(le::Serve("facts", &publisher));
    party->RunLoopUntil([&] { return publisher.topic->size() == 1; });
    publisher.Publish(0, 2);
    party->Signal("published");
    party->RunLoopUntil([&] { return publisher.topic->size() == 2; });
    publisher.Publish(3, 3);
    publisher.topic->EndAll();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    Watcher early(&client, {});
    party->RunLoopUntil("published");
    Watcher late(&client, {});
    party->RunLoopUntil([&] { return early.ended && late.ended; });
    EXPECT_EQ(early.items, (std::vector<uint64_t>{0, 1, 2, 3}));
    EXPECT_EQ(late.items, (std::vector<uint64_t>{1, 2, 3}));
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// After the drain has begun, a stream that is added to the topic ends at once.
TEST_P(TopicTest, ADrainEndsTheStreams) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    struct LatePublisher final : public Publisher {
      LatePublisher() : Publisher(le::SlowStream::kEnds) {}
      void Watch(const CountRequest&, le::Sink<Facts> sink) override {
        if (topic->size() < 1) return topic->Add(std::move(sink));
        late.push_back(std::move(sink));
      }
      std::vector<le::Sink<Facts>> late;
    } publisher;
    le::Server server = Must(le::Serve("facts", &publisher));
    party->RunLoopUntil([&] { return publisher.late.size() == 1; });
    bool drained = false;
    EXPECT_TRUE(server.Drain([&] { drained = true; }).ok());
    EXPECT_EQ(publisher.topic->size(), 1) << "Drain() itself ends a stream";
    party->RunLoopUntil([&] { return publisher.topic->size() == 0; });
    publisher.topic->Add(std::move(publisher.late[0]));
    EXPECT_EQ(publisher.topic->size(), 0);
    party->RunLoopUntil([&] { return drained; });
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    Watcher first(&client, {}), second(&client, {});
    party->RunLoopUntil([&] { return first.ended && second.ended; });
    const absl::Status ending = absl::UnavailableError("the server is ending");
    EXPECT_EQ(first.end, ending);
    EXPECT_EQ(second.end, ending);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A client has two streams. The slow stream takes only one item until the
// server has published all items.
void RunSlowAndFast(le::SlowStream policy, uint64_t last_item,
                    void (*check)(const Watcher& slow, const Watcher& fast),
                    le::messaging::testing::Setting setting) {
  Scenario scenario;
  scenario.Add("server", [=](Party* party) {
    Publisher publisher(policy);
    const le::Server server = Must(le::Serve("facts", &publisher));
    party->RunLoopUntil([&] { return publisher.topic->size() == 2; });
    publisher.Publish(0, last_item);
    party->Signal("published");
    party->RunLoopUntil("all are there");
    publisher.topic->EndAll();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [=](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    Watcher slow(&client, le::CallOptions().Window(1, 1000));
    slow.stream.Pause();
    Watcher fast(&client, {});
    party->RunLoopUntil("published");
    slow.stream.Resume();
    party->RunLoopUntil([&] {
      return fast.items.size() == last_item + 1 &&
             (slow.ended ||
              (!slow.items.empty() && slow.items.back() == last_item));
    });
    party->Signal("all are there");
    party->RunLoopUntil([&] { return slow.ended && fast.ended; });
    EXPECT_EQ(fast.items.size(), last_item + 1);
    EXPECT_TRUE(fast.end.ok()) << fast.end;
    check(slow, fast);
    party->Signal("done");
  });
  RunScenario(scenario, setting);
}

// The slow stream takes item 0, and the topic keeps two more items.
TEST_P(TopicTest, AStreamThatIsTwoItemsBehindLosesNone) {
  RunSlowAndFast(
      le::SlowStream::kEnds, 2,
      [](const Watcher& slow, const Watcher& fast) {
        EXPECT_EQ(slow.items, fast.items);
        EXPECT_TRUE(slow.end.ok()) << slow.end;
      },
      GetParam());
}
TEST_P(TopicTest, AStreamThatIsThreeItemsBehindEnds) {
  RunSlowAndFast(
      le::SlowStream::kEnds, 3,
      [](const Watcher& slow, const Watcher&) {
        EXPECT_EQ(slow.items, std::vector<uint64_t>{0});
        EXPECT_TRUE(absl::IsResourceExhausted(slow.end)) << slow.end;
      },
      GetParam());
}
TEST_P(TopicTest, AStreamThatIsFarBehindSkipsItems) {
  RunSlowAndFast(
      le::SlowStream::kSkipsItems, 9,
      [](const Watcher& slow, const Watcher&) {
        EXPECT_EQ(slow.items, (std::vector<uint64_t>{0, 8, 9}));
        EXPECT_TRUE(slow.end.ok()) << slow.end;
      },
      GetParam());
}

TEST_P(TopicTest, ATopicOutlivesItsServer) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Publisher publisher(le::SlowStream::kSkipsItems);
    le::Server server = Must(le::Serve("facts", &publisher));
    party->RunLoopUntil([&] { return publisher.topic->size() == 2; });
    // An item that is too large ends the streams.
    Facts item;
    item.set_text(std::string(20000, 'x'));
    publisher.topic->Publish(item);
    EXPECT_EQ(publisher.topic->size(), 0U);
    party->RunLoopUntil([&] { return publisher.topic->size() == 1; });
    server = le::Server();
    EXPECT_EQ(publisher.topic->size(), 1U);
    publisher.Publish(0, 0);
    EXPECT_EQ(publisher.topic->size(), 0U);
    party->Signal("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    Watcher a(&client, {});
    Watcher b(&client, {});
    party->RunLoopUntil([&] { return a.ended && b.ended; });
    EXPECT_TRUE(absl::IsOutOfRange(a.end)) << a.end;
    Watcher c(&client, {});
    party->RunLoopUntil("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace files
