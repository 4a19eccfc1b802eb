#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs clang-tidy with the checks of .clang-tidy over the product's C++ sources:
#
#   tools/tidy.sh [FILE...]
#
# Needs generated headers. First run:
#
#   ./bazelw build //directory:directoryd //services/plugin:protoc-gen-le //examples/...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/install_packages.sh clang-tidy

if [ $# = 0 ]; then
  mapfile -t sources < <(git ls-files '*.cc' | grep -vE '(_test\.cc|/compile_errors\.cc|/testing/.*|^tests/.*|^examples/(consumer|legato_api)/.*)$')
  set -- "${sources[@]}"
fi
# compile_flags.txt names no language standard, since it is for C sources too.
printf '%s\0' "$@" |
  xargs -0 -P "$(nproc)" -n 8 clang-tidy --quiet --extra-arg=-std=c++17 2>&1 |
  sed -E '/^[0-9]+ warnings? (and [0-9]+ errors? )?generated\.$/d'
