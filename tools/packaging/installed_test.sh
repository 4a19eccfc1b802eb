#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs le_messaging into a folder, builds the C program of docs/using.md
# with nothing but the installed files, by pkg-config and by CMake, and runs it.
# Then runs the tests of messaging/python with the installed package. CI runs this
# script. It installs the packages that it needs if they are missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tools/install_packages.sh cmake pkg-config mandoc protobuf-compiler python3-protobuf python3-pytest
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
! mandoc -T lint -W warning "$prefix/share/man/man1/sdir.1" | grep . || fail "the man page has faults"

mkdir "$folder/program"
sed -n '/^\/\* shout\.c:/,/^```$/p' docs/using.md | grep -v '^```$' > "$folder/program/shout.c"
cat > "$folder/program/CMakeLists.txt" << 'CMAKE'
cmake_minimum_required(VERSION 3.18)
project(shout C)
set(CMAKE_C_STANDARD 99)
find_package(lemessaging 0.1 REQUIRED)
add_executable(shout shout.c)
target_link_libraries(shout lemessaging::lemessaging)
CMAKE
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
# shellcheck disable=SC2046
cc -std=gnu99 -Wall -Wextra -Werror $(pkg-config --cflags lemessaging) -o "$folder/by_pkg_config" \
  "$folder/program/shout.c" $(pkg-config --libs lemessaging)
cmake -S "$folder/program" -B "$folder/built" -DCMAKE_PREFIX_PATH="$prefix" > "$folder/cmake.log" ||
  { cat "$folder/cmake.log"; fail "cmake"; }
cmake --build "$folder/built" > "$folder/cmake.log" || { cat "$folder/cmake.log"; fail "cmake --build"; }

export LE_MESSAGING_DIR=$folder/place
echo '<self>.* -> <self>.*' > "$folder/bindings"
"$prefix/sbin/directoryd" --bindings="$folder/bindings" > /dev/null &
"$folder/by_pkg_config" &
"$prefix/bin/sdir" wait "<$(id -un)>.shoutInC" --timeout=60
[ "$("$folder/built/shout" hello)" = HELLO ] || fail "the client's output"
"$prefix/bin/sdir" explain "<$(id -un)>.shoutInC" || fail "sdir explain"

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
