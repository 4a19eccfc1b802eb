// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C++ API in every setting of the test kit.

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
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
using ::testing::MatchesRegex;

class CppTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, CppTest, AllSettings(), SettingName);

std::string TextOfFailure(Client* client, absl::string_view text) {
  const absl::StatusOr<Message> response = client->Request(Text(*client, text));
  return std::string(response.status().message());
}

TEST_P(CppTest, RequestsPushesAndErrors) {
  Scenario scenario;
  scenario.Add("server", EchoBody);
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Create("echo", kText));
    EXPECT_FALSE(client.is_open());
    EXPECT_EQ(Ask(&client, "x"), "UNAVAILABLE");
    EXPECT_EQ(TextOfFailure(&client, "x"),
              "interface 'echo': the session is not open");
    EXPECT_TRUE(client.Open().ok());
    EXPECT_TRUE(client.is_open());
    EXPECT_TRUE(client.peer().ok());
    EXPECT_EQ(Ask(&client, "hello"), "hello");
    EXPECT_EQ(Ask(&client, ""), "");
    EXPECT_EQ(Ask(&client, "drop"), "ABORTED");
    EXPECT_EQ(TextOfFailure(&client, "drop"),
              "interface 'echo': the server released the request without a "
              "response");
    EXPECT_EQ(Ask(&client, "keep", absl::ZeroDuration()), "DEADLINE_EXCEEDED");

    std::string pushed;
    EXPECT_TRUE(client
                    .OnMessage([&](Message message) {
                      EXPECT_FALSE(message.needs_response());
                      pushed = std::string(message.text());
                    })
                    .ok());
    EXPECT_TRUE(Text(client, "push news").Send().ok());
    party->RunLoopUntil([&] { return !pushed.empty(); });
    EXPECT_EQ(pushed, "news");

    std::vector<std::string> results;
    const auto collect = [&](absl::StatusOr<Message> response) {
      results.push_back(
          response.ok() ? std::string(response->text())
                        : absl::StatusCodeToString(response.status().code()));
    };
    Call late = client.RequestAsync(Text(client, "keep"), absl::ZeroDuration(),
                                    collect);
    party->RunLoopUntil([&] { return results.size() == 1; });
    EXPECT_FALSE(late.pending());
    EXPECT_EQ(results[0], "DEADLINE_EXCEEDED");
    client.RequestAsync(Text(client, "a"), absl::InfiniteDuration(), collect)
        .Detach();
    client.RequestAsync(Text(client, "drop"), absl::InfiniteDuration(), collect)
        .Detach();
    EXPECT_EQ(Ask(&client, "b"), "b");
    EXPECT_EQ(results.size(), 1U) << "a closure ran inside a call";
    party->RunLoopUntil([&] { return results.size() == 3; });
    EXPECT_EQ(results[1], "a");
    EXPECT_EQ(results[2], "ABORTED");
    client.RequestAsync(Text(client, "keep"), absl::InfiniteDuration(), collect)
        .Detach();
    EXPECT_TRUE(client.Close().ok());
    party->RunLoopUntil([&] { return results.size() == 4; });
    EXPECT_EQ(results[3], "UNAVAILABLE");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

struct Question {
  int a, b;
};
struct Answer {
  int64_t sum;
};
struct TooLarge {
  char bytes[kText.largest_message + 1];
};
UniqueFd NullFile() {
  return UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

TEST_P(CppTest, PlainStructuresAreRequestsAndResponses) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Service service = Must(Service::Create("adder", kText));
    EXPECT_TRUE(service
                    .OnMessage([](Message message) {
                      const Question question = *message.As<Question>();
                      if (question.a == 0) {
                        EXPECT_TRUE(message.SetDescriptor(NullFile()).ok());
                        EXPECT_TRUE(message.Assign("short").ok());
                      } else {
                        if (question.b == 0) {
                          EXPECT_TRUE(message.SetDescriptor(NullFile()).ok());
                        }
                        *message.Write<Answer>() = {int64_t{question.a} +
                                                    question.b};
                      }
                      EXPECT_TRUE(std::move(message).Respond().ok());
                    })
                    .ok());
    EXPECT_TRUE(service.Advertise().ok());
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Create("adder", kText));
    const Question question = {3, 4}, broken = {0, 4};
    EXPECT_TRUE(absl::IsUnavailable(client.Request<Answer>(question).status()));
    EXPECT_TRUE(client.Open().ok());
    EXPECT_EQ(Must(client.Request<Answer>(question)).sum, 7);
    const absl::Status failed = client.Request<Answer>(broken).status();
    EXPECT_EQ(failed.ToString(),
              "INTERNAL: the response has 5 bytes instead of 8");
    EXPECT_TRUE(
        absl::IsOutOfRange(client.Request<Answer>(TooLarge()).status()));
    const Question with_fd = {3, 0};
    EXPECT_TRUE(Must(client.Request<WithFd<Answer>>(with_fd)).fd);
    EXPECT_FALSE(Must(client.Request<WithFd<Answer>>(question)).fd);
    EXPECT_EQ(client.Request<WithFd<Answer>>(broken).status(), failed);

    std::vector<std::string> results;
    const auto collect = [&](const absl::StatusOr<Answer>& answer) {
      results.push_back(answer.ok() ? absl::StrCat(answer->sum)
                                    : answer.status().ToString());
    };
    const absl::Duration forever = absl::InfiniteDuration();
    client.RequestAsync<Answer>(question, forever, collect).Detach();
    client.RequestAsync<Answer>(broken, forever, collect).Detach();
    EXPECT_TRUE(absl::IsOutOfRange(
        client.RequestAsync<Answer>(TooLarge(), forever, collect).status()));
    // An empty closure is allowed, and is not called.
    client
        .RequestAsync<Answer>(
            question, forever,
            UniqueFunction<void(absl::StatusOr<Answer>)>(nullptr))
        .Detach();
    {
      const Call cancelled =
          client.RequestAsync<Answer>(question, forever, collect);
    }
    party->RunLoopUntil([&] { return results.size() == 2; });
    EXPECT_EQ(results[0], "7");
    EXPECT_EQ(results[1], failed.ToString());

    EXPECT_TRUE(absl::IsFailedPrecondition(
        Client().Request<Answer>(question).status()));
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(CppTest, ClosuresOfCancelledRequestsAreNotCalled) {
  Scenario scenario;
  scenario.Add("server", EchoBody);
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Open("echo", kText));
    int told = 0;
    const auto count = [&](absl::StatusOr<Message>) { ++told; };
    const absl::Duration forever = absl::InfiniteDuration();
    { Call goes = client.RequestAsync(Text(client, "a"), forever, count); }
    Call cancelled = client.RequestAsync(Text(client, "b"), forever, count);
    EXPECT_TRUE(cancelled.pending());
    cancelled.Cancel();
    EXPECT_FALSE(cancelled.pending());
    Call replaced = client.RequestAsync(Text(client, "c"), forever, count);
    Call kept = client.RequestAsync(Text(client, "d"), forever, count);
    replaced = std::move(kept);
    // The response of this request has arrived before the cancellation.
    Call answered = client.RequestAsync(Text(client, "e"), forever, count);
    EXPECT_EQ(Ask(&client, "f"), "f");
    answered.Cancel();
    // A cancelled closure is destroyed at once.
    auto owned = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = owned;
    Call owner = client.RequestAsync(
        Text(client, "g"), forever,
        [owned = std::move(owned)](absl::StatusOr<Message>) {});
    EXPECT_FALSE(watch.expired());
    owner.Cancel();
    EXPECT_TRUE(watch.expired());

    bool last = false;
    Call call = client.RequestAsync(Text(client, "h"), forever,
                                    [&](absl::StatusOr<Message> response) {
                                      EXPECT_TRUE(response.ok());
                                      last = true;
                                    });
    party->RunLoopUntil([&] { return last; });
    EXPECT_EQ(told, 1) << "only the closure of 'd' may be called";
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(CppTest, EachOpeningCallsItsClosureOnce) {
  Scenario scenario;
  scenario.Add("server", EchoBody);
  scenario.Add("client", [](Party* party) {
    Client nobody = Must(Client::Create("nobody", kText));
    EXPECT_EQ(nobody.TryOpen().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(nobody.Open(absl::ZeroDuration()).code(),
              absl::StatusCode::kDeadlineExceeded);
    absl::Status closed;
    EXPECT_TRUE(nobody
                    .OpenAsync(absl::InfiniteDuration(),
                               [&](absl::Status status) { closed = status; })
                    .ok());
    EXPECT_EQ(nobody.Open().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(nobody.Close().ok());
    party->RunLoopUntil([&] { return !closed.ok(); });
    EXPECT_EQ(closed.code(), absl::StatusCode::kUnavailable);

    Client other = Must(Client::Create("echo", {"other", 8}));
    const absl::Status refused = other.Open();
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(
        std::string(refused.message()),
        MatchesRegex("interface 'echo': the service has protocol 'text'.*"));
    absl::Status mismatch;
    EXPECT_TRUE(other
                    .OpenAsync(absl::InfiniteDuration(),
                               [&](absl::Status status) { mismatch = status; })
                    .ok());
    party->RunLoopUntil([&] { return !mismatch.ok(); });
    EXPECT_EQ(mismatch.code(), absl::StatusCode::kFailedPrecondition);

    Client client = Must(Client::Create("echo", kText));
    int opened = 0;
    EXPECT_TRUE(client
                    .OpenAsync(absl::InfiniteDuration(),
                               [&](absl::Status status) {
                                 EXPECT_TRUE(status.ok()) << status;
                                 ++opened;
                               })
                    .ok());
    party->RunLoopUntil([&] { return opened == 1; });
    EXPECT_EQ(client.Open().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(Ask(&client, "x"), "x");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(CppTest, FileDescriptorsPass) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Service service = Must(Service::Create("pipes", kText));
    EXPECT_TRUE(service
                    .OnMessage([](Message request) {
                      UniqueFd fd = request.TakeDescriptor();
                      EXPECT_TRUE(static_cast<bool>(fd));
                      EXPECT_FALSE(static_cast<bool>(request.TakeDescriptor()));
                      EXPECT_TRUE(request.SetDescriptor(std::move(fd)).ok());
                      EXPECT_TRUE(std::move(request).Respond().ok());
                    })
                    .ok());
    EXPECT_TRUE(service.Advertise().ok());
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Open("pipes", kText));
    Message request = client.NewMessage();
    UniqueFd null = NullFile();
    EXPECT_TRUE(request.SetDescriptor(std::move(null)).ok());
    absl::StatusOr<Message> response = client.Request(std::move(request));
    ASSERT_TRUE(response.ok());
    const UniqueFd back = response->TakeDescriptor();
    EXPECT_GE(fcntl(back.get(), F_GETFD), 0);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(CppTest, AServiceMayRefuseFileDescriptors) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Service service = Must(Service::Create("pipes", kText));
    EXPECT_TRUE(service.RefuseDescriptors().ok());
    EXPECT_TRUE(service
                    .OnMessage([](Message request) {
                      EXPECT_FALSE(static_cast<bool>(request.TakeDescriptor()));
                      EXPECT_TRUE(std::move(request).Respond().ok());
                    })
                    .ok());
    EXPECT_TRUE(service.Advertise().ok());
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Open("pipes", kText));
    Message request = client.NewMessage();
    UniqueFd null = NullFile();
    EXPECT_TRUE(request.SetDescriptor(std::move(null)).ok());
    EXPECT_TRUE(client.Request(std::move(request)).ok());
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

struct Point {
  int32_t x, y;
};

TEST_P(CppTest, PayloadsAreBytesOrPlainStructures) {
  Scenario scenario;
  scenario.Add("server", EchoBody);
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Open("echo", kText));
    Message request = client.NewMessage();
    EXPECT_EQ(request.buffer().size(), 256U);
    *request.Write<Point>() = Point{3, 4};
    EXPECT_EQ(request.payload().size(), sizeof(Point));
    const absl::StatusOr<Message> response = client.Request(std::move(request));
    ASSERT_TRUE(response.ok());
    ASSERT_NE(response->As<Point>(), nullptr);
    EXPECT_EQ(response->As<Point>()->y, 4);
    struct Larger {
      char bytes[9];
    };
    EXPECT_EQ(response->As<Larger>(), nullptr);
    const Message point = client.NewMessage(Point{5, 6});
    EXPECT_EQ(point.payload().size(), sizeof(Point));
    EXPECT_EQ(point.As<Point>()->y, 6);
    struct TooLarge {
      char bytes[257];
    };
    EXPECT_FALSE(client.NewMessage(TooLarge()));
    EXPECT_FALSE(Client().NewMessage(Point()));
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Most of these misuses are fatal in C.
TEST_P(CppTest, MisuseIsAStatus) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    EXPECT_EQ(Service::Create("a blank", kText).status().code(),
              absl::StatusCode::kInvalidArgument);
    EchoServer server;
    EXPECT_EQ(Service::Create("echo", kText).status().code(),
              absl::StatusCode::kAlreadyExists);
    le_msg_ServiceLimits_t limits = {};
    limits.maxOpenRequests = 65537;
    EXPECT_EQ(server.service.SetLimits(limits).code(),
              absl::StatusCode::kInvalidArgument);
    limits.maxOpenRequests = 65536;
    EXPECT_TRUE(server.service.SetLimits(limits).ok());
    limits.slowReaderPolicy = static_cast<le_msg_SlowReaderPolicy_t>(2);
    EXPECT_EQ(server.service.SetLimits(limits).code(),
              absl::StatusCode::kInvalidArgument);
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    static constexpr absl::StatusCode kMisuse =
        absl::StatusCode::kFailedPrecondition;
    constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
    EXPECT_EQ(Client::Create("", kText).status().code(), kInvalid);
    constexpr absl::string_view kWithZero("x\0y", 3);
    EXPECT_EQ(Client::Create(kWithZero, kText).status().code(), kInvalid);
    EXPECT_EQ(Client::Create("x", {kWithZero, 1}).status().code(), kInvalid);
    EXPECT_EQ(Service::Create(kWithZero, kText).status().code(), kInvalid);
    EXPECT_EQ(Client::Create("x", {"", 1}).status().code(), kInvalid);
    EXPECT_EQ(Client::Create("x", {"y", size_t{1} << 40}).status().code(),
              kInvalid);
    Client client = Must(Client::Open("echo", kText));
    EXPECT_EQ(Client::Create("x", {kText.id, 1}).status().code(),
              absl::StatusCode::kAlreadyExists);
    Client other = Must(Client::Open("echo", kText));

    Message empty;
    EXPECT_TRUE(empty.payload().empty());
    EXPECT_EQ(empty.As<int>(), nullptr);
    EXPECT_EQ(empty.Write<int>(), nullptr);
    EXPECT_EQ(empty.Assign("x").code(), kMisuse);
    EXPECT_EQ(empty.TrySend().code(), kMisuse);
    EXPECT_EQ(std::move(empty).Send().code(), kMisuse);
    EXPECT_EQ(std::move(empty).Respond().code(), kMisuse);
    EXPECT_FALSE(empty.NewMessage());
    EXPECT_EQ(client.Request(Message()).status().code(), kMisuse);
    EXPECT_EQ(client.Request(Text(other, "x")).status().code(), kInvalid);
    const auto never = [](absl::StatusOr<Message>) { ADD_FAILURE(); };
    const absl::Duration forever = absl::InfiniteDuration();
    EXPECT_EQ(client.RequestAsync(Message(), forever, never).status().code(),
              kMisuse);
    EXPECT_EQ(
        client.RequestAsync(Text(other, "x"), forever, never).status().code(),
        kInvalid);

    Message message = client.NewMessage();
    EXPECT_EQ(message.Assign(std::string(257, 'x')).code(),
              absl::StatusCode::kOutOfRange);
    EXPECT_TRUE(message.Assign(std::string(256, 'x')).ok());
    EXPECT_TRUE(message.Assign("its own text").ok());
    EXPECT_TRUE(message.Assign(message.text().substr(4)).ok());
    EXPECT_EQ(message.text(), "own text");
    EXPECT_EQ(message.SetDescriptor(UniqueFd(-1)).code(), kInvalid);
    EXPECT_TRUE(message.SetDescriptor(UniqueFd(dup(0))).ok());
    EXPECT_EQ(message.SetDescriptor(UniqueFd(dup(0))).code(), kMisuse);
    EXPECT_EQ(std::move(message).Respond().code(), kMisuse);
    EXPECT_FALSE(Session::Of(client.NewMessage()));
    EXPECT_EQ(Session().Close().code(), kMisuse);

    EXPECT_EQ(client.Open().code(), kMisuse);
    le_msg_SessionLimits_t limits = {};
    limits.maxOpenRequests = 65537;
    EXPECT_EQ(client.SetLimits(limits).code(), kInvalid);

    Client moved = std::move(client);
    EXPECT_EQ(client.Open().code(), kMisuse);
    EXPECT_EQ(client.Request(Text(moved, "x")).status().code(), kMisuse);
    EXPECT_EQ(Client().Close().code(), kMisuse);
    EXPECT_EQ(Service().Hide().code(), kMisuse);
    EXPECT_EQ(Service().RefuseDescriptors().code(), kMisuse);
    Timer timer([] {});
    EXPECT_EQ(timer.StartPeriodic(absl::ZeroDuration()).code(), kInvalid);

    // Calls on another thread.
    struct Theirs {
      Client* client;
      Timer* timer;
      Message request;
      Message message;
    } theirs = {&moved, &timer, moved.NewMessage(), moved.NewMessage()};
    const le_thread_Ref_t thread = le_thread_Create(
        "thread",
        [](void* context) -> void* {
          auto* const theirs = static_cast<Theirs*>(context);
          EXPECT_EQ(theirs->client->Close().code(), kMisuse);
          EXPECT_EQ(theirs->client->OnClosed({}).code(), kMisuse);
          EXPECT_EQ(theirs->client->peer().status().code(), kMisuse);
          EXPECT_EQ(theirs->client->Request(std::move(theirs->request))
                        .status()
                        .code(),
                    kMisuse);
          EXPECT_EQ(theirs->timer->Stop().code(), kMisuse);
          // Any thread may use a message.
          EXPECT_TRUE(theirs->message.NewMessage().Send().ok());
          EXPECT_TRUE(std::move(theirs->message).Send().ok());
          return nullptr;
        },
        &theirs);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    le_thread_Join(thread, nullptr);
    EXPECT_EQ(Ask(&moved, "x"), "x");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// The server keeps each session when it opens. It pushes to these sessions
// before it has received any message.
TEST_P(CppTest, AServerPushesToSessionsThatItKeeps) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    EchoServer server;
    std::vector<Session> kept;
    EXPECT_TRUE(server.service
                    .OnSessionOpened([&](Session session) {
                      kept.push_back(std::move(session));
                    })
                    .ok());
    party->RunLoopUntil([&] { return kept.size() == 2; });
    EXPECT_NE(kept[0], kept[1]);
    for (const Session& session : kept) {
      Message push = session.NewMessage();
      EXPECT_TRUE(push.Assign("news").ok());
      EXPECT_TRUE(std::move(push).Send().ok());
    }
    party->RunLoopUntil("done");
    server.service = Service();
    EXPECT_EQ(kept[0].NewMessage().Send().code(),
              absl::StatusCode::kUnavailable);
  });
  scenario.Add("client", [](Party* party) {
    Client clients[] = {Must(Client::Open("echo", kText)),
                        Must(Client::Open("echo", kText))};
    int pushed = 0;
    for (Client& client : clients) {
      EXPECT_TRUE(client
                      .OnMessage([&](Message message) {
                        EXPECT_EQ(message.text(), "news");
                        ++pushed;
                      })
                      .ok());
    }
    party->RunLoopUntil([&] { return pushed == 2; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace le
