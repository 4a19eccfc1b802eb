// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// In the steady state a typed client, a typed server and the layers below them
// do not allocate.

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "le/messaging.h"
#include "messaging/testing/counted_allocations.h"
#include "messaging/testing/scenario.h"
#include "services/tests/facts.le.h"

namespace files {
namespace {

using le::messaging::testing::CountAllocations;
using le::messaging::testing::CountThisThread;
using le::messaging::testing::kCounted;
using le::messaging::testing::Party;
using le::messaging::testing::RunScenario;
using le::messaging::testing::Scenario;
using le::messaging::testing::Setting;
using le::messaging::testing::SettingName;

// This text is too long for the internal buffer of a std::string.
constexpr char kText[] = "a text that a string stores in a block of memory";

// Echoes each request. Pushes an item for each one-way message.
class Echo final : public FileFactsService {
 public:
  void Count(const CountRequest& request, le::Reply<Facts> reply) override {
    reply->set_lines(request.number());
    reply->set_text(request.name());
    std::move(reply).Send();
  }
  void Watch(const CountRequest&, le::Sink<Facts> sink) override {
    sink_ = std::make_unique<le::Sink<Facts>>(std::move(sink));
  }
  void Log(const Line& line, const le::Caller&) override {
    item_.set_text(line.text());
    EXPECT_TRUE(sink_->Push(item_).ok());
  }
  void CountFile(const CountRequest&, le::UniqueFd, le::Reply<Facts>) override {
  }
  void OpenFile(const CountRequest&, le::ReplyWithFd<Facts>) override {}
  void CopyFile(const CountRequest&, le::UniqueFd,
                le::ReplyWithFd<Facts>) override {}
  void WatchFile(const CountRequest&, le::UniqueFd, le::Sink<Facts>) override {}
  void Deliver(const Line&, le::UniqueFd, const le::Caller&) override {}

 private:
  std::unique_ptr<le::Sink<Facts>> sink_;
  Facts item_;
};

// Both parties are threads of this process.
class TypedAllocationTest : public ::testing::TestWithParam<Setting> {
 protected:
  void SetUp() override {
    if (!le::internal::kReusesMessages) GTEST_SKIP() << "AddressSanitizer";
  }
  static void RunClient(void (*body)(FileFactsClient* client)) {
    Scenario scenario;
    scenario.Add("server", [](Party* party) {
      CountThisThread();
      Echo echo;
      const absl::StatusOr<le::Server> server = le::Serve("facts", &echo);
      ASSERT_TRUE(server.ok()) << server.status();
      party->RunLoopUntil("done");
    });
    scenario.Add("client", [body](Party* party) {
      CountThisThread();
      absl::StatusOr<FileFactsClient> client = FileFactsClient::Open("facts");
      ASSERT_TRUE(client.ok()) << client.status();
      body(&*client);
      party->Signal("done");
    });
    RunScenario(scenario, GetParam());
  }
};
INSTANTIATE_TEST_SUITE_P(Threads, TypedAllocationTest,
                         ::testing::Values(Setting::kThreads,
                                           Setting::kUnixThreads),
                         SettingName);

TEST_P(TypedAllocationTest, ASynchronousCall) {
  RunClient([](FileFactsClient* client) {
    CountRequest request;
    request.set_name(kText);
    Facts response;
    const auto options = le::CallOptions().Timeout(absl::Hours(1));
    EXPECT_EQ(
        CountAllocations([&] {
          EXPECT_TRUE(client->CountInto(request, &response, options).ok());
          EXPECT_EQ(response.text(), kText);
        }),
        0);
    // A response by value needs memory for its text only.
    request.set_name("");
    EXPECT_EQ(CountAllocations(
                  [&] { EXPECT_TRUE(client->Count(request, options).ok()); }),
              0);
  });
}

TEST_P(TypedAllocationTest, AnAsynchronousCall) {
  RunClient([](FileFactsClient* client) {
    CountRequest request;
    request.set_name(kText);
    const auto options = le::CallOptions().Timeout(absl::Hours(1));
    le::Loop loop;
    EXPECT_EQ(CountAllocations([&] {
                const le::Call call = client->CountAsync(
                    request, options, [&](absl::StatusOr<const Facts*> facts) {
                      EXPECT_EQ((*facts)->text(), kText);
                      loop.Stop();
                    });
                EXPECT_TRUE(loop.Run().ok());
              }),
              0);
    // A cancelled call. The server gets the cancel message.
    EXPECT_EQ(CountAllocations([&] {
                client->CountAsync(request, options, nullptr).Cancel();
                const le::Call call = client->CountAsync(
                    request, options,
                    [&](absl::StatusOr<const Facts*>) { loop.Stop(); });
                EXPECT_TRUE(loop.Run().ok());
              }),
              0);
  });
}

TEST_P(TypedAllocationTest, AOneWayMessageAndAnItem) {
  RunClient([](FileFactsClient* client) {
    Line line;
    line.set_text(kText);
    le::Loop loop;
    le::Stream stream = client->Watch(
        CountRequest(), {},
        [&](const Facts& item) {
          EXPECT_EQ(item.text(), kText);
          loop.Stop();
        },
        nullptr);
    EXPECT_EQ(CountAllocations([&] {
                EXPECT_TRUE(client->Log(line).ok());
                EXPECT_TRUE(loop.Run().ok());
              }),
              0);
    static_assert(kCounted > le::CallOptions::kDefaultWindowItems,
                  "the client must return credit");
  });
}

}  // namespace
}  // namespace files
