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

// Base of what unwinds the stack of a thread that ends, and is no error.
struct ThreadUnwind {};

// Calls a function of the user's, which must not throw: what called it is C, or is
// in the middle of something. Fatal: an exception, which is named along with `what`
// was called. The end of the thread within the call passes. (The C library's unwinding
// has no object, to which UBSan would not let the clause bind a reference.)
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
    Fatal(absl::StrCat(what, " has thrown an exception, which it must not"));
  }
}

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_USER_CODE_H_
