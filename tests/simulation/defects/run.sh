#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Shows that the simulation finds defects. For each patch of this folder, or
# for each NAME: makes a copy of the checkout with only this patch, builds the
# simulation there, and runs seeds until one fails. Prints that seed. Fails if
# the seeds do not find each of the defects.
#
#   tests/simulation/defects/run.sh [--seeds=N] [NAME...]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
seeds=10000
names=()
for word in "$@"; do
  case "$word" in
    --seeds=*) seeds=${word#--seeds=} ;;
    *) names+=("$word") ;;
  esac
done
if [ "${#names[@]}" = 0 ]; then
  for patch in "$root"/tests/simulation/defects/*.patch; do
    names+=("$(basename "$patch" .patch)")
  done
fi

copy=$(mktemp -d)
finish() {
  (cd "$copy/tree" && ./bazelw clean --expunge) > /dev/null 2>&1 || true
  rm -rf "$copy"
}
trap finish EXIT
mkdir "$copy/tree"
(cd "$root" && git ls-files -z | tar --null --files-from=- -cf -) | tar -xf - -C "$copy/tree"
cd "$copy/tree"

missed=0
for name in "${names[@]}"; do
  patch=$root/tests/simulation/defects/$name.patch
  patch --silent -p1 < "$patch"
  ./bazelw build -c opt --noshow_progress //tests/simulation > "$copy/log" 2>&1 || {
    cat "$copy/log"
    exit 1
  }
  status=0
  setting=()
  # The first line of the patch says whether only the kernel setting finds the
  # defect.
  if grep -q '^On the simulated kernel' "$patch"; then setting=(--kernel); fi
  bazel-bin/tests/simulation/simulation "${setting[@]}" "--seeds=$seeds" --until_failure \
    > "$copy/log" 2> /dev/null || status=$?
  if [ "$status" = 0 ]; then
    echo "$name: NOT FOUND in $seeds seeds"
    missed=$((missed + 1))
  else
    echo "$name: $(grep -m1 '^seed ' "$copy/log")"
  fi
  patch --silent -R -p1 < "$patch"
done
echo "$((${#names[@]} - missed)) of ${#names[@]} defects found"
[ "$missed" = 0 ]
