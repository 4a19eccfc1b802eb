// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace le {
namespace sdir {
namespace {

// The length of the UTF-8 character at the beginning of `text`; 0 if there is
// none. Halves of a surrogate pair and overlong forms are not characters.
size_t CharacterLength(absl::string_view text) {
  const auto at = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const unsigned char first = at(0);
  const size_t length = first < 0x80                     ? 1
                        : first >= 0xc2 && first <= 0xdf ? 2
                        : first >= 0xe0 && first <= 0xef ? 3
                        : first >= 0xf0 && first <= 0xf4 ? 4
                                                         : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  if ((first == 0xe0 && at(1) < 0xa0) || (first == 0xed && at(1) > 0x9f) ||
      (first == 0xf0 && at(1) < 0x90) || (first == 0xf4 && at(1) > 0x8f)) {
    return 0;
  }
  return length;
}

}  // namespace

std::string Escaped(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == '\'') {
      absl::StrAppend(&escaped, "\\", absl::string_view(&c, 1));
    } else if (c >= ' ' && c <= '~') {
      escaped += c;
    } else {
      absl::StrAppendFormat(&escaped, "\\x%02x", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

std::string EscapedText(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n' || (c >= ' ' && c <= '~')) {
      escaped += c;
    } else {
      absl::StrAppendFormat(&escaped, "\\x%02x", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

std::string EscapedLine(absl::string_view text) {
  return absl::StrReplaceAll(EscapedText(text), {{"\n", "\\n"}});
}

std::string Quoted(absl::string_view text) {
  std::string json = "\"";
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      json += '\\';
      json += static_cast<char>(c);
      ++i;
    } else if (c < 0x20 || c == 0x7f) {
      absl::StrAppendFormat(&json, "\\u%04x", c);
      ++i;
    } else if (c < 0x80) {
      json += static_cast<char>(c);
      ++i;
    } else {
      const size_t length = CharacterLength(text.substr(i));
      if (length == 2 && text.substr(i, length) < "\xc2\xa0") {
        // A control character, from U+0080 to U+009F.
        absl::StrAppendFormat(&json, "\\u%04x",
                              static_cast<unsigned char>(text[i + 1]));
        i += length;
      } else if (length > 0) {
        absl::StrAppend(&json, text.substr(i, length));
        i += length;
      } else {
        json += "\\ufffd";
        ++i;
      }
    }
  }
  return json + "\"";
}

}  // namespace sdir
}  // namespace le
