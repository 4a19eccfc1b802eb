// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Parts in which none of our processes is killed: file descriptors run out, or
// strangers connect.

#ifndef LE_MESSAGING_TESTS_ENDURANCE_HARDSHIP_H_
#define LE_MESSAGING_TESTS_ENDURANCE_HARDSHIP_H_

#include <cstdint>

namespace le {
namespace endurance {

// A server, a client and the directory have no free file descriptor for a
// while, one after the other. None of them spins, and open sessions work.
// Waiting clients are served afterwards.
void RunOutOfDescriptors();

// `count` peers of each kind break rules towards the directory, a server or a
// client. Honest clients are served meanwhile, no process spins, and no
// descriptor or memory is kept for the peers.
void MeetStrangers(uint64_t count);

// A program that a child executes inherits no file descriptor of the library.
void Exec();

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_HARDSHIP_H_
