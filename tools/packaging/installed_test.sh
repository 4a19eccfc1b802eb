#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs le_messaging into a folder, checks what is installed, and builds and
# runs programs with it (programs_test.sh). Then runs the tests of
# messaging/python with the installed package. CI runs this script. It installs
# the packages that it needs if they are missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tools/install_packages.sh cmake meson pkg-config mandoc protobuf-compiler python3-protobuf python3-pytest
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
grep -vxFf docs/c_api.txt "$folder/exported" && fail "the library exports functions that docs/c_api.txt does not have"
for function in le_msg_Send le_event_RunLoop le_mem_CreatePool le_timer_Create; do
  grep -qx "$function" "$folder/exported" || fail "$function is not exported"
done
# mandoc does not find the pages that are not installed in /usr.
! mandoc -T lint "$prefix"/share/man/man*/* 2>&1 | grep -vE 'outdated mandoc.db|referenced manual not found' ||
  fail "the man pages have faults"

export LE_MESSAGING_DIR=$folder/place
user="<$(id -un)>"
printf '%s\n' "$user.* -> $user.*" "$user.facts -> $user.fileFacts" > "$folder/bindings"
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

# Python: in one process, and then with the directory and programs in C++.
readonly PROGRAMS=(//tools/packaging:liblemessaging_loopback.so.0 //examples/quickstart:server //examples/quickstart:client)
./bazelw build --config=shared --compilation_mode=fastbuild "${PROGRAMS[@]}"
bin=$(./bazelw info --config=shared --compilation_mode=fastbuild bazel-bin 2> /dev/null)
export PYTHONPATH=$prefix/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1
python_tests() { /usr/bin/python3 -m pytest -q -p no:cacheprovider messaging/python/tests; }
LE_MESSAGING_LIBRARY=$bin/tools/packaging/liblemessaging_loopback.so.0 python_tests ||
  fail "the Python package in one process"
LE_QUICKSTART=$bin/examples/quickstart python_tests || fail "the Python package"
echo "the installed files work"
