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

// Six of syslog's severities, from low to high. The numbers are those of
// le_log_Level_t of the C API, not those of syslog.
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
// In systemd's journal, a line has the priority of its level. Exception: an
// emergency has the priority of kCritical, because systemd shows emergencies to
// all users.
//
// The default sink raises no signal. It drops a line that cannot be written at
// once. Before the next line, it writes how many lines it has dropped. To write
// without waiting, it opens standard error again through /proc. This may fail:
// for example, there is no /proc, or standard error belongs to another user.
// Then the sink may wait in two cases:
//  - Standard error is a pipe that another writer fills at the same moment.
//  - Standard error is a pseudoterminal that is not the controlling terminal of
//    this process, and it has some room, but less than the line needs.
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

// Fatal() for misuse of the C API. The message begins with the function's name:
// "le_msg_Respond: the request has a response already".
template <typename... Args>
[[noreturn]] void Misuse(const char* function, const Args&... args) {
  Fatal(absl::StrCat(function, ": ", args...));
}

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_LOG_H_
