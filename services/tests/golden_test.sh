#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Compares the generated files with the golden ones, which have the same names
# and end in .golden: golden_test.sh --golden FILE... --generated FILE...
#
# After an intended change, this writes new golden files:
#   for f in bazel-bin/services/tests/facts_le/services/tests/*.{h,cc}; do
#     cp "$f" "services/tests/golden/${f##*/}.golden"; done
set -euo pipefail

golden=() generated=() list=
for word in "$@"; do
  case "$word" in
    --golden | --generated) list=${word#--} ;;
    *) if [ "$list" = golden ]; then golden+=("$word"); else generated+=("$word"); fi ;;
  esac
done

compared=0 failures=0
for file in "${generated[@]}"; do
  for candidate in "${golden[@]}"; do
    [ "${candidate##*/}" = "${file##*/}.golden" ] || continue
    compared=$((compared + 1))
    diff "$candidate" "$file" || failures=$((failures + 1))
  done
done
echo "$compared files compared, $failures differ"
[ "$compared" = "${#golden[@]}" ] && [ "$compared" -ge 3 ] && [ "$failures" = 0 ]
