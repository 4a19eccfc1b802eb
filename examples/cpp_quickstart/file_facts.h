// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The protocol of examples/c_quickstart, for C++. The C programs and the C++
// programs can communicate.

#ifndef LE_MESSAGING_EXAMPLES_CPP_QUICKSTART_FILE_FACTS_H_
#define LE_MESSAGING_EXAMPLES_CPP_QUICKSTART_FILE_FACTS_H_

#include "le/messaging.h"

struct FileFacts {
  enum Kind : int32_t { kGreeting, kCount, kNews } kind;
  int32_t server_pid;
  uint64_t lines, words, bytes;
  char text[64];
};

constexpr le::Protocol kFileFacts = {"file facts 1", sizeof(FileFacts)};

#endif  // LE_MESSAGING_EXAMPLES_CPP_QUICKSTART_FILE_FACTS_H_
