#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# query_test.sh FOUND ALLOWED... compares the labels in the file FOUND, which is
# the result of a query, with the allowed labels.
set -euo pipefail

found=$1
shift
if ! diff <(printf '%s\n' "$@" | sed '/^$/d' | sort) <(sort "$found"); then
  echo "FAIL: < is listed in tests/build and not found; > is found and not allowed."
  exit 1
fi
