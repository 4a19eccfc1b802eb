#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Shows le_messaging in a few seconds: a client and a server find each other and
# communicate. The server dies, and another one replaces it.
# Arguments: DIRECTORYD SDIR SERVER CLIENT ONE_PROCESS.
set -euo pipefail

directoryd=$1 sdir=$2 server=$3 client=$4 one_process=$5
file=$0 # the file whose words are counted
user=$(id -un)
LE_MESSAGING_DIR=$(mktemp -d /tmp/le_quickstart_XXXXXX)
export LE_MESSAGING_DIR

running=()

finish() {
  local status=$?
  kill "${running[@]}" 2> /dev/null || true
  rm -rf "$LE_MESSAGING_DIR"
  [ "$status" = 0 ] || echo "quickstart: FAILED" >&2
}
trap finish EXIT

say() { printf '\n* %s\n' "$*"; }

# Shows the client's lines up to one that contains the text.
hear() {
  local line
  while read -r -t 30 line <&3; do
    echo "  $line"
    case "$line" in *"$1"*) return 0 ;; esac
  done
  echo "the client did not print '$1'" >&2
  return 1
}

indent() { sed -u 's/^/  /'; }

say "A directory starts. One line binds the client's interface to the service:"
echo "<$user>.facts -> <$user>.fileFacts" > "$LE_MESSAGING_DIR/bindings"
indent < "$LE_MESSAGING_DIR/bindings"
exec 4< <(exec "$directoryd" --bindings="$LE_MESSAGING_DIR/bindings")
running+=($!)
read -r -t 30 line <&4
echo "  $line"

say "A client starts, before there is any server:"
exec 3< <(exec "$client" "$file" 2)
client_pid=$!
running+=("$client_pid")
hear "waiting for the service"
# The client prints this line a moment before the directory knows the client.
waiting='' deadline=$((SECONDS + 10))
until grep "WAITING for" <<< "$waiting" | indent; do
  (( SECONDS < deadline )) || { echo "sdir shows no waiting client" >&2; exit 1; }
  waiting=$("$sdir" list) || { echo "sdir list has failed" >&2; exit 1; }
done

say "A server starts. The client sends a message, makes calls, and receives news:"
"$server" > >(indent) &
server_pid=$!
running+=("$server_pid")
hear "client: served"

say "The directory lists its bindings, services and clients:"
"$sdir" list | sed -n '/SERVICES/,/RESOURCES/p' | grep -v -e '^$' -e RESOURCES | indent

say "The server is killed; the client notices and waits:"
kill -KILL "$server_pid"
wait "$server_pid" 2> /dev/null || true
hear "waiting for the service"

say "Another server starts; the client is served again:"
"$server" > >(indent) &
running+=($!)
hear "client: served"
wait "$client_pid"

say "The same client and the same server, in one process over loopback:"
output=$("$one_process" "$file")
indent <<< "$output"

read -r lines words bytes _ < <(wc "$file")
grep -q ": $lines lines, $words words, $bytes bytes," <<< "$output"
say "wc counts the same: $lines lines, $words words, $bytes bytes. That was le_messaging."
