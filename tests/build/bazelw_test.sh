#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# bazelw runs Bazel in the caller's folder if that folder is in a workspace.
# Otherwise it runs Bazel in the folder of bazelw.
# Usage: bazelw_test.sh BAZELW.
set -euo pipefail

bazelw=$(readlink -f "$1")
folder=$(mktemp -d /tmp/le_bazelw_XXXXXX)
trap 'rm -rf "$folder"' EXIT

mkdir -p "$folder/bin" "$folder/project/below" "$folder/nowhere"
printf '#!/bin/sh\npwd -P\n' > "$folder/bin/bazelisk"
chmod +x "$folder/bin/bazelisk"
: > "$folder/project/MODULE.bazel"

expect() { # FOLDER-OF-THE-CALL FOLDER-OF-BAZEL
  local actual
  actual=$(cd "$1" && PATH="$folder/bin:$PATH" "$bazelw" build)
  [ "$actual" = "$2" ] || { echo "FAILED: called in $1, Bazel ran in $actual"; exit 1; }
}

root=$(dirname "$bazelw")
expect "$root/messaging/session" "$root/messaging/session"
expect "$root/examples/consumer" "$root/examples/consumer"
expect "$folder/project/below" "$folder/project/below"
expect "$folder/nowhere" "$root"
