// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// In the steady state the C++ API and the layers below it allocate nothing. The
// allocations of two threads are counted: a client's and a server's.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "le/messaging.h"
#include "messaging/testing/scenario.h"

namespace {

// Counts the threads with t_is_counted. The test kit's directory is not one.
std::atomic<int> g_allocations{0};
thread_local bool t_is_counted = false;

void Count() {
  if (t_is_counted) ++g_allocations;
}

void* Allocate(size_t size) {
  Count();
  void* const memory = malloc(size);
  if (memory == nullptr) abort();
  return memory;
}

}  // namespace

// The other forms of operator new call these.
void* operator new(size_t size) { return Allocate(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size);
}
void* operator new(size_t size, std::align_val_t alignment) {
  Count();
  void* memory = nullptr;
  if (posix_memalign(&memory, static_cast<size_t>(alignment), size) != 0) {
    abort();
  }
  return memory;
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  free(memory);
}

namespace le {
namespace {

using messaging::testing::Party;
using messaging::testing::RunScenario;
using messaging::testing::Scenario;
using messaging::testing::Setting;
using messaging::testing::SettingName;

constexpr Protocol kText = {"text", 256};

constexpr int kCounted = 400;
// What is allocated once, when it is first needed, is in some rounds only. For
// example, the first two responses that leave together create a queue.
constexpr int kRounds = 5;

// Returns the number of allocations of kCounted operations: the least of all
// rounds.
template <typename Operation>
int CountAllocations(Operation operation) {
  int least = std::numeric_limits<int>::max();
  for (int round = 0; round < kRounds; ++round) {
    const int before = g_allocations;
    for (int i = 0; i < kCounted; ++i) operation();
    least = std::min(least, g_allocations - before);
  }
  return least;
}

// Echoes each request, and answers each other message with a push.
void EchoBody(Party* party) {
  t_is_counted = true;
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
      t_is_counted = true;
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

// A closure of kBytes bytes, which holds the data of a test.
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
        << "the closure has no room";
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
    t_is_counted = true;
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
