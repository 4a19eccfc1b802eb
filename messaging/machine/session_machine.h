// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the two ends of a session do with frames and requests. Pure: no file
// descriptor, clock, thread or lock. The states are in life_cycle.h.

#ifndef LE_MESSAGING_MESSAGING_MACHINE_SESSION_MACHINE_H_
#define LE_MESSAGING_MESSAGING_MACHINE_SESSION_MACHINE_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "messaging/machine/close_reason.h"
#include "messaging/machine/completion.h"
#include "messaging/machine/life_cycle.h"
#include "messaging/machine/limits.h"
#include "messaging/machine/result.h"
#include "messaging/machine/transaction_table.h"
#include "messaging/machine/wire.h"

namespace le {
namespace messaging {

// What a client is to do with a frame.
struct FrameVerdict {
  enum class Action : uint8_t {
    kDeliver,             // hand it to the receive handler
    kComplete,            // it answers the request that `completion` is for
    kCompleteUnanswered,  // that request will get no response
    kIgnore,  // it answers a request that nobody waits for any more, or
              // is of a later release
    kFault,   // it breaks the rules: `fault` says which
  };
  Action action = Action::kDeliver;
  Completion completion = {};
  const char* fault = nullptr;
};

// A client session.
//
// Each opening has an *epoch*. A thread that sends takes the connection and the
// epoch together; what it finds out later about that opening says which one it
// means, and is ignored if another has begun.
class ClientSessionMachine {
 public:
  using Epoch = uint32_t;  // 0: before the first opening

  ClientState state() const { return state_; }
  Epoch epoch() const { return epoch_; }
  CloseReason close_reason() const { return close_reason_; }
  // Names the server's thread; 0 if the session is not open.
  uint64_t server_thread() const { return server_thread_; }
  // Neither open nor being opened.
  bool is_closed() const {
    return state_ != ClientState::kOpening && state_ != ClientState::kOpen;
  }

  // False: it cannot be opened now.
  bool Open();
  // False: nobody waits for that any more.
  bool OnIntroduced(const Hello& hello);
  bool OnGivenUp();
  // The opening of that epoch has ended. False: it had ended before.
  bool End(Epoch epoch, CloseReason reason);
  // The user is to be told now. False: there is nothing to tell.
  bool Tell() { return Apply(ClientEvent::kTold); }
  // False: it was closed already.
  bool Close(CloseReason reason);
  // False: it had ended before, or is deleted.
  bool Retire();
  void Delete();

  FrameVerdict OnFrame(uint8_t type, uint64_t id);

  // Numbers the completion of a request or an opening.
  void Number(Completion* completion) { completion->order = next_order_++; }
  // Numbers a new request's completion. kOk: *id names it. kClosed, kTooMany:
  // refused.
  Result AddRequest(Completion* completion, absl::Time deadline, uint64_t* id);
  // The owner no longer waits. False if it has been completed.
  bool AbandonRequest(uint64_t id, Completion* completion);
  // It was never sent: no answer can come. False if it has been completed.
  bool ForgetRequest(uint64_t id, Completion* completion);
  absl::optional<Completion> ExpireRequest(absl::Time now);
  absl::Time NextDeadline() const { return requests_.NextDeadline(); }
  size_t requests() const { return requests_.size(); }
  // Existing requests are kept.
  void LimitRequests(size_t limit) { requests_.set_limit(limit); }
  // The requests of an opening that has ended, in their order.
  std::vector<Completion> TakeRequests() { return requests_.Clear(); }

 private:
  bool Apply(ClientEvent event);

  ClientState state_ = ClientState::kClosed;
  CloseReason close_reason_ = CloseReason::kNone;
  Epoch epoch_ = 0;
  uint64_t server_thread_ = 0;
  uint64_t next_order_ = 1;
  TransactionTable requests_{kMaxOpenRequests};
};

// The fault of a frame whose type is not known at this end. Null: it may be ignored.
inline const char* FaultOfUnknown(uint8_t type, const char* fault) {
  if (type >= kFirstDirectoryFrame) {
    return "a frame that only a directory sends";
  }
  return transports::MayBeIgnored(type) ? nullptr : fault;
}

// What a server is to do with a frame: to end the session for `fault`, or to deliver
// it, or neither.
struct ServerVerdict {
  const char* fault;
  bool deliver;
};
inline ServerVerdict ServerVerdictOf(uint8_t type, uint64_t id) {
  switch (PlainType(type)) {
    case kMessageFrame:
      return {nullptr, true};
    case kRequestFrame:
      if (id == 0) return {"a request without a number", false};
      return {nullptr, true};
    default:
      return {
          FaultOfUnknown(type, "a frame of a type that a client does not send"),
          false};
  }
}

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_SESSION_MACHINE_H_
