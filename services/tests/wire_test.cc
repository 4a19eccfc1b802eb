// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Peers that violate the protocol of typed services: an untyped client of a
// typed server, and an untyped server of a typed client.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "le/messaging.h"
#include "messaging/testing/scenario.h"
#include "services/tests/3d-names.le.h"
#include "services/tests/facts.le.h"

namespace files {
namespace {

using le::internal::Credit;
using le::internal::Envelope;
using le::internal::Kind;
using le::messaging::testing::AllSettings;
using le::messaging::testing::Party;
using le::messaging::testing::RunScenario;
using le::messaging::testing::Scenario;
using le::messaging::testing::Setting;
using le::messaging::testing::SettingName;

constexpr uint16_t kCount = 1;
constexpr uint16_t kCountFile = 2;
constexpr uint16_t kWatch = 4;
constexpr uint16_t kLog = 5;

le::Protocol RawProtocol() {
  return le::internal::ProtocolOf(FileFactsClient::LeInfo());
}

std::string Bytes(const Envelope& envelope, const std::string& body = "") {
  uint8_t bytes[Envelope::kBytes];
  envelope.Store(bytes);
  return std::string(reinterpret_cast<const char*>(bytes), sizeof(bytes)) +
         body;
}
std::string CreditBytes(int64_t items, int64_t size) {
  uint8_t bytes[Credit::kBytes];
  const Credit credit = {items, size};
  credit.Store(bytes);
  return std::string(reinterpret_cast<const char*>(bytes), sizeof(bytes));
}

// Keeps the calls with the name "keep", and all streams.
class Keeper final : public FileFactsService {
 public:
  void Count(const CountRequest& request, le::Reply<Facts> reply) override {
    if (request.name() == "keep") {
      kept.push_back(std::move(reply));
    } else {
      reply->set_lines(static_cast<uint64_t>(logs));
      std::move(reply).Send();
    }
  }
  void Watch(const CountRequest&, le::Sink<Facts> sink) override {
    // Pushes all that the credit allows.
    Facts item;
    item.set_text("12345678");
    while (sink.Push(item).ok()) continue;
    sinks.push_back(std::move(sink));
  }
  void Log(const Line&, const le::Caller&) override { ++logs; }
  void CountFile(const CountRequest&, le::UniqueFd,
                 le::Reply<Facts> reply) override {
    std::move(reply).Send();
  }
  void OpenFile(const CountRequest&, le::ReplyWithFd<Facts>) override {}
  void CopyFile(const CountRequest&, le::UniqueFd,
                le::ReplyWithFd<Facts>) override {}
  void WatchFile(const CountRequest&, le::UniqueFd, le::Sink<Facts>) override {}
  void Deliver(const Line&, le::UniqueFd, const le::Caller&) override {}

  std::vector<le::Reply<Facts>> kept;
  std::vector<le::Sink<Facts>> sinks;
  int logs = 0;
};

class WireTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, WireTest, AllSettings(), SettingName);

// A client that writes its own envelopes.
class RawClient {
 public:
  RawClient() : client_(*le::Client::Open("facts", RawProtocol())) {
    EXPECT_TRUE(
        client_.OnMessage([this](const le::Message&) { ++items; }).ok());
  }
  le::Message Of(const std::string& bytes) const {
    le::Message message = client_.NewMessage();
    EXPECT_TRUE(message.Assign(bytes).ok());
    return message;
  }
  // Sends a request, and returns the code of its response. The response must
  // have the request's call number.
  absl::StatusCode Ask(const std::string& bytes, bool with_fd = false) {
    le::Message request = Of(bytes);
    if (with_fd) {
      EXPECT_TRUE(request
                      .SetDescriptor(
                          le::UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)))
                      .ok());
    }
    Envelope asked;
    const bool has_envelope = asked.Load(request.payload());
    const absl::StatusOr<le::Message> response =
        client_.Request(std::move(request));
    EXPECT_TRUE(response.ok()) << response.status();
    if (!response.ok()) return response.status().code();
    Envelope envelope;
    EXPECT_TRUE(envelope.Load(response->payload()));
    EXPECT_EQ(envelope.kind, Kind::kStatus);
    if (has_envelope) {
      EXPECT_EQ(envelope.call, asked.call);
    }
    return static_cast<absl::StatusCode>(envelope.value);
  }
  void Send(const std::string& bytes) { EXPECT_TRUE(Of(bytes).Send().ok()); }
  // Makes a request, and does not wait for the response.
  void Start(const std::string& bytes) {
    client_
        .RequestAsync(Of(bytes), absl::InfiniteDuration(),
                      [](const absl::StatusOr<le::Message>&) {})
        .Detach();
  }
  // Waits until the server has handled all earlier messages.
  void Settle() {
    EXPECT_EQ(Ask(Bytes({kCount, Kind::kCall, 999, 0})), absl::StatusCode::kOk);
  }

  int items = 0;

 private:
  le::Client client_;
};

TEST_P(WireTest, ATypedServerSurvivesItsClients) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Keeper keeper;
    const absl::StatusOr<le::Server> server = le::Serve("facts", &keeper);
    ASSERT_TRUE(server.ok());
    party->RunLoopUntil("checked");
    ASSERT_EQ(keeper.kept.size(), 1U);
    EXPECT_TRUE(keeper.kept[0].cancelled());
    EXPECT_EQ(keeper.sinks.size(), 3U);
    party->Signal("done");
  });
  scenario.Add("client", [](Party* party) {
    constexpr absl::StatusCode kOk = absl::StatusCode::kOk;
    constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
    const std::string keep("\012\004keep");
    RawClient raw;
    uint32_t call = 0;
    EXPECT_EQ(raw.Ask(""), kInvalid);
    EXPECT_EQ(raw.Ask(Bytes({}).substr(1)), kInvalid);
    EXPECT_EQ(raw.Ask(Bytes({kCount, Kind::kCall, ++call, 0})), kOk);
    EXPECT_EQ(raw.Ask(Bytes({kCount, Kind::kCancel, ++call, 0})), kInvalid);
    EXPECT_EQ(raw.Ask(Bytes({kCount, static_cast<Kind>(99), ++call, 0})),
              kInvalid);
    EXPECT_EQ(raw.Ask(Bytes({7777, Kind::kCall, ++call, 0})),
              absl::StatusCode::kUnimplemented);
    EXPECT_EQ(raw.Ask(Bytes({kLog, Kind::kCall, ++call, 0})), kInvalid);
    EXPECT_EQ(raw.Ask(Bytes({kCount, Kind::kCall, ++call, 0}, "\377\377")),
              kInvalid);
    // A string must be UTF-8.
    EXPECT_EQ(raw.Ask(Bytes({kCount, Kind::kCall, ++call, 0}, "\012\001\377")),
              kInvalid);
    // Missing and superfluous file descriptors.
    EXPECT_EQ(raw.Ask(Bytes({kCountFile, Kind::kCall, ++call, 0})), kInvalid);
    EXPECT_EQ(raw.Ask(Bytes({kCountFile, Kind::kCall, ++call, 0}), true), kOk);
    EXPECT_EQ(raw.Ask(Bytes({kCount, Kind::kCall, ++call, 0}), true), kOk);
    // Streams without credit.
    EXPECT_EQ(raw.Ask(Bytes({kWatch, Kind::kCall, ++call, 0}, "1234567")),
              kInvalid);
    // A number that is in use.
    const uint32_t used = ++call;
    raw.Start(Bytes({kCount, Kind::kCall, used, 0}, keep));
    EXPECT_EQ(raw.Ask(Bytes({kCount, Kind::kCall, used, 0})), kInvalid);

    // Messages that are not requests.
    raw.Send("");
    raw.Send(Bytes({kLog, Kind::kOneWay, 0, 0}));
    raw.Send(Bytes({kLog, Kind::kOneWay, 0, 0}, "\377"));
    raw.Send(Bytes({kCount, Kind::kOneWay, 0, 0}));
    raw.Send(Bytes({7777, Kind::kOneWay, 0, 0}));
    raw.Send(Bytes({kCount, Kind::kCall, 5, 0}));
    raw.Send(Bytes({kCount, static_cast<Kind>(99), 5, 0}));
    raw.Send(Bytes({0, Kind::kCancel, 12345, 0}));
    raw.Send(Bytes({0, Kind::kCredit, 12345, 0}, CreditBytes(1, 1)));
    raw.Send(Bytes({0, Kind::kCredit, used, 0}, "short"));
    raw.Send(Bytes({0, Kind::kCredit, used, 0}, CreditBytes(1, 1)));
    raw.Send(Bytes({0, Kind::kCancel, used, 0}));
    raw.Send(Bytes({0, Kind::kCancel, used, 0}));
    raw.Settle();

    // Reflection.
    EXPECT_EQ(raw.Ask(Bytes({0, Kind::kCall, ++call, 0}, "123")), kInvalid);
    EXPECT_EQ(raw.Ask(Bytes({0, Kind::kCall, ++call, 0}, "\377\377\377\377")),
              kInvalid);
    EXPECT_EQ(raw.Ask(Bytes({0, Kind::kCall, ++call, 0}, std::string(4, '\0'))),
              kOk);

    // Credit. An item of 10 bytes needs at least one byte of credit.
    const auto items_for = [&](int64_t items, int64_t bytes) {
      const int before = raw.items;
      raw.Start(
          Bytes({kWatch, Kind::kCall, ++call, 0}, CreditBytes(items, bytes)));
      raw.Settle();
      return before;
    };
    int before = items_for(0, 1000);
    const int none = raw.items - before;
    before = items_for(3, 1000000);
    party->RunLoopUntil([&] { return raw.items - before >= 3; });
    before = items_for(1000, 11);
    party->RunLoopUntil([&] { return raw.items - before >= 2; });
    raw.Settle();
    EXPECT_EQ(none, 0);
    EXPECT_EQ(raw.items, 5);

    // Other clients are served.
    absl::StatusOr<FileFactsClient> honest = FileFactsClient::Open("facts");
    ASSERT_TRUE(honest.ok());
    const absl::StatusOr<Facts> facts = honest->Count(CountRequest());
    ASSERT_TRUE(facts.ok()) << facts.status();
    EXPECT_EQ(facts->lines(), 1U) << "one line was logged";
    party->Signal("checked");
    party->Await("done");
  });
  RunScenario(scenario, GetParam());
}

// Answers the nth request with the nth answer. Before that, sends the nth push
// `times` times.
void RawServer(Party* party, std::vector<std::string> pushes,
               std::vector<std::string> answers, int times = 1) {
  absl::StatusOr<le::Service> service =
      le::Service::Create("facts", RawProtocol());
  ASSERT_TRUE(service.ok());
  size_t next = 0;
  EXPECT_TRUE(service
                  ->OnMessage([&](le::Message message) {
                    if (!message.needs_response()) return;
                    Envelope envelope;
                    EXPECT_TRUE(envelope.Load(message.payload()));
                    // Replaces "CCCC" by the number of the call, as Envelope
                    // stores it.
                    const auto numbered = [&](std::string bytes) {
                      if (bytes.size() >= Envelope::kBytes &&
                          bytes.substr(4, 4) == "CCCC") {
                        le::internal::StoreU32(
                            reinterpret_cast<uint8_t*>(&bytes[4]),
                            envelope.call);
                      }
                      return bytes;
                    };
                    for (int i = 0; i < times && next < pushes.size(); ++i) {
                      le::Message push = message.NewMessage();
                      EXPECT_TRUE(push.Assign(numbered(pushes[next])).ok());
                      EXPECT_TRUE(std::move(push).Send().ok());
                    }
                    const std::string answer =
                        next < answers.size() ? numbered(answers[next]) : "";
                    ++next;
                    EXPECT_TRUE(message.Assign(answer).ok());
                    EXPECT_TRUE(std::move(message).Respond().ok());
                  })
                  .ok());
  EXPECT_TRUE(service->Advertise().ok());
  party->RunLoopUntil("done");
}

// An envelope of a response with a placeholder for the number of the call.
std::string Answer(uint32_t value, const std::string& body = "",
                   Kind kind = Kind::kStatus) {
  std::string bytes = Bytes({kCount, kind, 0, value}, body);
  return bytes.replace(4, 4, "CCCC");
}

TEST_P(WireTest, ATypedClientSurvivesItsServer) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    RawServer(party, {},
              {
                  Answer(0, "\010\007"),                    // lines: 7
                  "",                                       // no envelope
                  Bytes({kCount, Kind::kStatus, 4444, 0}),  // another call
                  Answer(0, "", Kind::kItem),               // another kind
                  Answer(0, "\377"),                        // no message
                  Answer(5, "text"),                        // NotFound
                  Answer(999, "text"),                      // unknown code
                  Answer(5, std::string(2000, 'x')),        // a long text
                  Answer(0),  // without its file descriptor
              });
  });
  scenario.Add("client", [](Party* party) {
    constexpr absl::StatusCode kInternal = absl::StatusCode::kInternal;
    absl::StatusOr<FileFactsClient> client = FileFactsClient::Open("facts");
    ASSERT_TRUE(client.ok());
    Facts facts;
    EXPECT_TRUE(client->CountInto(CountRequest(), &facts).ok());
    EXPECT_EQ(facts.lines(), 7U);
    EXPECT_EQ(client->Count(CountRequest()).status().code(), kInternal);
    EXPECT_EQ(client->Count(CountRequest()).status().code(), kInternal);
    EXPECT_EQ(client->Count(CountRequest()).status().code(), kInternal);
    EXPECT_EQ(client->Count(CountRequest()).status().code(), kInternal);
    EXPECT_EQ(client->Count(CountRequest()).status(),
              absl::NotFoundError("text"));
    EXPECT_EQ(client->Count(CountRequest()).status().code(),
              absl::StatusCode::kUnknown);
    EXPECT_EQ(client->Count(CountRequest()).status().message().size(), 1024U);
    EXPECT_EQ(client->OpenFile(CountRequest()).status().code(), kInternal);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(WireTest, DescriptorsOfAWrongSize) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    const auto sized = [](uint32_t size) {
      uint8_t bytes[4];
      le::internal::StoreU32(bytes, size);
      return std::string(bytes, bytes + sizeof(bytes));
    };
    constexpr uint32_t kMax = le::internal::kMaxDescriptorBytes;
    RawServer(party, {},
              {
                  Answer(0, sized(3) + "abc"),
                  Answer(0, sized(0)),
                  // In two parts.
                  Answer(0, sized(5) + "abc"),
                  Answer(0, sized(5) + "de"),
                  // Wrong.
                  Answer(0, "123"),
                  Answer(0, sized(2) + "abc"),
                  Answer(0, sized(5)),
                  Answer(0, sized(kMax + 1) + "a"),
                  Answer(0, sized(kMax) + "a"),
                  Answer(0, sized(kMax)),
              });
  });
  scenario.Add("client", [](Party* party) {
    constexpr absl::StatusCode kInternal = absl::StatusCode::kInternal;
    absl::StatusOr<FileFactsClient> client = FileFactsClient::Open("facts");
    ASSERT_TRUE(client.ok());
    EXPECT_EQ(*client->Descriptors(), "abc");
    EXPECT_EQ(*client->Descriptors(), "");
    EXPECT_EQ(*client->Descriptors(), "abcde");
    EXPECT_EQ(client->Descriptors().status().code(), kInternal);
    EXPECT_EQ(client->Descriptors().status().code(), kInternal);
    EXPECT_EQ(client->Descriptors().status().code(), kInternal);
    EXPECT_EQ(client->Descriptors().status().code(), kInternal);
    // The client accepts the largest size. Then the second part is missing.
    EXPECT_EQ(client->Descriptors().status().code(), kInternal);
    EXPECT_EQ(client->Count(CountRequest()).status().code(), kInternal);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(WireTest, AWrongItemEndsItsStream) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    RawServer(party,
              {
                  Answer(0, "\377", Kind::kItem),         // no message
                  Answer(0, "\010\007", Kind::kItem),     // lines: 7
                  Bytes({kWatch, Kind::kItem, 4444, 0}),  // another stream
                  "no envelope", Answer(0, "", Kind::kCredit),  // another kind
              },
              {Answer(0), Answer(0), Answer(0), Answer(0), Answer(0)});
  });
  scenario.Add("client", [](Party* party) {
    absl::StatusOr<FileFactsClient> client = FileFactsClient::Open("facts");
    ASSERT_TRUE(client.ok());
    int items = 0;
    std::vector<absl::Status> ends;
    std::vector<le::Stream> streams;
    for (size_t i = 0; i < 5; ++i) {
      streams.push_back(client->Watch(
          CountRequest(), {}, [&](const Facts&) { ++items; },
          [&, i](absl::Status status) {
            EXPECT_FALSE(streams[i].pending());
            ends.push_back(std::move(status));
          }));
    }
    party->RunLoopUntil([&] { return ends.size() == 5; });
    EXPECT_EQ(ends[0].code(), absl::StatusCode::kInternal);
    for (size_t i = 1; i < ends.size(); ++i) EXPECT_TRUE(ends[i].ok()) << i;
    EXPECT_EQ(items, 1);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A paused stream gets the items that its window allows. One more item ends it.
TEST_P(WireTest, AnItemWithoutCreditEndsItsStream) {
  static constexpr int kItems = 3;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    const std::string item = Answer(0,
                                    "\022\010"
                                    "12345678",
                                    Kind::kItem);
    RawServer(party, {item, item, item, item},
              {Answer(0), Answer(0), Answer(0), Answer(0)}, kItems);
  });
  scenario.Add("client", [](Party* party) {
    absl::StatusOr<FileFactsClient> client = FileFactsClient::Open("facts");
    ASSERT_TRUE(client.ok());
    int items = 0;
    int ends = 0;
    // An item has 10 bytes.
    const auto watch = [&](const le::CallOptions& window) {
      absl::Status end;
      items = ends = 0;
      le::Stream stream = client->Watch(
          CountRequest(), window, [&](const Facts&) { ++items; },
          [&](absl::Status status) {
            end = std::move(status);
            ++ends;
          });
      stream.Pause();
      party->RunLoopUntil([&] { return ends > 0; });
      EXPECT_EQ(ends, 1);
      return end.code();
    };
    EXPECT_EQ(watch(le::CallOptions().Window(3, 1000)), absl::StatusCode::kOk);
    EXPECT_EQ(items, 3);
    EXPECT_EQ(watch(le::CallOptions().Window(2, 1000)),
              absl::StatusCode::kInternal);
    EXPECT_EQ(items, 2);
    EXPECT_EQ(watch(le::CallOptions().Window(100, 21)), absl::StatusCode::kOk);
    EXPECT_EQ(items, 3);
    EXPECT_EQ(watch(le::CallOptions().Window(100, 20)),
              absl::StatusCode::kInternal);
    EXPECT_EQ(items, 2);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Not in the simulation, which has no virtual time for le_clock.h.
class ThreadsTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Threads, ThreadsTest,
                         ::testing::Values(Setting::kThreads,
                                           Setting::kUnixThreads),
                         SettingName);

// The timeout applies to all parts together.
TEST_P(ThreadsTest, DescriptorsOfASlowServer) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    le::Service service = *le::Service::Create("facts", RawProtocol());
    // Answers with a part that is not the last one.
    le::Message request;
    le::Timer timer([&] {
      Envelope envelope;
      EXPECT_TRUE(envelope.Load(request.payload()));
      const std::string part("\004\0\0\0a", 5);
      EXPECT_TRUE(
          request.Assign(Bytes({0, Kind::kStatus, envelope.call, 0}, part))
              .ok());
      EXPECT_TRUE(std::move(request).Respond().ok());
    });
    EXPECT_TRUE(service
                    .OnMessage([&](le::Message message) {
                      if (!message.needs_response()) return;  // a cancel
                      request = std::move(message);
                      EXPECT_TRUE(timer.Start(absl::Milliseconds(60)).ok());
                    })
                    .ok());
    EXPECT_TRUE(service.Advertise().ok());
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    absl::StatusOr<FileFactsClient> client = FileFactsClient::Open("facts");
    ASSERT_TRUE(client.ok());
    EXPECT_EQ(
        client->Descriptors(le::CallOptions().Timeout(absl::Milliseconds(130)))
            .status()
            .code(),
        absl::StatusCode::kDeadlineExceeded);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// No method of the service has fd_in. So the file descriptor of a request is
// closed, although the call is kept.
TEST_P(ThreadsTest, AServiceWithoutFdInReceivesNoDescriptor) {
  class Keeper final : public odd::EvenService {
    void Even(const odd::Ping&, le::Reply<odd::Ping> reply) override {
      kept_.push_back(std::move(reply));
    }
    std::vector<le::Reply<odd::Ping>> kept_;
  };
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    Keeper keeper;
    const absl::StatusOr<le::Server> server = le::Serve("even", &keeper);
    ASSERT_TRUE(server.ok()) << server.status();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    le::Client client = *le::Client::Open(
        "even", le::internal::ProtocolOf(odd::EvenClient::LeInfo()));
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const le::UniqueFd writer(ends[1]);
    le::Message request = client.NewMessage();
    EXPECT_TRUE(request.Assign(Bytes({1, Kind::kCall, 1, 0})).ok());
    EXPECT_TRUE(request.SetDescriptor(le::UniqueFd(ends[0])).ok());
    const le::Call call =
        client.RequestAsync(std::move(request), absl::InfiniteDuration(),
                            [](const absl::StatusOr<le::Message>&) {});
    client.Flush();
    // Waits until the pipe has no reader.
    pollfd poll_fd = {writer.get(), 0, 0};
    EXPECT_EQ(poll(&poll_fd, 1, -1), 1);
    EXPECT_TRUE(call.pending());
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace files
