#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Taps and records services with the real sdir and directoryd. Reads the
# recording with tshark, if tshark is installed:
# tap_test.sh DIRECTORYD SDIR CALL_SERVER DISSECTOR.
set -u

sdir=$PWD/$2
dissector=$PWD/$4
folder=$(mktemp -d /tmp/le_tap_XXXXXX)
user=$(id -un)
failures=0
export LE_MESSAGING_DIR=$folder/d

finish() {
  kill "$daemon" "$server" 2> /dev/null
  wait
  rm -rf "$folder"
}
fail() { # TEXT [FILE]
  echo "FAILED: $1"
  [ $# = 1 ] || cat "$2"
  failures=$((failures + 1))
}
expect() { # FILE PATTERN...: each pattern is in the file
  local file=$folder/$1 pattern
  shift
  for pattern; do
    grep -qE -- "$pattern" "$file" || fail "no '$pattern' in:" "$file"
  done
}
call() { "$sdir" call "<$user>.facts.$1" "${@:2}"; }
until_logged() { # COUNT PATTERN: the server's log has so many of these lines
  until [ "$(grep -c -- "$2" "$folder/log")" -ge "$1" ]; do :; done
}

mkfifo "$folder/out"
"$1" > "$folder/out" 2> /dev/null &
daemon=$!
read -r < "$folder/out"
"$3" < /dev/null > /dev/null 2> "$folder/log" &
server=$!
trap finish EXIT
"$sdir" wait "<$user>.facts"
"$sdir" wait "<$user>.other"

# The taps begin one after the other: `sdir tap` and `sdir trace` first open a
# session, whose messages the earlier taps show.
"$sdir" tap "<$user>.facts" --client="$server" > "$folder/nothing" 2> /dev/null &
other=$!
until_logged 1 "messages are tapped by"
"$sdir" tap "<$user>.facts" > "$folder/text" 2> "$folder/errors" &
tap=$!
until_logged 1 "messages are tapped by pid $tap of user $(id -u)"
"$sdir" trace "<$user>.facts" -o "$folder/trace" 2> /dev/null &
trace=$!
until_logged 3 "messages are tapped by"
"$sdir" tap "<$user>.facts" --json > "$folder/json" 2> /dev/null &
json=$!
until_logged 4 "messages are tapped by"
"$sdir" record "<$user>.facts" -o "$folder/file" 2> /dev/null &
record=$!
until_logged 5 "messages are tapped by"

call Count '{"name": "x", "number": 7}' > /dev/null
call Count '{"name": "fail"}' > /dev/null 2>&1
call Watch '{"number": 2}' > /dev/null
call Log '{"text": "one way"}'
call CountFile --fd=/dev/null > /dev/null
# One tap ends before the server does.
until grep -q "CountFile OK" "$folder/json"; do :; done
kill "$json"
until_logged 1 "messages are no longer tapped by pid $json"
kill "$server"
for ended in "$tap" "$other" "$record" "$trace"; do wait "$ended" || fail "the end of a tap: $?"; done

expect errors "^sdir: messages of <$user>.facts from now on. Ctrl-C ends.$"
expect errors "^sdir: the server has ended the tap$"
expect text \
  ' -> request [0-9]+, 17 bytes: Count \{"name":"x","number":7\}$' \
  ' <- response [0-9]+, 17 bytes, after [0-9.]+[mu]?s: Count OK \{"lines":"7","text":"x"\}$' \
  ' <- response .*: Count NOT_FOUND: no such file\\n$' \
  ' -> request .*: Watch \{"number":2\}$' \
  ' <- message, 14 bytes: Watch item \{"lines":"2"\}$' \
  ' <- response .*: Watch OK$' \
  ' -> message, [0-9]+ bytes: Log \{"text":"one way"\}$' \
  ' -> request .* bytes and a file descriptor: CountFile \{\}$' \
  ' -> request .*: descriptors$'
expect json '^\{"time":"2.*"toClient":true,"kind":"response".*"latencyNs":[0-9]+,"decoded":"Count OK .*"payload":"[0-9a-f]+"\}$'
tr -c '[:print:]' '\n' < "$folder/trace" > "$folder/traced"
expect traced "^.?<$user>\.facts" '^.?#[0-9]+ sdir\[[0-9]+\]' '^.?Count$' '^.?Watch item$' 'Count NOT_FOUND: no such file'
[ ! -s "$folder/nothing" ] || fail "a tap of another client shows:" "$folder/nothing"

if command -v tshark > /dev/null; then
  HOME=$folder tshark -X "lua_script:$dissector" -o lemessaging.typed:TRUE -r "$folder/file" -T fields \
    -e _ws.col.Protocol -e lemessaging.type -e lemessaging.to_client -e lemessaging.descriptor \
    -e lemessaging.size -e lemessaging.typed.method -e lemessaging.typed.kind \
    > "$folder/dissected" 2> "$folder/errors"
  expect dissected $'^le_messaging\t3\t(0|False)\t(0|False)\t17\t1\t1$' $'^le_messaging\t4\t(1|True)\t(0|False)\t17\t1\t6$' \
    $'^le_messaging\t2\t(1|True)\t(0|False)\t14\t4\t5$' $'^le_messaging\t3\t(0|False)\t(1|True)\t12\t2\t1$'
  [ "$(wc -l < "$folder/dissected")" = "$(wc -l < "$folder/json")" ] || fail "the file differs from the tap"
else
  echo "no tshark: the file is not dissected"
fi

"$3" < /dev/null > /dev/null 2> "$folder/log" &
server=$!
"$sdir" wait "<$user>.other"
"$sdir" wait "<$user>.facts"

# The recorded service gives the same answers. Another service does not.
"$sdir" replay "$folder/file" "<$user>.facts" --speed=0 > "$folder/text" 2>&1 || fail "a replay: $?" "$folder/text"
expect text '^9 messages sent, 1 skipped; 8 responses are the same, 0 differ, 0 were not recorded$'
"$sdir" replay "$folder/file" "<$user>.facts" --speed=10 > "$folder/text" 2>&1 || fail "a slow replay: $?" "$folder/text"
"$sdir" replay - "<$user>.liar" --speed=0 < "$folder/file" > "$folder/text" 2>&1
[ $? = 4 ] || fail "a replay to a liar" "$folder/text"
expect text '^#[0-9]+ request [0-9]+: [0-9a-f]+(\.\.\.)? was recorded, now [0-9a-f]+$' ' 0 responses are the same, 8 differ,'
"$sdir" replay "$folder/file" "<$user>.other" > "$folder/text" 2>&1
[ $? = 1 ] || fail "a replay to another protocol" "$folder/text"
expect text "^sdir: cannot replay: the messages are of protocol 'files.FileFacts/1' .* has protocol 'other protocol'"
"$sdir" replay "$sdir" "<$user>.facts" > "$folder/text" 2>&1
[ $? = 1 ] || fail "no recording" "$folder/text"
expect text "^sdir: INVALID_ARGUMENT: not a recording: "

# An untyped service.
"$sdir" tap "<$user>.other" --timeout=0.01 > "$folder/text" 2>&1 || fail "an untyped service" "$folder/text"
kill -STOP "$server"
"$sdir" record "<$user>.other" --output="$folder/file" > "$folder/text" 2>&1
[ $? = 3 ] || fail "a service that does not run" "$folder/text"
expect text "^sdir: the server does not answer: it is stopped"
kill -CONT "$server"
"$sdir" record "<$user>.other" --output "$folder/none/file" --timeout=0.01 2> "$folder/text" && fail "no folder"
expect text "^sdir: cannot write .*/none/file: No such file"
"$sdir" tap "<$user>.other" --client=x 2> "$folder/text" && fail "no process"
expect text "^sdir: 'x' is not a process ID"

echo "$failures failures"
[ "$failures" = 0 ]
