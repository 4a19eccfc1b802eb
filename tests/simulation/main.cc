// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/runner.h"

int main(int argc, char** argv) {
  le::simulation::Options options;
  if (!options.Parse(argc, argv)) return 2;
  return options.worker ? le::simulation::RunWorker(options)
                        : le::simulation::RunAll(options);
}
