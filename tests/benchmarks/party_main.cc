// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// A child process. The facade that it links decides the transport.

#include <string>
#include <vector>

#include "tests/benchmarks/ours.h"
#include "tests/benchmarks/ours_cpp.h"
#include "tests/benchmarks/ours_typed.h"
#include "tests/benchmarks/party.h"
#include "tests/benchmarks/raw.h"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  le::benchmarks::BeParty();
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool played = le::benchmarks::PlayRaw(words) ||
                      le::benchmarks::PlayOurs(words) ||
                      le::benchmarks::PlayOursInCpp(words) ||
                      le::benchmarks::PlayOursTyped(words);
  return played ? 0 : 2;
}
