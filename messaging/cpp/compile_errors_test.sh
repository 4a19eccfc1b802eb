#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# usage: compile_errors_test.sh FILE TRANSCRIPT REST
#
# Checks that each line of FILE that ends with "// error: REGEX" is a compile
# error, and that the compiler's messages near that line match REGEX. TRANSCRIPT
# has the messages about FILE, and REST those about FILE without these lines.
set -euo pipefail

file=$1 transcript=$2 rest=$3
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

[ "$(tail -n 1 "$rest")" = compiled ] || { fail "the other lines do not compile:"; cat "$rest"; }
count=0
while IFS=: read -r line text; do
  count=$((count + 1))
  # The compiler reports an error in a template at a line of a header, next to
  # the line that uses the template.
  grep -B 8 -A 8 "${file##*/}:$line:" "$transcript" | grep -qE "${text#*// error: }" ||
    fail "$file:$line: the compiler did not report this error: $text"
done < <(grep -n '// error: ' "$file")
[ "$count" -gt 10 ] || fail "$file has only $count lines with an error"
[ "$failures" = 0 ] || { cat "$transcript"; exit 1; }
