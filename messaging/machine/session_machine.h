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
    kDeliver,             // pass the frame to the receive handler
    kComplete,            // the frame answers the request of `completion`
    kCompleteUnanswered,  // the server released the request of `completion`
    kIgnore,  // the frame answers a request that was abandoned, or the type of
              // the frame is of a later release
    kFault,   // the frame violates the protocol; `fault` says how
  };
  Action action = Action::kDeliver;
  Completion completion = {};
  const char* fault = nullptr;
};

// A client session.
//
// Each opening has a number, its *epoch*. Before a thread sends, it reads the
// connection and the epoch in one step. If the send fails, the thread reports
// the end of the opening with this epoch. The report is ignored if another
// opening has begun since.
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
  // These two return false if the session is not being opened.
  bool OnIntroduced(const Hello& hello);
  bool OnGivenUp();
  // The opening of that epoch has ended. False: the session is not open, or has
  // another epoch.
  bool End(Epoch epoch, CloseReason reason);
  // The end of the opening is about to be reported to the program. False: there
  // is no end to report.
  bool Tell() { return Apply(ClientEvent::kTold); }
  // False: the session was closed already.
  bool Close(CloseReason reason);
  // The owner's thread ends. False: this was reported already, or the session
  // was deleted.
  bool Retire();
  void Delete();

  FrameVerdict OnFrame(uint8_t type, uint64_t id);

  // Numbers the completion of a request or an opening.
  void Number(Completion* completion) { completion->order = next_order_++; }
  // Numbers and adds a request. kOk: *id identifies it. kClosed, kTooMany: the
  // request is refused.
  Result AddRequest(Completion* completion, absl::Time deadline, uint64_t* id);
  // The caller no longer waits for the response. False: the request is
  // complete.
  bool AbandonRequest(uint64_t id, Completion* completion);
  // The request was not sent, so there will be no answer. False: the request is
  // complete.
  bool ForgetRequest(uint64_t id, Completion* completion);
  absl::optional<Completion> ExpireRequest(absl::Time now);
  absl::Time NextDeadline() const { return requests_.NextDeadline(); }
  size_t requests() const { return requests_.size(); }
  // Existing requests are kept, even above the limit.
  void LimitRequests(size_t limit) { requests_.set_limit(limit); }
  // Removes the requests of an opening that has ended. Each call returns one
  // completion, in the order of the requests, or none if no request is left.
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

// Returns the fault of a frame whose type this end does not know: `fault`, or a
// special text for a type of the directory. Null: the frame may be ignored.
inline const char* FaultOfUnknown(uint8_t type, const char* fault) {
  if (type >= kFirstDirectoryFrame) {
    return "a frame that only a directory sends";
  }
  return transports::MayBeIgnored(type) ? nullptr : fault;
}

// The action of a server for a frame. If there is a `fault`, the session ends.
// Otherwise the frame is delivered or ignored.
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
