#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Prints the times to compile a client and a server of a typed service. For
# comparison, also prints the time for a file that only uses the messages of the
# service. Each round compiles each file once. A printed time is the median of
# the rounds' processor times.
#
#   tests/benchmarks/peers/compile_time.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

rounds=${1:-5}
declare -A targets=(
  [messages]=//tests/benchmarks/peers:compile_proto
  [client]=//tests/benchmarks/peers:compile_client
  [server]=//tests/benchmarks:typed_plain_server
)
declare -A commands times

./bazelw build -c opt "${targets[@]}" >&2
root=$(./bazelw info -c opt execution_root 2> /dev/null)
for unit in "${!targets[@]}"; do
  # The first command that aquery prints, with /dev/null in place of its output
  # files. (awk reads to the end. Otherwise Bazel would fail with a broken pipe.)
  commands[$unit]=$(./bazelw aquery -c opt "mnemonic(CppCompile, ${targets[$unit]})" 2> /dev/null |
    awk '/^  Command Line: \(/ { inside = !found++ }
         inside { sub(/^  Command Line: \(exec /, ""); last = sub(/\)$/, ""); print }
         last { inside = 0 }' |
    sed -E 's@^( +)bazel-out/.*\.[do]( \\)?$@\1/dev/null\2@')
done

cd "$root"
TIMEFORMAT='%U %S'
for ((round = 0; round < rounds; ++round)); do
  for unit in "${!targets[@]}"; do
    seconds=$({ time bash -c "${commands[$unit]}"; } 2>&1 | tail -n 1)
    times[$unit]+=$(awk '{ print $1 + $2 }' <<< "$seconds")$'\n'
  done
done
for unit in messages client server; do
  printf '%-8s  ' "$unit"
  sort -n <<< "${times[$unit]%$'\n'}" | awk '{ t[NR] = $1 } END { printf "%.2f s\n", t[int((NR + 1) / 2)] }'
done
