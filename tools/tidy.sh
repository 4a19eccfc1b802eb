#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs clang-tidy with the checks of .clang-tidy over the product's C++ sources,
# and checks that each of its headers compiles alone. (A build checks the header
# that a source of the same name includes first.)
#
#   tools/tidy.sh            checks all sources and all headers
#   tools/tidy.sh FILE...    runs only clang-tidy, over these sources
#
# Needs generated headers. First run:
#
#   ./bazelw build //directory:directoryd //services/... //examples/... //tests/simulation
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Debian's Bazel has no parse_headers. The languages are those of .clangd.
if [ "${1-}" = --header ]; then
  language=(-xc++-header -std=c++17)
  case "$2" in
    legato/include/* | messaging/include/*) language=(-xc-header -std=c99 -pedantic) ;;
    */coroutine.h) language=(-xc++-header -std=c++20) ;;
  esac
  mapfile -t flags < compile_flags.txt
  exec clang -fsyntax-only -w "${language[@]}" "${flags[@]}" "$2"
fi

tools/install_packages.sh clang-tidy clang

status=0
if [ $# = 0 ]; then
  git ls-files '*.h' | grep -vE '^examples/consumer/|^tests/|/testing/|/tests/' |
    while read -r header; do
      first=$(grep -m 1 '^#include' "${header%.h}.cc" 2> /dev/null) || true
      [ "$first" = "#include \"$header\"" ] || echo "$header"
    done | xargs -P "$(nproc)" -n 1 tools/tidy.sh --header || status=1
  mapfile -t sources < <(git ls-files '*.cc' | grep -vE '(_test\.cc|/compile_errors\.cc|/testing/.*|^tests/.*|^examples/(consumer|legato_api)/.*)$')
  set -- "${sources[@]}"
fi
# compile_flags.txt names no language standard, since it is for C sources too.
printf '%s\0' "$@" |
  xargs -0 -P "$(nproc)" -n 8 clang-tidy --quiet --extra-arg=-std=c++17 2>&1 |
  sed -E '/^[0-9]+ warnings? (and [0-9]+ errors? )?generated\.$/d' || status=1
exit "$status"
