// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: UTF-8.

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/string_view.h"
#include "event/base/log.h"
#include "le_utf8.h"

using le::event::Misuse;

namespace {

absl::string_view Checked(const char* function, const char* string) {
  if (string == nullptr) Misuse(function, "a string is NULL");
  return string;
}

absl::string_view OrEmpty(const char* string) {
  return string == nullptr ? absl::string_view() : absl::string_view(string);
}

bool Continues(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

size_t BytesInChar(char first_byte) {
  const auto byte = static_cast<unsigned char>(first_byte);
  if (byte < 0x80) return 1;
  if (byte < 0xC0) return 0;
  if (byte < 0xE0) return 2;
  if (byte < 0xF0) return 3;
  return byte < 0xF8 ? 4 : 0;
}

// Returns the number of characters. LE_FORMAT_ERROR: the text is not UTF-8.
ssize_t CountChars(absl::string_view text) {
  ssize_t count = 0;
  while (!text.empty()) {
    const size_t size = BytesInChar(text[0]);
    if (size == 0 || size > text.size()) return LE_FORMAT_ERROR;
    for (size_t i = 1; i < size; ++i) {
      if (!Continues(text[i])) return LE_FORMAT_ERROR;
    }
    text.remove_prefix(size);
    ++count;
  }
  return count;
}

// Copies the text to position `at` of the buffer. *length (may be null) is the
// length of the whole text in the buffer.
le_result_t CopyTo(char* buffer, size_t at, absl::string_view text,
                   size_t buffer_size, size_t* length) {
  size_t size = 0;
  if (at < buffer_size) {
    size = std::min(text.size(), buffer_size - at - 1);
    // Do not cut a character.
    while (size > 0 && size < text.size() && Continues(text[size])) --size;
    text.copy(buffer + at, size);
    buffer[at + size] = '\0';
  }
  if (length != nullptr) *length = at + size;
  return size == text.size() && at < buffer_size ? LE_OK : LE_OVERFLOW;
}

void CheckBuffer(const char* function, const char* buffer) {
  if (buffer == nullptr) Misuse(function, "the buffer is NULL");
}

void CheckResult(const char* function, const void* result) {
  if (result == nullptr) Misuse(function, "the result's pointer is NULL");
}

constexpr uint32_t kLastCodePoint = 0x10FFFF;
// The first code point of characters with this number of bytes.
constexpr uint32_t kFirstOfSize[] = {0, 0, 0x80, 0x800, 0x10000};
constexpr size_t kMaxBytesInChar = 4;

}  // namespace

ssize_t le_utf8_NumChars(const char* string) {
  return CountChars(OrEmpty(string));
}

size_t le_utf8_NumBytes(const char* string) { return OrEmpty(string).size(); }

size_t le_utf8_NumBytesInChar(char firstByte) { return BytesInChar(firstByte); }

bool le_utf8_IsContinuationByte(char byte) { return Continues(byte); }

bool le_utf8_IsFormatCorrect(const char* string) {
  return string != nullptr && CountChars(string) >= 0;
}

le_result_t le_utf8_Copy(char* destStr, const char* srcStr, size_t destSize,
                         size_t* numBytesPtr) {
  const absl::string_view text = Checked(__func__, srcStr);
  CheckBuffer(__func__, destStr);
  return CopyTo(destStr, 0, text, destSize, numBytesPtr);
}

le_result_t le_utf8_Append(char* destStr, const char* srcStr, size_t destSize,
                           size_t* destStrLenPtr) {
  const absl::string_view text = Checked(__func__, srcStr);
  CheckBuffer(__func__, destStr);
  return CopyTo(destStr, strnlen(destStr, destSize), text, destSize,
                destStrLenPtr);
}

le_result_t le_utf8_CopyUpToSubStr(char* destStr, const char* srcStr,
                                   const char* subStr, size_t destSize,
                                   size_t* numBytesPtr) {
  const absl::string_view text = Checked(__func__, srcStr);
  const absl::string_view end = Checked(__func__, subStr);
  CheckBuffer(__func__, destStr);
  return CopyTo(destStr, 0, text.substr(0, text.find(end)), destSize,
                numBytesPtr);
}

le_result_t le_utf8_ParseInt(int* valuePtr, const char* arg) {
  Checked(__func__, arg);
  CheckResult(__func__, valuePtr);
  char* end;
  errno = 0;
  const long value = std::strtol(arg, &end, 0);
  if (end == arg || *end != '\0') return LE_FORMAT_ERROR;
  if (errno == ERANGE || value < INT_MIN || value > INT_MAX) {
    return LE_OUT_OF_RANGE;
  }
  *valuePtr = static_cast<int>(value);
  return LE_OK;
}

le_result_t le_utf8_EncodeUnicodeCodePoint(uint32_t codePoint, char* out,
                                           size_t* outSizePtr) {
  CheckBuffer(__func__, out);
  CheckResult(__func__, outSizePtr);
  if (codePoint > kLastCodePoint) return LE_OUT_OF_RANGE;
  size_t size = kMaxBytesInChar;
  while (codePoint < kFirstOfSize[size]) --size;
  if (std::exchange(*outSizePtr, size) < size) return LE_OVERFLOW;
  for (size_t i = size - 1; i > 0; --i) {
    out[i] = static_cast<char>(0x80 | (codePoint & 0x3F));
    codePoint >>= 6;
  }
  constexpr uint32_t kMarkOfSize[] = {0, 0, 0xC0, 0xE0, 0xF0};
  out[0] = static_cast<char>(kMarkOfSize[size] | codePoint);
  return LE_OK;
}

le_result_t le_utf8_DecodeUnicodeCodePoint(const char* src,
                                           size_t* byteLengthPtr,
                                           uint32_t* codePointPtr) {
  CheckBuffer(__func__, src);
  CheckResult(__func__, byteLengthPtr);
  CheckResult(__func__, codePointPtr);
  if (*byteLengthPtr == 0) return LE_BAD_PARAMETER;
  const size_t size = BytesInChar(src[0]);
  if (size == 0) return LE_FORMAT_ERROR;
  // All bits of the first byte but those that state the size.
  uint32_t code_point =
      static_cast<unsigned char>(src[0]) & (size == 1 ? 0x7F : 0x7F >> size);
  const size_t present = std::min(size, *byteLengthPtr);
  for (size_t i = 1; i < present; ++i) {
    if (!Continues(src[i])) return LE_FORMAT_ERROR;
    code_point = code_point << 6 | (static_cast<unsigned char>(src[i]) & 0x3F);
  }
  if (present == size &&
      (code_point < kFirstOfSize[size] || code_point > kLastCodePoint)) {
    return LE_FORMAT_ERROR;
  }
  *byteLengthPtr = size;
  if (present < size) return LE_UNDERFLOW;
  *codePointPtr = code_point;
  return LE_OK;
}
