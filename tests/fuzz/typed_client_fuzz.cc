// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// An untyped server answers a typed client with arbitrary envelopes and
// Protobuf messages. Each call that is not cancelled ends once, no item arrives
// after the end, and the client keeps no resource for the server.

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

// The most calls of one input. More calls would only make the input slow.
constexpr size_t kMaxCalls = 16;

// A call or a stream of the client.
struct Attempt {
  Call call;
  Stream stream;
  bool cancelled = false;
  int ends = 0;
};

class Scene {
 public:
  static Scene* Get() {
    static Scene* const scene = new Scene;
    return scene;
  }

  void Play(Input input) {
    const int before = testing::OpenDescriptors();
    bool open = false;
    client_party_->Do([&] {
      client_ = *files::FileFactsClient::Create("facts");
      client_
          .OpenAsync(absl::InfiniteDuration(),
                     [&](const absl::Status& status) { open = status.ok(); })
          .IgnoreError();
    });
    Require(world_.RunUntil([&] { return open; }), "the session opens");
    while (!input.empty()) Act(&input);
    world_.Settle();
    client_party_->Do([this] { client_.Close().IgnoreError(); });
    Require(world_.RunUntil([this] { return AllHaveEnded(); }),
            "each call ends");
    client_party_->Do([this] {
      attempts_.clear();
      client_ = files::FileFactsClient();
    });
    server_->Do([this] { requests_.clear(); });
    world_.Settle();
    Require(testing::WaitForOpenDescriptors(before), "no descriptor is left");
  }

 private:
  Scene() {
    event::SetLogSink([](event::LogLevel, absl::string_view) {});
    server_ = world_.Add("server");
    server_->Do([this] {
      service_ = *Service::Create(
          "facts", internal::ProtocolOf(files::FileFactsClient::LeInfo()));
      service_
          .OnMessage([this](Message message) {
            if (message.needs_response()) {
              requests_.push_back(std::move(message));
            }
          })
          .IgnoreError();
      service_.Advertise().IgnoreError();
    });
    client_party_ = world_.Add("client");
    // The loops are never destroyed, so they are created before file
    // descriptors are counted.
    client_party_->Do([] { event::Thread::Current()->control_loop(); });
    world_.Settle();
  }

  bool AllHaveEnded() const {
    for (const auto& attempt : attempts_) {
      if (attempt->ends != (attempt->cancelled ? 0 : 1)) return false;
    }
    return true;
  }

  void Begin(Input* input) {
    if (attempts_.size() >= kMaxCalls) return;
    attempts_.push_back(std::make_unique<Attempt>());
    Attempt* const attempt = attempts_.back().get();
    const auto end = [attempt] {
      Require(++attempt->ends == 1 && !attempt->cancelled, "a call ends once");
    };
    CallOptions options;
    const uint8_t what = input->Byte();
    if (what / 4 % 4 == 0) options.Timeout(absl::ZeroDuration());
    options.Window(1 + what / 16, 16);
    switch (what % 3) {
      case 0:
        attempt->call = client_.CountAsync(
            files::CountRequest(), options,
            [end](absl::StatusOr<const files::Facts*>) { end(); });
        break;
      case 1:
        attempt->call = client_.OpenFileAsync(
            files::CountRequest(), options,
            [end](absl::StatusOr<const files::Facts*> facts, UniqueFd fd) {
              Require(facts.ok() == static_cast<bool>(fd),
                      "a file descriptor comes with the response");
              end();
            });
        break;
      default:
        attempt->stream = client_.Watch(
            files::CountRequest(), options,
            [attempt](const files::Facts& item) {
              Require(attempt->ends == 0 && !attempt->cancelled,
                      "no item comes after the end");
              if (item.lines() == 7) Cancel(attempt);
            },
            [end](const absl::Status&) { end(); });
    }
    Require(attempt->call.status().ok() && attempt->stream.status().ok(),
            "the call is accepted");
  }
  static void Cancel(Attempt* attempt) {
    if (attempt->ends > 0) return;
    attempt->cancelled = true;
    attempt->call.Cancel();
    attempt->stream.Cancel();
  }

  // Bytes that are nearly a response or an item.
  static std::string Make(Input* input, const Message& request) {
    internal::Envelope of_request;
    of_request.Load(request.payload());
    const uint8_t what = input->Byte();
    internal::Envelope envelope;
    envelope.method = what % 8;
    envelope.kind = what / 8 % 4 == 0
                        ? static_cast<internal::Kind>(input->Byte() % 8)
                        : (what / 8 % 4 == 1 ? internal::Kind::kItem
                                             : internal::Kind::kStatus);
    envelope.call = what / 32 % 4 == 0 ? input->Byte() : of_request.call;
    envelope.value = input->Byte() % 20;
    std::string bytes(internal::Envelope::kBytes, '\0');
    envelope.Store(reinterpret_cast<uint8_t*>(&bytes[0]));
    if (what / 128 == 0) {
      bytes += input->Bytes(input->Byte() % 32);
    } else {
      files::Facts facts;
      facts.set_lines(input->Byte() % 8);
      bytes += facts.SerializeAsString();
    }
    if (what == 255) bytes.resize(input->Byte() % bytes.size());
    return bytes;
  }

  void Act(Input* input) {
    const uint8_t what = input->Byte();
    switch (what % 7) {
      case 0:
      case 1:
        client_party_->Do([&] { Begin(input); });
        return;
      case 2:
        client_party_->Do([&] {
          if (attempts_.empty()) return;
          Attempt* const attempt =
              attempts_[input->Byte() % attempts_.size()].get();
          switch (what / 7 % 3) {
            case 0:
              Cancel(attempt);
              break;
            case 1:
              attempt->stream.Pause();
              break;
            default:
              attempt->stream.Resume();
          }
        });
        return;
      case 3:
      case 4:
        server_->Do([&] {
          if (requests_.empty()) return;
          const Message& request = requests_[what / 7 % requests_.size()];
          Message push = request.NewMessage();
          push.Assign(Make(input, request)).IgnoreError();
          std::move(push).Send().IgnoreError();
        });
        return;
      case 5:
        server_->Do([&] {
          if (requests_.empty()) return;
          Message request = std::move(requests_.back());
          requests_.pop_back();
          if (what / 7 % 4 == 0) return;  // no response
          request.Assign(Make(input, request)).IgnoreError();
          if (input->Byte() % 2 == 0) {
            request
                .SetDescriptor(
                    UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)))
                .IgnoreError();
          }
          std::move(request).Respond().IgnoreError();
        });
        return;
      default:
        world_.Settle();
    }
  }

  OneThreadWorld world_;
  OneThreadWorld::Party* server_ = nullptr;
  OneThreadWorld::Party* client_party_ = nullptr;
  Service service_;
  std::vector<Message> requests_;
  files::FileFactsClient client_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
};

}  // namespace
}  // namespace le

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  le::Scene::Get()->Play(le::fuzz::Input(data, size));
  return 0;
}
