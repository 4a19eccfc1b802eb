# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

@0xd8a3f1c5b7e94a26;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("le::benchmarks");

interface Echo {
  echo @0 (data :Data) -> (data :Data);
  # Cap'n Proto has no one-way calls. This is the nearest: the caller does not
  # wait for an answer.
  push @1 (data :Data) -> stream;
  items @2 (count :UInt64, size :UInt32, sink :Sink) -> ();
}

interface Sink {
  item @0 (data :Data) -> stream;
}
