#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# A client sends the server a pipe to which nobody writes, and then a file that
# never ends. Expected: the client ends each time, because the server does not
# hang. Arguments: DIRECTORYD SERVER CLIENT.
set -euo pipefail

directoryd=$1 server=$2 client=$3
user=$(id -un)
LE_MESSAGING_DIR=$(mktemp -d /tmp/le_endless_files_test_XXXXXX)
export LE_MESSAGING_DIR
running=()
trap 'kill "${running[@]}" 2> /dev/null || true; rm -rf "$LE_MESSAGING_DIR"' EXIT

echo "<$user>.facts -> <$user>.fileFacts" > "$LE_MESSAGING_DIR/bindings"
exec 4< <(exec "$directoryd" --bindings="$LE_MESSAGING_DIR/bindings")
running+=($!)
read -r -t 30 _ <&4 # the directory prints a line when it is ready
"$server" &
running+=($!)
mkfifo "$LE_MESSAGING_DIR/pipe"
exec 5<> "$LE_MESSAGING_DIR/pipe"
for file in "$LE_MESSAGING_DIR/pipe" /dev/zero; do
  status=0
  timeout 20 "$client" "$file" 1 || status=$?
  # A client that fails is no error, because a pipe cannot be counted. But the
  # client must end.
  [ "$status" != 124 ] || { echo "the server hangs with $file" >&2; exit 1; }
done
