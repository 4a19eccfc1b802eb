#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs the components as programs. The client starts before the server.
# Arguments: DIRECTORYD SERVER CLIENT.
set -euo pipefail

LE_MESSAGING_DIR=$(mktemp -d /tmp/le_api_XXXXXX)
export LE_MESSAGING_DIR
trap 'kill $(jobs -p) 2> /dev/null || true; wait; rm -rf "$LE_MESSAGING_DIR"' EXIT

echo "<*>.boxOfTheUser -> <self>.box" > "$LE_MESSAGING_DIR/bindings"
"$1" --bindings="$LE_MESSAGING_DIR/bindings" > /dev/null &
"$3" > "$LE_MESSAGING_DIR/said" &
client=$!
"$2" &
wait "$client"
diff - "$LE_MESSAGING_DIR/said" << 'END'
the client begins
the box has answered
END
