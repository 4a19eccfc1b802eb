// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Log lines and fatal errors.

#ifndef LE_MESSAGING_EVENT_BASE_LOG_H_
#define LE_MESSAGING_EVENT_BASE_LOG_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace le {
namespace event {

// Six of syslog's severities, from low to high. le_log_Level_t of the C API has
// the same numbers.
enum class LogLevel { kDebug, kInfo, kWarning, kError, kCritical, kEmergency };

const char* LogLevelName(LogLevel level);

// Finds the level of that name, in upper or lower case. If no level has that
// name, returns false and does not change `level`.
bool ParseLogLevel(absl::string_view name, LogLevel* level);

// Any thread. Writes one line to the sink. Does nothing if `level` is below the
// level of SetLogLevel(). The default sink is standard error. The default level
// is that of the environment variable LE_LOG_LEVEL, or else kInfo. Preserves
// errno.
//
// In systemd's journal, the lines have the priorities of their levels. The
// default sink does not wait for a reader and raises no signal. Exception:
// standard error cannot be opened again: it belongs to another user, or there is
// no /proc.
// Then the sink may wait if another process fills the pipe at the same moment,
// or if it is a full pseudoterminal that does not control this process. A line that cannot be written at once is
// dropped. Before the next line, the sink writes how many lines it has dropped.
void Log(LogLevel level, absl::string_view message);

// Whether Log() writes lines of this level. If false, the caller can skip
// building the message.
bool LogEnabled(LogLevel level);
void SetLogLevel(LogLevel level);

// Replaces the sink; nullptr restores the default. Returns the former sink. The
// sink may be called on any thread.
using LogSink = void (*)(LogLevel level, absl::string_view message);
LogSink SetLogSink(LogSink sink);

// Logs at emergency level, then ends the current process (Process::Die).
[[noreturn]] void Fatal(absl::string_view message);

// Fatal() for misuse of the C API. The line begins with the function's name:
// "le_msg_Respond: the request has a response already".
template <typename... Args>
[[noreturn]] void Misuse(const char* function, const Args&... args) {
  Fatal(absl::StrCat(function, ": ", args...));
}

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_LOG_H_
