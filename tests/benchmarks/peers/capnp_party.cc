// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// capnp_party server|client: Cap'n Proto RPC over a stream socket. The parent
// passes this socket as the file descriptor kLink (party.h).

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "tests/benchmarks/party.h"
#include "tests/benchmarks/peers/echo.capnp.h"

namespace le {
namespace benchmarks {
namespace {

class EchoServer final : public Echo::Server {
 protected:
  kj::Promise<void> echo(EchoContext context) override {
    context.getResults().setData(context.getParams().getData());
    return kj::READY_NOW;
  }
  kj::Promise<void> push(PushContext) override { return kj::READY_NOW; }
  kj::Promise<void> items(ItemsContext context) override {
    const auto params = context.getParams();
    return PushItems(params.getSink(), params.getCount(), params.getSize());
  }

 private:
  static kj::Promise<void> PushItems(Sink::Client sink, uint64_t left,
                                     uint32_t size) {
    if (left == 0) return kj::READY_NOW;
    auto request = sink.itemRequest();
    std::memset(request.initData(size).begin(), kEcho, size);
    return request.send().then([sink, left, size]() mutable {
      return PushItems(kj::mv(sink), left - 1, size);
    });
  }
};

// Counts the items of the right size.
class ItemCounter final : public Sink::Server {
 public:
  ItemCounter(size_t size, int64_t* count) : size_(size), count_(*count) {}

 protected:
  kj::Promise<void> item(ItemContext context) override {
    count_ += context.getParams().getData().size() == size_ ? 1 : 0;
    return kj::READY_NOW;
  }

 private:
  const size_t size_;
  int64_t& count_;
};

class Client {
 public:
  Client(Echo::Client echo, kj::WaitScope* scope)
      : echo_(std::move(echo)), scope_(*scope) {}

  bool EchoOne(size_t size) {
    return Answered(Request(size).send().wait(scope_), size);
  }

  std::string Pipelined(const Command& command) {
    Stopwatch watch(command, 0);
    const int64_t all = command.warm_up() + command.operations;
    // Answers arrive in the order of the requests.
    std::vector<kj::Maybe<Answer>> window(kOutstanding);
    int64_t sent = 0;
    for (int64_t done = 0; done < all; ++done) {
      if (done == command.warm_up()) watch.Start();
      for (; sent < all && sent - done < kOutstanding; ++sent) {
        window[sent % kOutstanding] = Request(command.size).send();
      }
      KJ_IF_MAYBE (answer, window[done % kOutstanding]) {
        if (!Answered(answer->wait(scope_), command.size)) return "failed";
      }
    }
    watch.Stop();
    return watch.Report();
  }

  std::string OneWay(const Command& command) {
    Stopwatch watch(command, 0);
    if (!SendMany(command.warm_up(), command.size)) return "failed";
    watch.Start();
    if (!SendMany(command.operations, command.size)) return "failed";
    watch.Stop();
    return watch.Report();
  }

  std::string Stream(const Command& command) {
    Stopwatch watch(command, 0);
    if (!ReadItems(command.warm_up(), command.size)) return "failed";
    watch.Start();
    if (!ReadItems(command.operations, command.size)) return "failed";
    watch.Stop();
    return watch.Report();
  }

 private:
  using Answer = capnp::RemotePromise<Echo::EchoResults>;

  capnp::Request<Echo::EchoParams, Echo::EchoResults> Request(size_t size) {
    auto request = echo_.echoRequest();
    std::memset(request.initData(static_cast<unsigned>(size)).begin(), kEcho,
                size);
    return request;
  }
  static bool Answered(const capnp::Response<Echo::EchoResults>& response,
                       size_t size) {
    return response.getData().size() == size;
  }
  bool SendMany(int64_t messages, size_t size) {
    for (; messages > 1; --messages) {
      auto request = echo_.pushRequest();
      std::memset(request.initData(static_cast<unsigned>(size)).begin(),
                  kOneWay, size);
      request.send().wait(scope_);
    }
    return EchoOne(size);
  }
  bool ReadItems(int64_t count, size_t size) {
    int64_t items = 0;
    auto request = echo_.itemsRequest();
    request.setCount(static_cast<uint64_t>(count));
    request.setSize(static_cast<uint32_t>(size));
    request.setSink(kj::heap<ItemCounter>(size, &items));
    request.send().wait(scope_);
    return items == count;
  }

  Echo::Client echo_;
  kj::WaitScope& scope_;
};

int Main(const std::string& role) {
  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::Own<kj::AsyncIoStream> stream = io.lowLevelProvider->wrapSocketFd(kLink);
  if (role == "server") {
    capnp::TwoPartyVatNetwork network(*stream,
                                      capnp::rpc::twoparty::Side::SERVER);
    auto rpc = capnp::makeRpcServer(network, kj::heap<EchoServer>());
    Say("ready");
    network.onDisconnect().wait(io.waitScope);
    return 0;
  }
  capnp::TwoPartyClient two_party(*stream);
  Client client(two_party.bootstrap().castAs<Echo>(), &io.waitScope);
  if (!client.EchoOne(1)) return 1;
  Say("ready");
  for (;;) {
    const Command command = NextCommand();
    if (command.Is("sync")) {
      Say(TimeEach(command, [&] { return client.EchoOne(command.size); }));
    } else if (command.Is("pipelined")) {
      Say(client.Pipelined(command));
    } else if (command.Is("one_way")) {
      Say(client.OneWay(command));
    } else if (command.Is("stream")) {
      Say(client.Stream(command));
    } else {
      return 2;
    }
  }
}

}  // namespace
}  // namespace benchmarks
}  // namespace le

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  le::benchmarks::BeParty();
  le::benchmarks::KeepFreedMemory();
  return le::benchmarks::Main(argv[1]);
}
