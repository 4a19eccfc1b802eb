// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/typed_calls.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace le {
namespace simulation {

std::string TypedCalls::FillerOf(uint64_t number, uint32_t item) {
  // Some items are nearly as large as a small buffer of a socket.
  const size_t largest = number % 8 == 0 ? 4500 : 60;
  return std::string((number * 37 + item * 101) % largest,
                     static_cast<char>('a' + (number + item) % 26));
}

void TypedCalls::Arrived(const simulated::Request& request, bool is_note) {
  if (request.filler() != FillerOf(request.number(), 0)) {
    referee_->Fail("a typed request does not have the content that was sent");
  }
  if (std::exchange(calls_[request.number()].arrived, true)) {
    referee_->Fail("a typed request arrives twice");
  }
  Opening& opening = openings_[request.opening()];
  if (request.sequence() <= opening.sequence) {
    referee_->Fail(absl::StrCat("typed request ", request.sequence(),
                                " arrives after ", opening.sequence));
  }
  opening.sequence = request.sequence();
  if (opening.notes < request.notes()) {
    referee_->Fail(absl::StrCat("of ", request.notes(),
                                " one-way messages before a typed request, ",
                                opening.notes, " arrived"));
  }
  if (is_note) ++opening.notes;
}

void TypedCalls::CancelTold(uint64_t number) {
  Call& call = calls_[number];
  if (std::exchange(call.cancel_told, true)) {
    referee_->Fail("a typed server is notified twice of one cancel");
  }
  if (!call.may_end && keeps_sessions_) {
    referee_->Fail(
        "a typed server is notified of a cancel that did not happen");
  }
}

}  // namespace simulation
}  // namespace le
