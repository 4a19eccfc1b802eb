// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What messaging keeps per thread.

#ifndef LE_MESSAGING_MESSAGING_OWNER_STATE_H_
#define LE_MESSAGING_MESSAGING_OWNER_STATE_H_

#include <set>

#include "event/process.h"

namespace le {
namespace messaging {

class ClientSession;
class Message;
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

  void Add(ClientSession* session) { sessions_.insert(session); }
  void Remove(ClientSession* session) { sessions_.erase(session); }
  void Add(Service* service) { services_.insert(service); }
  void Remove(Service* service) { services_.erase(service); }

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
  // The thread ends: closes everything, and delivers what that owes.
  void Abolish();

  std::set<ClientSession*> sessions_;
  std::set<Service*> services_;
  Message* current_message_ = nullptr;
  ServerSession* current_session_ = nullptr;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_OWNER_STATE_H_
