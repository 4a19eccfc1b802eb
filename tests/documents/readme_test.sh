#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# The programs of README.md and docs/using.md work, with the bindings of README.md.
# The servers end on SIGTERM. The server in C survives rude_client.c. The
# bindings file of docs/operating.md is valid.
# Usage: readme_test.sh README OPERATING DIRECTORYD SDIR SHOUT SHOUT_IN_C RUDE_CLIENT.
set -euo pipefail

readme=$1 operating=$2 directoryd=$3 sdir=$4 shout=$5 shout_in_c=$6 rude_client=$7
LE_MESSAGING_DIR=$(mktemp -d /tmp/le_readme_XXXXXX)
export LE_MESSAGING_DIR
running=()

finish() {
  kill "${running[@]}" 2> /dev/null || true
  wait
  rm -rf "$LE_MESSAGING_DIR"
}
trap finish EXIT

fail() { echo "FAILED: $*"; exit 1; }

sed -n "s/^    echo '\(.*\)' > .*bindings.*/\1/p" "$readme" > "$LE_MESSAGING_DIR/bindings"
exec 3< <(exec "$directoryd" --bindings="$LE_MESSAGING_DIR/bindings")
running+=($!)
read -r -t 30 _ <&3 || fail "the directory is not ready"
servers=()
for program in "$shout" "$shout_in_c"; do
  "$program" &
  running+=($!)
  servers+=($!)
  answer=$(timeout 30 "$program" hello)
  [ "$answer" = HELLO ] || fail "$program answers '$answer'"
done
# The protocol in C has room for 63 characters: the client truncates a longer text.
long=$(printf 'x%.0s' {1..100})
answer=$(timeout 30 "$shout_in_c" "$long")
[ "$answer" = "$(printf 'X%.0s' {1..63})" ] || fail "the server answers '$answer'"
timeout 30 "$rude_client" || fail "the rude client"
answer=$(timeout 30 "$shout_in_c" hello)
[ "$answer" = HELLO ] || fail "after the rude client the server answers '$answer'"

kill -TERM "${servers[@]}"
status=0
wait "${servers[0]}" || status=$?
[ "$status" = 0 ] || fail "on SIGTERM $shout ends with status $status"
wait "${servers[1]}" || status=$?
[ "$status" = 143 ] || fail "on SIGTERM $shout_in_c ends with status $status"

# alice and bob may not exist on this machine: use the present user instead.
user=$(id -un)
sed -n 's/^    \(<.*->.*\)/\1/p' "$operating" |
  sed -e "s/<alice>\.\*/<$user>.other/" -e "s/<alice>/<$user>/;s/<bob>/<$user>/g;s/-> <$user>\.\*/-> <$user>.other/" \
  > "$LE_MESSAGING_DIR/example"
[ "$(wc -l < "$LE_MESSAGING_DIR/example")" -ge 4 ] || fail "no bindings in docs/operating.md"
"$sdir" load --check "$LE_MESSAGING_DIR/example" || fail "the bindings of docs/operating.md are refused"
