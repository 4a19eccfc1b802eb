#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Checks the units with systemd-analyze: units_test.sh DIRECTORYD UNIT...
set -euo pipefail

# The highest exposure that `systemd-analyze security` may report: 10 times the
# printed number, from 0 (best) to 100.
readonly MAX_EXPOSURE=10

if ! command -v systemd-analyze > /dev/null; then
  echo "systemd-analyze is not installed: nothing is checked"
  exit 0
fi
directoryd=$PWD/$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for unit; do
  # systemd-analyze reports an error if the program of a unit is not installed.
  sed "s|^ExecStart=/usr/sbin/directoryd|ExecStart=$directoryd|" "$unit" > "$folder/${unit##*/}"
done
output=$(systemd-analyze verify --man=no --recursive-errors=no "$folder"/directoryd.{socket,service} 2>&1) || {
  echo "FAILED: verify:"
  echo "$output"
  exit 1
}
# A key that is unknown, or has a wrong value, is only a warning.
if grep -F "$folder" <<< "$output"; then
  echo "FAILED: verify has warnings"
  exit 1
fi
systemd-analyze security --offline=yes --threshold="$MAX_EXPOSURE" --no-pager \
  "$folder/directoryd.service"
