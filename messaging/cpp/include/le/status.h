// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/status.h: converts results of the C API to absl::Status, and
// absl::Duration to timeouts of the C API.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_STATUS_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_STATUS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "le_messaging_ext.h"

namespace le {

// Why a session was closed: one of the constants LE_MSG_CLOSE_...
using CloseReason = le_msg_CloseReason_t;

// The code for a result of the C API. A result that this version does not know
// becomes kUnknown.
inline absl::StatusCode ToStatusCode(le_result_t result) {
  switch (result) {
    case LE_OK:
      return absl::StatusCode::kOk;
    case LE_TIMEOUT:
      return absl::StatusCode::kDeadlineExceeded;
    case LE_CLOSED:
    case LE_COMM_ERROR:
      return absl::StatusCode::kUnavailable;
    case LE_UNAVAILABLE:
      return absl::StatusCode::kAborted;
    case LE_TERMINATED:
      return absl::StatusCode::kCancelled;
    case LE_NO_MEMORY:
    case LE_WOULD_BLOCK:
    case LE_BUSY:
      return absl::StatusCode::kResourceExhausted;
    case LE_DEADLOCK:
    case LE_NOT_POSSIBLE:
    case LE_IN_PROGRESS:
    case LE_SUSPENDED:
      return absl::StatusCode::kFailedPrecondition;
    case LE_NOT_FOUND:
      return absl::StatusCode::kNotFound;
    case LE_NOT_PERMITTED:
      return absl::StatusCode::kPermissionDenied;
    case LE_DUPLICATE:
      return absl::StatusCode::kAlreadyExists;
    case LE_BAD_PARAMETER:
    case LE_FORMAT_ERROR:
      return absl::StatusCode::kInvalidArgument;
    case LE_OUT_OF_RANGE:
    case LE_OVERFLOW:
    case LE_UNDERFLOW:
      return absl::StatusCode::kOutOfRange;
    case LE_UNSUPPORTED:
    case LE_NOT_IMPLEMENTED:
      return absl::StatusCode::kUnimplemented;
    case LE_FAULT:
    case LE_IO_ERROR:
      return absl::StatusCode::kInternal;
  }
  return absl::StatusCode::kUnknown;
}

// Returns a status with the code of `result`. Its text has `what` (the failed
// operation) and the name of the result.
inline absl::Status ToStatus(le_result_t result, absl::string_view what) {
  if (result == LE_OK) return absl::OkStatus();
  return absl::Status(ToStatusCode(result),
                      absl::StrCat(what, ": ", LE_RESULT_TXT(result)));
}

namespace internal {

// Converts to a timeout of the C API. The timeout is rounded up, so that no
// wait ends too early. A finite timeout becomes 49 days at most.
inline uint32_t ToMilliseconds(absl::Duration timeout) {
  constexpr uint32_t kMax = LE_MSG_NO_TIMEOUT - 1;
  if (timeout == absl::InfiniteDuration()) return LE_MSG_NO_TIMEOUT;
  if (timeout <= absl::ZeroDuration()) return 0;
  if (timeout >= absl::Milliseconds(kMax)) return kMax;
  return static_cast<uint32_t>(
      absl::ToInt64Milliseconds(absl::Ceil(timeout, absl::Milliseconds(1))));
}

// Returns a status whose text names the interface, since a server may pass the
// status on to its own client.
inline absl::Status StatusOf(le_msg_SessionRef_t session, absl::StatusCode code,
                             absl::string_view text) {
  const char* const interface =
      le_msg_GetInterfaceName(le_msg_GetSessionInterface(session));
  return absl::Status(code,
                      absl::StrCat("interface '", interface, "': ", text));
}

// Returns the status for LE_CLOSED.
inline absl::Status ClosedStatus(le_msg_SessionRef_t session) {
  const CloseReason reason = le_msg_GetCloseReason(session);
  return StatusOf(session, absl::StatusCode::kUnavailable,
                  reason == LE_MSG_CLOSE_NONE
                      ? "the session is not open"
                      : absl::StrCat("the session is closed: ",
                                     le_msg_GetCloseReasonTxt(reason)));
}

inline absl::Status WrongThread() {
  return absl::FailedPreconditionError(
      "only the thread that created the object may call this, and only until "
      "that thread ends");
}

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_STATUS_H_
