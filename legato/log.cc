// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: logs.

#include "event/base/log.h"

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "event/os_process.h"
#include "le_log.h"
#include "legato/format.h"

using le::event::CheckNotForked;
using le::event::LogLevel;
using le::legato::FormatV;

namespace {

void WriteLine(LogLevel level, const char* file, unsigned line,
               const char* function, absl::string_view text) {
  le::event::Log(level,
                 absl::StrCat(file, ":", line, " ", function, "() ", text));
}

}  // namespace

bool le_log_IsEnabled_(le_log_Level_t level) {
  return le::event::LogEnabled(static_cast<LogLevel>(level));
}

void le_log_Send_(le_log_Level_t level, const char* file, unsigned line,
                  const char* function, const char* format, ...) {
  const auto severity = static_cast<LogLevel>(level);
  if (!le::event::LogEnabled(severity)) return;
  va_list arguments;
  va_start(arguments, format);
  const std::string text = FormatV(format, arguments);
  va_end(arguments);
  WriteLine(severity, file, line, function, text);
}

void le_log_Fatal_(const char* file, unsigned line, const char* function,
                   const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const std::string text = FormatV(format, arguments);
  va_end(arguments);
  le::event::Fatal(absl::StrCat(file, ":", line, " ", function, "() ", text));
}

void le_log_Dump_(le_log_Level_t level, const char* file, unsigned line,
                  const char* function, const void* dataPtr,
                  size_t dataLength) {
  constexpr size_t kBytesPerLine = 16;
  const auto severity = static_cast<LogLevel>(level);
  if (!le::event::LogEnabled(severity)) return;
  const absl::string_view data(static_cast<const char*>(dataPtr), dataLength);
  for (size_t at = 0; at < data.size(); at += kBytesPerLine) {
    std::string text = absl::StrCat(absl::Hex(at, absl::kZeroPad4), ":");
    for (const char byte : data.substr(at, kBytesPerLine)) {
      absl::StrAppend(&text, " ",
                      absl::Hex(static_cast<uint8_t>(byte), absl::kZeroPad2));
    }
    WriteLine(severity, file, line, function, text);
  }
}

void le_log_SetFilterLevel(le_log_Level_t level) {
  CheckNotForked(__func__);
  le::event::SetLogLevel(static_cast<LogLevel>(level));
}

le_log_Level_t le_log_GetFilterLevel(void) {
  CheckNotForked(__func__);
  int level = LE_LOG_DEBUG;
  while (level < LE_LOG_EMERG &&
         !le::event::LogEnabled(static_cast<LogLevel>(level))) {
    ++level;
  }
  return static_cast<le_log_Level_t>(level);
}
