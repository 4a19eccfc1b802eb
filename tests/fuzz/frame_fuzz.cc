// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes a UnixConnection with any packets on its socket. Each frame is whole,
// or the connection closes.

#include <sys/socket.h>

#include "event/process.h"
#include "tests/fuzz/raw_socket.h"
#include "tests/one_thread/world.h"
#include "transports/framing/framing.h"
#include "transports/unix_socket/unix_connection.h"

namespace le {
namespace {

using fuzz::Input;
using fuzz::RawSocket;
using fuzz::Require;
using transports::IncomingFrame;
using transports::IoResult;

constexpr size_t kCapacity = 300;

// Returns false if the connection has closed.
bool Drain(transports::UnixConnection* connection,
           transports::BufferPool* pool) {
  for (;;) {
    IncomingFrame frame;
    switch (connection->Receive(&frame, pool, absl::InfinitePast())) {
      case IoResult::kWouldBlock:
        return true;
      case IoResult::kNotIdle:
      case IoResult::kClosed:
        Require(!connection->close_status().ok(), "a close has a reason");
        return false;
      case IoResult::kOk:
        Require(frame.payload.size() <= kCapacity,
                "a payload is within the limit");
        for (size_t i = frame.payload.size(); i < kCapacity; ++i) {
          Require(frame.payload.data()[i] == 0,
                  "bytes that were not sent are zero");
        }
        // The receiver of a payload may write to all of its buffer.
        for (size_t i = 0; i < kCapacity; ++i) frame.payload.data()[i] = 0xee;
        frame.payload.MarkDirty();
    }
  }
}

void Fuzz(Input input) {
  static const auto pool = transports::BufferPool::Create(kCapacity);
  static const int before = testing::OpenDescriptors();
  {
    int ends[2];
    Require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0,
            "socketpair");
    RawSocket raw(ends[1]);
    transports::UnixConnection connection(event::UniqueFd(ends[0]),
                                          event::Process::Current(), false);
    if (input.Byte() % 4 == 0)
      connection.SetReceiveCredentials(true).IgnoreError();
    if (input.Byte() % 4 == 0) {
      connection.SetDescriptorPolicy(
          transports::Connection::DescriptorPolicy::kLeaveUnread);
    }
    std::string batch;
    bool open = true;
    while (!input.empty() && open) {
      const uint8_t what = input.Byte();
      switch (what % 6) {
        case 0:
          raw.Send(input.Bytes(input.Byte()));
          break;
        case 1:
          batch += RawSocket::NearlyAFrame(&input);
          if (batch.size() > transports::kMaxPacketBytes) batch.clear();
          continue;
        case 2:
          raw.Send(batch, what / 6 % 4);
          batch.clear();
          break;
        case 3:
          raw.Send(RawSocket::NearlyAFrame(&input), what / 6 % 4);
          break;
        case 4:
          raw.HalfClose(true);
          break;
        default:
          open = Drain(&connection, pool.get());
      }
    }
    if (open) Drain(&connection, pool.get());
    raw.Close();
    Require(!open || !Drain(&connection, pool.get()),
            "the end of the peer is reported");
  }
  Require(testing::WaitForOpenDescriptors(before), "no descriptor is left");
}

}  // namespace
}  // namespace le

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  le::event::Thread::Current();
  le::Fuzz(le::fuzz::Input(data, size));
  return 0;
}
