#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs the ported server with the ported client, and with the client that has a
# loop of its own. Arguments: DIRECTORYD SERVER CLIENT POLL_CLIENT.
set -euo pipefail

LE_MESSAGING_DIR=$(mktemp -d /tmp/le_port_XXXXXX)
export LE_MESSAGING_DIR
trap 'kill $(jobs -p) 2> /dev/null || true; wait; rm -rf "$LE_MESSAGING_DIR"' EXIT

echo "<*>.* -> <self>.*" > "$LE_MESSAGING_DIR/bindings"
"$1" --bindings="$LE_MESSAGING_DIR/bindings" > /dev/null &
"$2" &
output=$("$3")
[ "$output" = $'twice 1 is 2\ntwice 2 is 4\ntwice 3 is 6' ]
output=$("$4")
[ "$output" = $'the answer is 2\nthe answer is 4\nthe answer is 6' ]
