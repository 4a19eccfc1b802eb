// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/benchmarks/ours_typed.h"

#include <unistd.h>

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "le/messaging.h"
#include "tests/benchmarks/echo.le.h"
#include "tests/benchmarks/party.h"

namespace le {
namespace benchmarks {
namespace {

// ---- Server ----------------------------------------------------------------

class EchoServer final : public EchoService,
                         public SmallEchoService,
                         public LargeEchoService {
 public:
  void Call(const Blob& request, Reply<Blob> reply) override {
    reply->set_data(request.data());
    std::move(reply).Send();
  }
  void Push(const Blob&, const Caller&) override {}
  void Items(const ItemsRequest& request, Sink<Blob> sink) override {
    left_ = request.count();
    size_ = request.size();
    sink_ = std::move(sink);
    sink_->OnReady([this] { PushItems(); }).IgnoreError();
    PushItems();
  }

 private:
  void PushItems() {
    for (; left_ > 0; --left_) {
      item_.mutable_data()->assign(size_, kEcho);
      if (!sink_->Push(item_).ok()) return;
    }
    std::move(*sink_).End();
  }

  // The open stream. There is at most one.
  std::optional<Sink<Blob>> sink_;
  uint64_t left_ = 0;
  uint32_t size_ = 0;
  Blob item_;
};

void BeServer(const std::string& name) {
  Loop loop;
  EchoServer echo;
  const auto normal = Serve<EchoService>(name, &echo);
  const auto small = Serve<SmallEchoService>(name + "Small", &echo);
  const auto large = Serve<LargeEchoService>(name + "Large", &echo);
  if (!normal.ok() || !small.ok() || !large.ok()) _exit(2);
  Say("ready");
  loop.Run().IgnoreError();
}

// ---- Client ----------------------------------------------------------------

class TypedClientParty {
 public:
  explicit TypedClientParty(const std::string& name)
      : name_(name), normal_(Open<EchoClient>(name)) {}

  std::string Obey(const Command& command) {
    command_ = command;
    if (command.Is("sync")) return Sync(&normal_);
    if (command.Is("sync_small")) {
      if (!small_) small_ = Open<SmallEchoClient>(name_ + "Small");
      return Sync(&*small_);
    }
    if (command.Is("sync_large")) {
      if (!large_) large_ = Open<LargeEchoClient>(name_ + "Large");
      return Sync(&*large_);
    }
    if (command.Is("pipelined")) return Pipelined();
    if (command.Is("one_way")) return OneWay();
    if (command.Is("stream")) return OneStream();
    _exit(2);
  }

 private:
  template <typename C>
  static C Open(const std::string& name) {
    absl::StatusOr<C> client = C::Open(name);
    if (!client.ok()) _exit(2);
    return *std::move(client);
  }

  const Blob& Request() {
    request_.mutable_data()->assign(command_.size, kEcho);
    return request_;
  }
  bool IsEcho(const Blob& response) const {
    const std::string& data = response.data();
    return data.size() == command_.size && data.front() == kEcho &&
           data.back() == kEcho;
  }

  template <typename C>
  std::string Sync(C* client) {
    return TimeEach(command_, [&] { return Ask(client); });
  }
  template <typename C>
  bool Ask(C* client) {
    return client->CallInto(Request(), &response_).ok() && IsEcho(response_);
  }

  std::string Pipelined() {
    Stopwatch watch(command_, 0);
    watch_ = &watch;
    sent_ = done_ = 0;
    failed_ = false;
    while (sent_ < kOutstanding && sent_ < all()) CallOne();
    loop_.Run().IgnoreError();
    return failed_ ? "failed" : watch.Report();
  }
  int64_t all() const { return command_.warm_up() + command_.operations; }
  void CallOne() {
    ++sent_;
    normal_
        .CallAsync(Request(), {},
                   [this](absl::StatusOr<const Blob*> response) {
                     failed_ |= !response.ok() || !IsEcho(**response);
                     OnEcho();
                   })
        .Detach();
  }
  void OnEcho() {
    if (++done_ == command_.warm_up()) watch_->Start();
    if (done_ == all()) watch_->Stop();
    if (done_ == all() || failed_) return loop_.Stop();
    if (sent_ < all()) CallOne();
  }

  // The last message of each part is a call. Its response shows that the server
  // has received all messages.
  std::string OneWay() {
    Stopwatch watch(command_, 0);
    if (!SendMany(command_.warm_up())) return "failed";
    watch.Start();
    if (!SendMany(command_.operations)) return "failed";
    watch.Stop();
    return watch.Report();
  }
  bool SendMany(int64_t messages) {
    bool good = true;
    UniqueFunction<void()> burst = [&] {
      for (int64_t i = 0; i < kBurst && messages > 1; ++i, --messages) {
        good &= normal_.Push(Request()).ok();
      }
      if (messages > 1) {
        loop_.Post([&] { burst(); }).IgnoreError();
        return;
      }
      normal_
          .CallAsync(Request(), {},
                     [&](absl::StatusOr<const Blob*> response) {
                       good &= response.ok() && IsEcho(**response);
                       loop_.Stop();
                     })
          .Detach();
    };
    burst();
    loop_.Run().IgnoreError();
    return good;
  }

  std::string OneStream() {
    Stopwatch watch(command_, 0);
    if (!ReadItems(command_.warm_up())) return "failed";
    watch.Start();
    if (!ReadItems(command_.operations)) return "failed";
    watch.Stop();
    return watch.Report();
  }
  bool ReadItems(int64_t count) {
    ItemsRequest request;
    request.set_count(static_cast<uint64_t>(count));
    request.set_size(static_cast<uint32_t>(command_.size));
    bool good = true;
    int64_t items = 0;
    const Stream stream = normal_.Items(
        request, {},
        [&](const Blob& item) {
          ++items;
          good &= IsEcho(item);
        },
        [&](absl::Status status) {
          good &= status.ok();
          loop_.Stop();
        });
    loop_.Run().IgnoreError();
    return good && items == count;
  }

  const std::string name_;
  Loop loop_;
  EchoClient normal_;
  std::optional<SmallEchoClient> small_;
  std::optional<LargeEchoClient> large_;
  Command command_;
  // Of `pipelined`:
  Stopwatch* watch_ = nullptr;
  int64_t sent_ = 0;
  int64_t done_ = 0;
  bool failed_ = false;

  Blob request_;
  Blob response_;
};

void BeClient(const std::string& name) {
  TypedClientParty client(name);
  Say("ready");
  for (;;) Say(client.Obey(NextCommand()));
}

}  // namespace

bool PlayOursTyped(const std::vector<std::string>& words) {
  if (words.size() != 2) return false;
  KeepFreedMemory();
  if (words[0] == "typed_server") BeServer(words[1]);
  if (words[0] == "typed_client") BeClient(words[1]);
  return false;
}

}  // namespace benchmarks
}  // namespace le
