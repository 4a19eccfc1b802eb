// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Parts in which nobody is killed, but the system or a stranger is unkind.

#ifndef LE_MESSAGING_TESTS_ENDURANCE_HARDSHIP_H_
#define LE_MESSAGING_TESTS_ENDURANCE_HARDSHIP_H_

#include <cstdint>

namespace le {
namespace endurance {

// A server, a client and the directory, each with no descriptor left for a
// while: nobody spins, what is open goes on, what waited is served afterwards.
void RunOutOfDescriptors();

// So many of each kind of peer that keeps no rules, at the directory, at a
// server and at a client: others are served meanwhile, nobody spins, nothing of
// them stays.
void MeetStrangers(uint64_t count);

// What a program executes inherits none of our descriptors.
void Exec();

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_HARDSHIP_H_
