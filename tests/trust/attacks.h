// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Attacks of a user without privileges on the directory. The directory needs a
// binding by which the attacker can open its own services.

#ifndef LE_MESSAGING_TESTS_TRUST_ATTACKS_H_
#define LE_MESSAGING_TESTS_TRUST_ATTACKS_H_

#include <cstddef>
#include <string>
#include <vector>

namespace le {
namespace trust {

struct Attack {
  const char* name;
  const char* what;
  // Runs the attack once, with about `peers` connections. The caller repeats it
  // until the process is killed.
  void (*run)(const std::string& address, size_t peers);
};

const std::vector<Attack>& AllAttacks();
// Exits if there is no attack of that name.
const Attack& FindAttack(const std::string& name);

}  // namespace trust
}  // namespace le

#endif  // LE_MESSAGING_TESTS_TRUST_ATTACKS_H_
