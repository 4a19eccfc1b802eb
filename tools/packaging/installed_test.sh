#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs le_messaging into a folder, checks what is installed, and builds and
# runs programs with it (programs_test.sh). CI runs this script. It installs the
# tools that are missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tools/install_packages.sh cmake meson pkg-config mandoc
folder=$(mktemp -d)
finish() {
  jobs -p | xargs -r kill 2> /dev/null || true
  wait
  rm -rf "$folder"
}
trap finish EXIT
readonly prefix=$folder/usr
tools/packaging/install.sh --prefix="$prefix" -- --compilation_mode=fastbuild

fail() { echo "FAILED: $*"; exit 1; }

# The library exports the functions of the C API only.
nm -D --defined-only "$prefix/lib/liblemessaging.so" | sed -n 's/.* T \([^@]*\).*/\1/p' > "$folder/exported"
grep -vxFf docs/c_api.txt "$folder/exported" && fail "exported, and not in docs/c_api.txt"
for function in le_msg_Send le_event_RunLoop le_mem_CreatePool le_timer_Create; do
  grep -qx "$function" "$folder/exported" || fail "$function is not exported"
done
# mandoc does not find the pages that are not installed in /usr.
! mandoc -T lint "$prefix"/share/man/man*/* 2>&1 | grep -vE 'outdated mandoc.db|referenced manual not found' ||
  fail "the man pages have faults"

export LE_MESSAGING_DIR=$folder/place
user="<$(id -un)>"
printf '%s\n' "$user.shoutInC -> $user.shoutInC" "$user.facts -> $user.fileFacts" > "$folder/bindings"
"$prefix/sbin/directoryd" --bindings="$folder/bindings" > /dev/null &
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig CMAKE_PREFIX_PATH=$prefix LD_LIBRARY_PATH=$prefix/lib
mkdir "$folder/programs" "$folder/generated"
tools/packaging/programs_test.sh "$folder/programs"

# A typed service in C++.
cd "$folder/generated"
protoc -I"$OLDPWD" -I"$(pkg-config --variable=protodir lemessaging-cpp)" --plugin="$prefix/bin/protoc-gen-le" \
  --cpp_out=. --le_out=. examples/quickstart/file_facts.proto le/service.proto
# shellcheck disable=SC2046 # one word for each flag
c++ -std=c++17 -I. -c $(pkg-config --cflags lemessaging-cpp) \
  examples/quickstart/file_facts.pb.cc examples/quickstart/file_facts.le.cc le/service.pb.cc
for program in client server; do
  # shellcheck disable=SC2046 # one word for each flag
  c++ -std=c++17 -Wall -Wextra -Werror -I. -I"$OLDPWD" $(pkg-config --cflags lemessaging-cpp) \
    "$OLDPWD/examples/quickstart/$program"{,_main}.cc ./*.o -o "$program" $(pkg-config --libs lemessaging-cpp)
done
./server > /dev/null &
timeout 60 ./client le/service.pb.h 1 > output || fail "the client in C++"
grep -q "$(wc -l < le/service.pb.h) lines" output || { cat output; fail "the output of the client in C++"; }
kill %%
cd "$OLDPWD"
"$prefix/bin/sdir" list > /dev/null || fail "sdir list"
echo "the installed files work"
