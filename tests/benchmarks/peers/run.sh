#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Measures libraries of Debian 12 and le_messaging, each next to bare sockets
# that do the same work in the same rounds: run.sh [--rounds=N]
# If packages are missing, the script only prints their names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

missing=$(tools/install_packages.sh --print libnng-dev libzmq3-dev libsystemd-dev \
  libcapnp-dev capnproto libgrpc++-dev protobuf-compiler-grpc)
if [ -n "$missing" ]; then
  printf 'Some peers are not installed. On Debian 12, run this first:\n    %s\n' "$missing" >&2
  exit 1
fi
exec ./bazelw run -c opt //tests/benchmarks/peers -- "$@"
