// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Mocks, le::testing::Local and reflection, over loopback in this process.

#include "le/testing/local.h"

#include <csignal>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"
#include "le/timer.h"
#include "le_eventLoop.h"
#include "services/tests/facts.le_mock.h"

namespace files {
namespace {

using ::testing::_;
using ::testing::Return;

TEST(MockTest, ACallerOfTheInterfaceNeedsNoServer) {
  MockFileFactsApi api;
  Facts facts;
  facts.set_lines(3);
  EXPECT_CALL(api, Count(_, _))
      .WillOnce(Return(facts))
      .WillOnce(Return(absl::NotFoundError("none")))
      .WillOnce(Return(facts));
  FileFactsApi* const interface = &api;
  EXPECT_EQ(interface->Count(CountRequest())->lines(), 3U);
  EXPECT_EQ(interface->Count(CountRequest()).status().code(),
            absl::StatusCode::kNotFound);
  // CountInto() of the mock calls Count().
  Facts into;
  EXPECT_TRUE(interface->CountInto(CountRequest(), &into).ok());
  EXPECT_EQ(into.lines(), 3U);

  EXPECT_CALL(api, CountAsync(_, _, _))
      .WillOnce([&](const CountRequest&, const le::CallOptions&,
                    le::Done<Facts> done) {
        done(&facts);
        return le::Call();
      })
      .WillOnce(
          [](const CountRequest&, const le::CallOptions&, le::Done<Facts>) {
            return le::Call(absl::InvalidArgumentError("refused"));
          });
  uint64_t lines = 0;
  const auto done = [&](absl::StatusOr<const Facts*> f) {
    lines = (*f)->lines();
  };
  EXPECT_TRUE(interface->CountAsync(CountRequest(), {}, done).status().ok());
  EXPECT_EQ(lines, 3U);
  EXPECT_FALSE(interface->CountAsync(CountRequest(), {}, done).status().ok());
}

TEST(LocalTest, AMockedServerIsCalledThroughAllLayers) {
  MockFileFactsService service;
  EXPECT_CALL(service, Count(_, _))
      .WillOnce([](const CountRequest& request, le::Reply<Facts> reply) {
        reply->set_text(request.name());
        std::move(reply).Send();
      });
  EXPECT_CALL(service, Log(_, _));
  le::testing::Local<FileFactsClient> local(&service);
  CountRequest request;
  request.set_name("name");
  const absl::StatusOr<Facts> facts = local->Count(request);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->text(), "name");
  EXPECT_TRUE(local->Log(Line()).ok());
  // Two clients and servers exist at the same time.
  MockFileFactsService other;
  le::testing::Local<FileFactsClient> second(&other);
  EXPECT_TRUE(second->is_open());
  // When the server answers this request, it has handled all earlier messages.
  EXPECT_TRUE(local->Descriptors().ok());
}

// Answers each call after a timer has expired.
class SlowFacts final : public MockFileFactsService {
 public:
  SlowFacts() {
    ON_CALL(*this, Count(_, _))
        .WillByDefault([this](const CountRequest&, le::Reply<Facts> reply) {
          reply_ = std::move(reply);
          EXPECT_TRUE(timer_.Start(absl::ZeroDuration()).ok());
        });
    EXPECT_CALL(*this, Count(_, _));
  }

 private:
  absl::optional<le::Reply<Facts>> reply_;
  le::Timer timer_{[this] { std::move(*reply_).Send(); }};
};

TEST(LocalTest, AServiceWithATimerIsCreatedOnTheServersThread) {
  le::testing::Local<FileFactsClient> local(
      [] { return std::make_unique<SlowFacts>(); });
  EXPECT_TRUE(local->Count(CountRequest()).ok());
}

// The call is open when the signal arrives. `ending` raises the signal again.
// Expected: the second signal does not end the drain.
TEST(RunUntilSignalTest, ASignalDrainsTheServer) {
  MockFileFactsService service;
  le::Server server = *le::Serve("facts", &service);
  absl::optional<le::Reply<Facts>> kept;
  bool is_answered = false;
  le::Timer answer([&] {
    std::move(*kept).Send();
    is_answered = true;
  });
  EXPECT_CALL(service, Count(_, _))
      .WillOnce([&](const CountRequest&, le::Reply<Facts> reply) {
        kept = std::move(reply);
        raise(SIGTERM);
      });
  FileFactsClient client = *FileFactsClient::Create("facts");
  absl::Status result = absl::UnknownError("no result");
  EXPECT_TRUE(client
                  .KeepOpen([&](const absl::Status& opened) {
                    EXPECT_TRUE(opened.ok()) << opened;
                    client
                        .CountAsync(CountRequest(), {},
                                    [&](absl::StatusOr<const Facts*> facts) {
                                      result = facts.status();
                                    })
                        .Detach();
                  })
                  .ok());
  const auto ending = [&] {
    EXPECT_TRUE(answer.Start(absl::Milliseconds(1)).ok());
    raise(SIGTERM);
  };
  const absl::Status ended =
      server.RunUntilSignal(SIGTERM, absl::InfiniteDuration(), ending);
  EXPECT_TRUE(ended.ok()) << ended;
  EXPECT_TRUE(is_answered);
  while (absl::IsUnknown(result)) EXPECT_EQ(le_event_ServiceLoop(), LE_OK);
  EXPECT_TRUE(result.ok()) << result;
}

// The server does not answer the call.
TEST(RunUntilSignalTest, TheDrainHasATimeout) {
  MockFileFactsService service;
  le::Server server = *le::Serve("facts", &service);
  absl::optional<le::Reply<Facts>> kept;
  EXPECT_CALL(service, Count(_, _))
      .WillOnce([&](const CountRequest&, le::Reply<Facts> reply) {
        kept = std::move(reply);
        raise(SIGTERM);
      });
  FileFactsClient client = *FileFactsClient::Create("facts");
  EXPECT_TRUE(client
                  .KeepOpen([&](const absl::Status&) {
                    client.CountAsync(CountRequest(), {}, nullptr).Detach();
                  })
                  .ok());
  absl::Status ended = server.RunUntilSignal(SIGTERM, absl::Milliseconds(1));
  EXPECT_TRUE(ended.ok()) << ended;
  EXPECT_TRUE(*kept) << "the call is still open";
  // The program may end the wait earlier.
  le::Timer signal([] { raise(SIGTERM); });
  EXPECT_TRUE(signal.Start(absl::ZeroDuration()).ok());
  ended = server.RunUntilSignal(SIGTERM, absl::InfiniteDuration(),
                                [] { le_event_StopLoop(nullptr); });
  EXPECT_TRUE(ended.ok()) << ended;
  EXPECT_TRUE(*kept) << "the call is still open";
  EXPECT_TRUE(absl::IsFailedPrecondition(
      le::Server().RunUntilSignal(SIGTERM, absl::ZeroDuration())));
}

TEST(RunUntilSignalTest, ServeUntilSignalServes) {
  MockFileFactsService service;
  le::Timer signal([] { raise(SIGTERM); });
  EXPECT_TRUE(signal.Start(absl::ZeroDuration()).ok());
  const absl::Status ended = le::ServeUntilSignal("facts", &service, SIGTERM,
                                                  absl::InfiniteDuration());
  EXPECT_TRUE(ended.ok()) << ended;
  EXPECT_TRUE(absl::IsInvalidArgument(le::ServeUntilSignal(
      "not a name", &service, SIGTERM, absl::ZeroDuration())));
}

TEST(LocalTest, TheServerDescribesItself) {
  MockFileFactsService service;
  le::testing::Local<FileFactsClient> local(&service);
  const absl::StatusOr<std::string> bytes = local->Descriptors();
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  google::protobuf::FileDescriptorSet set;
  ASSERT_TRUE(set.ParseFromString(*bytes));
  ASSERT_EQ(set.file_size(), 2);
  EXPECT_EQ(set.file(0).name(), "le/service.proto");
  EXPECT_EQ(set.file(1).name(), "services/tests/facts.proto");
  ASSERT_EQ(set.file(1).service_size(), 1);
  EXPECT_EQ(set.file(1).service(0).method_size(), 8);
}

}  // namespace
}  // namespace files
