#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Fuzzes, with libFuzzer under the address and undefined-behaviour sanitizers:
#
#   tests/fuzz/run.sh [--seconds=N] [--jobs=N] [TARGET...]
#
# Each target runs for --seconds (default: 60). It starts from its corpus in
# this folder. --jobs targets run at the same time (default: one for each CPU).
# Inputs that reach new code are stored in a folder, whose name is printed at
# the end. For an input that fails, the command that replays it is printed.
# Needs clang: run tools/install_packages.sh clang.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=60
jobs=$(nproc)
targets=()
for word in "$@"; do
  case "$word" in
    --seconds=*) seconds=${word#--seconds=} ;;
    --jobs=*) jobs=${word#--jobs=} ;;
    *) targets+=("$word") ;;
  esac
done
if [ "${#targets[@]}" = 0 ]; then
  targets=(bindings_fuzz control_fuzz frame_fuzz hostile_client_fuzz hostile_server_fuzz
    inspection_fuzz packet_fuzz pcapng_fuzz typed_client_fuzz typed_server_fuzz typed_service_fuzz)
fi

CC=clang ./bazelw build --config=fuzz "${targets[@]/#///tests/fuzz:}"
binaries=$(CC=clang ./bazelw info --config=fuzz bazel-bin 2> /dev/null)/tests/fuzz
found=$(mktemp -d)

fuzz() { # TARGET
  local target=$1 status=0
  mkdir -p "$found/$target/corpus"
  # -print_funcs=0: a symbolizer would open file descriptors, which the targets
  # count. detect_stack_use_after_return=0: the simulation's switches between
  # stacks would look like use after return.
  ASAN_OPTIONS=detect_stack_use_after_return=0:detect_leaks=1 \
    "$binaries/$target" -max_total_time="$seconds" -print_final_stats=1 -rss_limit_mb=4096 \
    -max_len=4096 -timeout=30 -print_funcs=0 -artifact_prefix="$found/$target/" \
    "$found/$target/corpus" "tests/fuzz/corpus/$target" > "$found/$target/log" 2>&1 || status=$?
  local runs
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/$target/log")
  echo "$target: ${runs:-?} inputs, $(find "$found/$target/corpus" -type f | wc -l) of them are new and were kept"
  if [ "$status" != 0 ]; then
    tail -n 40 "$found/$target/log"
    echo "$target: FAILED; replay: $binaries/$target $(find "$found/$target" -maxdepth 1 -name '*-*' | head -n 1)"
  fi
  return "$status"
}
failures=0
for target in "${targets[@]}"; do
  if [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; then
    wait -n || failures=1
  fi
  fuzz "$target" &
done
while [ -n "$(jobs -rp)" ]; do
  wait -n || failures=1
done
echo "new inputs: $found/TARGET/corpus"
exit "$failures"
