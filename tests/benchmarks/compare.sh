#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Measures this checkout next to another build, in the same rounds. The other
# build is a commit, or this checkout with a patch. The commit's benchmark
# programs must understand the same commands. Both builds align each function to
# 64 bytes. Otherwise even an unused function moves the others, which changes
# the rates of messages by up to 5 %.
#
#   tests/benchmarks/compare.sh COMMIT|PATCH [OPTION OF THE REPORT]...
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if [ $# = 0 ]; then
  echo "usage: tests/benchmarks/compare.sh COMMIT|PATCH [OPTION OF THE REPORT]..." >&2
  exit 2
fi
other=$1
shift
build=(-c opt --copt=-falign-functions=64)

copy=$(mktemp -d)
finish() {
  (cd "$copy/tree" && ./bazelw clean --expunge) > /dev/null 2>&1 || true
  rm -rf "$copy"
}
trap finish EXIT
mkdir "$copy/tree"
if [ -f "$other" ]; then
  (cd "$root" && git ls-files -z | tar --null --files-from=- -cf -) | tar -xf - -C "$copy/tree"
  patch --silent -d "$copy/tree" -p1 < "$other"
else
  git -C "$root" archive "$other" | tar -xf - -C "$copy/tree"
fi
if [ -f "$root/user.bazelrc" ]; then cp "$root/user.bazelrc" "$copy/tree"; fi
(cd "$copy/tree" && ./bazelw build "${build[@]}" --noshow_progress //tests/benchmarks:unix_party) > "$copy/log" 2>&1 || {
  cat "$copy/log" >&2
  exit 1
}
cp "$copy/tree/bazel-bin/tests/benchmarks/unix_party" "$copy/other_party"
cd "$root"
./bazelw run "${build[@]}" //tests/benchmarks:report -- "--other=$copy/other_party" "$@"
