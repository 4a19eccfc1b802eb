// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes a PacketReader with packets, file descriptors and credentials, without
// a socket. Each frame is whole, or the reader reports which rule the packet
// violates.

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "tests/fuzz/raw_socket.h"
#include "transports/framing/framing.h"
#include "transports/framing/packet_reader.h"

namespace le {
namespace {

using fuzz::Input;
using fuzz::RawSocket;
using fuzz::Require;
using transports::BufferPool;
using transports::FrameHeader;
using transports::IncomingFrame;
using transports::PacketAttachments;
using transports::PacketReader;
using Result = PacketReader::Result;

constexpr size_t kSmall = 300;
constexpr size_t kLarge = transports::kMaxPacketBytes + 1000;

class World {
 public:
  explicit World(Input* input)
      : input_(input), pool_(PoolOf(input->Byte() % 2 == 0)) {
    // The read() below must fail, not wait, if a duplicate is left.
    Require(pipe2(ends_, O_NONBLOCK) == 0, "pipe");
  }
  ~World() {
    // The pipe is at its end only if each duplicate of ends_[1] is closed.
    reader_.Reset();
    close(ends_[1]);
    char byte;
    Require(read(ends_[0], &byte, 1) == 0, "each descriptor is closed");
    close(ends_[0]);
  }

  void Run() {
    std::string batch;
    bool sound = true;
    while (!input_->empty() && sound) {
      const uint8_t action = input_->Byte();
      switch (action % 8) {
        case 0:
          sound = Accept(input_->Bytes(input_->Byte()), 0);
          break;
        case 1:
          batch += RawSocket::NearlyAFrame(input_);
          if (batch.size() > 2 * transports::kMaxPacketBytes) batch.clear();
          break;
        case 2:
          sound = Accept(batch, action / 8);
          batch.clear();
          break;
        case 3:
          sound = Accept(RawSocket::NearlyAFrame(input_), action / 8);
          break;
        case 4:
          sound = Accept(Part(), action / 8);
          break;
        case 5:
          reader_.WantCredentials(action / 8 % 2 == 0);
          break;
        case 6: {
          PacketReader::Room room(&reader_, pool_);
          std::memset(room.parts()[0].iov_base, 'x',
                      transports::kFrameHeaderBytes);
          room.Discard();
          break;
        }
        default:
          batch.append(input_->Number() % 70000, '\0');
          break;
      }
    }
  }

 private:
  static BufferPool* PoolOf(bool small) {
    static const auto small_pool = BufferPool::Create(kSmall);
    static const auto large_pool = BufferPool::Create(kLarge);
    return small ? small_pool.get() : large_pool.get();
  }

  // Returns a nearly valid fragment of a new frame, or of the frame of which a
  // part was read.
  std::string Part() {
    FrameHeader header;
    const uint8_t oddity = input_->Byte();
    header.flags = reader_.HasPartial() ? FrameHeader::kContinuation
                                        : FrameHeader::kFragmented;
    if ((oddity & 1) != 0) header.flags |= FrameHeader::kPlainNext;
    if ((oddity & 2) != 0) header.flags |= FrameHeader::kConnection;
    const std::string bytes = input_->Bytes(input_->Byte());
    header.length = static_cast<uint32_t>(bytes.size());
    if (!reader_.HasPartial()) header.length += input_->Byte();
    return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
           bytes;
  }

  // Reads all frames of the packet. Returns false if the packet violates a
  // rule.
  bool Accept(const std::string& packet, uint8_t attached) {
    IncomingFrame frame;
    absl::Status why;
    Result result;
    {
      PacketAttachments attachments;
      for (int i = 0; i < attached % 3; ++i) {
        attachments.AddDescriptor(dup(ends_[1]));
      }
      if ((attached & 4) != 0) attachments.set_truncated(true);
      if ((attached & 8) != 0) attachments.set_sender({1, 2, 3});
      PacketReader::Room room(&reader_, pool_);
      size_t at = 0;
      for (size_t i = 0; i < room.part_count(); ++i) {
        const struct iovec& part = room.parts()[i];
        const size_t size = std::min<size_t>(part.iov_len, packet.size() - at);
        if (size > 0) std::memcpy(part.iov_base, packet.data() + at, size);
        at += size;
      }
      result = reader_.Accept(&room, packet.size(), &attachments, &frame, &why);
    }
    for (;;) {
      switch (result) {
        case Result::kOtherVersion:
        case Result::kBroken:
          Require(why.code() == absl::StatusCode::kInvalidArgument ||
                      why.code() == absl::StatusCode::kUnimplemented,
                  "a broken packet has a reason");
          return false;
        case Result::kNothing:
          Require(reader_.HasPartial() && !reader_.HasBuffered(),
                  "if there is no frame, there is a part of one");
          return true;
        case Result::kConnection:
        case Result::kPromisedConnection:
          Require(static_cast<bool>(frame.descriptor),
                  "the passed connection is there");
          break;
        case Result::kFrame:
          break;
      }
      Require(!reader_.HasPartial(), "a whole frame leaves no part");
      Require(!frame.descriptor || !frame.descriptor_lost,
              "a descriptor is received or lost, not both");
      Require(!frame.sender.has_value() || reader_.wants_credentials(),
              "credentials are reported only if wanted");
      Check(&frame.payload);
      if (!reader_.HasBuffered()) return true;
      frame = IncomingFrame();
      result = reader_.TakeBuffered(pool_, &frame, &why);
    }
  }

  void Check(transports::Buffer* payload) {
    Require(payload->size() <= pool_->capacity(),
            "a payload fits into its buffer");
    for (size_t i = payload->size(); i < pool_->capacity(); ++i) {
      Require(payload->data()[i] == 0, "bytes that were not sent are zero");
    }
    // The receiver of a payload may write to its buffer.
    std::memset(payload->data(), 0xee, kSmall);
    payload->MarkCleanFrom(std::max(payload->clean_from(), kSmall));
  }

  Input* const input_;
  BufferPool* const pool_;
  PacketReader reader_;
  int ends_[2];
};

}  // namespace
}  // namespace le

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  le::fuzz::Input input(data, size);
  le::World(&input).Run();
  return 0;
}
