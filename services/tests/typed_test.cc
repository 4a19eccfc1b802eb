// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Typed clients and servers in every setting of the test kit.

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "le/messaging.h"
#include "messaging/testing/scenario.h"
#include "services/tests/facts.le.h"

namespace files {
namespace {

using le::messaging::testing::AllSettings;
using le::messaging::testing::CanKill;
using le::messaging::testing::KillingSettings;
using le::messaging::testing::Party;
using le::messaging::testing::RunScenario;
using le::messaging::testing::Scenario;
using le::messaging::testing::Setting;
using le::messaging::testing::SettingName;

template <typename T>
T Must(absl::StatusOr<T> result) {
  EXPECT_TRUE(result.ok()) << result.status();
  return *std::move(result);
}

CountRequest Named(const std::string& name, uint32_t number = 0) {
  CountRequest request;
  request.set_name(name);
  request.set_number(number);
  return request;
}

// A pipe that has `text`.
le::UniqueFd FdWith(const std::string& text) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const le::UniqueFd writer(ends[1]);
  EXPECT_EQ(write(ends[1], text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
  return le::UniqueFd(ends[0]);
}
std::string TextOf(const le::UniqueFd& fd) {
  char text[64];
  const ssize_t size = read(fd.get(), text, sizeof(text));
  return std::string(text, size < 0 ? 0 : static_cast<size_t>(size));
}

// Answers by the name of each request.
class Facility : public FileFactsService {
 public:
  void Count(const CountRequest& request, le::Reply<Facts> reply) override {
    EXPECT_NE(reply.caller().process(), 0);
    EXPECT_TRUE(reply->text().empty()) << "a reused response is not empty";
    const std::string& name = request.name();
    if (name == "fail") {
      return std::move(reply).Fail(
          absl::NotFoundError(std::string(request.number(), 'x')));
    }
    if (name == "fail with ok") {
      return std::move(reply).Fail(absl::OkStatus());
    }
    if (name == "drop") return;
    if (name == "keep") {
      EXPECT_TRUE(reply.OnCancel([this] { ++cancels; }).ok());
      kept.push_back(std::move(reply));
      return;
    }
    if (name == "remaining") {
      const absl::Duration left = reply.remaining();
      reply->set_lines(left == absl::InfiniteDuration()
                           ? 0
                           : static_cast<uint64_t>(absl::ToInt64Seconds(
                                 absl::Ceil(left, absl::Seconds(1)))));
    } else if (name == "cancels") {
      reply->set_lines(static_cast<uint64_t>(cancels));
    } else if (name == "logged") {
      reply->set_text(logged);
    } else if (name == "large") {
      reply->set_text(std::string(request.number(), 'y'));
    } else {
      reply->set_lines(request.number());
      reply->set_text(name);
    }
    std::move(reply).Send();
  }
  void CountFile(const CountRequest&, le::UniqueFd fd,
                 le::Reply<Facts> reply) override {
    reply->set_text(TextOf(fd));
    std::move(reply).Send();
  }
  void OpenFile(const CountRequest& request,
                le::ReplyWithFd<Facts> reply) override {
    reply->set_text(request.name());
    if (request.name() == "fail") {
      return std::move(reply).Fail(absl::NotFoundError("no such file"));
    }
    std::move(reply).Send(request.name() == "closed" ? le::UniqueFd()
                                                     : FdWith("opened"));
  }
  void CopyFile(const CountRequest&, le::UniqueFd fd,
                le::ReplyWithFd<Facts> reply) override {
    std::move(reply).Send(FdWith("copy of " + TextOf(fd)));
  }
  void Watch(const CountRequest& request, le::Sink<Facts> sink) override {
    auto stream = std::make_shared<Pushes>(std::move(sink), request);
    EXPECT_TRUE(
        stream->sink.OnReady([stream = stream.get()] { stream->Continue(); })
            .ok());
    EXPECT_TRUE(stream->sink.OnCancel([this] { ++cancels; }).ok());
    stream->Continue();
    streams.push_back(std::move(stream));
  }
  void WatchFile(const CountRequest&, le::UniqueFd fd,
                 le::Sink<Facts> sink) override {
    Facts item;
    item.set_text(TextOf(fd));
    EXPECT_TRUE(sink.Push(item).ok());
    std::move(sink).End();
  }
  void Log(const Line& line, const le::Caller& caller) override {
    EXPECT_NE(caller.process(), 0);
    EXPECT_TRUE(caller.session());
    logged += line.text();
  }
  void Deliver(const Line& line, le::UniqueFd fd, const le::Caller&) override {
    logged += line.text() + TextOf(fd);
  }

  // Pushes the items 0 to number - 1, and then ends. "endless": does
  // not end. "hold": does nothing.
  struct Pushes {
    Pushes(le::Sink<Facts> s, const CountRequest& r)
        : sink(std::move(s)), request(r) {}
    void Continue() {
      if (request.name() == "hold") return;
      Facts item;
      item.set_text(request.name() == "wide" ? std::string(8000, 'w') : "item");
      for (; request.name() == "endless" || next < request.number(); ++next) {
        item.set_lines(next);
        const absl::Status pushed = sink.Push(item);
        if (absl::IsCancelled(pushed)) return;
        if (!pushed.ok()) {
          EXPECT_EQ(pushed.code(), absl::StatusCode::kResourceExhausted);
          ++refused;
          return;
        }
      }
      if (sink) {
        std::move(sink).End(request.name() == "fail"
                                ? absl::DataLossError("the end")
                                : absl::OkStatus());
      }
    }
    le::Sink<Facts> sink;
    const CountRequest request;
    uint64_t next = 0;
    int refused = 0;
  };

  std::vector<le::Reply<Facts>> kept;
  std::vector<std::shared_ptr<Pushes>> streams;
  std::string logged;
  int cancels = 0;
};

// A server until the client is done.
void ServerBody(Party* party) {
  Facility facility;
  const le::Server server = Must(le::Serve("facts", &facility));
  party->RunLoopUntil("done");
}

class TypedTest : public ::testing::TestWithParam<Setting> {
 protected:
  static void RunClient(void (*body)(Party* party, FileFactsClient* client)) {
    Scenario scenario;
    scenario.Add("server", ServerBody);
    scenario.Add("client", [body](Party* party) {
      FileFactsClient client = Must(FileFactsClient::Open("facts"));
      body(party, &client);
      party->Signal("done");
    });
    RunScenario(scenario, GetParam());
  }
};
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
    // Braces are options.
    EXPECT_EQ(Must(client->Count(Named("a", 7), {})).lines(), 7U);
    // The caller's message is used again.
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
    // 1,024 bytes of the text arrive, and not one more.
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
                           << "the inner call has changed it";
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
    // And is told when it has passed.
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

// Collects the items of a stream.
struct Collected {
  le::OnItem<Facts> OnItem() {
    return [this](const Facts& item) {
      EXPECT_EQ(item.lines(), items) << "an item is out of order";
      EXPECT_EQ(ends, 0) << "an item after the end";
      ++items;
    };
  }
  le::OnEnd OnEnd() {
    return [this](absl::Status status) {
      end = std::move(status);
      ++ends;
    };
  }
  uint64_t items = 0;
  int ends = 0;
  absl::Status end;
};

TEST_P(TypedTest, StreamsAreInOrderAndEndOnce) {
  RunClient([](Party* party, FileFactsClient* client) {
    Collected all;
    Collected failed;
    Collected none;
    le::Stream stream =
        client->Watch(Named("all", 2000), {}, all.OnItem(), all.OnEnd());
    EXPECT_TRUE(stream.status().ok()) << stream.status();
    client->Watch(Named("fail", 3), {}, failed.OnItem(), failed.OnEnd())
        .Detach();
    client->Watch(Named("none", 0), {}, nullptr, none.OnEnd()).Detach();
    // Items that arrive during a call are delivered later.
    EXPECT_TRUE(client->Count(Named("a")).ok());
    EXPECT_EQ(all.items, 0U);
    party->RunLoopUntil(
        [&] { return all.ends > 0 && failed.ends > 0 && none.ends > 0; });
    EXPECT_EQ(all.items, 2000U);
    EXPECT_TRUE(all.end.ok()) << all.end;
    EXPECT_FALSE(stream.pending());
    EXPECT_EQ(failed.items, 3U);
    EXPECT_EQ(failed.end, absl::DataLossError("the end"));
    EXPECT_EQ(none.items, 0U);
    EXPECT_EQ(
        client->Watch(Named(std::string(20000, 'x')), {}, nullptr, nullptr)
            .status()
            .code(),
        absl::StatusCode::kOutOfRange);
    EXPECT_TRUE(client->Count(Named("a")).ok());
    EXPECT_EQ(all.ends, 1);
    EXPECT_EQ(failed.ends, 1);
  });
}

TEST_P(TypedTest, CancelledStreams) {
  RunClient([](Party* party, FileFactsClient* client) {
    const auto no_end = [](const absl::Status&) { ADD_FAILURE(); };
    Collected some;
    le::Stream stream =
        client->Watch(Named("endless"), {}, some.OnItem(), no_end);
    party->RunLoopUntil([&] { return some.items >= 300; });
    stream.Cancel();
    EXPECT_FALSE(stream.pending());
    const uint64_t before = some.items;
    EXPECT_EQ(Must(client->Count(Named("cancels"))).lines(), 1U);
    EXPECT_EQ(some.items, before);
    // An item's closure cancels its own stream.
    le::Stream own;
    int items = 0;
    own = client->Watch(
        Named("endless"), {},
        [&](const Facts& item) {
          if (++items == 5) own.Cancel();
          EXPECT_EQ(item.text(), "item");
        },
        no_end);
    party->RunLoopUntil([&] { return items == 5; });
    EXPECT_EQ(Must(client->Count(Named("cancels"))).lines(), 2U);
    EXPECT_EQ(items, 5);
    // The deadline is that of the whole stream.
    Collected late;
    client
        ->Watch(Named("hold"), le::CallOptions().Timeout(absl::Milliseconds(1)),
                nullptr, late.OnEnd())
        .Detach();
    party->RunLoopUntil([&] { return late.ends > 0; });
    EXPECT_EQ(late.end.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(Must(client->Count(Named("cancels"))).lines(), 3U);
  });
}

// A stream that nobody handles stops, and other calls and streams go on.
TEST_P(TypedTest, ASlowConsumerSlowsItsProducerOnly) {
  RunClient([](Party* party, FileFactsClient* client) {
    const auto no_end = [](const absl::Status&) { ADD_FAILURE(); };
    Collected slow;
    le::Stream paused =
        client->Watch(Named("endless"), le::CallOptions().Window(10, 1 << 20),
                      slow.OnItem(), no_end);
    paused.Pause();
    Collected bytes;
    le::Stream wide = client->Watch(Named("wide", 1000),
                                    le::CallOptions().Window(1000, 20000),
                                    bytes.OnItem(), no_end);
    wide.Pause();
    Collected fast;
    client->Watch(Named("all", 1000), {}, fast.OnItem(), fast.OnEnd()).Detach();
    party->RunLoopUntil([&] { return fast.ends > 0; });
    EXPECT_EQ(fast.items, 1000U);
    EXPECT_TRUE(client->Count(Named("a")).ok());
    EXPECT_EQ(slow.items, 10U) << "the window has 10 items";
    EXPECT_EQ(bytes.items, 3U) << "the third item of 8,000 bytes exceeds it";
    paused.Resume();
    wide.Resume();
    party->RunLoopUntil([&] { return slow.items > 100 && bytes.items > 100; });
  });
}

// All streams may fill their windows during a blocking call.
TEST_P(TypedTest, ABlockingCallHasRoomForAllWindows) {
  RunClient([](Party* party, FileFactsClient* client) {
    std::vector<le::Stream> streams;
    for (int i = 0; i < 20; ++i) {
      streams.push_back(client->Watch(
          Named("wide", 1000), {}, nullptr,
          [](const absl::Status& status) { ADD_FAILURE() << status; }));
    }
    for (int i = 0; i < 20; ++i) {
      const absl::StatusOr<Facts> facts = client->Count(Named("a"));
      ASSERT_TRUE(facts.ok()) << facts.status();
    }
    static_cast<void>(party);
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

// A cancel that waits for room when its session closes does not stop the
// cancels and credits of the next session.
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
    // Until there is no room for an envelope either.
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

// Streams that only their own OnReady() closures own.
class SelfOwned final : public Facility {
 public:
  struct Pushing {
    Pushing(SelfOwned* f, le::Sink<Facts> s) : facility(f), sink(std::move(s)) {
      ++facility->made;
      ++facility->alive;
    }
    ~Pushing() { --facility->alive; }
    void Continue() {
      absl::Status pushed;
      while (pushed.ok()) pushed = sink.Push(Facts());
      if (absl::IsCancelled(pushed)) ++facility->told;
    }
    SelfOwned* const facility;
    le::Sink<Facts> sink;
  };

  void Watch(const CountRequest& request, le::Sink<Facts> sink) override {
    auto pushing = std::make_shared<Pushing>(this, std::move(sink));
    le::Sink<Facts>* const own = &pushing->sink;
    EXPECT_TRUE(own->OnReady([pushing] { pushing->Continue(); }).ok());
    const bool ends = request.name() == "ends";
    EXPECT_TRUE(own->OnCancel([own, ends] {
                     EXPECT_EQ(own->OnReady([] {}).code(),
                               absl::StatusCode::kCancelled);
                     if (ends) std::move(*own).End();
                   })
                    .ok());
  }

  int made = 0;
  int alive = 0;
  int told = 0;
};

TEST_P(TypedTest, AStreamMayOwnItself) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    SelfOwned facility;
    le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil(
        [&] { return facility.made == 4 && facility.alive == 0; });
    EXPECT_EQ(facility.told, 2) << "the two that their OnCancel() has ended";
    party->Signal("freed");
    party->RunLoopUntil([&] { return facility.made == 5; });
    server = le::Server();
    EXPECT_EQ(facility.alive, 0);
    EXPECT_EQ(facility.told, 2) << "a closure was called after its server";
    party->Signal("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    client.Watch(Named("goes on"), {}, nullptr, nullptr).Cancel();
    client.Watch(Named("ends"), {}, nullptr, nullptr).Cancel();
    client.Watch(Named("goes on"), {}, nullptr, nullptr).Detach();
    client.Watch(Named("ends"), {}, nullptr, nullptr).Detach();
    EXPECT_TRUE(client.Count(Named("a")).ok());
    EXPECT_TRUE(client.Close().ok());
    party->Await("freed");
    EXPECT_TRUE(client.Open().ok());
    client.Watch(Named("goes on"), {}, nullptr, nullptr).Detach();
    party->RunLoopUntil("done");
  });
  RunScenario(scenario, GetParam());
}

// The end of a server cancels its calls, and destroys their closures without
// calling them.
TEST_P(TypedTest, AServerEndsBeforeItsCalls) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil([&] {
      return facility.kept.size() == 1 && facility.streams.size() == 1;
    });
    le::Reply<Facts>* const reply = &facility.kept[0];
    le::Sink<Facts>* const sink = &facility.streams[0]->sink;
    const auto owned = std::make_shared<int>();
    const auto never = [owned] { ADD_FAILURE(); };
    EXPECT_TRUE(reply->OnCancel(never).ok());
    EXPECT_TRUE(sink->OnCancel(never).ok());
    EXPECT_TRUE(sink->OnReady(never).ok());
    EXPECT_FALSE(reply->cancelled());
    server = le::Server();
    EXPECT_EQ(owned.use_count(), 2) << "a closure lives: only `never` should";
    EXPECT_TRUE(reply->cancelled());
    EXPECT_TRUE(sink->cancelled());
    EXPECT_EQ(reply->OnCancel(never).code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(sink->OnReady(never).code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(sink->Push(Facts()).code(), absl::StatusCode::kCancelled);
    party->Signal("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    client.CountAsync(Named("keep"), {}, nullptr).Detach();
    client.Watch(Named("hold"), {}, nullptr, nullptr).Detach();
    party->RunLoopUntil("done");
  });
  RunScenario(scenario, GetParam());
}

// Credit that came before the closure was set is not lost.
TEST_P(TypedTest, ALateOnReady) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    const le::Server server = Must(le::Serve("facts", &facility));
    party->RunLoopUntil([&] { return facility.streams.size() == 1; });
    le::Sink<Facts>* const sink = &facility.streams[0]->sink;
    EXPECT_TRUE(sink->OnReady(nullptr).ok());
    EXPECT_TRUE(sink->Push(Facts()).ok());
    EXPECT_EQ(sink->Push(Facts()).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_TRUE(sink->OnReady(nullptr).ok());
    party->Signal("pushed");
    party->RunLoopUntil([&] { return facility.kept.size() == 1; });
    int ready = 0;
    EXPECT_EQ(sink->OnReady([&] { ++ready; }).code(),
              absl::StatusCode::kAborted);
    EXPECT_TRUE(sink->OnReady([&] { ++ready; }).ok()) << "it was said twice";
    EXPECT_TRUE(sink->Push(Facts()).ok());
    EXPECT_EQ(sink->Push(Facts()).code(), absl::StatusCode::kResourceExhausted);
    party->RunLoopUntil([&] { return ready == 1; });
    std::move(*sink).End();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    int items = 0;
    bool ended = false;
    client
        .Watch(
            Named("hold"), le::CallOptions().Window(1, 1000),
            [&](const Facts&) { ++items; },
            [&](const absl::Status&) { ended = true; })
        .Detach();
    party->RunLoopUntil("pushed");
    party->RunLoopUntil([&] { return items == 1; });
    client.CountAsync(Named("keep"), {}, nullptr).Detach();
    party->RunLoopUntil([&] { return ended; });
    EXPECT_EQ(items, 2);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Credit and room may come at any moment of a push of another thread.
TEST_P(TypedTest, AThreadThatPushesIsToldOfRoom) {
  static constexpr uint64_t kItems = 40;
  struct Pushing {
    explicit Pushing(le::Sink<Facts> s) : sink(std::move(s)) {}
    void Run() {
      EXPECT_TRUE(sink.OnReady([this, sender = loop.sender()] {
                        sender.Post([this] { Continue(); }).IgnoreError();
                      })
                      .ok());
      Continue();
      EXPECT_TRUE(loop.Run().ok());
    }
    void Continue() {
      Facts item;
      for (; next < kItems; ++next) {
        item.set_lines(next);
        if (!sink.Push(item).ok()) return;
      }
      if (sink) std::move(sink).End();
      loop.Stop();
    }
    le::Loop loop;
    le::Sink<Facts> sink;
    uint64_t next = 0;
  };
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Facility facility;
    le::Server server = Must(le::Serve("facts", &facility));
    le_msg_ServiceLimits_t limits = {};
    limits.maxQueuedMessages = 1;
    EXPECT_TRUE(server.SetLimits(limits).ok());
    party->RunLoopUntil([&] { return facility.streams.size() == 1; });
    const le_thread_Ref_t thread = le_thread_Create(
        "pushes",
        [](void* context) -> void* {
          Pushing(std::move(*static_cast<le::Sink<Facts>*>(context))).Run();
          return nullptr;
        },
        &facility.streams[0]->sink);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    party->RunLoopUntil("done");
    le_thread_Join(thread, nullptr);
  });
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    Collected collected;
    client
        .Watch(Named("hold"), le::CallOptions().Window(4, 1000),
               collected.OnItem(), collected.OnEnd())
        .Detach();
    party->RunLoopUntil([&] { return collected.ends == 1; });
    EXPECT_EQ(collected.items, kItems);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), 100);
}

// A reply and a sink are used on another thread, and outlive their server.
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

// The server is killed and started again, and the client reopens.
TEST_P(TypedKillTest, AServerDies) {
  Scenario scenario;
  scenario.Add("server", ServerBody);
  scenario.Add("client", [](Party* party) {
    FileFactsClient client = Must(FileFactsClient::Open("facts"));
    int closed = 0;
    int reopened = 0;
    EXPECT_TRUE(client.OnClosed([&](le::CloseReason) { ++closed; }).ok());
    EXPECT_TRUE(client
                    .ReopenAfterClose([&](const absl::Status& status) {
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
    EXPECT_EQ(moved.Open().code(), kMisuse) << "it is open";
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
