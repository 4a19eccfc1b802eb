// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The services of call_test:
//   "facts"     is typed
//   "other"     is not typed
//   "liar"      answers each request with the same wrong bytes
//   "stranger"  sends descriptors that do not have its service

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "le/messaging.h"
#include "services/tests/facts.le.h"

namespace files {
namespace {

std::string TextOf(const le::UniqueFd& fd) {
  char text[64];
  const ssize_t size = read(fd.get(), text, sizeof(text));
  return std::string(text, size < 0 ? 0 : static_cast<size_t>(size));
}

class Facility final : public FileFactsService {
  void Count(const CountRequest& request, le::Reply<Facts> reply) override {
    if (request.name() == "fail") {
      std::move(reply).Fail(absl::NotFoundError("no such file\n"));
    } else if (request.name() == "keep") {
      kept_.push_back(std::move(reply));
    } else {
      reply->set_lines(request.number());
      reply->set_text(request.name());
      std::move(reply).Send();
    }
  }
  void CountFile(const CountRequest&, le::UniqueFd fd,
                 le::Reply<Facts> reply) override {
    reply->set_text(TextOf(fd));
    std::move(reply).Send();
  }
  void OpenFile(const CountRequest&, le::ReplyWithFd<Facts> reply) override {
    reply->set_text("a file");
    std::move(reply).Send(le::UniqueFd(dup(STDIN_FILENO)));
  }
  void CopyFile(const CountRequest&, le::UniqueFd fd,
                le::ReplyWithFd<Facts> reply) override {
    std::move(reply).Send(std::move(fd));
  }
  void Watch(const CountRequest& request, le::Sink<Facts> sink) override {
    Facts item;
    for (uint32_t i = 1; i <= request.number(); ++i) {
      item.set_lines(i);
      sink.Push(item).IgnoreError();
    }
    if (request.name() == "keep") {
      sinks_.push_back(std::move(sink));
    } else {
      std::move(sink).End(request.name() == "fail"
                              ? absl::AbortedError("no more")
                              : absl::OkStatus());
    }
  }
  void WatchFile(const CountRequest&, le::UniqueFd fd,
                 le::Sink<Facts> sink) override {
    Facts item;
    item.set_text(TextOf(fd));
    sink.Push(item).IgnoreError();
    std::move(sink).End(absl::OkStatus());
  }
  void Log(const Line& line, const le::Caller&) override {
    std::printf("log: %s\n", line.text().c_str());
  }
  void Deliver(const Line&, le::UniqueFd fd, const le::Caller&) override {
    std::printf("delivered: %s\n", TextOf(fd).c_str());
  }

  std::vector<le::Reply<Facts>> kept_;
  std::vector<le::Sink<Facts>> sinks_;
};

// Answers each request with an envelope and `body`.
absl::StatusOr<le::Service> Answers(const std::string& name,
                                    const le::Protocol& protocol,
                                    const std::string& body) {
  absl::StatusOr<le::Service> service = le::Service::Create(name, protocol);
  if (!service.ok()) return service;
  absl::Status set = service->OnMessage([body](le::Message message) {
    le::internal::Envelope envelope;
    if (!message.needs_response() || !envelope.Load(message.payload())) return;
    envelope.kind = le::internal::Kind::kStatus;
    envelope.value = 0;
    uint8_t bytes[le::internal::Envelope::kBytes];
    envelope.Store(bytes);
    message
        .Assign(absl::StrCat(
            std::string(reinterpret_cast<const char*>(bytes), sizeof(bytes)),
            body))
        .IgnoreError();
    std::move(message).Respond().IgnoreError();
  });
  if (set.ok()) set = service->Advertise();
  if (!set.ok()) return set;
  return service;
}

int Main() {
  setlinebuf(stdout);
  const le::Protocol protocol =
      le::internal::ProtocolOf(FileFactsClient::LeInfo());
  // The size of the descriptors, and the descriptor of an empty file.
  const std::string nameless("\4\0\0\0\012\2\012\0", 8);
  Facility facility;
  le::Loop loop;
  const auto stop = le::SignalWatch::Create(SIGTERM, [&] { loop.Stop(); });
  const auto facts = le::Serve<FileFactsService>("facts", &facility);
  const auto other = Answers("other", {"other protocol", 2000}, "");
  const auto liar = Answers("liar", protocol, "\377\377\377\377\377");
  const auto stranger = Answers("stranger", protocol, nameless);
  if (!stop.ok() || !facts.ok() || !other.ok() || !liar.ok() ||
      !stranger.ok() || !loop.Run().ok()) {
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace files

int main() { return files::Main(); }
