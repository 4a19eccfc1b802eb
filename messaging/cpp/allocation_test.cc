// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// In the steady state the C++ API and the layers below it allocate nothing. The
// test counts the allocations of two threads: the client's and the server's.

#include <array>
#include <utility>

#include "gtest/gtest.h"
#include "le/messaging.h"
#include "messaging/testing/counted_allocations.h"
#include "messaging/testing/scenario.h"

namespace le {
namespace {

using messaging::testing::CountAllocations;
using messaging::testing::CountThisThread;
using messaging::testing::kCounted;
using messaging::testing::Party;
using messaging::testing::RunScenario;
using messaging::testing::Scenario;
using messaging::testing::Setting;
using messaging::testing::SettingName;

constexpr Protocol kText = {"text", 256};

// Echoes each request. Pushes the text of any other message back to the client.
void EchoBody(Party* party) {
  CountThisThread();
  absl::StatusOr<Service> service = Service::Create("echo", kText);
  ASSERT_TRUE(service.ok());
  EXPECT_TRUE(service
                  ->OnMessage([](Message message) {
                    if (message.needs_response()) {
                      std::move(message).Respond().IgnoreError();
                    } else {
                      Message push = message.NewMessage();
                      push.Assign(message.text()).IgnoreError();
                      std::move(push).Send().IgnoreError();
                    }
                  })
                  .ok());
  EXPECT_TRUE(service->Advertise().ok());
  party->RunLoopUntil("done");
}

// Both parties are threads of this process.
class AllocationTest : public ::testing::TestWithParam<Setting> {
 protected:
  static void RunClient(void (*body)(Client* client)) {
    Scenario scenario;
    scenario.Add("server", EchoBody);
    scenario.Add("client", [body](Party* party) {
      CountThisThread();
      absl::StatusOr<Client> client = Client::Open("echo", kText);
      ASSERT_TRUE(client.ok()) << client.status();
      body(&*client);
      party->Signal("done");
    });
    RunScenario(scenario, GetParam());
  }
};
INSTANTIATE_TEST_SUITE_P(Threads, AllocationTest,
                         ::testing::Values(Setting::kThreads,
                                           Setting::kUnixThreads),
                         SettingName);

Message Hello(const Client& client) {
  Message message = client.NewMessage();
  EXPECT_TRUE(message.Assign("hello").ok());
  return message;
}

TEST_P(AllocationTest, ASyncRequest) {
  RunClient([](Client* client) {
    EXPECT_EQ(CountAllocations([&] {
                const absl::StatusOr<Message> response =
                    client->Request(Hello(*client), absl::Hours(1));
                EXPECT_TRUE(response.ok() && response->text() == "hello");
              }),
              0);
  });
}

// A closure of kBytes bytes. It stops the loop of the test.
template <size_t kBytes>
struct Closure {
  void operator()(const absl::StatusOr<Message>& response) {
    EXPECT_TRUE(response.ok());
    loop->Stop();
  }
  Loop* loop;
  std::array<char, kBytes - sizeof(Loop*)> more;
};

template <size_t kBytes>
int CountForAsyncRequests(Client* client) {
  Loop loop;
  return CountAllocations([&] {
    const Call call = client->RequestAsync(Hello(*client), absl::Hours(1),
                                           Closure<kBytes>{&loop, {}});
    EXPECT_TRUE(loop.Run().ok());
    EXPECT_FALSE(call.pending());
  });
}

TEST_P(AllocationTest, AnAsyncRequestWithAClosure) {
  RunClient([](Client* client) {
    EXPECT_EQ(CountForAsyncRequests<80>(client), 0);
    EXPECT_EQ(CountForAsyncRequests<88>(client), kCounted)
        << "a closure of 88 bytes must be allocated once for each request";
  });
}

TEST_P(AllocationTest, ACancelledRequest) {
  RunClient([](Client* client) {
    Loop loop;
    const auto never = [](const absl::StatusOr<Message>&) { ADD_FAILURE(); };
    EXPECT_EQ(
        CountAllocations([&] {
          client->RequestAsync(Hello(*client), absl::Hours(1), never).Cancel();
          const Call call = client->RequestAsync(Hello(*client), absl::Hours(1),
                                                 Closure<80>{&loop, {}});
          EXPECT_TRUE(loop.Run().ok());
        }),
        0);
  });
}

TEST_P(AllocationTest, APush) {
  RunClient([](Client* client) {
    Loop loop;
    EXPECT_TRUE(client
                    ->OnMessage([&](const Message& push) {
                      EXPECT_EQ(push.text(), "hello");
                      loop.Stop();
                    })
                    .ok());
    EXPECT_EQ(CountAllocations([&] {
                EXPECT_TRUE(Hello(*client).Send().ok());
                EXPECT_TRUE(loop.Run().ok());
              }),
              0);
  });
}

TEST_P(AllocationTest, ATimerAndATask) {
  Scenario scenario;
  scenario.Add("only", [](Party*) {
    CountThisThread();
    Loop loop;
    Timer timer([&] { loop.Stop(); });
    EXPECT_EQ(CountAllocations([&] {
                EXPECT_TRUE(timer.Start(absl::ZeroDuration()).ok());
                EXPECT_TRUE(loop.Run().ok());
              }),
              0);
    EXPECT_EQ(CountAllocations([&] {
                EXPECT_TRUE(loop.Post([&] { loop.Stop(); }).ok());
                EXPECT_TRUE(loop.Run().ok());
              }),
              0);
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace le
