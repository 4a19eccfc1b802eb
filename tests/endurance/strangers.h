// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Peers that break rules: plain sockets, without the library.

#ifndef LE_MESSAGING_TESTS_ENDURANCE_STRANGERS_H_
#define LE_MESSAGING_TESTS_ENDURANCE_STRANGERS_H_

#include <string>

namespace le {
namespace endurance {

enum class Where {
  kDirectory,  // a peer of the directory
  kClient,     // a client of the service "echo"
  kServer,     // the server of the service "strange"
};

// Breaks rules so many times, in one of these ways:
//   silent      sends nothing (a server: accepts its client, and sends no hello)
//   half_close  shuts down its sending, and stays
//   deaf        sends requests for ever, and never reads
//   one_byte    sends packets of a byte
//   fds         sends as many descriptors as a packet takes
// `started` is called once it has begun; for a server, once a client has found
// it. Its descriptors stay open until it is killed.
[[noreturn]] void Misbehave(Where where, const std::string& how, int count,
                            void (*started)());

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_STRANGERS_H_
