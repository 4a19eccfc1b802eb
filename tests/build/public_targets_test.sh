#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Compares the targets that the BUILD files make public with the list in
# targets.bzl: public_targets_test.sh WORKSPACE_FILE EXPECTED...
#
# Reads the source tree, since no target can name every BUILD file. Relies on
# buildifier's layout, which tools/lint.sh enforces.
set -euo pipefail

root=$(dirname "$(readlink -f "$1")")
shift
[ -e "$root/MODULE.bazel" ] || { echo "FAIL: no source tree at $root"; exit 1; }

find_public() {
  local file package
  cd "$root"
  find . -path ./examples/consumer -prune -o -name .git -prune -o -name BUILD.bazel -print | while read -r file; do
    package=$(dirname "${file#./}")
    awk -v package="//${package#.}" '
      /^[a-z_]+\(/ { name = ""; exporting = /^exports_files\(/; restricted = 0 }
      match($0, /name = "[^"]*"/) && name == "" { name = substr($0, RSTART + 8, RLENGTH - 9) }
      /visibility = / { restricted = 1 }
      /default_visibility/ { name = "default_visibility" }
      /"\/\/visibility:public"/ { print package ":" (exporting ? "exports_files" : name) }
      exporting && /\)$/ { if (!restricted) print package ":exports_files"; exporting = 0 }
    ' "$file"
  done | sort
}

if ! diff <(printf '%s\n' "$@" | sort) <(find_public); then
  echo "FAIL: the public targets are not those in tests/build/targets.bzl."
  echo "      < is listed there and not public; > is public and not listed."
  exit 1
fi
