// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Misuses of typed services. Each misuse is a compile error.
// messaging/cpp/compile_errors.cc explains the comments.

#include <utility>

#include "services/tests/facts.le.h"

// clang-format would break the lines.
// clang-format off

using files::CountRequest;
using files::Facts;
using files::FileFactsClient;
using files::FileFactsService;
using files::Line;

void Copies(const FileFactsClient& client, const le::Server& server, const le::Stream& stream,
            const le::Reply<Facts>& reply, const le::ReplyWithFd<Facts>& with_fd, const le::Sink<Facts>& sink) {
  FileFactsClient c = client;            // error: deleted
  le::Server s = server;                 // error: deleted
  le::Stream t = stream;                 // error: deleted
  le::Reply<Facts> r = reply;            // error: deleted
  le::ReplyWithFd<Facts> f = with_fd;    // error: deleted
  le::Sink<Facts> k = sink;              // error: deleted
}

// Finishing consumes the call, so std::move() is required.
void Finishing(le::Reply<Facts> reply, le::ReplyWithFd<Facts> with_fd, le::Sink<Facts> sink) {
  reply.Send();                                  // error: deleted
  reply.Fail(absl::InternalError(""));           // error: deleted
  with_fd.Send(le::UniqueFd());                  // error: deleted
  sink.End();                                    // error: deleted
  // A response has a file descriptor if and only if the method has fd_out.
  std::move(with_fd).Send();                     // error: no matching function|too few arguments
  std::move(reply).Send(le::UniqueFd());         // error: no matching function|too many arguments
  std::move(with_fd).Send(3);                    // error: no known conversion|could not convert|cannot convert|no viable conversion
  sink.Push(Line()).IgnoreError();               // error: no known conversion|could not convert|cannot convert|invalid initialization|no viable conversion
  std::move(reply).Send();
  sink.Push(Facts()).IgnoreError();
}

void Calling(FileFactsClient client, const CountRequest& request) {
  // A request has a file descriptor if and only if the method has fd_in.
  client.CountFile(request).IgnoreError();                       // error: no matching (member )?function
  client.CountFile(request, 3).IgnoreError();                    // error: no matching (member )?function|cannot convert|no viable conversion|no known conversion
  client.Count(request, le::UniqueFd(3)).IgnoreError();          // error: no matching (member )?function|cannot convert|no viable conversion|no known conversion
  client.Count(Line()).IgnoreError();                            // error: no matching (member )?function|cannot convert|no viable conversion|no known conversion
  client.CountFile(request, le::UniqueFd(3)).IgnoreError();
  // The result is not kept, so the call would be cancelled at once.
  client.CountAsync(request, {}, nullptr);                       // error: nodiscard
  client.Watch(request, {}, nullptr, nullptr);                   // error: nodiscard
  client.CountAsync(request, {}, [](Facts) {}).Detach();         // error: no known conversion|could not convert|cannot convert|no viable conversion|no matching
  client.CountAsync(request, {}, [](absl::StatusOr<const Facts*>) {}).Detach();
  client.Watch(request, {}, [](const Line&) {}, nullptr).Detach();  // error: no known conversion|could not convert|cannot convert|no viable conversion|no matching
  // A one-way method has no ...Async() function.
  client.LogAsync(Line(), {}, nullptr).Detach();                 // error: no member named
}

class Complete : public FileFactsService {
 public:
  void Count(const CountRequest&, le::Reply<Facts>) override {}
  void CountFile(const CountRequest&, le::UniqueFd, le::Reply<Facts>) override {}
  void OpenFile(const CountRequest&, le::ReplyWithFd<Facts>) override {}
  void CopyFile(const CountRequest&, le::UniqueFd, le::ReplyWithFd<Facts>) override {}
  void Watch(const CountRequest&, le::Sink<Facts>) override {}
  void WatchFile(const CountRequest&, le::UniqueFd, le::Sink<Facts>) override {}
  void Log(const Line&, const le::Caller&) override {}
  void Deliver(const Line&, le::UniqueFd, const le::Caller&) override {}
};
class NoDescriptor : public Complete {
  void CountFile(const CountRequest&, le::Reply<Facts>) override {}  // error: override
};
class OtherResponse : public Complete {
  void Count(const CountRequest&, le::Reply<Line>) override {}       // error: override
};
class Incomplete : public FileFactsService {};

void Serving() {
  Incomplete incomplete;           // error: abstract
  int number = 0;
  le::Serve("facts", &number).IgnoreError();  // error: no matching function|not a class|LeInterface
  Complete complete;
  le::Serve("facts", &complete).IgnoreError();
}
