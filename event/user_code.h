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

// Base of the exceptions that unwind a thread when it ends. Such an exception
// is not an error.
struct ThreadUnwind {};

// Calls a function of the program (user code). If the function throws, the
// process ends: the library may have changed its state only in part, and C code
// may be on the stack. The log line has `what`, and the text of a
// std::exception. If the thread ends within the call, the unwinding continues.
// (UBSan is off in this function. The C library unwinds without an exception
// object, so the catch clause's reference binds to null.)
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
