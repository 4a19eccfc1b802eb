// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Why a client or a server that waits is not served yet.

#ifndef LE_MESSAGING_DIRECTORY_WAIT_CAUSE_H_
#define LE_MESSAGING_DIRECTORY_WAIT_CAUSE_H_

#include <cstdint>
#include <string>

namespace le {
namespace directory {

// The numbers are those of the C API and of the directory's protocol.
enum class WaitReason : uint8_t {
  kNone = 0,          // it does not wait, or the reason is not known
  kNoPlace = 1,       // no folder that a directory could be in
  kNoDirectory = 2,   // the place is known, but nobody can be reached there
  kNotTrusted = 3,    // a directory of a user who is not trusted
  kNoAnswer = 4,      // the directory has been asked, and has not read it
  kNoBinding = 5,     // no binding of this client
  kNotOffered = 6,    // bound, but no server offers the service
  kNotTaken = 7,      // a server offers it, and has not taken the session
  kServiceFull = 8,   // the service has as many sessions as it may
  kOtherVersion = 9,  // the server, or the directory, has another version
  kRefused = 10,      // by the directory: a limit, or a name it does not take
  kSystem = 11,       // the operating system refuses something
  kServerFault = 12,  // the server violates the protocol
};

struct WaitCause {
  WaitReason reason = WaitReason::kNone;
  // For people: the cause, and what would end it.
  std::string text;

  bool known() const { return reason != WaitReason::kNone; }
  bool operator==(const WaitCause& other) const {
    return reason == other.reason && text == other.text;
  }
  bool operator!=(const WaitCause& other) const { return !(*this == other); }
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_WAIT_CAUSE_H_
