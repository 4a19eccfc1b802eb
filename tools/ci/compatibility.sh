#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs the quickstart with C programs of an earlier version and of this one, in
# each combination of directory, server and client. tools/ci/compatibility_pin
# names the commit of the earlier version. This script builds that commit.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
pin=$(< "$root/tools/ci/compatibility_pin")

if ! git -C "$root" cat-file -e "$pin^{commit}" 2> /dev/null; then
  echo "compatibility: commit $pin (tools/ci/compatibility_pin) is not in this" \
    "clone. If the clone is shallow, run: git fetch --unshallow" >&2
  exit 1
fi

work=$(mktemp -d /tmp/le_compatibility_XXXXXX)
started=$SECONDS

finish() {
  # The files of a build are read-only. Only Bazel deletes them.
  if [ -d "$work/source" ]; then
    (cd "$work/source" && ./bazelw clean --expunge) > /dev/null 2>&1 || true
  fi
  rm -rf "$work"
}
trap finish EXIT

# Builds the programs of a source tree and copies them to a folder.
build() { # SOURCE TO
  # In earlier versions the C programs were those of examples/quickstart.
  local example=examples/c_quickstart
  [ -d "$1/$example" ] || example=examples/quickstart
  mkdir "$2"
  (cd "$1" && ./bazelw build //directory:directoryd //tools/sdir \
    "//$example:"{server,client,one_process} &&
    cp -L bazel-bin/directory/directoryd bazel-bin/tools/sdir/sdir \
      "bazel-bin/$example/"{server,client,one_process} "$2/")
}

echo "* Building the programs of this version"
build "$root" "$work/new"
echo "* Building the programs of commit $pin"
mkdir "$work/source"
git -C "$root" archive "$pin" | tar -x -C "$work/source"
if [ -e "$root/user.bazelrc" ]; then cp "$root/user.bazelrc" "$work/source/"; fi
build "$work/source" "$work/old"
echo "* Built after $((SECONDS - started)) s"

failed=0
for directory in old new; do
  for server in old new; do
    for client in old new; do
      # examples/c_quickstart tests the programs of this version together.
      [ "$directory$server$client" != newnewnew ] || continue
      name="$directory directory, $server server, $client client"
      if output=$(timeout --kill-after=10 120 \
        "$root/examples/quickstart/quickstart.sh" \
        "$work/$directory/directoryd" "$work/$client/sdir" \
        "$work/$server/server" "$work/$client/client" \
        "$work/$client/one_process" 2>&1); then
        echo "passed: $name"
      else
        echo "FAILED: $name"
        echo "$output"
        failed=1
      fi
    done
  done
done
[ "$failed" = 0 ]
