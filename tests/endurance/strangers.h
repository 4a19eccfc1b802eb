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

// Breaks rules on connections, in one of these ways:
//   silent      sends nothing
//   half_close  shuts down the sending direction, and stays connected
//   deaf        sends 2^20 requests, or until the socket is full, and reads
//               nothing
//   one_byte    sends packets of one byte until the peer closes
//   fds         sends packets with as many file descriptors as the kernel
//               allows, until a send fails
// A peer of the directory does this on `count` connections, then calls
// `started`. A client does the same, but on each connection it first sends Open
// and receives one packet.
//
// A server first sends Advertise to the directory, and calls `started`. Then it
// breaks rules on the connection of every client; `count` is ignored. A silent
// server sends nothing to the client. Each other server first sends hello to
// the client. A deaf server sends only hello.
//
// The sockets stay open until this process is killed. This process ends before,
// with status 1, in two cases:
//  - It cannot connect to the directory.
//  - The connection on which it waits for a packet closes. (A server waits on
//    its connection to the directory.)
[[noreturn]] void Misbehave(Where where, const std::string& how, int count,
                            void (*started)());

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_STRANGERS_H_
