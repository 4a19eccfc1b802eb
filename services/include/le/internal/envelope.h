// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/internal/envelope.h: the bytes before the Protobuf message, and how
// Protobuf messages are read and written. Not an API.

#ifndef LE_MESSAGING_SERVICES_LE_INTERNAL_ENVELOPE_H_
#define LE_MESSAGING_SERVICES_LE_INTERNAL_ENVELOPE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "google/protobuf/message_lite.h"
#include "le/message.h"
#include "le_messaging_ext.h"

namespace le {
namespace internal {

using ProtoMessage = google::protobuf::MessageLite;

// The largest error text of a status, in bytes. A longer text is truncated, so
// that a peer cannot fill logs.
inline constexpr size_t kMaxErrorText = 1024;
// If a Protobuf message was larger than this, it is freed and not reused. So
// one large message does not occupy memory for ever.
inline constexpr size_t kMaxKeptBytes = 64 * 1024;
// A Protobuf message is also freed after all its uses together have held more
// bytes than this. A cleared message keeps the elements of its repeated fields
// with their memory, so many small uses can make the message large.
inline constexpr size_t kMaxReusedBytes = 1024 * 1024;

enum class Kind : uint8_t {
  kCall = 1,
  kOneWay = 2,
  kCancel = 3,
  kCredit = 4,
  kItem = 5,
  kStatus = 6,
};

inline constexpr uint16_t kReflection = 0;  // the method number of reflection
inline constexpr uint32_t kNoDeadline = UINT32_MAX;  // a value for kCall

// If these functions had loops, GCC would not compile each of them to one
// instruction.
inline void StoreU32(uint8_t* to, uint32_t value) {
  to[0] = static_cast<uint8_t>(value);
  to[1] = static_cast<uint8_t>(value >> 8);
  to[2] = static_cast<uint8_t>(value >> 16);
  to[3] = static_cast<uint8_t>(value >> 24);
}
inline uint32_t LoadU32(const uint8_t* from) {
  return uint32_t{from[0]} | uint32_t{from[1]} << 8 | uint32_t{from[2]} << 16 |
         uint32_t{from[3]} << 24;
}

struct Envelope {
  static constexpr size_t kBytes = 12;

  uint16_t method = 0;
  Kind kind = Kind::kStatus;
  uint32_t call = 0;
  uint32_t value = 0;

  void Store(uint8_t* to) const {
    StoreU32(to, method | static_cast<uint32_t>(kind) << 16);
    StoreU32(to + 4, call);
    StoreU32(to + 8, value);
  }
  // False: there are too few bytes.
  bool Load(absl::Span<const uint8_t> from) {
    if (from.size() < kBytes) return false;
    const uint32_t first = LoadU32(from.data());
    method = static_cast<uint16_t>(first);
    kind = static_cast<Kind>(static_cast<uint8_t>(first >> 16));
    call = LoadU32(from.data() + 4);
    value = LoadU32(from.data() + 8);
    return true;
  }
};

// How much a stream may still send.
struct Credit {
  static constexpr size_t kBytes = 8;
  // Without these limits, a client could make the server's sums overflow. A
  // larger window has no use: a stream has fewer items in flight at one time.
  static constexpr int64_t kMaxItems = int64_t{1} << 20;
  static constexpr int64_t kMaxBytes = int64_t{1} << 30;

  int64_t items = 0;
  int64_t bytes = 0;

  void Store(uint8_t* to) const {
    StoreU32(to, static_cast<uint32_t>(items));
    StoreU32(to + 4, static_cast<uint32_t>(bytes));
  }
  static Credit Load(const uint8_t* from) {
    Credit credit;
    credit.items = std::min<int64_t>(LoadU32(from), kMaxItems);
    credit.bytes = std::min<int64_t>(LoadU32(from + 4), kMaxBytes);
    return credit;
  }
  void Add(const Credit& more) {
    items = std::min(items + more.items, kMaxItems);
    bytes = std::min(bytes + more.bytes, kMaxBytes);
  }
  void Take(size_t item_bytes) {
    items -= 1;
    bytes -= static_cast<int64_t>(item_bytes);
  }
  // Even an item that is larger than the window must be sent. So the last item
  // may make `bytes` negative.
  bool AllowsItem() const { return items > 0 && bytes > 0; }
};

// Why a body of `bytes` bytes cannot be sent.
ABSL_ATTRIBUTE_COLD inline absl::Status WrongBody(const ProtoMessage& body,
                                                  size_t bytes,
                                                  size_t largest) {
  if (!body.IsInitialized()) {
    return absl::InvalidArgumentError(absl::StrCat(
        body.GetTypeName(),
        " lacks a required field: ", body.InitializationErrorString()));
  }
  return absl::OutOfRangeError(
      absl::StrCat(body.GetTypeName(), " has ", bytes,
                   " bytes, more than the (le.largest_message) of ", largest));
}

// Returns the size of a body in *bytes, and prepares the body for Write().
//   OutOfRange       the body has more than `largest` bytes
//   InvalidArgument  a required field of the body is not set
inline absl::Status GetSize(const ProtoMessage& body, size_t largest,
                            size_t* bytes) {
  // Also caches the sizes for SerializeWithCachedSizesToArray().
  *bytes = body.ByteSizeLong();
  return *bytes <= largest && body.IsInitialized()
             ? absl::OkStatus()
             : WrongBody(body, *bytes, largest);
}

// Writes an envelope, and returns the memory for `bytes` bytes behind it. Null:
// the message is empty, or the bytes do not fit.
inline uint8_t* Write(const Envelope& envelope, size_t bytes,
                      Message* message) {
  if (!*message) return nullptr;
  auto* const to = static_cast<uint8_t*>(
      le_msg_GetPayloadForWriting(RefOf(*message), Envelope::kBytes + bytes));
  if (to == nullptr) return nullptr;
  envelope.Store(to);
  return to + Envelope::kBytes;
}

// Writes a status that is not OK.
ABSL_ATTRIBUTE_COLD inline void WriteError(const Envelope& call,
                                           const absl::Status& status,
                                           Message* message) {
  const absl::string_view text = status.message().substr(0, kMaxErrorText);
  Envelope envelope = call;
  envelope.kind = Kind::kStatus;
  envelope.value = static_cast<uint32_t>(status.code());
  uint8_t* const to = Write(envelope, text.size(), message);
  // Null: the message is empty, as in some tests.
  if (to != nullptr) std::copy(text.begin(), text.end(), to);
}

// Reads a status that is not OK from a response.
ABSL_ATTRIBUTE_COLD inline absl::Status ReadError(
    const Envelope& envelope, absl::Span<const uint8_t> body) {
  // A code that this version does not know becomes kUnknown.
  const auto code = envelope.value <= static_cast<uint32_t>(
                                          absl::StatusCode::kUnauthenticated)
                        ? static_cast<absl::StatusCode>(envelope.value)
                        : absl::StatusCode::kUnknown;
  return absl::Status(
      code, absl::string_view(reinterpret_cast<const char*>(body.data()),
                              std::min(body.size(), kMaxErrorText)));
}

// False: the bytes are not a message of this type.
inline bool Parse(absl::Span<const uint8_t> bytes, ProtoMessage* message) {
  // ParseFromArray() would write errors to stderr.
  return bytes.size() <= size_t{std::numeric_limits<int>::max()} &&
         message->ParsePartialFromArray(bytes.data(),
                                        static_cast<int>(bytes.size())) &&
         message->IsInitialized();
}

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_INTERNAL_ENVELOPE_H_
