// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Helpers of the tests that run the C++ API in the settings of the test kit.

#ifndef LE_MESSAGING_MESSAGING_CPP_TESTING_ECHO_H_
#define LE_MESSAGING_MESSAGING_CPP_TESTING_ECHO_H_

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "le/messaging.h"
#include "messaging/testing/scenario.h"

namespace le {

constexpr Protocol kText = {"text", 256};

template <typename T>
T Must(absl::StatusOr<T> result) {
  EXPECT_TRUE(result.ok()) << result.status();
  return *std::move(result);
}

inline Message Text(const Client& client, absl::string_view text) {
  Message message = client.NewMessage();
  EXPECT_TRUE(message.Assign(text).ok());
  return message;
}

// Sends a request. Returns the response as a text, or the code of the error.
inline std::string Ask(Client* client, absl::string_view text,
                       absl::Duration timeout = absl::InfiniteDuration()) {
  const absl::StatusOr<Message> response =
      client->Request(Text(*client, text), timeout);
  return response.ok() ? std::string(response->text())
                       : absl::StatusCodeToString(response.status().code());
}

// Echoes each request, with three exceptions: it keeps the request "keep",
// releases the request "drop", and closes the session for "close". For a
// message "push TEXT" it also pushes TEXT.
class EchoServer {
 public:
  explicit EchoServer(absl::string_view name = "echo")
      : service(Must(Service::Create(name, kText))) {
    EXPECT_TRUE(
        service
            .OnMessage([this](Message message) { Handle(std::move(message)); })
            .ok());
    EXPECT_TRUE(service.Advertise().ok());
  }

  // Destroyed after the service, so that no request is released while its
  // session is open.
  std::vector<Message> kept;
  Service service;

 private:
  void Handle(Message message) {
    const std::string text(message.text());
    if (text == "keep") {
      kept.push_back(std::move(message));
    } else if (text == "close") {
      EXPECT_TRUE(Session::Of(message).Close().ok());
    } else if (text.substr(0, 5) == "push ") {
      Message push = message.NewMessage();
      EXPECT_TRUE(push.Assign(absl::string_view(text).substr(5)).ok());
      EXPECT_TRUE(std::move(push).Send().ok());
    }
    if (text != "drop" && message.needs_response()) {
      EXPECT_TRUE(std::move(message).Respond().ok());
    }
  }
};

inline void EchoBody(messaging::testing::Party* party) {
  EchoServer server;
  party->RunLoopUntil("done");
}

}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_TESTING_ECHO_H_
