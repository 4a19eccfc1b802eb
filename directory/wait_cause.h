// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Why a client or a server waits for the directory or for the other side.

#ifndef LE_MESSAGING_DIRECTORY_WAIT_CAUSE_H_
#define LE_MESSAGING_DIRECTORY_WAIT_CAUSE_H_

#include <cstdint>
#include <string>

namespace le {
namespace directory {

// The numbers are those of the C API and of the directory's protocol.
enum class WaitReason : uint8_t {
  kNone = 0,          // there is no wait, or the reason is not known
  kNoPlace = 1,       // no folder for the directory's socket is known
  kNoDirectory = 2,   // no directory can be reached in that folder
  kNotTrusted = 3,    // the user that runs the directory is not trusted
  kNoAnswer = 4,      // the directory does not answer the request
  kNoBinding = 5,     // the client has no binding
  kNotOffered = 6,    // no server offers the service
  kNotTaken = 7,      // the server has not accepted the session
  kServiceFull = 8,   // the service has reached its session limit
  kOtherVersion = 9,  // the server, or the directory, has another version
  kRefused = 10,      // the directory refuses: a limit, or an invalid name
  kSystem = 11,       // a system call failed
  kServerFault = 12,  // the server violates the protocol
  kOtherProtocol = 13,
};

struct WaitCause {
  WaitReason reason = WaitReason::kNone;
  // The cause, for some causes with the remedy, as a text for people.
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
