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

// Breaks rules on `count` connections (a server: on every connection), in one
// of these ways:
//   silent      sends nothing (a server: sends no hello to its client)
//   half_close  shuts down its sending direction, and stays connected
//   deaf        sends requests until its socket is full, and never reads (a
//               server: sends only hello)
//   one_byte    sends packets of one byte until the peer closes
//   fds         sends packets with as many descriptors as the kernel allows
// Calls `started` after it has broken rules on all connections; a server calls
// it after it has offered its service. The descriptors stay open until this
// process is killed.
[[noreturn]] void Misbehave(Where where, const std::string& how, int count,
                            void (*started)());

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_STRANGERS_H_
