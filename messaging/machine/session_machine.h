// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The two ends of a session as pure state machines: events go in, what is to be
// done comes out. No descriptor, clock, thread or lock.
//
// Client:
//   state   | event                         | next    | to be done
//   --------+-------------------------------+---------+------------------------
//   closed  | Open                          | opening | ask to be introduced
//   opening | introduced, hello understood  | open    | tell who opened
//   opening | introduced, hello not ditto   | opening | log, ask again later
//   opening | refused: other protocol       | opening | the process dies
//   opening | refused, and it waits         | opening | log, ask again later
//   opening | refused, and it does not wait | closed  | tell who opened
//   opening | Close                         | closed  | stop asking
//   open    | frame                         | open    | see OnFrame()
//   open    | frame that breaks the rules   | closed  | as if the far end closed
//   open    | far end closed                | closed  | owed completions, handler
//   open    | Close                         | closed  | owed completions
//
// Server: open from birth; closed once, by whomever.

#ifndef LE_MESSAGING_MESSAGING_SESSION_MACHINE_H_
#define LE_MESSAGING_MESSAGING_SESSION_MACHINE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "messaging/machine/close_reason.h"
#include "messaging/machine/limits.h"
#include "messaging/machine/transaction_table.h"
#include "messaging/machine/wire.h"

namespace le {
namespace messaging {

// What is to be done with a frame.
struct FrameVerdict {
  enum class What : uint8_t {
    kDeliver,             // hand it to the receive handler
    kComplete,            // it answers the request that `completion` is for
    kCompleteUnanswered,  // that request will get no response
    kIgnore,              // it answers a request that nobody waits for any more
    kFault,               // it breaks the rules: `fault` says which
    kTooMuch,             // it is more than may be: `fault` says of what
  };
  What what;
  Completion completion;
  const char* fault = nullptr;
};

class ClientSessionMachine {
 public:
  enum class State : uint8_t { kClosed, kOpening, kOpen };

  State state() const { return state_; }
  CloseReason close_reason() const { return close_reason_; }
  uint64_t server_thread() const { return server_thread_; }

  // False: it is not closed.
  bool Open();

  // An introduction. False: the hello cannot be understood, ask again later.
  bool OnIntroduced(const absl::optional<Hello>& hello);

  enum class Refusal { kDie, kAskAgain, kGiveUp };
  Refusal OnRefused(const absl::Status& why, bool waits);

  FrameVerdict OnFrame(uint8_t type, uint64_t id);

  // The id of a new request, or 0 if there are too many or it is not open.
  uint64_t AddRequest(const Completion& completion, absl::Time deadline);
  // Its owner no longer waits. False if it has been completed.
  bool AbandonRequest(uint64_t id, Completion* completion);
  // It was never sent: no answer can come.
  TransactionTable::Found ForgetRequest(uint64_t id, Completion* completion) {
    return requests_.Complete(id, completion);
  }
  absl::optional<Completion> ExpireRequest(absl::Time now);
  absl::Time NextDeadline() const { return requests_.NextDeadline(); }
  size_t requests() const { return requests_.size(); }
  // Those that there are stay.
  void LimitRequests(size_t limit) { requests_.set_limit(limit); }

  // By whichever side. Returns the completions that are owed, in the order of
  // the requests. On a closed session: nothing happens.
  std::vector<Completion> Close(CloseReason reason);

 private:
  State state_ = State::kClosed;
  CloseReason close_reason_ = CloseReason::kNone;
  uint64_t server_thread_ = 0;
  TransactionTable requests_{kMaxOpenRequests};
};

class ServerSessionMachine {
 public:
  bool open() const { return close_reason_ == CloseReason::kNone; }
  CloseReason close_reason() const { return close_reason_; }

  // A client may have `max_requests` at a time.
  FrameVerdict OnFrame(uint8_t type, uint64_t id,
                       uint32_t max_requests = kMaxOpenRequests);
  // A request has been responded to, or released.
  void OnRequestDone() { --unanswered_; }
  uint32_t unanswered() const { return unanswered_; }

  // True the first time.
  bool Close(CloseReason reason);

 private:
  CloseReason close_reason_ = CloseReason::kNone;
  uint32_t unanswered_ = 0;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_MACHINE_H_
