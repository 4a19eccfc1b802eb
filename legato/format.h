// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_LEGATO_FORMAT_H_
#define LE_MESSAGING_LEGATO_FORMAT_H_

#include <cstdarg>
#include <cstdio>
#include <string>

namespace le {
namespace legato {

// Returns the text that vprintf() would print. "" if vprintf() would fail.
inline std::string FormatV(const char* format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  const int size = std::vsnprintf(nullptr, 0, format, arguments);
  std::string text(size < 0 ? 0 : static_cast<size_t>(size) + 1, '\0');
  if (!text.empty()) {
    std::vsnprintf(&text[0], text.size(), format, again);
    text.pop_back();
  }
  va_end(again);
  return text;
}

}  // namespace legato
}  // namespace le

#endif  // LE_MESSAGING_LEGATO_FORMAT_H_
