// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Loops, and objects that another thread uses or that outlive their thread, in
// every setting of the test kit.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "le/messaging.h"
#include "messaging/cpp/testing/echo.h"
#include "messaging/testing/scenario.h"

namespace le {
namespace {

using messaging::testing::AllSettings;
using messaging::testing::Party;
using messaging::testing::RunScenario;
using messaging::testing::Scenario;
using messaging::testing::Setting;
using messaging::testing::SettingName;

class CppThreadTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, CppThreadTest, AllSettings(), SettingName);

TEST_P(CppThreadTest, TasksTimersAndTheEndOfALoop) {
  Scenario scenario;
  scenario.Add("only", [](Party*) {
    Loop loop;
    std::vector<int> order;
    Timer timer([&] {
      order.push_back(3);
      loop.Stop();
    });
    EXPECT_TRUE(timer.Start(absl::Milliseconds(1)).ok());
    EXPECT_TRUE(timer.running());
    EXPECT_TRUE(loop.Post([&] { order.push_back(1); }).ok());
    EXPECT_TRUE(loop.sender().Post([&] { order.push_back(2); }).ok());
    EXPECT_TRUE(loop.Run().ok());
    EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
    EXPECT_FALSE(timer.running());

    int periods = 0;
    Timer periodic([&] {
      if (++periods == 3) loop.Stop();
    });
    EXPECT_TRUE(periodic.StartPeriodic(absl::Microseconds(1)).ok());
    EXPECT_TRUE(loop.Run().ok());
    EXPECT_EQ(periods, 3);

    // A loop cannot be run in a task. The second task is dropped with its loop.
    absl::Status nested;
    auto inner = std::make_unique<Loop>();
    const TaskSender sender = inner->sender();
    EXPECT_TRUE(inner
                    ->Post([&] {
                      nested = loop.Run();
                      inner = nullptr;
                    })
                    .ok());
    EXPECT_TRUE(sender.Post([] { ADD_FAILURE(); }).ok());
    EXPECT_TRUE(loop.Post([&] { loop.Stop(); }).ok());
    EXPECT_TRUE(loop.Run().ok());
    EXPECT_EQ(nested.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(inner, nullptr);
    EXPECT_EQ(sender.Post([] {}).code(), absl::StatusCode::kUnavailable);
  });
  RunScenario(scenario, GetParam());
}

TEST_P(CppThreadTest, AnotherThreadPostsAndStops) {
  Scenario scenario;
  scenario.Add("only", [](Party*) {
    Loop loop;
    struct Shared {
      TaskSender sender;
      Loop* loop;
      int run = 0;
    } shared = {loop.sender(), &loop};
    const le_thread_Ref_t other = le_thread_Create(
        "other",
        [](void* context) -> void* {
          auto* const shared = static_cast<Shared*>(context);
          EXPECT_EQ(shared->loop->Run().code(),
                    absl::StatusCode::kFailedPrecondition);
          for (int i = 0; i < 100; ++i) {
            EXPECT_TRUE(shared->sender.Post([shared] { ++shared->run; }).ok());
          }
          shared->loop->Stop();
          return nullptr;
        },
        &shared);
    le_thread_SetJoinable(other);
    le_thread_Start(other);
    EXPECT_TRUE(loop.Run().ok());
    EXPECT_EQ(shared.run, 100);
    le_thread_Join(other, nullptr);
  });
  RunScenario(scenario, GetParam());
}

// A thread ends, and its objects still exist. Expected: their methods fail, and
// another thread may destroy them.
TEST_P(CppThreadTest, ObjectsOutliveTheirThread) {
  Scenario scenario;
  scenario.Add("server", EchoBody);
  scenario.Add("client", [](Party* party) {
    struct Left {
      Client client;
      Service service;
      std::unique_ptr<Timer> timer;
      std::unique_ptr<Loop> loop;
      Call call;
      TaskSender sender;
      std::weak_ptr<int> of_timer;
      int unavailable = 0;
    } left;
    const le_thread_Ref_t thread = le_thread_Create(
        "thread",
        [](void* context) -> void* {
          auto* const left = static_cast<Left*>(context);
          left->client = Must(Client::Open("echo", kText));
          left->service = Must(Service::Create("short", kText));
          EXPECT_TRUE(left->service.Advertise().ok());
          auto owned = std::make_shared<int>(1);
          left->of_timer = owned;
          left->timer = std::make_unique<Timer>(
              [owned = std::move(owned)] { ADD_FAILURE(); });
          EXPECT_TRUE(left->timer->Start(absl::Seconds(1)).ok());
          left->loop = std::make_unique<Loop>();
          left->sender = left->loop->sender();
          EXPECT_TRUE(left->sender.Post([] { ADD_FAILURE(); }).ok());
          left->call = left->client.RequestAsync(
              Text(left->client, "keep"), absl::InfiniteDuration(),
              [left](absl::StatusOr<Message> response) {
                EXPECT_EQ(response.status().code(),
                          absl::StatusCode::kUnavailable);
                ++left->unavailable;
              });
          return nullptr;
        },
        &left);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    le_thread_Join(thread, nullptr);
    EXPECT_EQ(left.unavailable, 1);
    EXPECT_FALSE(left.call.pending());
    constexpr absl::StatusCode kInert = absl::StatusCode::kFailedPrecondition;
    EXPECT_EQ(left.client.Open().code(), kInert);
    EXPECT_FALSE(left.client.NewMessage());
    EXPECT_EQ(left.client.peer().status().code(), kInert);
    EXPECT_EQ(left.client.close_reason(), LE_MSG_CLOSE_NONE);
    left.client.Flush();
    EXPECT_TRUE(left.of_timer.expired());
    EXPECT_EQ(left.service.Advertise().code(), kInert);
    EXPECT_EQ(left.timer->Start(absl::Seconds(1)).code(), kInert);
    EXPECT_EQ(left.sender.Post([] {}).code(), absl::StatusCode::kUnavailable);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A thread has created objects, and ends. Meanwhile another thread calls the
// objects' methods. Expected: methods that return a status refuse these calls.
TEST_P(CppThreadTest, AnotherThreadIsRefusedWhileAThreadEnds) {
  Scenario scenario;
  scenario.Add("only", [](Party*) {
    struct Theirs {
      Client client;
      Service service;
      std::unique_ptr<Timer> timer;
      le_sem_Ref_t made = le_sem_Create("made", 0);
    } theirs;
    const le_thread_Ref_t thread = le_thread_Create(
        "thread",
        [](void* context) -> void* {
          auto* const theirs = static_cast<Theirs*>(context);
          theirs->client = Must(Client::Create("echo", kText));
          theirs->service = Must(Service::Create("short", kText));
          theirs->timer = std::make_unique<Timer>([] {});
          le_sem_Post(theirs->made);
          return nullptr;
        },
        &theirs);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    le_sem_Wait(theirs.made);
    const auto expect_refused = [&] {
      for (const absl::Status& status :
           {theirs.client.Close(), theirs.client.peer().status(),
            theirs.client.OpenAsync(absl::ZeroDuration(), nullptr),
            theirs.service.Hide(), theirs.timer->Stop()}) {
        EXPECT_EQ(status, internal::WrongThread());
      }
      EXPECT_FALSE(theirs.client.is_open());
      EXPECT_FALSE(theirs.timer->running());
    };
    for (int i = 0; i < 200; ++i) expect_refused();
    le_thread_Join(thread, nullptr);
    expect_refused();
    le_sem_Delete(theirs.made);
  });
  RunScenario(scenario, GetParam());
}

// A thread of the test posts a task to a party that runs its loop.
TEST_P(CppThreadTest, APartyRunsATaskOfAnotherThread) {
  Scenario scenario;
  scenario.Add("only", [](Party* party) {
    Loop loop;
    bool has_run = false;
    struct Work {
      TaskSender sender;
      bool* has_run;
    } work = {loop.sender(), &has_run};
    const le_thread_Ref_t thread = le_thread_Create(
        "thread",
        [](void* context) -> void* {
          auto* const work = static_cast<Work*>(context);
          EXPECT_TRUE(
              work->sender.Post([run = work->has_run] { *run = true; }).ok());
          return nullptr;
        },
        &work);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    party->RunLoopUntil([&] { return has_run; });
    le_thread_Join(thread, nullptr);
  });
  RunScenario(scenario, GetParam());
}

// A closure ends its thread, which unwinds the stack. Expected: the running
// closure is destroyed.
TEST_P(CppThreadTest, AThreadMayEndInAClosure) {
  Scenario scenario;
  scenario.Add("only", [](Party*) {
    struct Left {
      std::unique_ptr<Timer> timer;
      std::shared_ptr<int> owned = std::make_shared<int>(1);
    } left;
    const std::weak_ptr<int> watch = left.owned;
    const le_thread_Ref_t thread = le_thread_Create(
        "thread",
        [](void* context) -> void* {
          auto* const left = static_cast<Left*>(context);
          left->timer = std::make_unique<Timer>(
              [owned = std::move(left->owned)] { le_thread_Exit(nullptr); });
          EXPECT_TRUE(left->timer->Start(absl::ZeroDuration()).ok());
          le_event_RunLoop();
        },
        &left);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    le_thread_Join(thread, nullptr);
    EXPECT_TRUE(watch.expired());
    EXPECT_EQ(left.timer->Stop().code(), absl::StatusCode::kFailedPrecondition);
  });
  RunScenario(scenario, GetParam());
}

// Another thread of the server pushes to the session and responds to the
// request.
TEST_P(CppThreadTest, AResponseComesFromAnyThread) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    EchoServer server;
    party->RunLoopUntil([&] { return !server.kept.empty(); });
    Message request = std::move(server.kept[0]);
    Session session = Session::Of(request);
    struct Work {
      Message request;
      Session session;
    } work = {std::move(request), std::move(session)};
    const le_thread_Ref_t thread = le_thread_Create(
        "thread",
        [](void* context) -> void* {
          auto* const work = static_cast<Work*>(context);
          Message push = work->session.NewMessage();
          EXPECT_TRUE(push.Assign("push").ok());
          EXPECT_TRUE(std::move(push).Send().ok());
          EXPECT_EQ(work->session.Close().code(),
                    absl::StatusCode::kFailedPrecondition);
          EXPECT_TRUE(work->request.Assign("late").ok());
          EXPECT_TRUE(std::move(work->request).Respond().ok());
          return nullptr;
        },
        &work);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    le_thread_Join(thread, nullptr);
    party->RunLoopUntil("done");
    server.service = Service();
    // The reason is not certain: the client may have closed the session first.
    EXPECT_NE(work.session.close_reason(), LE_MSG_CLOSE_NONE);
    EXPECT_EQ(work.session.NewMessage().Send().code(),
              absl::StatusCode::kUnavailable);
  });
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Open("echo", kText));
    std::string pushed;
    std::string response;
    EXPECT_TRUE(client
                    .OnMessage([&](Message message) {
                      pushed = std::string(message.text());
                    })
                    .ok());
    Call call = client.RequestAsync(
        Text(client, "keep"), absl::InfiniteDuration(),
        [&](absl::StatusOr<Message> message) {
          response = message.ok() ? std::string(message->text()) : "error";
        });
    party->RunLoopUntil([&] { return !response.empty() && !pushed.empty(); });
    EXPECT_EQ(response, "late");
    EXPECT_EQ(pushed, "push");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace le
