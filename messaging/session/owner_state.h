// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What messaging keeps per thread.

#ifndef LE_MESSAGING_MESSAGING_OWNER_STATE_H_
#define LE_MESSAGING_MESSAGING_OWNER_STATE_H_

#include <cstdint>
#include <map>

#include "event/process.h"

namespace le {
namespace messaging {

class ClientSession;
class Message;
class MessagePool;
class Protocol;
class ServerSession;
class Service;

// What the thread owns, and so must close when it ends; and what it is doing.
// The owner's thread only.
class OwnerState final : public event::ModuleState {
 public:
  // Made at first use.
  static OwnerState* Of(event::Thread* thread);
  // Null if the thread has never owned anything.
  static OwnerState* OfCurrentOrNull();

  explicit OwnerState(event::Thread* thread);
  ~OwnerState() override;

  void Add(ClientSession* session) { sessions_.Add(session); }
  void Remove(ClientSession* session) { sessions_.Remove(session); }
  void Add(Service* service) { services_.Add(service); }
  void Remove(Service* service) { services_.Remove(service); }

  // Messages for the sessions of this thread.
  MessagePool* PoolOf(Protocol* protocol);

  // The message whose receive handler runs, and its session; or null. The
  // handler may have released the message; the session is there all the same.
  Message* current_message() const { return current_message_; }
  ServerSession* current_session() const { return current_session_; }

  // Sets both for as long as it lives.
  class ScopedMessage {
   public:
    ScopedMessage(OwnerState* state, Message* message, ServerSession* session);
    ~ScopedMessage();
    ScopedMessage(const ScopedMessage&) = delete;
    ScopedMessage& operator=(const ScopedMessage&) = delete;

   private:
    OwnerState* const state_;
    Message* const previous_message_;
    ServerSession* const previous_session_;
  };

 private:
  // In the order of adding, so that a thread's end is the same each time.
  template <typename T>
  class Owned {
   public:
    void Add(T* object) {
      by_order_[next_] = object;
      orders_[object] = next_++;
    }
    void Remove(T* object) {
      const auto it = orders_.find(object);
      if (it == orders_.end()) return;
      by_order_.erase(it->second);
      orders_.erase(it);
    }
    // Removes and returns the first; null if there is none.
    T* TakeFirst() {
      if (by_order_.empty()) return nullptr;
      T* const first = by_order_.begin()->second;
      Remove(first);
      return first;
    }

   private:
    uint64_t next_ = 0;
    std::map<uint64_t, T*> by_order_;
    std::map<T*, uint64_t> orders_;
  };

  // The thread ends: closes everything, and delivers what that owes.
  void Abolish();

  std::map<Protocol*, MessagePool*> pools_;
  Owned<ClientSession> sessions_;
  Owned<Service> services_;
  Message* current_message_ = nullptr;
  ServerSession* current_session_ = nullptr;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_OWNER_STATE_H_
