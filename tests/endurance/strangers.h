// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Peers that keep no rules: bare sockets, none of the library's.

#ifndef LE_MESSAGING_TESTS_ENDURANCE_STRANGERS_H_
#define LE_MESSAGING_TESTS_ENDURANCE_STRANGERS_H_

#include <string>

namespace le {
namespace endurance {

enum class Where {
  kDirectory,  // at the directory's door
  kClient,     // a client of the service "echo"
  kServer,     // the server of the service "strange"
};

// Misbehaves so many times, in that way:
//   silent      says nothing (a server: takes its client, and never says hello)
//   half_close  ends what it sends, and stays
//   deaf        asks and asks, and never reads
//   one_byte    sends packets of a byte
//   fds         sends as many descriptors as a packet takes
// `started` is called when it is under way: a server when it is found. All that
// it has stays open until it is killed.
[[noreturn]] void Misbehave(Where where, const std::string& how, int count,
                            void (*started)());

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_STRANGERS_H_
