// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
//   attacker NAME FOLDER    attacks the directory in FOLDER until it is killed

#include <string>

#include "tests/benchmarks/party.h"
#include "tests/trust/attacks.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  le::benchmarks::BeParty();
  constexpr size_t kPeers = 256;
  const auto run = le::trust::FindAttack(argv[1]).run;
  const std::string address = argv[2] + std::string("/directory");
  run(address, kPeers);
  le::benchmarks::Say("ready");
  for (;;) run(address, kPeers);
}
