// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs the C++ blocks of docs/using.md, except the one that everywhere_test
// runs. Each .inc file is one block.

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "le/messaging.h"
#include "le/testing/local.h"
#include "shout/shout.le.h"

namespace {

class Shouter final : public shout::ShoutService {
  void Upper(const shout::Text& request,
             le::Reply<shout::Text> reply) override {
    reply->set_text(absl::AsciiStrToUpper(request.text()));
    std::move(reply).Send();
  }
#include "tests/documents/letters_server.inc"

 public:
#include "tests/documents/watch_server.inc"
  absl::Status ServeUntilSigterm(absl::StatusOr<le::Server>& server) {
#include "tests/documents/end_server.inc"
  }
};

// Lets another server do the work.
class Relay final : public shout::ShoutService {
 public:
  explicit Relay(shout::ShoutClient* other) : other_(other) {}

#include "tests/documents/nested_server.inc"
  void Letters(const shout::Text&, le::Sink<shout::Text>) override {}
  void Watch(const shout::Text&, le::Sink<shout::Text>) override {}

 private:
  shout::ShoutClient* const other_;
};

struct Question {};
struct Reading {
  int degrees;
};
constexpr le::Protocol kSensor = {"sensor 1", sizeof(Reading)};

// Calls a service of plain structures.
class Thermometer final : public shout::ShoutService {
 public:
#include "tests/documents/plain_client.inc"
  void Letters(const shout::Text&, le::Sink<shout::Text>) override {}
  void Watch(const shout::Text&, le::Sink<shout::Text>) override {}
};

absl::Status PrintLetters(shout::ShoutClient* client,
                          const shout::Text& request) {
  le::Loop loop;
#include "tests/documents/letters_client.inc"
}

#include "tests/documents/shout_test.inc"

TEST(LettersTest, ArePrintedInOrder) {
  Shouter shouter;
  le::testing::Local<shout::ShoutClient> local(&shouter);
  shout::Text request;
  request.set_text("hello");
  ::testing::internal::CaptureStdout();
  const absl::Status end = PrintLetters(&local.client(), request);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "h\ne\nl\nl\no\n");
  EXPECT_TRUE(end.ok()) << end;
}

TEST(NestedTest, ARelayRespondsWithTheOtherServersResponse) {
  le::Loop loop;
  Shouter shouter;
  const auto server = le::Serve("shout", &shouter);
  auto other = shout::ShoutClient::Create("shout");
  ASSERT_TRUE(other.ok()) << other.status();
  Relay relay(&*other);
  const auto relaying = le::Serve("relay", &relay);
  auto client = shout::ShoutClient::Create("relay");
  ASSERT_TRUE(client.ok()) << client.status();
  std::string text;
  const auto call = [&](const absl::Status& opened) {
    EXPECT_TRUE(opened.ok()) << opened;
    shout::Text request;
    request.set_text("hello");
    client
        ->UpperAsync(request,
                     le::CallOptions().Timeout(absl::InfiniteDuration()),
                     [&](absl::StatusOr<const shout::Text*> response) {
                       text = response.ok() ? (*response)->text()
                                            : response.status().ToString();
                       loop.Stop();
                     })
        .Detach();
  };
  EXPECT_TRUE(
      other
          ->OpenAsync(
              absl::InfiniteDuration(),
              [&](const absl::Status& opened) {
                EXPECT_TRUE(opened.ok()) << opened;
                EXPECT_TRUE(
                    client->OpenAsync(absl::InfiniteDuration(), call).ok());
              })
          .ok());
  EXPECT_TRUE(loop.Run().ok());
  EXPECT_EQ(text, "HELLO");
}

#include "tests/documents/fake_sensor.inc"

TEST(PlainTest, AThermometerRespondsWithTheSensorsResponse) {
  std::unique_ptr<FakeSensor> sensor;
  le::testing::Local<shout::ShoutClient> client([&] {
    auto thermometer = std::make_unique<Thermometer>(
        le::Client::CreateKeptOpen("sensor", kSensor).value());
    sensor = std::make_unique<FakeSensor>();  // starts after its client
    return thermometer;
  });
  absl::StatusOr<shout::Text> response;
  do {  // the session to the sensor may still be opening
    response = client->Upper({});
  } while (absl::IsUnavailable(response.status()));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->text(), "21");
}

TEST(EndTest, SigtermEndsTheServer) {
  Shouter shouter;
  absl::StatusOr<le::Server> server = le::Serve("shout", &shouter);
  ASSERT_TRUE(server.ok()) << server.status();
  le::Timer end([] { kill(getpid(), SIGTERM); });
  EXPECT_TRUE(end.Start(absl::ZeroDuration()).ok());
  const absl::Status served = shouter.ServeUntilSigterm(server);
  EXPECT_TRUE(served.ok()) << served;
}

class Watcher {
 public:
  explicit Watcher(std::function<void(const std::string&)> seen)
      : seen_(std::move(seen)) {}
  absl::Status Start() {
#include "tests/documents/watch_client.inc"
  }

 private:
  void Show(const shout::Text& text) { seen_(text.text()); }

  const std::function<void(const std::string&)> seen_;
  absl::StatusOr<shout::ShoutClient> client_ =
      shout::ShoutClient::Create("shout");
  le::Stream changes_;
};

TEST(WatchTest, ContinuesWithTheNextServer) {
  le::Loop loop;
  Shouter shouter;
  shouter.Change("first");
  absl::StatusOr<le::Server> server = le::Serve("shout", &shouter);
  ASSERT_TRUE(server.ok()) << server.status();
  std::string all;
  le::Timer restart([&] {
    *server = le::Server();
    shouter.Change("third");
    server = le::Serve("shout", &shouter);
    EXPECT_TRUE(server.ok()) << server.status();
  });
  Watcher watcher([&](const std::string& text) {
    all += text + " ";
    if (text == "first") shouter.Change("second");
    if (text == "second") {
      EXPECT_TRUE(restart.Start(absl::ZeroDuration()).ok());
    }
    if (text == "third") loop.Stop();
  });
  const absl::Status started = watcher.Start();
  EXPECT_TRUE(started.ok()) << started;
  EXPECT_TRUE(loop.Run().ok());
  EXPECT_EQ(all, "first second third ");
}

}  // namespace
