#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Measures the figures of a page again, and writes them into it:
#
#   tools/figures.sh docs/performance.md
#   tools/figures.sh docs/reliability.md
#
# The first line of such a code block is "$ COMMAND   # DATE, MACHINE". The
# block gets the command's new standard output. If a command fails, its block
# does not change, and the exit status is 1. The rest of the page does not
# change.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

page=${1-}
if [ $# != 1 ] || [ ! -f "$page" ]; then
  echo "usage: tools/figures.sh PAGE" >&2
  exit 2
fi
stamp="$(date +%Y-%m-%d), $(uname -s) $(uname -r) $(uname -m), $(nproc) processors"
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
      printf '$ %s   # %s\n%s\n' "$command" "$stamp" "$output"
      replaced=true
      continue
    fi
    echo "tools/figures.sh: failed: $command" >&2
    status=1
  fi
  $replaced || printf '%s\n' "$line"
done < "$page" > "$new"
cat "$new" > "$page"
exit "$status"
