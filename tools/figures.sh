#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Measures the figures of a page again and updates the page:
#
#   tools/figures.sh docs/performance.md
#   tools/figures.sh docs/reliability.md
#
# A code block with figures begins with the line "$ COMMAND   # DATE, MACHINE".
# The script runs the command, updates the date and the machine, and replaces
# the rest of the block by the command's standard output. If the command fails,
# its block does not change, and the exit status is 1. Other text never changes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

page=${1-}
if [ $# != 1 ] || [ ! -f "$page" ]; then
  echo "usage: tools/figures.sh PAGE" >&2
  exit 2
fi
stamp="$(date +%Y-%m-%d), $(uname -s) $(uname -r | cut -d- -f1) $(uname -m), $(nproc) processors"
new=$(mktemp)
trap 'rm -f "$new"' EXIT

status=0 in_block=false replaced=false
while IFS= read -r line; do
  if [[ $line == '```'* ]]; then
    replaced=false
    if $in_block; then in_block=false; else in_block=true; fi
  elif $in_block && [[ $line =~ ^\$\ (.*[^ ])\ +#\  ]]; then
    command=${BASH_REMATCH[1]}
    echo "$command" >&2
    if output=$(bash -c "$command" < /dev/null); then
      printf '$ %s   # %s\n%s\n' "$command" "$stamp" "${output#$'\n'}"
      replaced=true
      continue
    fi
    printf '%s\n' "$output" "tools/figures.sh: failed: $command" >&2
    status=1
  fi
  $replaced || printf '%s\n' "$line"
done < "$page" > "$new"
cat "$new" > "$page"
exit "$status"
