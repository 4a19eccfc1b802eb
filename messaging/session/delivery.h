// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What a session owes its user: handlers to be called by the loop, in order.

#ifndef LE_MESSAGING_MESSAGING_DELIVERY_H_
#define LE_MESSAGING_MESSAGING_DELIVERY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "le_basics.h"
#include "messaging/machine/transaction_table.h"
#include "messaging/message/message.h"

namespace le {
namespace messaging {

// Owns one reference of a message, or nothing.
class MessageRef {
 public:
  MessageRef() = default;
  explicit MessageRef(Message* message) : message_(message) {}
  MessageRef(MessageRef&& other) noexcept : message_(other.release()) {}
  MessageRef& operator=(MessageRef&& other) noexcept {
    if (this != &other) {
      reset();
      message_ = other.release();
    }
    return *this;
  }
  ~MessageRef() { reset(); }

  Message* get() const { return message_; }
  Message* operator->() const { return message_; }
  explicit operator bool() const { return message_ != nullptr; }
  // Hands the reference to the caller.
  Message* release() { return std::exchange(message_, nullptr); }
  void reset() {
    if (Message* message = release()) message->Release();
  }

 private:
  Message* message_ = nullptr;
};

// Why a request completes as it does, or an open attempt ends.
enum class Result : uint8_t {
  kOk,
  kClosed,
  kTimedOut,
  kUnanswered,  // the server released the request
  kCancelled,
  kTooMany,   // a limit of this side
  kDeadlock,  // the caller would wait for its own thread
};

inline le_result_t ToCResult(Result result) {
  switch (result) {
    case Result::kOk:
      return LE_OK;
    case Result::kClosed:
      return LE_CLOSED;
    case Result::kTimedOut:
      return LE_TIMEOUT;
    case Result::kUnanswered:
      return LE_UNAVAILABLE;
    case Result::kCancelled:
      return LE_TERMINATED;
    case Result::kTooMany:
      return LE_NO_MEMORY;
    case Result::kDeadlock:
      return LE_DEADLOCK;
  }
  return LE_FAULT;
}

struct Delivery {
  enum class Kind : uint8_t {
    kMessage,     // to the receive handler
    kCompletion,  // `message` is the response, or null
    kOpened,      // to whoever opened the session; `completion` says how
    kFarEndClosed,
    kArmDeadline,  // of a request that another thread has made
    kServiceOpen,
    kServiceClose,
  };
  Kind kind;
  Result result = Result::kOk;
  Completion completion = {};
  MessageRef message = {};
};

// Deliveries in order. Empty for nearly all sessions nearly all of the time, so
// it must cost nothing then.
class Inbox {
 public:
  Inbox() = default;
  ~Inbox() { Clear(); }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // Also without the lock that guards the rest: then it may change at once.
  bool empty() const {
    return held_.load(std::memory_order_acquire) == nullptr;
  }
  size_t size() const {
    return held() == nullptr ? 0 : held()->deliveries.size() - held()->first;
  }
  // What its messages take, and how many have a descriptor.
  size_t bytes() const { return held() == nullptr ? 0 : held()->bytes; }
  size_t descriptors() const {
    return held() == nullptr ? 0 : held()->descriptors;
  }

  void Push(Delivery delivery) {
    if (held() == nullptr) held_.store(new Held, std::memory_order_release);
    held()->Count(delivery);
    held()->deliveries.push_back(std::move(delivery));
  }
  // The same, but a close that is last in line stays last.
  void PushBeforeClose(Delivery delivery) {
    if (held() == nullptr ||
        held()->deliveries.back().kind != Delivery::Kind::kFarEndClosed) {
      return Push(std::move(delivery));
    }
    Delivery close = std::move(held()->deliveries.back());
    held()->Count(delivery);
    held()->deliveries.back() = std::move(delivery);
    held()->deliveries.push_back(std::move(close));
  }
  Delivery Pop() {
    Held* const held = this->held();
    Delivery delivery = std::move(held->deliveries[held->first]);
    held->Discount(delivery);
    if (++held->first == held->deliveries.size()) {
      Clear();
    } else if (held->first >= kTakenAtOnce &&
               held->first * 2 > held->deliveries.size()) {
      held->EraseTaken();
    }
    return delivery;
  }
  // Everything, in order; leaves the inbox empty.
  std::vector<Delivery> TakeAll() {
    std::vector<Delivery> all;
    if (held() != nullptr) {
      held()->EraseTaken();
      all = std::move(held()->deliveries);
    }
    Clear();
    return all;
  }

 private:
  // Taken ones make room once there are so many, and no fewer than are left.
  static constexpr size_t kTakenAtOnce = 64;

  // Mostly it is made for one delivery, and goes with it.
  struct Held {
    std::vector<Delivery> deliveries;
    size_t first = 0;  // those before it have been taken
    size_t bytes = 0;
    size_t descriptors = 0;

    void Count(const Delivery& delivery) {
      if (!delivery.message) return;
      bytes += delivery.message->held_bytes();
      if (delivery.message->has_descriptor()) ++descriptors;
    }
    void Discount(const Delivery& delivery) {
      if (!delivery.message) return;
      bytes -= delivery.message->held_bytes();
      if (delivery.message->has_descriptor()) --descriptors;
    }
    void EraseTaken() {
      deliveries.erase(deliveries.begin(),
                       deliveries.begin() + static_cast<ptrdiff_t>(first));
      first = 0;
    }
  };

  Held* held() const { return held_.load(std::memory_order_relaxed); }
  void Clear() { delete held_.exchange(nullptr, std::memory_order_release); }

  std::atomic<Held*> held_{nullptr};  // owned; null: empty
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_DELIVERY_H_
