#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# The linker's error for a program that links both facades names the mistake:
# one_facade_test.sh LINKER-OUTPUT.
set -u

grep -q "multiple definition.*link_le_messaging_or_le_messaging_loopback_not_both" "$1" ||
  { echo "FAILED: the linker said:"; cat "$1"; exit 1; }
