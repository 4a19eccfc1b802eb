// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Three parts without kills: file descriptors run out, strangers connect, or a
// child executes a program.

#ifndef LE_MESSAGING_TESTS_ENDURANCE_HARDSHIP_H_
#define LE_MESSAGING_TESTS_ENDURANCE_HARDSHIP_H_

#include <cstdint>

namespace le {
namespace endurance {

// A server, a client and the directory have no free file descriptor for a
// while, one after the other. None of them spins, and open sessions work.
// Waiting clients are served afterwards.
void RunOutOfDescriptors();

// For each kind of stranger, a process breaks rules on `count` connections to
// the directory, a server or a client. Meanwhile other clients are served and
// no process spins. When the stranger has died, no process keeps descriptors or
// memory for it.
void MeetStrangers(uint64_t count);

// A program that a child executes inherits no file descriptor of the library.
void Exec();

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_HARDSHIP_H_
