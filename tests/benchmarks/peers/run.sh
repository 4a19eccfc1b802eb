#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Measures the peers that Debian 12 has, next to us and to bare sockets, on the same
# work in the same rounds: run.sh [--rounds=N]
# Without the packages it says which are missing, and does nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

missing=$(tools/install_packages.sh --print libnng-dev libzmq3-dev libsystemd-dev \
  libcapnp-dev capnproto libgrpc++-dev)
if [ -n "$missing" ]; then
  printf 'Some peers are not installed. On Debian 12, run this first:\n    %s\n' "$missing" >&2
  exit 1
fi
exec ./bazelw run -c opt //tests/benchmarks/peers -- "$@"
