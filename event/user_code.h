// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_USER_CODE_H_
#define LE_MESSAGING_EVENT_USER_CODE_H_

#include <cxxabi.h>

#include <exception>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "event/base/log.h"

namespace le {
namespace event {

// Base of the exceptions that unwind an ending thread. Such an exception is no
// error.
struct ThreadUnwind {};

// Calls a function of the user, which must not throw: its caller is C code, or
// in the middle of a change. Fatal: an exception; the log line has its text and
// `what`. If the thread ends within the call, the unwinding passes through.
// (The C library's unwinding has no object, to which UBSan would not let the
// clause bind a reference.)
template <typename Function>
ABSL_ATTRIBUTE_NO_SANITIZE_UNDEFINED auto CallUser(const char* what,
                                                   Function function)
    -> decltype(function()) {
  try {
    return function();
#ifdef __GLIBCXX__
  } catch (const abi::__forced_unwind&) {  // pthread_exit(), pthread_cancel()
    throw;
#endif
  } catch (const ThreadUnwind&) {
    throw;
  } catch (const std::exception& e) {
    Fatal(absl::StrCat(what, " has thrown an exception: ", e.what()));
  } catch (...) {
    Fatal(absl::StrCat(what, " has thrown an exception, which is not allowed"));
  }
}

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_USER_CODE_H_
