// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Misuses that are compile errors. Each line with a misuse ends with a regular
// expression that the compiler's message must match. Without these lines the
// file must compile. compile_errors_test.sh checks both.

#include <string>
#include <utility>

#include "le/messaging.h"

// clang-format would move the regular expressions to other lines.
// clang-format off

struct Point {
  int x, y;
};

void Copies(const le::Message& message, const le::Client& client,
            const le::Service& service, const le::Session& session,
            const le::Call& call, const le::Timer& timer,
            const le::UniqueFd& fd, const le::Loop& loop) {
  le::Message m = message;   // error: deleted
  le::Client c = client;     // error: deleted
  le::Service s = service;   // error: deleted
  le::Session e = session;   // error: deleted
  le::Call a = call;         // error: deleted
  le::Timer t = timer;       // error: deleted
  le::UniqueFd f = fd;       // error: deleted
  le::Loop l = loop;         // error: deleted
}

// Sending takes the message, and the caller must show it by std::move().
void SendingTakesTheMessage(le::Client client, le::Message message) {
  message.Send().IgnoreError();            // error: 'this' argument
  message.Respond().IgnoreError();         // error: 'this' argument
  client.Request(message).IgnoreError();   // error: deleted
  std::move(message).TrySend().IgnoreError();  // error: deleted
  std::move(message).Send().IgnoreError();
}

// The message is destroyed at the end of the statement, so a view of its
// payload would dangle.
void Dangling(const le::Client& client) {
  static_cast<void>(client.NewMessage().text());         // error: deleted
  static_cast<void>(client.NewMessage().payload());      // error: deleted
  static_cast<void>(client.NewMessage().buffer());       // error: 'this' argument|lvalue
  static_cast<void>(client.NewMessage().As<Point>());    // error: deleted
  static_cast<void>(client.NewMessage().Write<Point>()); // error: 'this' argument|lvalue
}

// The bytes of another process are not a valid object of a type with pointers.
void NotPlain(le::Message message) {
  static_cast<void>(message.As<std::string>());      // error: only a plain type can be copied to and from bytes
  static_cast<void>(message.Write<absl::Status>());  // error: only a plain type can be copied to and from bytes
  static_cast<void>(message.As<const char*>());      // error: only a plain type can be copied to and from bytes
  static_cast<void>(message.As<Point>());
}

void Closures(le::Client client, le::Service service) {
  const auto wrong = [](int) {};
  const absl::Duration forever = absl::InfiniteDuration();
  client.RequestAsync(client.NewMessage(), forever, wrong).Detach();  // error: the closure must take an absl::StatusOr<le::Message>
  service.OnMessage(wrong).IgnoreError();  // error: no matching function|no known conversion|could not convert|cannot convert
  le::Timer timer(wrong);                  // error: no matching (function|constructor)
  client.RequestAsync(client.NewMessage(), forever, [](const absl::StatusOr<le::Message>&) {});  // error: nodiscard
}

// An int does not own its file descriptor.
void Descriptors(le::Message message) {
  message.SetDescriptor(3).IgnoreError();  // error: no known conversion|could not convert|cannot convert|no viable conversion
  message.SetDescriptor(le::UniqueFd(3)).IgnoreError();
}
