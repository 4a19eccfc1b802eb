// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TESTS_FUZZ_RAW_SOCKET_H_
#define LE_MESSAGING_TESTS_FUZZ_RAW_SOCKET_H_

#include <string>

#include "tests/fuzz/input.h"

namespace le {
namespace fuzz {

// The socket of a peer that violates the protocol. Never blocks.
class RawSocket {
 public:
  explicit RawSocket(int fd = -1) : fd_(fd) {}
  ~RawSocket() { Close(); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  bool is_open() const { return fd_ >= 0; }
  void Connect(const std::string& address);
  void Adopt(int fd);
  void Close();
  // Sends one packet with `descriptors` file descriptors.
  void Send(const std::string& packet, int descriptors = 0);
  // Receives one packet, and closes its file descriptors.
  std::string Receive();
  void HalfClose(bool sending);

  // Returns a nearly valid packet. The input decides its header. The length in
  // the header is usually right. If `type` is not 0, it is the type of the
  // frame.
  static std::string NearlyAFrame(Input* input, uint8_t type = 0);
  static std::string Frame(uint8_t type, uint64_t id,
                           const std::string& payload);

 private:
  int fd_;
};

}  // namespace fuzz
}  // namespace le

#endif  // LE_MESSAGING_TESTS_FUZZ_RAW_SOCKET_H_
