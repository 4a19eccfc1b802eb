// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// gRPC over a Unix socket, by its generic API. Requests are unary calls, and
// one-way messages are a stream. No message is marshalled.
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

namespace le {
namespace benchmarks {
namespace {

constexpr char kEchoMethod[] = "/le.benchmarks.Echo/Echo";
constexpr char kPushMethod[] = "/le.benchmarks.Echo/Push";

grpc::ByteBuffer Message(size_t size) {
  grpc::Slice slice(size);
  std::memset(const_cast<uint8_t*>(slice.begin()), kEcho, size);
  return grpc::ByteBuffer(&slice, 1);
}

// ---- Server ----------------------------------------------------------------

// One call: a message and its echo, or a stream and one answer at its end. One
// thread polls a queue and serves all calls. With gRPC's own threads each call
// would need two more thread switches.
class Call {
 public:
  Call(grpc::AsyncGenericService* service, grpc::ServerCompletionQueue* queue)
      : service_(service), queue_(queue), stream_(&context_) {
    service_->RequestCall(&context_, &stream_, queue_, queue_, this);
  }

  // Called when the operation that this call has started is complete.
  void Proceed(bool ok) {
    switch (state_) {
      case State::kWaiting:
        if (!ok) break;
        new Call(service_, queue_);
        streams_ = context_.method() == kPushMethod;
        state_ = State::kReading;
        return stream_.Read(&message_, this);
      case State::kReading:
        if (ok && streams_) return stream_.Read(&message_, this);
        if (streams_) message_ = Message(1);
        state_ = State::kFinishing;
        return stream_.WriteAndFinish(message_, grpc::WriteOptions(),
                                      grpc::Status::OK, this);
      case State::kFinishing:
        break;
    }
    delete this;
  }

 private:
  enum class State { kWaiting, kReading, kFinishing };

  grpc::AsyncGenericService* const service_;
  grpc::ServerCompletionQueue* const queue_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_;
  grpc::ByteBuffer message_;
  bool streams_ = false;
  State state_ = State::kWaiting;
};

// ---- Client ----------------------------------------------------------------

class Client {
 public:
  explicit Client(const std::string& url)
      : stub_(grpc::CreateChannel(url, grpc::InsecureChannelCredentials())) {}

  bool EchoOne(size_t size) {
    Request request;
    Start(&request, size);
    return Next() == &request && request.Good(size);
  }

  std::string Pipelined(const Command& command) {
    Stopwatch watch(command, 0);
    const int64_t all = command.warm_up() + command.operations;
    std::vector<std::unique_ptr<Request>> window(kOutstanding);
    int64_t sent = 0;
    for (auto& request : window) {
      request = std::make_unique<Request>();
      if (sent++ < all) Start(request.get(), command.size);
    }
    for (int64_t done = 0; done < all; ++done) {
      if (done == command.warm_up()) watch.Start();
      Request* const request = static_cast<Request*>(Next());
      if (request == nullptr || !request->Good(command.size)) return "failed";
      for (auto& slot : window) {
        if (slot.get() != request || sent >= all) continue;
        slot = std::make_unique<Request>();
        Start(slot.get(), command.size);
        ++sent;
        break;
      }
    }
    watch.Stop();
    return watch.Report();
  }

  std::string OneWay(const Command& command) {
    Stopwatch watch(command, 0);
    if (!Stream(command.warm_up(), command.size)) return "failed";
    watch.Start();
    if (!Stream(command.operations, command.size)) return "failed";
    watch.Stop();
    return watch.Report();
  }

 private:
  struct Request {
    grpc::ClientContext context;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> call;
    grpc::ByteBuffer response;
    grpc::Status status;
    bool Good(size_t size) const {
      return status.ok() && response.Length() == size;
    }
  };

  void Start(Request* request, size_t size) {
    request->call = stub_.PrepareUnaryCall(&request->context, kEchoMethod,
                                           Message(size), &queue_);
    request->call->StartCall();
    request->call->Finish(&request->response, &request->status, request);
  }
  void* Next() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok ? tag : nullptr;
  }
  bool Stream(int64_t messages, size_t size) {
    grpc::ClientContext context;
    auto call = stub_.PrepareCall(&context, kPushMethod, &queue_);
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

  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
};

int Main(const std::string& role, const std::string& address) {
  const std::string url = "unix:" + address;
  if (role == "server") {
    grpc::AsyncGenericService service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(url, grpc::InsecureServerCredentials());
    builder.RegisterAsyncGenericService(&service);
    const std::unique_ptr<grpc::ServerCompletionQueue> queue =
        builder.AddCompletionQueue();
    const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (server == nullptr) return 1;
    Say("ready");
    new Call(&service, queue.get());
    void* tag = nullptr;
    bool ok = false;
    while (queue->Next(&tag, &ok)) static_cast<Call*>(tag)->Proceed(ok);
    return 0;
  }
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
