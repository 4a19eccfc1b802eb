#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Tests the real sdir and directoryd: sdir_test.sh DIRECTORYD SDIR.
set -u

directoryd=$PWD/$1
sdir=$PWD/$2
folder=$(mktemp -d /tmp/le_sdir_XXXXXX)
user=$(id -un)
failures=0
daemon=

finish() {
  [ -z "$daemon" ] || kill -TERM "$daemon"
  [ -z "$daemon" ] || kill -CONT "$daemon" 2> /dev/null
  wait
  rm -rf "$folder"
}
trap finish EXIT

expect() { # DESCRIPTION EXIT-STATUS PATTERN COMMAND...: output or errors have the pattern
  local what=$1 status=$2 pattern=$3 output actual
  shift 3
  output=$("$@" 2>&1)
  actual=$?
  if [ "$actual" != "$status" ] || ! grep -qE -- "$pattern" <<< "$output"; then
    echo "FAILED: $what: status $actual, not $status, or no '$pattern' in:"
    echo "$output"
    failures=$((failures + 1))
  fi
}

sdir() { "$sdir" --socket_dir="$folder/d" "$@"; }

expect "help" 0 "monitor" "$sdir" help
expect "the man page" 0 '^\.Nm sdir$' "$sdir" help man
# The text is longer than the buffer of the standard output.
fill_disk() { "$sdir" help man > /dev/full; }
expect "a full disk" 1 "cannot write the output" fill_disk
expect "an unknown format of the help" 2 "text, man, bash, zsh, fish" "$sdir" help x
completions() { # WORD...: what bash offers for the last one
  COMP_WORDS=(sdir "$@")
  COMP_CWORD=$#
  COMPREPLY=()
  eval "$("$sdir" help bash)"
  _sdir
  echo "${COMPREPLY[*]}"
}
expect "completion of a command" 0 '^list load$' completions l
expect "completion of an option" 0 '^--json --format --sessions --socket_dir --help --version$' completions list --
expect "version" 0 '^sdir [0-9]+\.[0-9]+\.[0-9]+$' "$sdir" --version
expect "directoryd's version" 0 '^directoryd [0-9]+\.[0-9]+\.[0-9]+$' "$directoryd" --version
expect "directoryd's help" 0 "socket_dir" "$directoryd" --help
expect "directoryd's man page" 0 '^\.Nm directoryd$' "$directoryd" --help_as=man
expect "no directory" 5 "there is no directory" sdir list
expect "a value that stands alone" 5 "there is no directory" "$sdir" --socket_dir "$folder/d" list
expect "options before the command" 5 "there is no directory" "$sdir" --format=json --socket_dir="$folder/d" list
expect "an option without a value" 2 "needs a value" "$sdir" list --socket_dir
expect "an option of another command" 2 "'--json' is no option of 'bind'" sdir bind --json "<$user>.a" "<$user>.b"
expect "no directory to wait for" 3 "timeout" sdir wait "<$user>.b" --timeout 0.01
expect "unknown command" 2 "unknown command 'x'" sdir x
expect "unknown flag of the daemon" 2 "unknown option" "$directoryd" --x
expect "unknown argument of the daemon" 2 "unknown argument" "$directoryd" x
# The error is the only line: directoryd logs its totals only after it has read
# the bindings.
expect "a bindings file that is not there" 1 "bindings file '$folder/none': No such file" \
  "$directoryd" --socket_dir "$folder/e" --bindings "$folder/none"
[ "$("$directoryd" --socket_dir "$folder/e" --bindings "$folder/none" 2>&1 | wc -l)" = 1 ] ||
  { echo "FAILED: more than one line"; failures=$((failures + 1)); }

# `wait` also waits for the directory. Only the directory looks up the unknown
# user. So the error about this user shows that `wait` has reached the directory.
sdir wait "<le_no_such_user>.b" 2> "$folder/waits" &
waits=$!
until grep -q "waiting: there is no directory" "$folder/waits"; do :; done

printf '<%s>.a -> <%s>.b\n' "$user" "$user" > "$folder/bindings"
mkfifo "$folder/out"
(umask 077 && exec "$directoryd" --socket_dir "$folder/d" --bindings="$folder/bindings" > "$folder/out" 2> "$folder/err1") &
daemon=$!
read -r ready < "$folder/out"
wait "$waits"
{ [ $? = 1 ] && grep -q "there is no user 'le_no_such_user'" "$folder/waits"; } ||
  { echo "FAILED: sdir wait did not wait:"; cat "$folder/waits"; failures=$((failures + 1)); }
[ "$(stat -c '%a' "$folder/d" "$folder/d/directory" | xargs)" = "755 666" ] ||
  { echo "FAILED: the mode depends on the umask:"; ls -la "$folder/d"; failures=$((failures + 1)); }
[ "$ready" = "directoryd: ready at $folder/d/directory" ] ||
  { echo "FAILED: directoryd printed '$ready'"; failures=$((failures + 1)); }

# Starts another daemon, which may open 256 files, and ends it.
mkfifo "$folder/out2"
log_of() { # OPTION...: its log goes to $folder/err
  (ulimit -n 256 && exec "$directoryd" --socket_dir "$folder/n" "$@" > "$folder/out2" 2> "$folder/err") &
  local other=$!
  read -r ready < "$folder/out2"
  kill -TERM "$other"
  wait "$other"
}
expect_log() { # DESCRIPTION PATTERN...
  local what=$1 pattern
  shift
  for pattern; do
    grep -qE -- "$pattern" "$folder/err" && continue
    echo "FAILED: $what: no '$pattern' in:"
    cat "$folder/err"
    failures=$((failures + 1))
  done
}

# A daemon without bindings logs that it has none, and its totals. A line has at
# most 120 characters.
log_of
expect_log "no bindings" "no bindings yet: no session can be opened"
expect_log "the totals" "INFO .* 256 open files: up to 192 connections, 24 of them for administration" \
  "up to 96 connections that have sent nothing, and 32 introductions" "up to 3 MiB in the queues"
! grep -E -e '.{121}' -e '--max_' "$folder/err" ||
  { echo "FAILED: a long line, or a warning without an option"; failures=$((failures + 1)); }

# A daemon logs each warning of its bindings as a line.
printf '<le_no_such_user>.a -> <%s>.b\n<*>.* -> <self>.*\n' "$user" > "$folder/bindings2"
log_of --bindings="$folder/bindings2"
expect_log "warnings of the bindings" "WARNING .*there is no user 'le_no_such_user'.* reload\$" \
  "WARNING .*:2:1: <\*>\.\* lets every user"

# A daemon also logs the options that exceed the totals.
log_of --max_connections=193 --max_half_open=97 --max_waiting=194 --max_services=192
expect_log "options beyond the totals" \
  "WARNING .* --max_connections=193: the limit of 256 open files allows 192 in all" \
  "WARNING .* --max_half_open=97: .* allows 96 in all" \
  "WARNING .* --max_waiting=194: .* allows 192 in all"
log_of --max_connections=192 --max_half_open=96 --max_waiting=192 --max_services=193
expect_log "services beyond the total" "WARNING .* --max_services=193: .* allows 192 in all"
[ "$(grep -c -e '--max_' "$folder/err")" = 1 ] ||
  { echo "FAILED: more than one warning:"; cat "$folder/err"; failures=$((failures + 1)); }

expect "a second directory does not start" 1 "another directory runs here" \
  "$directoryd" --socket_dir="$folder/d"
expect "list" 0 "<$user>.a -> <$user>.b" sdir list
expect "the directory" 0 "^        $folder/d/directory of $user, made by directoryd\[[0-9]+\]$" sdir list
expect "list as JSON" 0 '^\{"bindings":\[\{"client":\{"user":' sdir list --format=json
expect "list as JSON, for short" 0 '^\{"bindings":' sdir --json list
expect "list as JSON, in two words" 0 '^\{"bindings":' sdir list --format json
expect "list in another format" 2 "unknown format" sdir list --format=xml
expect "bind" 0 "^bound: <$user>.c -> <$user>.d, until the next load" sdir bind "<$user>.c" "<$user>.d"
expect "the new binding" 0 "<$user>.c -> <$user>.d" sdir list
for bad in nobody nobody.a "<nobody>" "<nobody>." ""; do
  expect "bind a wrong '$bad'" 2 "expected '<USER>.INTERFACE'" sdir bind "$bad" "<$user>.d"
  expect "bind to a wrong '$bad'" 2 "expected '<USER>.INTERFACE'" sdir bind "<$user>.c" "$bad"
  expect "unbind a wrong '$bad'" 2 "expected '<USER>.INTERFACE'" sdir unbind "$bad"
  expect "wait for a wrong '$bad'" 2 "expected '<USER>.INTERFACE'" sdir wait "$bad"
done
expect "bind in one argument" 0 "^bound: <$user>.o -> <$user>.d, until" sdir bind "<$user>.o -> <$user>.d"
expect "bind half of one argument" 2 "'' is not a SERVICE" sdir bind "<$user>.c ->"
expect "bind one argument too many" 2 "unexpected argument" sdir bind "<$user>.o -> <$user>.d" "<$user>.e"
expect "bind of root" 0 "^bound: <root>.o -> <root>.d, until" sdir bind "<0>.o" "<root>.d"
expect "bind * to one name" 1 "expected|must" sdir bind "<$user>.*" "<$user>.d"
expect "bind without a service" 2 "SERVICE is missing" sdir bind "<$user>.c"
expect "unbind" 0 "" sdir unbind "<$user>.c"
expect "unbind twice" 1 "no binding" sdir unbind "<$user>.c"
printf '<%s>.e -> <%s>.f\n' "$user" "$user" > "$folder/more"
expect "check a file" 0 "" sdir load --check "$folder/more"
expect "a check has changed nothing" 0 "<$user>.a -> <$user>.b" sdir list
printf '<%s>.e -> <%s>.f\nnonsense\n' "$user" "$user" > "$folder/bad"
expect "load a bad file" 1 "$folder/bad:2:1" sdir load "$folder/bad"
expect "a bad file has changed nothing" 0 "<$user>.a -> <$user>.b" sdir list
expect "load a folder" 1 "cannot read $folder: Is a directory" sdir load "$folder"
expect "load a missing file" 1 "cannot read $folder/none: No such file" sdir load "$folder/none"
expect "unreadable files have changed nothing" 0 "<$user>.a -> <$user>.b" sdir list
expect "load" 0 "" sdir load "$folder/more"
expect "the loaded binding" 0 "<$user>.e -> <$user>.f" sdir list
expect "load the daemon's own file" 0 "" sdir load
expect "the first binding again" 0 "<$user>.a -> <$user>.b" sdir list
expect "a wait that times out" 3 "timeout" sdir wait "<$user>.b" --timeout=0.01
expect "wait for nonsense" 2 "not a number" sdir wait "<$user>.b" --timeout=soon

# Repeats the command, since the daemon handles a signal some time later.
until_says() { # PATTERN COMMAND...
  local pattern=$1
  shift
  until "$@" 2>&1 | grep -qE -- "$pattern"; do :; done
}
printf '<%s>.g -> <%s>.h\n' "$user" "$user" > "$folder/bindings"
kill -HUP "$daemon"
until_says "<$user>.g -> <$user>.h" sdir list
expect "the former binding was removed" 1 "no binding" sdir unbind "<$user>.a"
printf 'nonsense\n' > "$folder/bindings"
kill -HUP "$daemon"
expect "a bad file changes nothing" 0 "<$user>.g -> <$user>.h" sdir list

# The daemon creates deleted files again.
rm -r "$folder/d"
until_says "<$user>.g -> <$user>.h" sdir list
rm "$folder/d/lock"
until [ -e "$folder/d/lock" ]; do :; done
until_says "<$user>.g -> <$user>.h" sdir list
expect "the daemon holds the new lock" 1 "another directory runs here" "$directoryd" --socket_dir="$folder/d"

# Events, and the reason why a client cannot open a session.
sdir monitor --json > "$folder/events" 2> "$folder/begun" &
monitor=$!
until grep -q "^sdir: events from now on" "$folder/begun"; do :; done
sdir bind "<$user>.m" "<$user>.n" > /dev/null
until grep -qE '^\{"time":"20[^"]*","event":"bindings","reason":"bound: ' "$folder/events"; do :; done
kill -TERM "$monitor"
wait "$monitor"
expect "a filter without a user" 2 "is not a filter" sdir monitor m
expect "a part of the list" 0 "^        <$user>.m -> <$user>.n" sdir list "<$user>.m"
! sdir list "<*>.m" | grep -q "<$user>.a ->" ||
  { echo "FAILED: the filter selects all"; failures=$((failures + 1)); }
expect "an explanation" 4 "^not offered +<$user>.n: is its server running" sdir explain "<$user>.m"
expect "no client to explain" 2 "one user and one interface" sdir explain "<*>.m"

# The files of a stopped daemon are deleted, and another daemon takes the
# folder. Expected: the first daemon ends when it continues.
kill -STOP "$daemon"
rm -r "$folder/d"
printf '<%s>.g -> <%s>.h\n' "$user" "$user" > "$folder/bindings"
"$directoryd" --socket_dir="$folder/d" --bindings="$folder/bindings" > "$folder/out" &
second=$!
read -r ready < "$folder/out"
kill -CONT "$daemon"
wait "$daemon"
{ [ $? = 1 ] && grep -q "another directory runs here" "$folder/err1"; } ||
  { echo "FAILED: the first directoryd did not end with status 1:"; cat "$folder/err1"; failures=$((failures + 1)); }
daemon=$second
until_says "<$user>.g -> <$user>.h" sdir list

# Stops the directory. All commands run at once, since each waits for 5 s.
kill -STOP "$daemon"
asks=()
for command in list monitor load "load $folder/more" "unbind <$user>.g" \
  "bind <$user>.k <$user>.l"; do
  # shellcheck disable=SC2086
  sdir $command > "$folder/asks${#asks[@]}" 2>&1 &
  asks+=($!)
done
for i in "${!asks[@]}"; do
  wait "${asks[i]}"
  { [ $? = 1 ] &&
    grep -q "the directory at '$folder/d/directory' does not answer" "$folder/asks$i"; } ||
    { echo "FAILED: asking a stopped directory ($i):"; cat "$folder/asks$i"; failures=$((failures + 1)); }
done
expect "a wait for a stopped one" 3 "timeout" sdir wait "<$user>.b" --timeout=0.01
kill -CONT "$daemon"

kill -TERM "$daemon"
wait "$daemon" || { echo "FAILED: the exit status of directoryd: $?"; failures=$((failures + 1)); }
daemon=
[ ! -e "$folder/d/directory" ] ||
  { echo "FAILED: the socket is still there"; failures=$((failures + 1)); }

# Limits can be set, and `list` names a user that has reached one.
for bad in 0 -1 many ''; do
  expect "no limit: '$bad'" 2 "a number from 1" \
    "$directoryd" --socket_dir="$folder/d" "--max_connections=$bad"
done
"$directoryd" --socket_dir="$folder/d" --max_connections=1 --half_open_seconds=5 > "$folder/out" &
daemon=$!
read -r ready < "$folder/out"
# Only one connection is allowed, and the former one may still be open.
until_says "USER <$user> HAS REACHED A LIMIT: connections" sdir list
until_says '"atLimit":"connections"' sdir list --format=json

kill -TERM "$daemon"
wait "$daemon"

# A daemon that may open 40 files has no reserve for administration. A monitor
# has the only connection. The daemon closes every further connection with a
# refusal, before or after sdir has sent its request.
(ulimit -n 40 && exec "$directoryd" --socket_dir="$folder/d" --max_connections=1 > "$folder/out") &
daemon=$!
read -r ready < "$folder/out"
descriptors() { find "/proc/$daemon/fd" -type l | wc -l; }
before=$(descriptors)
sdir monitor &
monitor=$!
until [ "$(descriptors)" -gt "$before" ]; do :; done
refusal="^sdir: user $(id -u) has reached its limit of connections$"
until_says "$refusal" sdir list
for _ in {1..20}; do
  expect "a refusal before the request" 1 "$refusal" nice -n 19 "$sdir" --socket_dir="$folder/d" list
done
kill -TERM "$monitor"
wait "$monitor"
kill -TERM "$daemon"
wait "$daemon"

# A signal arrives while the daemon starts. Here the daemon reads the bindings
# from a pipe, so the open of the pipe shows that it is starting.
mkfifo "$folder/late"
"$directoryd" --socket_dir="$folder/d" --bindings="$folder/late" > /dev/null &
daemon=$!
exec 3> "$folder/late"
kill -HUP "$daemon"
printf '<%s>.a -> <%s>.b\n' "$user" "$user" >&3
printf '<%s>.i -> <%s>.j\n' "$user" "$user" > "$folder/later"
mv "$folder/later" "$folder/late"
exec 3>&-
until_says "<$user>.i -> <$user>.j" sdir list
rm "$folder/late"
mkfifo "$folder/late"
expect "a pipe is not waited for" 1 "not a regular file" sdir load
kill -TERM "$daemon"
wait "$daemon"

# A folder of bindings files, together with a file.
mkdir "$folder/b"
printf '<%s>.a -> <%s>.b\n' "$user" "$user" > "$folder/bindings"
printf '<%s>.p -> <%s>.q\n' "$user" "$user" > "$folder/b/10-p.bindings"
expect "a folder of bindings that is not there" 1 "bindings folder '$folder/none': No such file" \
  "$directoryd" --socket_dir "$folder/d" --bindings_dir "$folder/none"
start() { # OPTION...
  "$directoryd" --socket_dir="$folder/d" "$@" > "$folder/out" &
  daemon=$!
  read -r ready < "$folder/out"
}
stop() {
  kill -TERM "$daemon"
  wait "$daemon"
}
both=(--bindings "$folder/bindings" --bindings_dir "$folder/b")
own=$folder/b/50-sdir.bindings
start "${both[@]}"
expect "the file's binding" 0 "<$user>.a -> <$user>.b" sdir list
expect "the folder's binding" 0 "<$user>.p -> <$user>.q" sdir list
expect "bind and write" 0 "^bound: <$user>.k -> <$user>.l, also in $own" \
  sdir bind --persist "<$user>.k" "<$user>.l"
expect "no other command writes" 2 "'--persist' is no option of 'list'" sdir list --persist
expect "a binding of another file" 1 "$own:[0-9]+:1: this .* bound to another service in $folder/b/10-p.bindings:1" \
  sdir bind --persist "<$user>.p" "<$user>.l"
expect "a refused bind has changed nothing" 0 "<$user>.p -> <$user>.q" sdir list
expect "load both" 0 "" sdir load
expect "the written binding is still there" 0 "<$user>.k -> <$user>.l" sdir list
ln -s /dev/null "$folder/b/20.bindings"
expect "a link" 1 "bindings file '$folder/b/20.bindings': a symbolic link" sdir load
expect "bind and write beside the link" 1 "bindings file '$folder/b/20.bindings': a symbolic link" sdir bind --persist "<$user>.m" "<$user>.l"
rm "$folder/b/20.bindings"
printf 'x' > "$folder/b/20.bindings"
expect "a bad one of several" 1 "$folder/b/20.bindings:1:1" sdir load
expect "the bad file has changed nothing" 0 "<$user>.k -> <$user>.l" sdir list
rm "$folder/b/20.bindings"
stop
start "${both[@]}"
expect "the written binding outlives a restart" 0 "<$user>.k -> <$user>.l" sdir list
expect "unbind and write" 0 "^unbound: <$user>.k, also in $own" sdir unbind --persist "<$user>.k"
expect "unbind another file's" 1 "$folder/b/10-p.bindings:1 has it" sdir unbind --persist "<$user>.p"
expect "the other file's binding is still there" 0 "<$user>.p -> <$user>.q" sdir list
printf '<%s>.r -> <%s>.s\n' "$user" "$user" > "$folder/b/30.bindings"
kill -HUP "$daemon"
until_says "<$user>.r -> <$user>.s" sdir list
expect "the file has no such binding any more" 1 "no binding" sdir unbind "<$user>.k"
stop
start --bindings "$folder/bindings"
expect "a file that metrics must not replace" 1 "is not a regular file" sdir metrics --textfile="$folder"
expect "no folder to write to" 1 "started without --bindings_dir" sdir bind --persist "<$user>.k" "<$user>.l"
stop

# The daemon starts without standard input, output or error.
for closed in 0 1 2; do
  rm -f "$folder/d/directory"
  (
    [ $closed != 0 ] || exec 0<&-
    [ $closed != 1 ] || exec 1>&-
    [ $closed != 2 ] || exec 2>&-
    exec "$directoryd" --socket_dir="$folder/d"
  ) > /dev/null 2>&1 &
  daemon=$!
  until_says "BINDINGS" sdir list
  [ "$(readlink "/proc/$daemon/fd/$closed")" = /dev/null ] ||
    { echo "FAILED: file descriptor $closed of directoryd is not /dev/null"; failures=$((failures + 1)); }
  kill -TERM "$daemon"
  wait "$daemon"
done
daemon=

echo "$failures failures"
[ "$failures" = 0 ]
