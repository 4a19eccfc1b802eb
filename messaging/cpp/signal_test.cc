// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "le/signal.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "le/loop.h"

namespace le {
namespace {

TEST(SignalWatchTest, EndsALoop) {
  Loop loop;
  int calls = 0;
  absl::StatusOr<SignalWatch> watch = SignalWatch::Create(SIGTERM, [&] {
    ++calls;
    loop.Stop();
  });
  ASSERT_TRUE(watch.ok()) << watch.status();
  EXPECT_EQ(SignalWatch::Create(SIGTERM, [] {}).status().code(),
            absl::StatusCode::kAlreadyExists);
  raise(SIGTERM);
  EXPECT_EQ(calls, 0) << "called in the handler of the signal";
  EXPECT_TRUE(loop.Run().ok());
  raise(SIGTERM);
  EXPECT_TRUE(loop.Run().ok());
  EXPECT_EQ(calls, 2);
}

TEST(SignalWatchTest, EndsRunUntilSignal) {
  Loop loop;
  ASSERT_TRUE(loop.Post([] { raise(SIGTERM); }).ok());
  EXPECT_TRUE(loop.RunUntilSignal(SIGTERM).ok());
  EXPECT_EQ(loop.RunUntilSignal(SIGKILL).code(),
            absl::StatusCode::kInvalidArgument);
  // The watch is gone.
  EXPECT_TRUE(SignalWatch::Create(SIGTERM, [] {}).ok());
  loop.Stop();
  EXPECT_TRUE(loop.RunUntilSignal(SIGTERM).ok());
}

TEST(SignalWatchTest, RestoresTheFormerHandler) {
  static int handled;
  handled = 0;
  signal(SIGUSR1, [](int) { ++handled; });
  {
    absl::StatusOr<SignalWatch> watch =
        SignalWatch::Create(SIGUSR1, [] { ADD_FAILURE(); });
    ASSERT_TRUE(watch.ok());
    raise(SIGUSR1);
    EXPECT_EQ(handled, 0);
  }
  raise(SIGUSR1);
  EXPECT_EQ(handled, 1);
  // The pending call of the closure was dropped with the watch.
  Loop loop;
  EXPECT_TRUE(loop.Post([&] { loop.Stop(); }).ok());
  EXPECT_TRUE(loop.Run().ok());
}

// A signal arrives, then its watch is destroyed, and another watch is created.
// Expected: the new watch does not report that signal.
TEST(SignalWatchTest, DoesNotReportAnEarlierSignal) {
  for (const bool told : {false, true}) {
    absl::StatusOr<SignalWatch> first = SignalWatch::Create(SIGUSR1, [] {});
    ASSERT_TRUE(first.ok());
    raise(SIGUSR1);
    if (told) le_event_ServiceLoop();
    *first = *SignalWatch::Create(SIGUSR2, [] {});
    int calls = 0;
    absl::StatusOr<SignalWatch> second =
        SignalWatch::Create(SIGUSR1, [&] { ++calls; });
    ASSERT_TRUE(second.ok());
    while (le_event_ServiceLoop() == LE_OK) {
    }
    EXPECT_EQ(calls, 0);
    raise(SIGUSR1);
    while (le_event_ServiceLoop() == LE_OK) {
    }
    EXPECT_EQ(calls, 1);
  }
}

TEST(SignalWatchTest, MayBeDestroyedInItsClosure) {
  Loop loop;
  std::unique_ptr<SignalWatch> watch;
  absl::StatusOr<SignalWatch> made = SignalWatch::Create(SIGUSR2, [&] {
    watch = nullptr;
    loop.Stop();
  });
  ASSERT_TRUE(made.ok());
  watch = std::make_unique<SignalWatch>(*std::move(made));
  raise(SIGUSR2);
  EXPECT_TRUE(loop.Run().ok());
  EXPECT_EQ(watch, nullptr);
}

TEST(SignalWatchTest, RefusesInvalidArguments) {
  for (const int signal : {-1, 0, SIGKILL, SIGSTOP, 1000}) {
    EXPECT_EQ(SignalWatch::Create(signal, [] {}).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(SignalWatch::Create(SIGHUP, nullptr).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// Before the child of a fork calls exec, it has the parent's signal handler.
// Expected: a signal to the child is not reported in the parent.
TEST(SignalWatchTest, DoesNotReportASignalToAChild) {
  Loop loop;
  absl::StatusOr<SignalWatch> watch =
      SignalWatch::Create(SIGTERM, [] { ADD_FAILURE(); });
  ASSERT_TRUE(watch.ok());
  const pid_t child = fork();
  if (child == 0) {
    raise(SIGTERM);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(loop.Post([&] { loop.Stop(); }).ok());
  EXPECT_TRUE(loop.Run().ok());
}

}  // namespace
}  // namespace le
