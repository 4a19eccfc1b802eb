#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Links both //messaging:le_messaging and //messaging:le_messaging_loopback into
# one shared library. Expected: the linker reports an error, and a symbol in the
# error names the mistake.
# Argument: the file with the linker's output.
set -u

grep -q "multiple definition.*link_le_messaging_or_le_messaging_loopback_not_both" "$1" ||
  { echo "FAILED: the linker printed:"; cat "$1"; exit 1; }
