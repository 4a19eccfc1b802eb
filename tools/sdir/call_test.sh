#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Calls typed services with the real sdir and directoryd:
# call_test.sh DIRECTORYD SDIR CALL_SERVER.
set -u

sdir=$PWD/$2
folder=$(mktemp -d /tmp/le_call_XXXXXX)
user=$(id -un)
failures=0
export LE_MESSAGING_DIR=$folder/d

finish() {
  kill -TERM "$server" "$daemon"
  kill -CONT "$server"
  wait
  rm -rf "$folder"
}

expect() { # DESCRIPTION EXIT-STATUS OUTPUT-AND-ERRORS COMMAND...
  local what=$1 status=$2 wanted=$3 output actual
  shift 3
  output=$("$@" 2>&1)
  actual=$?
  # shellcheck disable=SC2053  # it is a pattern
  if [ "$actual" != "$status" ] || [[ $output != $wanted ]]; then
    echo "FAILED: $what: status $actual, not $status, or not '$wanted':"
    echo "$output"
    failures=$((failures + 1))
  fi
}

call() { # METHOD ARGUMENT...
  local method=$1
  shift
  "$sdir" call "<$user>.facts.$method" "$@"
}

mkfifo "$folder/out"
"$1" > "$folder/out" &
daemon=$!
read -r < "$folder/out"
"$3" < /dev/null > "$folder/served" 2> /dev/null &
server=$!
trap finish EXIT
for service in facts other liar stranger; do "$sdir" wait "<$user>.$service"; done

"$sdir" introspect "<$user>.facts" > "$folder/text"
for line in "// *.facts, protocol files.FileFacts/1, of pid $server" \
  "// services/tests/facts.proto" 'syntax = "proto3";' "package files;" \
  "  rpc Watch(.files.CountRequest) returns (stream .files.Facts);"; do
  # shellcheck disable=SC2053
  while read -r -u 3 text; do [[ $text != ${line#  } ]] || continue 2; done 3< "$folder/text"
  echo "FAILED: introspect has no '$line'"
  failures=$((failures + 1))
done
expect "no service" 1 "sdir: service <*>.none is not offered" "$sdir" introspect "<$user>.none"
expect "no typed service" 1 "sdir: INVALID_ARGUMENT: the service is not typed: *" "$sdir" introspect "<$user>.other"

expect "a call" 0 '{"lines":"7","text":"x"}' call Count '{"name": "x", "number": 7}'
expect "a request from standard input" 0 '{"lines":"8"}' call Count - <<< '{"number": 8}'
expect "an empty request" 0 '{}' call Count
expect "a stream" 0 $'{"lines":"1"}\n{"lines":"2"}' call Watch '{"number": 2}'
expect "a stream as long as its credit" 0 '*{"lines":"256"}' call Watch '{"number": 256}'
expect "a one-way method" 0 "" call Log '{"text": "one way"}'
printf 'contents' > "$folder/file"
expect "a file" 0 '{"text":"contents"}' call CountFile --fd="$folder/file"
expect "standard input as a file" 0 '{"text":"contents"}' call CountFile --fd=- < "$folder/file"
expect "a stream with a file" 0 '{"text":"contents"}' call WatchFile --fd "$folder/file"
expect "a one-way method with a file" 0 "" call Deliver --fd="$folder/file"
expect "a response with a file" 0 $'{"text":"a file"}\nsdir: the response\'s file*' call OpenFile
expect "one-way messages arrive" 0 $'log: one way\ndelivered: contents' cat "$folder/served"

expect "an error of the service" 1 'sdir: NOT_FOUND: no such file\\n' call Count '{"name": "fail"}'
expect "a stream that fails" 1 $'{"lines":"1"}\nsdir: ABORTED: no more' call Watch '{"name": "fail", "number": 1}'
expect "a call that takes too long" 3 "sdir: DEADLINE_EXCEEDED: *" call Count '{"name": "keep"}' --timeout=1
expect "a stream that takes too long" 3 $'{"lines":"1"}\nsdir: DEADLINE_EXCEEDED: *' \
  call Watch '{"name": "keep", "number": 1}' --timeout=1
expect "a method that is not there" 2 "sdir: the service has no method 'count'. Its methods: Count, *" call count
expect "no JSON" 2 "sdir: not a files.CountRequest in JSON: *" call Count '{'
expect "a field that is not there" 2 "sdir: not a files.CountRequest in JSON: *" call Count '{"nam": "x"}'
expect "no file" 2 "sdir: the method needs --fd=FILE*" call CountFile
expect "a file too many" 2 "sdir: the method takes no file*" call Count --fd=/dev/null
expect "a file that is not there" 1 "sdir: cannot open $folder/none: No such file*" call CountFile --fd="$folder/none"
expect "no method" 2 "*has no METHOD: expected*" "$sdir" call "<$user>.facts"
expect "a wrong timeout" 2 "*'soon' is not a number of seconds from 0*" call Count --timeout soon

# By a binding.
expect "no binding" 1 "sdir: no binding <*>.mine -> <USER>.mine*" call Count --as=mine
"$sdir" bind "<$user>.mine" "<$user>.facts" > "$folder/bound"
expect "a binding" 0 '{"lines":"9"}' call Count --as=mine '{"number": 9}'
"$sdir" bind "<$user>.mine" "<$user>.liar" > "$folder/bound"
expect "a binding to another service" 1 "sdir: 'mine' is bound to <*>.liar, not to <*>.*: choose *" call Count --as=mine

# Services that lie.
expect "wrong descriptors" 1 "sdir: INTERNAL: the server's descriptors have a wrong size" "$sdir" introspect "<$user>.liar"
expect "descriptors without the service" 1 "*there is no files.FileFacts/1" "$sdir" introspect "<$user>.stranger"

"$sdir" call "<$user>.facts.Watch" '{"name": "keep", "number": 1}' > "$folder/stream" &
watch=$!
until [ -s "$folder/stream" ]; do :; done
"$sdir" graph --output "$folder/page" "<$user>.facts"
expect "a line from the client to the service" 0 "*<title>sdir\[$watch\] -&gt; &lt;$user&gt;.facts: *</html>" cat "$folder/page"
"$sdir" graph > "$folder/page"
expect "the graph of all services" 0 "*&lt;$user&gt;.liar*" cat "$folder/page"
kill "$watch"

kill -STOP "$server"
expect "a service that does not run" 3 "*has not accepted the session*" call Count --timeout=0.05
kill -CONT "$server"
expect "the service runs again" 0 '{}' call Count

"$sdir" monitor > "$folder/events" &
monitor=$!
until grep -q "introduced <.*>.sdir .* -> <.*>.facts " "$folder/events"; do call Count > "$folder/bound"; done
kill "$monitor"
wait "$monitor"

echo "$failures failures"
[ "$failures" = 0 ]
