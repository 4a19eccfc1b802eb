// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Typed calls in coroutines. The test is empty if the compiler has no
// coroutines.

#if defined(__cpp_impl_coroutine)

#include "le/coroutine.h"

#include <optional>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "le/messaging.h"
#include "le/testing/local.h"
#include "services/tests/facts.le_mock.h"

namespace files {
namespace {

using ::testing::_;

CountRequest Named(const char* name) {
  CountRequest request;
  request.set_name(name);
  return request;
}
auto Count(FileFactsClient* client, CountRequest request) {
  return le::Await<Facts>(
      [client, request = std::move(request)](le::Done<Facts> done) {
        return client->CountAsync(request, {}, std::move(done));
      });
}

// The service answers a request with the request's name, or with an error if
// the name is empty.
class CoroutineTest : public ::testing::Test {
 protected:
  CoroutineTest() {
    EXPECT_CALL(service_, Count(_, _))
        .WillRepeatedly(
            [](const CountRequest& request, le::Reply<Facts> reply) {
              if (request.name().empty()) {
                return std::move(reply).Fail(absl::NotFoundError("no name"));
              }
              reply->set_text(request.name());
              std::move(reply).Send();
            });
  }
  ::testing::NiceMock<MockFileFactsService> service_;
};

le::Task Three(FileFactsClient* client, le::Loop* loop, std::string* result) {
  const absl::StatusOr<Facts> a = co_await Count(client, Named("a"));
  *result += a.ok() ? a->text() : "error";
  const absl::StatusOr<Facts> none = co_await Count(client, Named(""));
  *result += none.ok() ? "?" : std::string(none.status().message());
  const absl::StatusOr<Facts> b = co_await Count(client, Named("b"));
  *result += b.ok() ? b->text() : "error";
  loop->Stop();
}

TEST_F(CoroutineTest, CallsFollowEachOther) {
  le::testing::Local<FileFactsClient> local(&service_);
  le::Loop loop;
  std::string result;
  const le::Task task = Three(&local.client(), &loop, &result);
  EXPECT_FALSE(task.done());
  EXPECT_EQ(result, "") << "a coroutine continued inside a call";
  EXPECT_TRUE(loop.Run().ok());
  EXPECT_EQ(result, "ano nameb");
  EXPECT_TRUE(task.done());
}

TEST_F(CoroutineTest, DestroyingTheTaskCancelsItsCall) {
  le::testing::Local<FileFactsClient> local(&service_);
  le::Loop loop;
  std::string result;
  std::string other;
  { const le::Task task = Three(&local.client(), &loop, &result); }
  const le::Task task = Three(&local.client(), &loop, &other);
  EXPECT_TRUE(loop.Run().ok());
  EXPECT_EQ(result, "");
  EXPECT_EQ(other, "ano nameb");
}

// Appends a text when it is destroyed.
struct Ended {
  std::string* result;
  ~Ended() { *result += " ended"; }
};

le::Task DestroysItself(FileFactsClient* client, std::optional<le::Task>* self,
                        bool awaits_again, std::string* result) {
  const Ended ended{result};
  (co_await Count(client, Named("a"))).IgnoreError();
  self->reset();
  *result += "continued";
  if (!awaits_again) co_return;
  (co_await Count(client, Named("b"))).IgnoreError();
  *result += " resumed";
}

TEST_F(CoroutineTest, ACoroutineMayDestroyItsTask) {
  for (const bool awaits_again : {false, true}) {
    le::testing::Local<FileFactsClient> local(&service_);
    le::Loop loop;
    std::string result;
    std::optional<le::Task> task;
    task.emplace(DestroysItself(&local.client(), &task, awaits_again, &result));
    le::Task last = Three(&local.client(), &loop, &result);
    EXPECT_TRUE(loop.Run().ok());
    EXPECT_FALSE(task.has_value());
    EXPECT_THAT(result, ::testing::HasSubstr("continued ended"));
    EXPECT_THAT(result, ::testing::Not(::testing::HasSubstr("resumed")));
  }
}

le::Task IsDestroyedByItsCall(FileFactsClient* client,
                              std::optional<le::Task>* self,
                              std::string* result) {
  const Ended ended{result};
  // The Task is not in *self before the first call waits.
  (co_await Count(client, Named("a"))).IgnoreError();
  (co_await le::Await<Facts>([&](le::Done<Facts> done) {
    self->reset();
    *result += "called";
    return client->CountAsync(Named("a"), le::CallOptions(), std::move(done));
  })).IgnoreError();
  *result += " resumed";
}

// The function that makes the call destroys the Task.
TEST_F(CoroutineTest, ACallMayDestroyTheTaskThatAwaitsIt) {
  le::testing::Local<FileFactsClient> local(&service_);
  le::Loop loop;
  std::string own;
  std::string other;
  std::optional<le::Task> task;
  task.emplace(IsDestroyedByItsCall(&local.client(), &task, &own));
  const le::Task last = Three(&local.client(), &loop, &other);
  EXPECT_TRUE(loop.Run().ok());
  EXPECT_EQ(own, "called ended");
}

le::Task Refused(FileFactsClient* client, absl::Status* status) {
  *status = (co_await Count(client, Named("a"))).status();
}

TEST_F(CoroutineTest, ARefusedCallContinuesAtOnce) {
  FileFactsClient none;
  absl::Status status;
  const le::Task task = Refused(&none, &status);
  EXPECT_TRUE(task.done());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

le::Task Often(FileFactsApi* api, int* count) {
  while (*count < 200000) {
    const absl::StatusOr<Facts> facts =
        co_await le::Await<Facts>([&](le::Done<Facts> done) {
          return api->CountAsync(CountRequest(), {}, std::move(done));
        });
    if (facts.ok()) *count += static_cast<int>(facts->lines());
  }
}

// A fake may complete a call before the call returns. If the coroutine were
// resumed inside the call, each call would deepen the stack.
TEST(CoroutineFakeTest, ACallMayCompleteAtOnce) {
  ::testing::NiceMock<MockFileFactsApi> api;
  ON_CALL(api, CountAsync(_, _, _))
      .WillByDefault([](const CountRequest&, const le::CallOptions&,
                        le::Done<Facts> done) {
        Facts facts;
        facts.set_lines(1);
        done(&facts);
        return le::Call();
      });
  int count = 0;
  const le::Task task = Often(&api, &count);
  EXPECT_TRUE(task.done());
  EXPECT_EQ(count, 200000);
}

}  // namespace
}  // namespace files

#endif  // defined(__cpp_impl_coroutine)
