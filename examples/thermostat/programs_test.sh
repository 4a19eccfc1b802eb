#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs the programs. Arguments: DIRECTORYD SENSOR CONTROLLER DISPLAY.
set -euo pipefail

LE_MESSAGING_DIR=$(mktemp -d /tmp/le_thermostat_XXXXXX)
export LE_MESSAGING_DIR
displays=()
trap 'kill $(jobs -p) "${displays[@]}" 2> /dev/null || true; wait; rm -rf "$LE_MESSAGING_DIR"' EXIT

# Reads and prints a display's lines up to one that begins with the text.
expect() { # FD TEXT
  local line=
  while [[ "$line" != "$2"* ]]; do
    read -r -t 30 -u "$1" line || { echo "FAILED: no line '$2'"; exit 1; }
    echo "$line"
  done
}

temperature=$LE_MESSAGING_DIR/temperature
echo 15000 > "$temperature"
echo "<*>.* -> <self>.*" > "$LE_MESSAGING_DIR/bindings"
"$1" --bindings="$LE_MESSAGING_DIR/bindings" > /dev/null &
"$3" &
controller=$!
exec 3< <(exec "$4")
displays+=($!)
exec 4< <(exec "$4")
displays+=($!)
expect 3 "0.0 degrees (the sensor does not work), target 20.0, heater off"
"$2" "$temperature" &
expect 3 "15.0 degrees, target 20.0, heater on"
expect 4 "15.0 degrees, target 20.0, heater on"
echo 20501 > "$temperature"
expect 3 "20.5 degrees, target 20.0, heater off"
[ "$("$4" 25000)" = "20.5 degrees, target 25.0, heater on" ]
expect 4 "20.5 degrees, target 25.0, heater on"
! "$4" 35000 2> /dev/null || { echo "FAILED: a target of 35 degrees is accepted"; exit 1; }
kill "$controller"
expect 3 "no more states: UNAVAILABLE: the server is ending"
"$3" &
expect 3 "20.5 degrees, target 20.0, heater off"
# The line above shows that the new controller has reached the sensor. So the
# controller can give a new display the sensor's file.
exec 5< <(exec "$4")
displays+=($!)
expect 5 "the sensor's file: 20501"
