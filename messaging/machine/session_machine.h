// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The reactions of the two ends of a session to frames and requests. Pure: no
// file descriptor, clock, thread or lock. The states are in life_cycle.h.

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

// The action of a client for a frame.
struct FrameVerdict {
  enum class Action : uint8_t {
    kDeliver,             // give it to the receive handler
    kComplete,            // it answers the request of `completion`
    kCompleteUnanswered,  // the server released that request
    kIgnore,  // it answers a request that was abandoned, or its type
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
// epoch together. When it later reports the end of that opening, it passes the
// epoch. The report is ignored if another opening has begun.
class ClientSessionMachine {
 public:
  using Epoch = uint32_t;  // 0: before the first opening

  ClientState state() const { return state_; }
  Epoch epoch() const { return epoch_; }
  CloseReason close_reason() const { return close_reason_; }
  // Identifies the server's thread. 0: the session is not open.
  uint64_t server_thread() const { return server_thread_; }
  // Neither open nor being opened.
  bool is_closed() const {
    return state_ != ClientState::kOpening && state_ != ClientState::kOpen;
  }

  // False: the session cannot be opened now.
  bool Open();
  // These two return false if the opening has ended.
  bool OnIntroduced(const Hello& hello);
  bool OnGivenUp();
  // The opening of that epoch has ended. False: it had ended before.
  bool End(Epoch epoch, CloseReason reason);
  // The end is about to be reported to the user. False: there is none to
  // report.
  bool Tell() { return Apply(ClientEvent::kTold); }
  // False: the session was closed already.
  bool Close(CloseReason reason);
  // False: it was ended or deleted already.
  bool Retire();
  void Delete();

  FrameVerdict OnFrame(uint8_t type, uint64_t id);

  // Numbers the completion of a request or an opening.
  void Number(Completion* completion) { completion->order = next_order_++; }
  // Numbers and adds a request. kOk: *id identifies it. kClosed, kTooMany: the
  // request is refused.
  Result AddRequest(Completion* completion, absl::Time deadline, uint64_t* id);
  // The owner no longer waits. False: the request is complete.
  bool AbandonRequest(uint64_t id, Completion* completion);
  // The request was not sent, so there will be no answer. False: the request is
  // complete.
  bool ForgetRequest(uint64_t id, Completion* completion);
  absl::optional<Completion> ExpireRequest(absl::Time now);
  absl::Time NextDeadline() const { return requests_.NextDeadline(); }
  size_t requests() const { return requests_.size(); }
  // Existing requests are kept, even above the limit.
  void LimitRequests(size_t limit) { requests_.set_limit(limit); }
  // Removes the requests of an opening that has ended: returns one a call, in
  // their order, and then none.
  absl::optional<Completion> TakeRequest() { return requests_.TakeFirst(); }

 private:
  bool Apply(ClientEvent event);

  ClientState state_ = ClientState::kClosed;
  CloseReason close_reason_ = CloseReason::kNone;
  Epoch epoch_ = 0;
  uint64_t server_thread_ = 0;
  uint64_t next_order_ = 1;
  TransactionTable requests_{kMaxOpenRequests};
};

// The fault of a frame whose type this end does not know. Null: it may be
// ignored.
inline const char* FaultOfUnknown(uint8_t type, const char* fault) {
  if (type >= kFirstDirectoryFrame) {
    return "a frame that only a directory sends";
  }
  return transports::MayBeIgnored(type) ? nullptr : fault;
}

// The action of a server for a frame: end the session for `fault`, deliver the
// frame, or ignore it.
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
