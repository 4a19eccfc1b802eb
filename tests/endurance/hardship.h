// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Parts in which no process is killed: descriptors run out, or strangers
// connect.

#ifndef LE_MESSAGING_TESTS_ENDURANCE_HARDSHIP_H_
#define LE_MESSAGING_TESTS_ENDURANCE_HARDSHIP_H_

#include <cstdint>

namespace le {
namespace endurance {

// A server, a client and the directory, each without a free descriptor for a
// while: none spins, open sessions go on, and waiting clients are served
// afterwards.
void RunOutOfDescriptors();

// So many peers of each kind that breaks rules, at the directory, at a server
// and at a client: others are served meanwhile, no process spins, nothing of
// the peers stays.
void MeetStrangers(uint64_t count);

// A program that we execute inherits none of our descriptors.
void Exec();

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_HARDSHIP_H_
