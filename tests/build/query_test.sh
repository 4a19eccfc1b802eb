#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Compares what a query found with what is allowed: query_test.sh FOUND ALLOWED...
set -euo pipefail

found=$1
shift
if ! diff <(printf '%s\n' "$@" | sed '/^$/d' | sort) <(sort "$found"); then
  echo "FAIL: < is listed in tests/build and not found; > is found and not allowed."
  exit 1
fi
