#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Measures which lines the tests reach, for each folder of the library and in
# total:
#
#   tools/coverage.sh              exit status 1 if a folder is below its goal
#   tools/coverage.sh --missing    also names the lines that no test reaches
#
# Uses gcov, since `bazel coverage` of Bazel 4.2 cannot merge the tests'
# results. The build has its own output folder (--platform_suffix). For Bazel,
# the .gcno and .gcda files are not outputs. A cache or a sandbox would lose
# them, so the build uses neither.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The goal for each folder, in per cent. It is below 100 because some lines are
# for states that must never occur, such as a kernel that breaks its contract.
readonly GOAL=90
readonly FOLDERS=(event legato transports directory messaging)
# The tests that run the code of these folders. Examples and endurance tests are
# not among them: they take minutes and reach no further line.
readonly TESTS=(//event/... //legato/... //transports/... //directory/... //messaging/...
  //tests/c_api/... //tests/fuzz/... //tests/misuse/... //tests/scenarios/...
  //tests/simulation/... //tools/sdir/...)
readonly FLAGS=(--platform_suffix=-gcov --copt=--coverage --linkopt=--coverage
  --copt=-fprofile-update=atomic --spawn_strategy=local --disk_cache=)

missing=false
case "${1-}" in
  --missing) missing=true ;;
  '') ;;
  *) echo "usage: tools/coverage.sh [--missing]" >&2; exit 2 ;;
esac

root=$(./bazelw info execution_root 2> /dev/null)
# Removes the counts of former runs.
find "$root/bazel-out/" -path '*-gcov/*' -name '*.gcda' -delete 2> /dev/null || true
# A program writes the counts of its objects to /proc/self/cwd/bazel-out/...
# The working directory differs between tests. These variables replace
# /proc/self/cwd by the execution root.
./bazelw test "${FLAGS[@]}" --test_env=GCOV_PREFIX="$root" \
  --test_env=GCOV_PREFIX_STRIP=3 --nocache_test_results --build_tests_only "${TESTS[@]}" >&2

cd "$root"
objects=$(mktemp)
trap 'rm -f "$objects"' EXIT
for folder in "${FOLDERS[@]}"; do
  find bazel-out/*-gcov/bin/"$folder" -name '*.gcno'
done | grep -v -e /testing/ -e '_test\.' -e '\.pb\.' > "$objects"
xargs -a "$objects" gcov --stdout 2> /dev/null | awk \
  -v goal="$GOAL" -v folders="${FOLDERS[*]}" -v missing="$missing" '
  # Reads "count:line:text". A line of a header is reached if any object reaches
  # it.
  {
    split($0, field, ":")
    count = field[1]; line = field[2]
    gsub(/[ *]/, "", count); gsub(/ /, "", line)
  }
  field[3] == "Source" {
    source = field[4]; folder = source; sub("/.*", "", folder)
    ours = index(" " folders " ", " " folder " ") && source !~ /\/testing\/|_test\.|\.pb\./
    next
  }
  ours && line ~ /^[0-9]+$/ && line > 0 && count != "-" {
    key = source ":" line
    if (!(key in total)) total[key] = 0
    if (count ~ /^[0-9]/) total[key] = 1
  }
  END {
    for (key in total) {
      folder = key; sub("/.*", "", folder)
      ++all[folder]; hit[folder] += total[key]
      if (missing == "true" && !total[key]) print "not reached: " key | "sort -t: -k2,2 -k3n"
    }
    close("sort -t: -k2,2 -k3n")
    n = split(folders, name, " ")
    for (i = 1; i <= n; ++i) {
      folder = name[i]
      if (all[folder] == 0) { print folder ": nothing was counted"; failed = 1; continue }
      show(folder, hit[folder], all[folder])
      hits += hit[folder]; alls += all[folder]
    }
    if (alls > 0) show("total", hits, alls)
    exit failed
  }
  function show(what, hit, all) {
    low = hit * 100 < goal * all
    if (low) failed = 1
    printf "%-12s %6.1f %%  %6d of %6d lines%s\n", what, hit * 100 / all, hit, all,
           low ? "  (the goal is " goal " %)" : ""
  }'
