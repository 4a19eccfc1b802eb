#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Compares the labels in the file FOUND, the result of a query, with the allowed
# labels: query_test.sh FOUND ALLOWED...
set -euo pipefail

found=$1
shift
if ! diff <(printf '%s\n' "$@" | sed '/^$/d' | sort) <(sort "$found"); then
  echo "FAIL: < is listed in tests/build and not found; > is found and not allowed."
  exit 1
fi
