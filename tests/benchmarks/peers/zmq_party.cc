// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// ZeroMQ: DEALER and ROUTER. zmq_party server|client ADDRESS

#include <unistd.h>
#include <zmq.h>

#include <cstring>
#include <string>

#include "tests/benchmarks/party.h"

namespace le {
namespace benchmarks {
namespace {

char g_buffer[1 << 17];

class ZmqPipe final : public Pipe {
 public:
  explicit ZmqPipe(void* socket) : socket_(socket) {}
  bool Send(char type, size_t size) override {
    std::memset(g_buffer, type, size);
    return zmq_send(socket_, g_buffer, size, 0) == static_cast<int>(size);
  }
  bool Receive(size_t size) override {
    return zmq_recv(socket_, g_buffer, sizeof(g_buffer), 0) ==
           static_cast<int>(size);
  }

 private:
  void* const socket_;
};

int Main(const std::string& role, const std::string& address) {
  void* const context = zmq_ctx_new();
  void* const socket =
      zmq_socket(context, role == "client" ? ZMQ_DEALER : ZMQ_ROUTER);
  const std::string url = "ipc://" + address;
  if (role == "client") {
    if (zmq_connect(socket, url.c_str()) != 0) return 1;
    ZmqPipe pipe(socket);
    ObeyCommands(&pipe);
  }
  if (zmq_bind(socket, url.c_str()) != 0) return 1;
  Say("ready");
  for (;;) {
    char who[256];
    const int who_size = zmq_recv(socket, who, sizeof(who), 0);
    const int size = zmq_recv(socket, g_buffer, sizeof(g_buffer), 0);
    if (who_size < 0 || size < 0) return 1;
    if (g_buffer[0] != kEcho) continue;
    zmq_send(socket, who, static_cast<size_t>(who_size), ZMQ_SNDMORE);
    zmq_send(socket, g_buffer, static_cast<size_t>(size), 0);
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
