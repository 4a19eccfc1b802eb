// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/internal/kept_message.h: Protobuf messages that are reused. Not an API.

#ifndef LE_MESSAGING_SERVICES_LE_INTERNAL_KEPT_MESSAGE_H_
#define LE_MESSAGING_SERVICES_LE_INTERNAL_KEPT_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/types/span.h"
#include "le/internal/envelope.h"

namespace le {
namespace internal {

// Under AddressSanitizer no message is reused. So AddressSanitizer reports each
// use of a request after its method has returned. (If the message were reused,
// such a use would read the next request.)
#if defined(__SANITIZE_ADDRESS__)
#define LE_INTERNAL_REUSES_MESSAGES false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LE_INTERNAL_REUSES_MESSAGES false
#endif
#endif
#ifndef LE_INTERNAL_REUSES_MESSAGES
#define LE_INTERNAL_REUSES_MESSAGES true
#endif
inline constexpr bool kReusesMessages = LE_INTERNAL_REUSES_MESSAGES;
#undef LE_INTERNAL_REUSES_MESSAGES

// Counts the bytes that a reused Protobuf message has held.
class ReusedBytes {
 public:
  // Adds the bytes of one use. False: the message must not be reused.
  bool Add(size_t bytes) {
    all_ += bytes;
    return kReusesMessages && bytes <= kMaxKeptBytes && all_ <= kMaxReusedBytes;
  }

 private:
  size_t all_ = 0;
};

// The Protobuf message of a method. It is reused, so that parsing allocates
// nothing in the steady state. Not thread-safe.
class KeptMessage {
 public:
  // Lends the message. If another loan is open, lends a new message.
  class Loan {
   public:
    Loan(KeptMessage* home, const ProtoMessage& prototype)
        : home_(home),
          message_(std::move(home->message_)),
          reused_(home->reused_) {
      if (message_ != nullptr) return;
      message_.reset(prototype.New());
      reused_ = ReusedBytes();
    }
    ~Loan() {
      if (home_ == nullptr) return;
      home_->message_ = std::move(message_);
      home_->reused_ = reused_;
    }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;

    ProtoMessage* get() const { return message_.get(); }
    // False: the bytes are not a message of this type.
    bool Parse(absl::Span<const uint8_t> bytes) {
      Used(bytes.size());
      return internal::Parse(bytes, message_.get());
    }
    // Call this if `bytes` bytes are parsed into the message without Parse().
    void Used(size_t bytes) {
      if (!reused_.Add(bytes)) home_ = nullptr;
    }

   private:
    KeptMessage* home_;  // null: the message is not kept
    std::unique_ptr<ProtoMessage> message_;
    ReusedBytes reused_;
  };

 private:
  std::unique_ptr<ProtoMessage> message_;
  ReusedBytes reused_;
};

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_INTERNAL_KEPT_MESSAGE_H_
