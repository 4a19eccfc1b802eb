// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// An untyped client sends arbitrary envelopes and Protobuf messages to a typed
// server. Each request of this client completes once. Other clients are served.
// The server keeps no resource for the untyped client.

#include <fcntl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "event/base/log.h"
#include "le/messaging.h"
#include "services/tests/facts.le.h"
#include "tests/fuzz/input.h"
#include "tests/one_thread/world.h"

namespace le {
namespace {

using fuzz::Input;
using fuzz::Require;
using testing::OneThreadWorld;

// Count() and CountFile() obey the first byte of the request's name: 'k' keeps
// the call, 'f' fails it, and 'd' drops it. In all other cases the server
// answers at once. The fuzzer later answers or drops the calls that are kept.
class Facility final : public files::FileFactsService {
 public:
  void Count(const files::CountRequest& request,
             Reply<files::Facts> reply) override {
    Require(reply->lines() == 0 && reply->text().empty(),
            "the reply is empty at first");
    const char what = request.name().empty() ? 'a' : request.name()[0];
    if (what == 'k') {
      replies.push_back(std::move(reply));
    } else if (what == 'f') {
      std::move(reply).Fail(absl::NotFoundError(request.name()));
    } else if (what != 'd') {
      reply->set_lines(1);
      reply->set_text(request.name());
      std::move(reply).Send();
    }
  }
  void CountFile(const files::CountRequest& request, UniqueFd fd,
                 Reply<files::Facts> reply) override {
    Require(static_cast<bool>(fd), "the call has its file descriptor");
    Count(request, std::move(reply));
  }
  void OpenFile(const files::CountRequest&,
                ReplyWithFd<files::Facts> reply) override {
    std::move(reply).Send(UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)));
  }
  void CopyFile(const files::CountRequest&, UniqueFd fd,
                ReplyWithFd<files::Facts> reply) override {
    std::move(reply).Send(std::move(fd));
  }
  void Watch(const files::CountRequest& request,
             Sink<files::Facts> sink) override {
    files::Facts item;
    item.set_text(request.name());
    for (uint32_t i = 0; i < request.number() % 20; ++i) {
      if (!sink.Push(item).ok()) break;
    }
    sink.OnReady([this] { ++ready; }).IgnoreError();
    sink.OnCancel([this] { ++cancelled; }).IgnoreError();
    if (request.number() % 2 == 0) sinks.push_back(std::move(sink));
  }
  void WatchFile(const files::CountRequest& request, UniqueFd,
                 Sink<files::Facts> sink) override {
    Watch(request, std::move(sink));
  }
  void Log(const files::Line&, const Caller& caller) override {
    Require(static_cast<bool>(caller.session()), "the caller has a session");
  }
  void Deliver(const files::Line&, UniqueFd fd, const Caller&) override {
    Require(static_cast<bool>(fd), "the call has its file descriptor");
  }

  std::vector<Reply<files::Facts>> replies;
  std::vector<Sink<files::Facts>> sinks;
  int ready = 0;
  int cancelled = 0;
};

class Scene {
 public:
  static Scene* Get() {
    static Scene* const scene = new Scene;
    return scene;
  }

  void Play(Input input) {
    const int before = testing::OpenDescriptors();
    asked_ = completions_ = 0;
    bool open = false;
    hostile_->Do([&] {
      raw_ = *Client::Create("facts", Raw());
      raw_.OpenAsync(absl::InfiniteDuration(),
                     [&](const absl::Status& status) { open = status.ok(); })
          .IgnoreError();
    });
    Require(world_.RunUntil([&] { return open; }), "the session opens");
    while (!input.empty()) Act(&input);
    world_.Settle();
    server_->Do([this] {
      facility_.replies.clear();
      facility_.sinks.clear();
    });
    Require(world_.RunUntil([this] { return completions_ == asked_; }),
            "each request completes");
    hostile_->Do([this] { raw_ = Client(); });
    world_.Settle();
    CheckThatOthersAreServed();
    Require(testing::WaitForOpenDescriptors(before), "no descriptor is left");
  }

 private:
  Scene() {
    event::SetLogSink([](event::LogLevel, absl::string_view) {});
    server_ = world_.Add("server");
    server_->Do([this] { served_ = *Serve("facts", &facility_); });
    honest_ = world_.Add("honest");
    bool open = false;
    honest_->Do([&] {
      client_ = *files::FileFactsClient::Create("facts");
      client_
          .OpenAsync(absl::InfiniteDuration(),
                     [&](const absl::Status& status) { open = status.ok(); })
          .IgnoreError();
    });
    Require(world_.RunUntil([&] { return open; }), "the session opens");
    hostile_ = world_.Add("hostile");
    // The two loops of `hostile_` have file descriptors, and live as long as
    // the scene. So create them before Play() counts file descriptors.
    hostile_->Do([] { event::Thread::Current()->control_loop(); });
    CheckThatOthersAreServed();
  }

  static Protocol Raw() {
    return internal::ProtocolOf(files::FileFactsClient::LeInfo());
  }

  // Returns a message that may be valid. Its envelope may have wrong fields,
  // its payload may be random bytes, and its end may be missing.
  Message Make(Input* input) {
    Message message = raw_.NewMessage();
    const uint8_t what = input->Byte();
    std::string bytes(internal::Envelope::kBytes, '\0');
    internal::Envelope envelope;
    // Methods that exist, and some that do not.
    envelope.method = what % 16 == 15 ? 100 : what % 16;
    envelope.kind = static_cast<internal::Kind>(input->Byte() % 8);
    envelope.call = input->Byte() % 8;
    envelope.value =
        what / 16 % 2 == 0 ? internal::kNoDeadline : input->Number();
    envelope.Store(reinterpret_cast<uint8_t*>(&bytes[0]));
    if (what / 32 % 2 == 1) {  // credit
      uint8_t credit[internal::Credit::kBytes];
      internal::Credit({input->Byte(), input->Byte() * 16}).Store(credit);
      bytes.append(reinterpret_cast<const char*>(credit), sizeof(credit));
    }
    if (what / 64 == 1) {
      files::CountRequest request;
      request.set_name(std::string(1, "akfd"[input->Byte() % 4]));
      request.set_number(input->Byte());
      bytes += request.SerializeAsString();
    } else {
      bytes += input->Bytes(input->Byte() % 64);
    }
    if (what / 64 == 3) bytes.resize(input->Byte() % (bytes.size() + 1));
    message.Assign(bytes).IgnoreError();
    if (input->Byte() % 3 == 0) {
      message.SetDescriptor(UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)))
          .IgnoreError();
    }
    return message;
  }

  void Act(Input* input) {
    switch (input->Byte() % 7) {
      case 0:
      case 1:
        hostile_->Do([&] {
          ++asked_;
          raw_.RequestAsync(
                  Make(input), absl::InfiniteDuration(),
                  [this](const absl::StatusOr<Message>&) { ++completions_; })
              .Detach();
        });
        return;
      case 2:
      case 3:
        hostile_->Do(
            [&] { Make(input).Send(absl::ZeroDuration()).IgnoreError(); });
        return;
      case 4:
        server_->Do([&] {
          if (!facility_.replies.empty()) {
            std::move(facility_.replies.back()).Send();
            facility_.replies.pop_back();
          }
        });
        return;
      case 5:
        server_->Do([&] {
          if (facility_.sinks.empty()) return;
          const uint8_t what = input->Byte();
          auto& sink = facility_.sinks[what % facility_.sinks.size()];
          if (what / 128 == 0) {
            sink.Push(files::Facts()).IgnoreError();
          } else if (sink) {
            std::move(sink).End();
          }
        });
        return;
      default:
        world_.Settle();
    }
  }

  void CheckThatOthersAreServed() {
    int answers = 0;
    honest_->Do([&] {
      client_
          .CountAsync(files::CountRequest(), {},
                      [&](absl::StatusOr<const files::Facts*> facts) {
                        Require(facts.ok() && (*facts)->lines() == 1,
                                "an honest client is answered");
                        ++answers;
                      })
          .Detach();
    });
    Require(world_.RunUntil([&] { return answers == 1; }),
            "an honest client is answered");
    world_.Settle();
  }

  OneThreadWorld world_;
  OneThreadWorld::Party* server_ = nullptr;
  OneThreadWorld::Party* honest_ = nullptr;
  OneThreadWorld::Party* hostile_ = nullptr;
  Facility facility_;
  Server served_;
  files::FileFactsClient client_;
  Client raw_;
  int asked_ = 0;
  int completions_ = 0;
};

}  // namespace
}  // namespace le

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  le::Scene::Get()->Play(le::fuzz::Input(data, size));
  return 0;
}
