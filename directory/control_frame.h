// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The directory's control messages as frames.

#ifndef LE_MESSAGING_DIRECTORY_CONTROL_FRAME_H_
#define LE_MESSAGING_DIRECTORY_CONTROL_FRAME_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "directory/proto/directory.pb.h"
#include "event/base/log.h"
#include "transports/transport.h"
#include "transports/wire_version.h"

namespace le {
namespace directory {

constexpr uint32_t kControlVersion = 1;

// Frame types from 128 up are the directory's. Lower types are those of
// sessions and inspections. A client's connection carries only the directory's
// types until the message Introduced, and only lower types after it.
constexpr uint8_t kControlFrame = 128;  // a protobuf
constexpr uint8_t kIntroductionFrame =
    129;  // a client's connection, proto::Introduction

constexpr bool IsDirectoryFrame(uint8_t type) { return type >= 128; }

// No message needs more than this: lists, and bindings to load, are sent in
// parts. A long text of an answer is truncated.
constexpr size_t kMaxControlBytes = 64 * 1024;

// The largest control message to or from a client or a server. Its largest part
// is a text about a few names. The limit is low because there may be many such
// peers, and each may occupy a buffer of this size.
constexpr size_t kMaxAnswerBytes = 8 * 1024;

// The size of a part of a long text or list. A part of a list is longer by up
// to one entry, or by the entries of one server. kMaxControlBytes has room for
// this and for the rest of the control message.
constexpr size_t kPartBytes = 48 * 1024;

template <typename Message>
transports::IoResult SendControl(transports::Connection* connection,
                                 Message message,
                                 bool attachment_follows = false) {
  message.set_version(kControlVersion);
  const size_t size = message.ByteSizeLong();
  if (size > kMaxControlBytes) {
    event::Log(event::LogLevel::kError,
               absl::StrCat("a message between a directory and a program has ",
                            size, " bytes, more than the limit of ",
                            kMaxControlBytes, ": their connection is closed"));
    return transports::IoResult::kClosed;
  }
  // The transport writes its header into the headroom, so that header and
  // payload are sent in one piece.
  std::string bytes(transports::kBufferHeadroomBytes + size, '\0');
  auto* const headroom = reinterpret_cast<uint8_t*>(&bytes[0]);
  uint8_t* const payload = headroom + transports::kBufferHeadroomBytes;
  message.SerializeWithCachedSizesToArray(payload);
  transports::OutgoingFrame frame;
  frame.type = kControlFrame;
  frame.headroom = headroom;
  frame.payload = absl::MakeConstSpan(payload, size);
  frame.attachment_follows = attachment_follows;
  return connection->Send(frame);
}

inline void ToProto(const transports::Dialect& dialect, proto::Dialect* to) {
  to->set_lowest_version(dialect.lowest);
  to->set_highest_version(dialect.highest);
  to->set_capabilities(dialect.capabilities);
}

inline transports::Dialect FromProto(const proto::Dialect& from) {
  transports::Dialect dialect;
  dialect.lowest = std::max(from.lowest_version(), 1u);
  dialect.highest = std::max(from.highest_version(), 1u);
  dialect.capabilities = from.capabilities();
  return dialect;
}

template <typename Message>
bool ParsePayload(const transports::IncomingFrame& frame, Message* message) {
  return frame.payload &&
         message->ParseFromArray(frame.payload.data(),
                                 static_cast<int>(frame.payload.size()));
}

// False: the frame is not a control message, or cannot be parsed.
template <typename Message>
bool ParseControl(const transports::IncomingFrame& frame, Message* message) {
  return frame.type == kControlFrame && ParsePayload(frame, message);
}

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_CONTROL_FRAME_H_
