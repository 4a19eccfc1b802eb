#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Compares the binary interface of the shared library with that of the last
# release, which liblemessaging.abi describes:
#
#   tools/packaging/abi.sh            fails on any difference but new functions
#   tools/packaging/abi.sh --update   writes liblemessaging.abi anew
#
# Installs libabigail if it is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly RELEASED=tools/packaging/liblemessaging.abi

tools/install_packages.sh abigail-tools

options=(--config=shared --compilation_mode=fastbuild)
./bazelw build "${options[@]}" //tools/packaging:liblemessaging.so.0
library=$(./bazelw info "${options[@]}" bazel-bin 2> /dev/null)/tools/packaging/liblemessaging.so.0

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Types that no public header defines are private.
abidw --headers-dir legato/include --headers-dir messaging/include --drop-private-types --exported-interfaces-only \
  --no-corpus-path --no-comp-dir-path --no-show-locs --no-parameter-names --no-elf-needed \
  --type-id-style hash --out-file "$folder/abi" "$library"
if [ "${1-}" = --update ]; then
  cp "$folder/abi" "$RELEASED"
  exit
fi

if abidiff --no-added-syms "$RELEASED" "$folder/abi"; then
  echo "the binary interface is that of the last release, or has new functions"
else
  cat << 'MESSAGE'
FAILED: the binary interface is not that of the last release (see above).
If docs/compatibility.md allows this change, describe the new interface in the
same commit: tools/packaging/abi.sh --update
Otherwise undo it, or add a new function instead.
MESSAGE
  exit 1
fi
