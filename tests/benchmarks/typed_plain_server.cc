// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// The server of plain_server.cc, as a typed service.

#include <sys/socket.h>

#include <utility>

#include "le/messaging.h"
#include "tests/benchmarks/echo.le.h"

namespace {

using le::benchmarks::Blob;
using le::benchmarks::ItemsRequest;

class Echo final : public le::benchmarks::EchoService {
 public:
  void Call(const Blob& request, le::Reply<Blob> reply) override {
    reply->set_data(request.data());
    std::move(reply).Send();
  }
  void Push(const Blob&, const le::Caller&) override {}
  void Items(const ItemsRequest&, le::Sink<Blob> sink) override {
    std::move(sink).End();
  }
};

}  // namespace

int main(int, char** argv) {
  le::Loop loop;
  Echo echo;
  const auto server = le::Serve(argv[1], &echo);
  if (!server.ok() || send(3, "ready", 5, MSG_NOSIGNAL) < 0) return 1;
  loop.Run().IgnoreError();
}
