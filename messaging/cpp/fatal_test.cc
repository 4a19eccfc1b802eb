// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The errors that le/messaging.h calls fatal must end the process, and the log
// must name the cause.

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "le/messaging.h"

namespace le {
namespace {

constexpr Protocol kText = {"text", 256};

#define EXPECT_FATAL(statement, text) \
  EXPECT_EXIT(statement, ::testing::ExitedWithCode(EXIT_FAILURE), text)

void OnAnotherThread(UniqueFunction<void()> function) {
  const le_thread_Ref_t thread = le_thread_Create(
      "other",
      [](void* context) -> void* {
        (*static_cast<UniqueFunction<void()>*>(context))();
        return nullptr;
      },
      &function);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  le_thread_Join(thread, nullptr);
}

void DestroyOnAnotherThread(std::shared_ptr<void> object) {
  OnAnotherThread([&] { object = nullptr; });
}

// A service, and a client with a session to it, on one thread.
struct Pair {
  Pair() {
    EXPECT_TRUE(service.Advertise().ok());
    EXPECT_TRUE(client.Open().ok());
  }
  Call Ask() {
    return client.RequestAsync(client.NewMessage(), absl::InfiniteDuration(),
                               [](const absl::StatusOr<Message>&) {});
  }
  Service service = *Service::Create("service", kText);
  Client client = *Client::Create("service", kText);
};

TEST(FatalTest, DestroyingAnObjectOnAnotherThread) {
  EXPECT_FATAL(DestroyOnAnotherThread(
                   std::make_shared<Client>(*Client::Create("x", kText))),
               "le::Client: only the thread that created");
  EXPECT_FATAL(DestroyOnAnotherThread(
                   std::make_shared<Service>(*Service::Create("x", kText))),
               "le::Service: only the thread that created");
  EXPECT_FATAL(DestroyOnAnotherThread(std::make_shared<Timer>([] {})),
               "le::Timer: only the thread that created");
  EXPECT_FATAL(DestroyOnAnotherThread(std::make_shared<SignalWatch>(
                   *SignalWatch::Create(SIGUSR1, [] {}))),
               "le::SignalWatch: only the thread that created");
  // Assigning to an object on another thread is fatal too.
  EXPECT_FATAL(
      {
        Client client = *Client::Create("x", kText);
        OnAnotherThread([&] { client = Client(); });
      },
      "le::Client: only the thread that created");
}

// These methods return no status, so their misuse is fatal.
TEST(FatalTest, UsingAClientOnAnotherThread) {
  EXPECT_FATAL(
      {
        const Pair pair;
        OnAnotherThread([&] { pair.client.NewMessage(); });
      },
      "le::Client::NewMessage: only the thread that created");
  EXPECT_FATAL(
      {
        const Pair pair;
        OnAnotherThread([&] { pair.client.close_reason(); });
      },
      "le::Client::close_reason: only the thread that created");
  EXPECT_FATAL(
      {
        const Pair pair;
        OnAnotherThread([&] { pair.client.Flush(); });
      },
      "le::Client::Flush: only the thread that created");
}

TEST(FatalTest, UsingACallOnAnotherThread) {
  EXPECT_FATAL(
      {
        Pair pair;
        Call call = pair.Ask();
        OnAnotherThread([&] { call.Cancel(); });
      },
      "le::Call::Cancel: only the thread that created");
  EXPECT_FATAL(
      {
        Pair pair;
        DestroyOnAnotherThread(std::make_shared<Call>(pair.Ask()));
      },
      "le::Call::Cancel: only the thread that created");
  EXPECT_FATAL(
      {
        Pair pair;
        Call call = pair.Ask();
        OnAnotherThread([&] { call.Detach(); });
      },
      "le::Call::Detach: only the thread that created");
  EXPECT_FATAL(
      {
        Pair pair;
        const Call call = pair.Ask();
        OnAnotherThread([&] { call.pending(); });
      },
      "le::Call::pending: only the thread that created");
  EXPECT_FATAL(
      {
        Pair pair;
        Call call = pair.Ask();
        OnAnotherThread([&] { const Call moved = std::move(call); });
      },
      "le::Call: only the thread that created");
}

TEST(FatalTest, AnExceptionThatLeavesAClosure) {
  const auto throws = [](auto&&...) { throw std::runtime_error("mine"); };
  EXPECT_FATAL(
      {
        Loop loop;
        loop.Post(throws).IgnoreError();
        loop.Run().IgnoreError();
      },
      "has thrown an exception: mine");
  EXPECT_FATAL(
      {
        Loop loop;
        Timer timer(throws);
        timer.Start(absl::ZeroDuration()).IgnoreError();
        loop.Run().IgnoreError();
      },
      "has thrown an exception: mine");
  EXPECT_FATAL(
      {
        Loop loop;
        Pair pair;
        pair.service.OnMessage(throws).IgnoreError();
        const Call call = pair.Ask();
        loop.Run().IgnoreError();
      },
      "has thrown an exception: mine");
  EXPECT_FATAL(
      {
        Loop loop;
        Pair pair;  // has no message handler, so the request is released
        const Call call = pair.client.RequestAsync(
            pair.client.NewMessage(), absl::InfiniteDuration(), throws);
        loop.Run().IgnoreError();
      },
      "has thrown an exception: mine");
}

// Calls `act` in the child of a fork. Then ends this process with the child's
// exit status.
void InAChild(UniqueFunction<void()> act) {
  const pid_t child = fork();
  if (child == 0) {
    act();
    _exit(EXIT_SUCCESS);
  }
  int status = 0;
  waitpid(child, &status, 0);
  _exit(WEXITSTATUS(status));
}

TEST(FatalTest, TheChildOfAFork) {
  const char* const kFork = "child of a fork";
  EXPECT_FATAL(
      {
        Client client = *Client::Create("x", kText);
        InAChild([&] { client.Open().IgnoreError(); });
      },
      kFork);
  EXPECT_FATAL(
      {
        Client client = *Client::Create("x", kText);
        InAChild([&] { client.NewMessage(); });
      },
      kFork);
  EXPECT_FATAL(
      {
        Loop loop;
        loop.Post([] {}).IgnoreError();
        InAChild([&] { loop.Post([] {}).IgnoreError(); });
      },
      kFork);
  EXPECT_FATAL(
      {
        Timer timer([] {});
        InAChild([&] { timer = Timer([] {}); });
      },
      kFork);
  EXPECT_FATAL(
      {
        SignalWatch watch = *SignalWatch::Create(SIGUSR1, [] {});
        InAChild([&] {
          SignalWatch::Create(SIGUSR2, [] {}).status().IgnoreError();
        });
      },
      kFork);
}

// On another thread, destroying any of these objects is not fatal.
TEST(FatalTest, AnyThreadMayDestroyTheseObjects) {
  Pair pair;
  auto loop = std::make_shared<Loop>();
  auto call = std::make_shared<Call>(pair.Ask());
  call->Detach();
  Client moved = *Client::Create("x", kText);
  auto empty = std::make_shared<Client>(std::move(moved));
  moved = std::move(*empty);
  std::shared_ptr<Client> left;
  OnAnotherThread(
      [&] { left = std::make_shared<Client>(*Client::Create("x", kText)); });
  DestroyOnAnotherThread(std::make_shared<Message>(pair.client.NewMessage()));
  DestroyOnAnotherThread(std::exchange(loop, nullptr));
  DestroyOnAnotherThread(std::exchange(call, nullptr));
  DestroyOnAnotherThread(std::exchange(empty, nullptr));
  DestroyOnAnotherThread(std::exchange(left, nullptr));
}

// exit() destroys static objects on their own thread, so this is not fatal.
TEST(FatalTest, ObjectsOfStaticStorage) {
  EXPECT_EXIT(
      {
        static Pair pair;
        static Call call = pair.Ask();
        static Loop loop;
        static Timer timer([] {});
        static SignalWatch watch = *SignalWatch::Create(SIGUSR1, [] {});
        exit(EXIT_SUCCESS);
      },
      ::testing::ExitedWithCode(EXIT_SUCCESS), "");
}

}  // namespace
}  // namespace le

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  // Each death test runs in a new process, so that no thread or service of
  // another test exists in it.
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  return RUN_ALL_TESTS();
}
