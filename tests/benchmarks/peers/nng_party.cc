// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// nng: two PAIR sockets. nng_party server|client ADDRESS

#include <nng/nng.h>
#include <nng/protocol/pair1/pair.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "tests/benchmarks/party.h"

namespace le {
namespace benchmarks {
namespace {

char g_buffer[1 << 17];

class NngPipe final : public Pipe {
 public:
  explicit NngPipe(nng_socket socket) : socket_(socket) {}
  bool Send(char type, size_t size) override {
    std::memset(g_buffer, type, size);
    return nng_send(socket_, g_buffer, size, 0) == 0;
  }
  bool Receive(size_t size) override {
    size_t received = sizeof(g_buffer);
    return nng_recv(socket_, g_buffer, &received, 0) == 0 && received == size;
  }

 private:
  nng_socket socket_;
};

int Main(const std::string& role, const std::string& address) {
  nng_socket socket;
  if (nng_pair1_open(&socket) != 0) return 1;
  // Room for all messages in flight. With less room, both sides would wait for
  // each other to receive.
  nng_socket_set_int(socket, NNG_OPT_SENDBUF, 2 * kOutstanding);
  nng_socket_set_int(socket, NNG_OPT_RECVBUF, 2 * kOutstanding);
  const std::string url = "ipc://" + address;
  if (role == "client") {
    if (nng_dial(socket, url.c_str(), nullptr, 0) != 0) return 1;
    NngPipe pipe(socket);
    ObeyCommands(&pipe);
  }
  if (nng_listen(socket, url.c_str(), nullptr, 0) != 0) return 1;
  Say("ready");
  for (;;) {
    size_t size = sizeof(g_buffer);
    if (nng_recv(socket, g_buffer, &size, 0) != 0) return 1;
    if (g_buffer[0] == kEcho && nng_send(socket, g_buffer, size, 0) != 0) {
      return 1;
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
