// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A child process that taps a service of its user: tap_party SERVICE HOW. If
// HOW is "read", it reads the ring. If HOW is "overflow", it reads nothing, so
// that the ring becomes full.

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/benchmarks/party.h"
#include "tools/sdir/tap.h"

int main(int argc, char** argv) {
  using le::sdir::Tap;
  if (argc != 3) return 2;
  le::benchmarks::BeParty();
  Tap tap(std::getenv("LE_MESSAGING_DIR"), {getuid(), argv[1]}, 0);
  le::benchmarks::Say("ready");
  if (std::string(argv[2]) == "overflow") {
    while (true) pause();
  }
  le::inspection::TapRecord record;
  std::string payload;
  while (tap.Next(&record, &payload) != Tap::Result::kEnd) {
  }
}
