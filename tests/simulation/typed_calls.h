// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The typed calls of a run, as their client and their server have seen them.

#ifndef LE_MESSAGING_TESTS_SIMULATION_TYPED_CALLS_H_
#define LE_MESSAGING_TESTS_SIMULATION_TYPED_CALLS_H_

#include <cstdint>
#include <string>
#include <unordered_map>

#include "tests/simulation/referee.h"
#include "tests/simulation/typed.pb.h"

namespace le {
namespace simulation {

class TypedCalls {
 public:
  // `keeps_sessions`: no session ends before its client closes it.
  TypedCalls(Referee* referee, bool keeps_sessions)
      : referee_(referee), keeps_sessions_(keeps_sessions) {}

  // Returns a number that no other call has, and no other opening of a session.
  uint64_t NewNumber() { return ++numbers_; }
  // The content of a message.
  static std::string FillerOf(uint64_t number, uint32_t item);

  // ---- The client ----
  // From now on the server may be told that the call is cancelled, because the
  // client has cancelled it, its deadline may have passed, or its session may
  // have ended.
  void MayEnd(uint64_t number) { calls_[number].may_end = true; }
  // Whether the server has received the call, and was not told of a cancel.
  bool AwaitsCancel(uint64_t number) {
    const Call& call = calls_[number];
    return call.arrived && !call.cancel_told;
  }

  // ---- The server ----
  // Checks a message of a client.
  void Arrived(const simulated::Request& request, bool is_note);
  // The closure of OnCancel() is called.
  void CancelTold(uint64_t number);

 private:
  struct Call {
    bool may_end = false;
    bool arrived = false;
    bool cancel_told = false;
  };
  struct Opening {
    uint64_t sequence = 0;
    uint32_t notes = 0;
  };

  Referee* const referee_;
  const bool keeps_sessions_;
  uint64_t numbers_ = 0;
  std::unordered_map<uint64_t, Call> calls_;
  std::unordered_map<uint64_t, Opening> openings_;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_TYPED_CALLS_H_
