// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_BASE_UNIQUE_FD_H_
#define LE_MESSAGING_EVENT_BASE_UNIQUE_FD_H_

#include <utility>

#include "event/base/sys.h"

namespace le {
namespace event {

// Owns a file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    const int old = std::exchange(fd_, fd);
    if (old >= 0) sys::Close(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_UNIQUE_FD_H_
