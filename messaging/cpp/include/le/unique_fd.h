// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/unique_fd.h: the owner of a file descriptor.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_UNIQUE_FD_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace le {

// Closes its file descriptor when it is destroyed.
class UniqueFd {
 public:
  UniqueFd() = default;
  // Takes ownership of `fd`. If `fd` is negative, the object is empty.
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  // Gives the ownership to the caller.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    const int old = std::exchange(fd_, fd);
    if (old >= 0) close(old);
  }

 private:
  int fd_ = -1;
};

// A response with a file descriptor.
template <typename Response>
struct WithFd {
  Response message;
  UniqueFd fd;
};

}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_UNIQUE_FD_H_
