// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Calls, sessions and misuse of typed clients and servers, in every setting of
// the test kit.

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
using le::messaging::testing::KillingSettings;
using le::messaging::testing::Party;
using le::messaging::testing::RunScenario;
using le::messaging::testing::Scenario;
using le::messaging::testing::Setting;
using le::messaging::testing::SettingName;

using TypedTest = ServedTest;
INSTANTIATE_TEST_SUITE_P(Everywhere, TypedTest, AllSettings(), SettingName);
class TypedKillTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, TypedKillTest, KillingSettings(),
                         SettingName);

TEST_P(TypedTest, SynchronousCalls) {
  RunClient([](Party*, FileFactsClient* client) {
    const absl::StatusOr<Facts> facts = client->Count(Named("a", 7));
    ASSERT_TRUE(facts.ok()) << facts.status();
    EXPECT_EQ(facts->text(), "a");
    EXPECT_EQ(facts->lines(), 7U);
    // Empty braces are default options.
    EXPECT_EQ(Must(client->Count(Named("a", 7), {})).lines(), 7U);
    // The caller's message is reused.
    Facts reused;
    for (uint32_t i = 0; i < 5; ++i) {
      EXPECT_TRUE(
          client->CountInto(Named(i % 2 == 0 ? "b" : "", i), &reused).ok());
      EXPECT_EQ(reused.lines(), i);
      EXPECT_EQ(reused.text(), i % 2 == 0 ? "b" : "");
    }
  });
}

TEST_P(TypedTest, ErrorsOfTheServer) {
  RunClient([](Party*, FileFactsClient* client) {
    EXPECT_EQ(client->Count(Named("fail", 3)).status(),
              absl::NotFoundError("xxx"));
    EXPECT_EQ(client->Count(Named("fail")).status(), absl::NotFoundError(""));
    // At most 1,024 bytes of the text arrive.
    EXPECT_EQ(client->Count(Named("fail", 1024)).status().message().size(),
              1024U);
    EXPECT_EQ(client->Count(Named("fail", 1025)).status().message().size(),
              1024U);
    EXPECT_EQ(client->Count(Named("fail with ok")).status().code(),
              absl::StatusCode::kInternal);
    EXPECT_EQ(client->Count(Named("drop")).status().code(),
              absl::StatusCode::kUnavailable);
    EXPECT_TRUE(client->Count(Named("a")).ok());
  });
}

// The largest message has 16,384 bytes. A text of n bytes needs 3 more if n is
// above 127 and below 16,384.
TEST_P(TypedTest, TheLargestMessage) {
  RunClient([](Party*, FileFactsClient* client) {
    constexpr uint32_t kLargestText = 16384 - 3;
    EXPECT_TRUE(client->Count(Named(std::string(kLargestText, 'n'))).ok());
    EXPECT_EQ(client->Count(Named(std::string(kLargestText + 1, 'n')))
                  .status()
                  .code(),
              absl::StatusCode::kOutOfRange);
    const absl::StatusOr<Facts> large =
        client->Count(Named("large", kLargestText));
    ASSERT_TRUE(large.ok()) << large.status();
    EXPECT_EQ(large->text().size(), kLargestText);
    EXPECT_EQ(client->Count(Named("large", kLargestText + 1)).status().code(),
              absl::StatusCode::kInternal);
    EXPECT_EQ(client
                  ->CountAsync(Named(std::string(kLargestText + 1, 'n')), {},
                               [](auto) { ADD_FAILURE(); })
                  .status()
                  .code(),
              absl::StatusCode::kOutOfRange);
    EXPECT_TRUE(client->Count(Named("a")).ok());
  });
}

TEST_P(TypedTest, AsynchronousCalls) {
  RunClient([](Party* party, FileFactsClient* client) {
    std::vector<std::string> results;
    const auto collect = [&](absl::StatusOr<const Facts*> facts) {
      results.push_back(facts.ok() ? (*facts)->text()
                                   : std::string(facts.status().message()));
    };
    client->CountAsync(Named("a"), {}, collect).Detach();
    le::Call call = client->CountAsync(Named("fail", 2), {}, collect);
    EXPECT_TRUE(call.status().ok());
    EXPECT_TRUE(call.pending());
    EXPECT_EQ(Must(client->Count(Named("b"))).text(), "b");
    EXPECT_TRUE(results.empty()) << "a closure ran inside a call";
    party->RunLoopUntil([&] { return results.size() == 2; });
    EXPECT_EQ(results, (std::vector<std::string>{"a", "xx"}));
    EXPECT_FALSE(call.pending());
    // An empty closure is allowed.
    client->CountAsync(Named("c"), {}, nullptr).Detach();
    // A call in a closure.
    bool done = false;
    client
        ->CountAsync(Named("d"), {},
                     [&](absl::StatusOr<const Facts*> outer) {
                       EXPECT_EQ(Must(client->Count(Named("e"))).text(), "e");
                       EXPECT_EQ((*outer)->text(), "d")
                           << "the inner call has changed the response";
                       done = true;
                     })
        .Detach();
    party->RunLoopUntil([&] { return done; });
  });
}

TEST_P(TypedTest, CancelsReachTheServer) {
  RunClient([](Party* party, FileFactsClient* client) {
    const auto never = [](absl::StatusOr<const Facts*>) { ADD_FAILURE(); };
    { le::Call goes = client->CountAsync(Named("keep"), {}, never); }
    client->CountAsync(Named("keep"), {}, never).Cancel();
    EXPECT_EQ(Must(client->Count(Named("cancels"))).lines(), 2U);
    // A completed call is not cancelled.
    bool done = false;
    le::Call complete = client->CountAsync(
        Named("a"), {}, [&](absl::StatusOr<const Facts*>) { done = true; });
    party->RunLoopUntil([&] { return done; });
    complete.Cancel();
    EXPECT_EQ(Must(client->Count(Named("cancels"))).lines(), 2U);
  });
}

TEST_P(TypedTest, Deadlines) {
  RunClient([](Party* party, FileFactsClient* client) {
    // The server sees the deadline.
    EXPECT_EQ(Must(client->Count(Named("remaining"))).lines(), 0U);
    EXPECT_EQ(Must(client->Count(Named("remaining"),
                                 le::CallOptions().Timeout(absl::Hours(1))))
                  .lines(),
              3600U);
    const auto soon = le::CallOptions().Timeout(absl::Milliseconds(1));
    EXPECT_EQ(client->Count(Named("keep"), soon).status().code(),
              absl::StatusCode::kDeadlineExceeded);
    // The server is notified when the deadline has passed.
    EXPECT_EQ(Must(client->Count(Named("cancels"))).lines(), 1U);
    absl::Status status;
    client
        ->CountAsync(Named("keep"), soon,
                     [&](absl::StatusOr<const Facts*> facts) {
                       status = facts.status();
                     })
        .Detach();
    party->RunLoopUntil([&] { return !status.ok(); });
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(Must(client->Count(Named("cancels"))).lines(), 2U);
  });
}

TEST_P(TypedTest, OneWayMessages) {
  RunClient([](Party*, FileFactsClient* client) {
    Line line;
    line.set_text("x");
    EXPECT_TRUE(client->Log(line).ok());
    line.set_text("y");
    EXPECT_TRUE(
        client->Log(line, le::CallOptions().Timeout(absl::Seconds(1))).ok());
    EXPECT_TRUE(client->Deliver(line, FdWith("z")).ok());
    EXPECT_EQ(client->Deliver(line, le::UniqueFd()).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(Must(client->Count(Named("logged"))).text(), "xyyz");
    line.set_text(std::string(20000, 'x'));
    EXPECT_EQ(client->Log(line).code(), absl::StatusCode::kOutOfRange);
  });
}

TEST_P(TypedTest, FileDescriptors) {
  RunClient([](Party* party, FileFactsClient* client) {
    EXPECT_EQ(Must(client->CountFile(Named("a"), FdWith("of a"))).text(),
              "of a");
    EXPECT_EQ(client->CountFile(Named("a"), le::UniqueFd()).status().code(),
              absl::StatusCode::kInvalidArgument);
    le::WithFd<Facts> opened = Must(client->OpenFile(Named("b")));
    EXPECT_EQ(opened.message.text(), "b");
    EXPECT_EQ(TextOf(opened.fd), "opened");
    EXPECT_EQ(client->OpenFile(Named("fail")).status().code(),
              absl::StatusCode::kNotFound);
    EXPECT_EQ(client->OpenFile(Named("closed")).status().code(),
              absl::StatusCode::kInternal);
    Facts facts;
    le::UniqueFd fd;
    EXPECT_TRUE(
        client->CopyFileInto(Named("c"), FdWith("of c"), &facts, &fd).ok());
    EXPECT_EQ(TextOf(fd), "copy of of c");

    int done = 0;
    client
        ->CopyFileAsync(
            Named("d"), FdWith("of d"), {},
            [&](absl::StatusOr<const Facts*> copy, le::UniqueFd copy_fd) {
              EXPECT_TRUE(copy.ok());
              EXPECT_EQ(TextOf(copy_fd), "copy of of d");
              ++done;
            })
        .Detach();
    client
        ->OpenFileAsync(
            Named("fail"), {},
            [&](absl::StatusOr<const Facts*> none, le::UniqueFd no_fd) {
              EXPECT_FALSE(none.ok());
              EXPECT_FALSE(no_fd);
              ++done;
            })
        .Detach();
    std::string item;
    client
        ->WatchFile(
            Named("e"), FdWith("of e"), {},
            [&](const Facts& f) { item = f.text(); },
            [&](absl::Status status) {
              EXPECT_TRUE(status.ok()) << status;
              ++done;
            })
        .Detach();
    party->RunLoopUntil([&] { return done == 3; });
    EXPECT_EQ(item, "of e");
  });
}

TEST_P(TypedTest, AClosedSessionEndsItsCalls) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    const le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil([&] { return facility.cancels == 2; });
    EXPECT_TRUE(facility.kept[0].cancelled());
    EXPECT_EQ(facility.kept[0].OnCancel([] {}).code(),
              absl::StatusCode::kCancelled);
    EXPECT_EQ(facility.streams[0]->sink.Push(Facts()).code(),
              absl::StatusCode::kCancelled);
    std::move(facility.kept[0]).Send();
    party->Signal("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    int done = 0;
    client
        .CountAsync(Named("keep"), {},
                    [&](absl::StatusOr<const Facts*> facts) {
                      EXPECT_EQ(facts.status().code(),
                                absl::StatusCode::kUnavailable);
                      ++done;
                    })
        .Detach();
    Collected collected;
    client.Watch(Named("endless"), {}, collected.OnItem(), collected.OnEnd())
        .Detach();
    party->RunLoopUntil([&] { return collected.items > 0; });
    EXPECT_TRUE(client.Close().ok());
    party->RunLoopUntil([&] { return done == 1 && collected.ends == 1; });
    EXPECT_EQ(collected.end.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(client.Count(Named("a")).status().code(),
              absl::StatusCode::kUnavailable);
    party->Await("done");
  });
  RunScenario(scenario, GetParam());
}

// A cancel waits for room in the queue, and then the session closes. Expected:
// in the next session, cancels and credits reach the server.
TEST_P(TypedTest, CancelsReachTheServerOfTheNextSession) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    const le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil("open");
    party->Await("closed");
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    party->Signal("open");
    const auto never = [](absl::StatusOr<const Facts*>) { ADD_FAILURE(); };
    le::Call refused = client.CountAsync(Named("a"), {}, never);
    // Fill the queue until there is no room even for an envelope.
    const auto soon = le::CallOptions().Timeout(absl::Milliseconds(1));
    for (const size_t size : {16000, 0}) {
      Line line;
      line.set_text(std::string(size, 'x'));
      absl::Status sent;
      while (sent.ok()) sent = client.Log(line, soon);
      EXPECT_EQ(sent.code(), absl::StatusCode::kDeadlineExceeded);
    }
    refused.Cancel();
    EXPECT_TRUE(client.Close().ok());
    party->Signal("closed");
    EXPECT_TRUE(client.Open().ok());

    client.CountAsync(Named("keep"), {}, never).Cancel();
    EXPECT_EQ(Must(client.Count(Named("cancels"))).lines(), 1U);
    Collected collected;
    client.Watch(Named("all", 2000), {}, collected.OnItem(), collected.OnEnd())
        .Detach();
    party->RunLoopUntil([&] { return collected.ends == 1; });
    EXPECT_EQ(collected.items, 2000U);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Another thread finishes a call and a stream. A second call outlives the
// server.
TEST_P(TypedTest, AnyThreadFinishesACall) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil([&] {
      return facility.kept.size() == 2 && facility.streams.size() == 1;
    });
    struct Work {
      le::Reply<Facts> reply;
      le::Sink<Facts> sink;
    } work = {std::move(facility.kept[0]),
              std::move(facility.streams[0]->sink)};
    const le_thread_Ref_t thread = le_thread_Create(
        "thread",
        [](void* context) -> void* {
          auto* const work = static_cast<Work*>(context);
          Facts item;
          item.set_text("item");
          EXPECT_TRUE(work->sink.Push(item).ok());
          std::move(work->sink).End();
          work->reply->set_text("from a thread");
          std::move(work->reply).Send();
          return nullptr;
        },
        &work);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    le_thread_Join(thread, nullptr);
    party->RunLoopUntil("answered");
    server = le::Server();
    EXPECT_TRUE(facility.kept[1].cancelled());
    facility.kept[1]->set_text("to nobody");
    std::move(facility.kept[1]).Send();
    EXPECT_EQ(server.Hide().code(), absl::StatusCode::kFailedPrecondition);
    party->Signal("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    Collected collected;
    client.Watch(Named("hold"), {}, collected.OnItem(), collected.OnEnd())
        .Detach();
    std::string text;
    client
        .CountAsync(Named("keep"), {},
                    [&](absl::StatusOr<const Facts*> facts) {
                      text = facts.ok() ? (*facts)->text() : "error";
                    })
        .Detach();
    absl::Status last;
    client
        .CountAsync(
            Named("keep"), {},
            [&](absl::StatusOr<const Facts*> facts) { last = facts.status(); })
        .Detach();
    party->RunLoopUntil([&] { return !text.empty() && collected.ends == 1; });
    EXPECT_EQ(text, "from a thread");
    EXPECT_EQ(collected.items, 1U);
    EXPECT_TRUE(collected.end.ok()) << collected.end;
    party->Signal("answered");
    party->RunLoopUntil([&] { return !last.ok(); });
    EXPECT_EQ(last.code(), absl::StatusCode::kUnavailable);
    party->Await("done");
  });
  RunScenario(scenario, GetParam());
}

// The server is killed and started again, and the client opens a new session.
TEST_P(TypedKillTest, AServerDies) {
  Scenario scenario;
  scenario.Add("server", ServerBody);
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    int closed = 0;
    int reopened = 0;
    EXPECT_TRUE(client.OnClosed([&](le::CloseReason) { ++closed; }).ok());
    EXPECT_TRUE(client
                    .KeepOpen([&](const absl::Status& status) {
                      EXPECT_TRUE(status.ok()) << status;
                      ++reopened;
                    })
                    .ok());
    int failed = 0;
    client
        .CountAsync(Named("keep"), {},
                    [&](absl::StatusOr<const Facts*> facts) {
                      EXPECT_EQ(facts.status().code(),
                                absl::StatusCode::kUnavailable);
                      ++failed;
                    })
        .Detach();
    Collected collected;
    client.Watch(Named("endless"), {}, collected.OnItem(), collected.OnEnd())
        .Detach();
    party->RunLoopUntil([&] { return collected.items > 0; });
    party->Kill("server");
    party->RunLoopUntil(
        [&] { return failed == 1 && collected.ends == 1 && closed == 1; });
    EXPECT_EQ(collected.end.code(), absl::StatusCode::kUnavailable);
    party->Start("server");
    party->RunLoopUntil([&] { return reopened == 1; });
    EXPECT_EQ(Must(client.Count(Named("a"))).text(), "a");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(TypedTest, AServerKnowsTheUserOfItsCaller) {
  RunClient([](Party*, FileFactsClient* client) {
    // All parties have the same user.
    EXPECT_EQ(Must(client->Count(Named("user"))).lines(),
              Must(client->peer()).user);
  });
}

TEST_P(TypedTest, MisuseIsAStatus) {
  RunClient([](Party*, FileFactsClient* client) {
    static constexpr absl::StatusCode kMisuse =
        absl::StatusCode::kFailedPrecondition;
    FileFactsClient moved = std::move(*client);
    EXPECT_EQ(client->Count(Named("a")).status().code(), kMisuse);
    EXPECT_EQ(client->Close().code(), kMisuse);
    EXPECT_EQ(client->SetLimits({}).code(), kMisuse);
    EXPECT_EQ(client->Log(Line()).code(), kMisuse);
    EXPECT_EQ(client->CountAsync(Named("a"), {}, nullptr).status().code(),
              kMisuse);
    EXPECT_EQ(client->Watch(Named("a"), {}, nullptr, nullptr).status().code(),
              kMisuse);
    EXPECT_EQ(FileFactsClient().Open().code(), kMisuse);
    EXPECT_FALSE(FileFactsClient().is_open());
    EXPECT_EQ(le::Server().Advertise().code(), kMisuse);
    EXPECT_EQ(FileFactsClient::Create("a blank").status().code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(moved.Open().code(), kMisuse) << "the client is open already";
    le_msg_SessionLimits_t limits = {};
    limits.maxOpenRequests = 65537;
    EXPECT_EQ(moved.SetLimits(limits).code(),
              absl::StatusCode::kInvalidArgument);

    const le_thread_Ref_t thread = le_thread_Create(
        "thread",
        [](void* context) -> void* {
          auto* const theirs = static_cast<FileFactsClient*>(context);
          EXPECT_EQ(theirs->Count(Named("a")).status().code(), kMisuse);
          EXPECT_EQ(theirs->Close().code(), kMisuse);
          EXPECT_FALSE(theirs->is_open());
          return nullptr;
        },
        &moved);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    le_thread_Join(thread, nullptr);
    EXPECT_TRUE(moved.Count(Named("a")).ok());
    *client = std::move(moved);
    EXPECT_TRUE(client->Count(Named("a")).ok());
  });
}

}  // namespace
}  // namespace files
