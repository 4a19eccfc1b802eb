// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Log lines, and the end of a process that was misused.

#ifndef LE_MESSAGING_EVENT_BASE_LOG_H_
#define LE_MESSAGING_EVENT_BASE_LOG_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace le {
namespace event {

// Syslog's severities, upwards: the numbers are those of the C API.
enum class LogLevel { kDebug, kInfo, kWarning, kError, kCritical, kEmergency };

const char* LogLevelName(LogLevel level);

// The level of that name, in either case. False, and `level` as it was, if there
// is none.
bool ParseLogLevel(absl::string_view name, LogLevel* level);

// Writes one line to the sink (default: standard error, from kInfo up, or from
// what the environment variable LE_LOG_LEVEL says). Any thread; keeps errno.
//
// The default sink does not wait for a reader and raises no signal. A line that
// cannot be written now is dropped, and the next line that can be written is
// preceded by the number of dropped lines.
void Log(LogLevel level, absl::string_view message);

// Whether Log() would write anything. Lets callers skip building a message.
bool LogEnabled(LogLevel level);
void SetLogLevel(LogLevel level);

// Replaces the sink; nullptr restores the default. Returns the former one. The
// sink may be called from any thread.
using LogSink = void (*)(LogLevel level, absl::string_view message);
LogSink SetLogSink(LogSink sink);

// Logs at emergency level, then ends the current process (Process::Die).
[[noreturn]] void Fatal(absl::string_view message);

// For misuse of the C API: names the function, as in
// "le_msg_Respond: the request has a response already".
template <typename... Args>
[[noreturn]] void Misuse(const char* function, const Args&... args) {
  Fatal(absl::StrCat(function, ": ", args...));
}

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_LOG_H_
