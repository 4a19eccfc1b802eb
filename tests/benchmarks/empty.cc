// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// An empty C++ program, whose memory is measured.

#include <sys/socket.h>

#include <string>

int main() {
  const std::string word = "ready";
  if (send(3, word.data(), word.size(), MSG_NOSIGNAL) < 0) return 1;
  char byte;
  while (recv(3, &byte, 1, 0) > 0) {
  }
}
