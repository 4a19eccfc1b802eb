// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// gRPC over a Unix socket: the calls and the stream of echo.proto. One-way
// messages are a stream to the server. le_messaging has no streams to a server,
// so echo.proto has none. Therefore this stream uses gRPC's generic API,
// without marshalling.
//
//   grpc_party server|client ADDRESS

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/benchmarks/party.h"
#include "tests/benchmarks/peers/echo.grpc.pb.h"

namespace le {
namespace benchmarks {
namespace {

constexpr char kFeedMethod[] = "/le.benchmarks.Feed/Feed";

// ---- Server ----------------------------------------------------------------

// One thread polls a queue and serves all calls. With gRPC's own threads each
// call would need two more thread switches.
struct Server {
  Echo::AsyncService echo;
  grpc::AsyncGenericService generic;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
};

// A call. At first, waits for a client.
class ServerCall {
 public:
  explicit ServerCall(Server* server) : server_(*server) {}
  virtual ~ServerCall() = default;
  // Called when the operation that this call has started is complete.
  virtual void Proceed(bool ok) = 0;

 protected:
  Server& server_;
  grpc::ServerCompletionQueue* queue() const { return server_.queue.get(); }
};

class UnaryCall final : public ServerCall {
 public:
  explicit UnaryCall(Server* server)
      : ServerCall(server), responder_(&context_) {
    server->echo.RequestCall(&context_, &request_, &responder_, queue(),
                             queue(), this);
  }
  void Proceed(bool ok) override {
    if (!ok || answered_) {
      delete this;
      return;
    }
    new UnaryCall(&server_);
    answered_ = true;
    response_.set_data(request_.data());
    responder_.Finish(response_, grpc::Status::OK, this);
  }

 private:
  grpc::ServerContext context_;
  Blob request_, response_;
  grpc::ServerAsyncResponseWriter<Blob> responder_;
  bool answered_ = false;
};

class ItemsCall final : public ServerCall {
 public:
  explicit ItemsCall(Server* server) : ServerCall(server), writer_(&context_) {
    server->echo.RequestItems(&context_, &request_, &writer_, queue(), queue(),
                              this);
  }
  void Proceed(bool ok) override {
    if (!ok || finished_) {
      delete this;
      return;
    }
    if (!started_) {
      started_ = true;
      new ItemsCall(&server_);
    }
    if (pushed_ == request_.count()) {
      finished_ = true;
      return writer_.Finish(grpc::Status::OK, this);
    }
    ++pushed_;
    item_.mutable_data()->assign(request_.size(), kEcho);
    writer_.Write(item_, this);
  }

 private:
  grpc::ServerContext context_;
  ItemsRequest request_;
  Blob item_;
  grpc::ServerAsyncWriter<Blob> writer_;
  uint64_t pushed_ = 0;
  bool started_ = false;
  bool finished_ = false;
};

grpc::ByteBuffer Message(size_t size) {
  grpc::Slice slice(size);
  std::memset(const_cast<uint8_t*>(slice.begin()), kOneWay, size);
  return grpc::ByteBuffer(&slice, 1);
}

// A stream to the server, and one answer at its end.
class FeedCall final : public ServerCall {
 public:
  explicit FeedCall(Server* server) : ServerCall(server), stream_(&context_) {
    server->generic.RequestCall(&context_, &stream_, queue(), queue(), this);
  }
  void Proceed(bool ok) override {
    switch (state_) {
      case State::kWaiting:
        if (!ok) break;
        new FeedCall(&server_);
        state_ = State::kReading;
        return stream_.Read(&message_, this);
      case State::kReading:
        if (ok) return stream_.Read(&message_, this);
        state_ = State::kFinishing;
        return stream_.WriteAndFinish(Message(1), grpc::WriteOptions(),
                                      grpc::Status::OK, this);
      case State::kFinishing:
        break;
    }
    delete this;
  }

 private:
  enum class State { kWaiting, kReading, kFinishing };

  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_;
  grpc::ByteBuffer message_;
  State state_ = State::kWaiting;
};

int BeServer(const std::string& url) {
  Server server;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(url, grpc::InsecureServerCredentials());
  builder.RegisterService(&server.echo);
  builder.RegisterAsyncGenericService(&server.generic);
  server.queue = builder.AddCompletionQueue();
  const std::unique_ptr<grpc::Server> listener = builder.BuildAndStart();
  if (listener == nullptr) return 1;
  Say("ready");
  new UnaryCall(&server);
  new ItemsCall(&server);
  new FeedCall(&server);
  void* tag = nullptr;
  bool ok = false;
  while (server.queue->Next(&tag, &ok)) {
    static_cast<ServerCall*>(tag)->Proceed(ok);
  }
  return 0;
}

// ---- Client ----------------------------------------------------------------

class Client {
 public:
  explicit Client(const std::string& url)
      : channel_(grpc::CreateChannel(url, grpc::InsecureChannelCredentials())),
        stub_(Echo::NewStub(channel_)),
        generic_stub_(channel_) {}

  bool EchoOne(size_t size) {
    // This is faster than the blocking function of the stub.
    Pending pending;
    Start(&pending, size);
    return Next() == &pending && pending.Good(size);
  }

  std::string Pipelined(const Command& command) {
    Stopwatch watch(command, 0);
    const int64_t all = command.warm_up() + command.operations;
    std::vector<std::unique_ptr<Pending>> window(kOutstanding);
    int64_t sent = 0;
    auto start = [&](size_t slot) {
      // A context can be used for one call only.
      window[slot] = std::make_unique<Pending>();
      window[slot]->slot = slot;
      Start(window[slot].get(), command.size);
      ++sent;
    };
    for (size_t i = 0; i < window.size() && sent < all; ++i) start(i);
    for (int64_t done = 0; done < all; ++done) {
      if (done == command.warm_up()) watch.Start();
      const auto* const pending = static_cast<Pending*>(Next());
      if (pending == nullptr || !pending->Good(command.size)) return "failed";
      if (sent < all) start(pending->slot);
    }
    watch.Stop();
    return watch.Report();
  }

  std::string OneWay(const Command& command) {
    Stopwatch watch(command, 0);
    if (!Feed(command.warm_up(), command.size)) return "failed";
    watch.Start();
    if (!Feed(command.operations, command.size)) return "failed";
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
  struct Pending {
    size_t slot = 0;
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<Blob>> call;
    Blob response;
    grpc::Status status;
    bool Good(size_t size) const {
      return status.ok() && IsEcho(response, size);
    }
  };

  const Blob& Request(size_t size) {
    request_.mutable_data()->assign(size, kEcho);
    return request_;
  }
  static bool IsEcho(const Blob& blob, size_t size) {
    return blob.data().size() == size && blob.data().front() == kEcho &&
           blob.data().back() == kEcho;
  }
  void Start(Pending* pending, size_t size) {
    pending->call = stub_->AsyncCall(&pending->context, Request(size), &queue_);
    pending->call->Finish(&pending->response, &pending->status, pending);
  }
  void* Next() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok ? tag : nullptr;
  }
  bool ReadItems(int64_t count, size_t size) {
    ItemsRequest request;
    request.set_count(static_cast<uint64_t>(count));
    request.set_size(static_cast<uint32_t>(size));
    grpc::ClientContext context;
    const auto reader = stub_->Items(&context, request);
    int64_t items = 0;
    while (reader->Read(&item_)) items += IsEcho(item_, size) ? 1 : 0;
    return reader->Finish().ok() && items == count;
  }
  bool Feed(int64_t messages, size_t size) {
    grpc::ClientContext context;
    auto call = generic_stub_.PrepareCall(&context, kFeedMethod, &queue_);
    bool good = true;
    call->StartCall(this);
    good &= Next() == this;
    for (; messages > 0 && good; --messages) {
      call->Write(Message(size), this);
      good &= Next() == this;
    }
    call->WritesDone(this);
    good &= Next() == this;
    grpc::ByteBuffer answer;
    call->Read(&answer, this);
    good &= Next() == this;
    grpc::Status status;
    call->Finish(&status, this);
    return Next() == this && good && status.ok();
  }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<Echo::Stub> stub_;
  grpc::GenericStub generic_stub_;
  grpc::CompletionQueue queue_;
  Blob request_;
  Blob item_;
};

int Main(const std::string& role, const std::string& address) {
  const std::string url = "unix:" + address;
  if (role == "server") return BeServer(url);
  Client client(url);
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
  if (argc < 3) return 2;
  le::benchmarks::BeParty();
  le::benchmarks::KeepFreedMemory();
  return le::benchmarks::Main(argv[1], argv[2]);
}
