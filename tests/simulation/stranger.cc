// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/stranger.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <utility>

#include "directory/control_frame.h"
#include "event/base/sys.h"
#include "messaging/machine/wire.h"
#include "tests/simulation/payload.h"
#include "transports/framing/framing.h"

namespace le {
namespace simulation {

namespace sys = event::sys;
using transports::FrameHeader;

namespace {

// Few enough to leave room for the others, in a directory with few descriptors.
constexpr size_t kMaxSockets = 4;
constexpr uint64_t kMaxPauseMs = 40;

// Of a frame whose rest does not come.
constexpr size_t kLengthOfAPart = 1000;

}  // namespace

Stranger::Stranger(World* world, std::string directory)
    : world_(world), directory_(std::move(directory)) {}

void Stranger::Run() {
  for (int i = 0; i < world_->plan().operations; ++i) {
    if (sockets_.size() < kMaxSockets && world_->OneIn(3)) {
      Connect();
    } else if (!sockets_.empty()) {
      // Mostly the latest, so that a conversation gets somewhere.
      const size_t index = world_->OneIn(3) ? world_->Roll(sockets_.size())
                                            : sockets_.size() - 1;
      const int fd = sockets_[index];
      if (world_->OneIn(6)) {
        sys::Close(fd);
        sockets_.erase(sockets_.begin() + static_cast<ptrdiff_t>(index));
      } else {
        Act(fd);
      }
    }
    if (world_->OneIn(2)) {
      world_->PassTime(
          absl::Milliseconds(static_cast<int64_t>(world_->Roll(kMaxPauseMs))));
    }
  }
  for (;;) event::Thread::Current()->parker()->Park(absl::InfiniteFuture());
}

void Stranger::Connect() {
  const int fd =
      sys::Socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  struct sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, directory_.data(), directory_.size());
  if (sys::Connect(fd, reinterpret_cast<struct sockaddr*>(&to), sizeof(to)) !=
      0) {
    sys::Close(fd);
    return;
  }
  sockets_.push_back(fd);
  if (world_->OneIn(8)) return;
  if (world_->OneIn(8)) return SendAdvertise(fd);
  SendOpen(fd);
}

void Stranger::Act(int fd) {
  switch (world_->Roll(8)) {
    case 0:
      return SendOpen(fd);
    case 1:
      return SendAdvertise(fd);
    case 2: {  // the first part of a frame, of a session or of the directory's
      uint8_t type = directory::kControlFrame;
      if (world_->OneIn(2)) type = messaging::kMessageFrame;
      return SendFrame(fd, type, FrameHeader::kFragmented, kLengthOfAPart,
                       "ten bytes.");
    }
    case 3:  // of a frame that is not there
      return SendFrame(fd, 0, FrameHeader::kContinuation, kLengthOfAPart, "x");
    case 4: {
      const std::string bytes = AnyBytes(64);
      return SendFrame(fd,
                       world_->OneIn(2) ? messaging::kMessageFrame
                                        : messaging::kRequestFrame,
                       0, bytes.size(), bytes);
    }
    case 5: {  // any frame
      const std::string bytes = AnyBytes(64);
      return SendFrame(fd, static_cast<uint8_t>(world_->Roll(256)),
                       static_cast<uint16_t>(world_->Roll(512)),
                       world_->Roll(128), bytes);
    }
    case 6:
      return SendBytes(fd, AnyBytes(64));
    default: {
      char bytes[64];
      sys::Recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
      return;
    }
  }
}

void Stranger::SendOpen(int fd) {
  directory::proto::ToDirectory message;
  message.set_version(directory::kControlVersion);
  message.mutable_open()->set_wait(!world_->OneIn(4));
  directory::proto::Description* const client =
      message.mutable_open()->mutable_client();
  client->set_interface_name(world_->OneIn(2) ? "a" : "b");
  client->set_protocol_id("simulated");
  client->set_max_message_size(MaxMessageSize(world_->plan()));
  const std::string text = message.SerializeAsString();
  SendFrame(fd, directory::kControlFrame, 0, text.size(), text);
}

void Stranger::SendAdvertise(int fd) {
  directory::proto::ToDirectory message;
  message.set_version(directory::kControlVersion);
  directory::proto::Description* const service =
      message.mutable_advertise()->mutable_service();
  service->set_interface_name("x");
  service->set_protocol_id(AnyBytes(8));
  const std::string text = message.SerializeAsString();
  SendFrame(fd, directory::kControlFrame, 0, text.size(), text);
}

void Stranger::SendFrame(int fd, uint8_t type, uint16_t flags, size_t length,
                         const std::string& bytes) {
  FrameHeader header;
  header.type = type;
  header.flags = flags;
  header.length = static_cast<uint32_t>(length);
  header.id = world_->Roll(4);
  SendBytes(
      fd, std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
              bytes);
}

void Stranger::SendBytes(int fd, const std::string& bytes) {
  sys::Send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

std::string Stranger::AnyBytes(size_t limit) {
  std::string bytes(1 + world_->Roll(limit), '\0');
  for (char& byte : bytes) byte = static_cast<char>(world_->Roll(256));
  return bytes;
}

}  // namespace simulation
}  // namespace le
