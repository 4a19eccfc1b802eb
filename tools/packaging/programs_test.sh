#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds programs with nothing but the installed files of le_messaging, and runs
# them. The caller must have started a directory. Its bindings must bind the
# user's shoutInC to shoutInC, and facts to fileFacts.
#
#   programs_test.sh FOLDER   builds in this folder
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$1"
trap 'jobs -p | xargs -r kill 2> /dev/null || true' EXIT

fail() { echo "FAILED: $*"; exit 1; }

quietly() { # COMMAND...: prints its output only if it fails
  "$@" > log 2>&1 || { cat log; fail "$*"; }
}

sed -n '/^\/\* shout\.c:/,/^```$/p' "$checkout/docs/using.md" | grep -v '^```$' > shout.c
# shellcheck disable=SC2046 # one word for each flag
cc -std=gnu99 -Wall -Wextra -Werror shout.c $(pkg-config --cflags --libs lemessaging) -o shout
./shout &
[ "$(timeout 60 ./shout hello)" = HELLO ] || fail "the program that was built with pkg-config"
kill %%

readonly EXAMPLE=$checkout/examples/c_quickstart
quietly cmake -S "$EXAMPLE" -B by_cmake
quietly cmake --build by_cmake
quietly meson setup by_meson "$EXAMPLE"
quietly meson compile -C by_meson
for build in by_cmake by_meson; do
  "$build/server" > log &
  timeout 60 "$build/client" shout.c 1 > output || fail "the client of $build"
  grep -q "$(wc -l < shout.c) lines" output || { cat output; fail "the output of the client of $build"; }
  kill %%
done
echo "programs run that cc, CMake and Meson have built"
