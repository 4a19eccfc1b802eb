#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# With an older C++ standard the first error of each header names the standard
# that the library needs: cxx_standard_test.sh HEADER...
set -u

failures=0
for header in "$@"; do
  first=$("${CXX:-c++}" -std=c++14 -x c++ -fsyntax-only -I. "$header" 2>&1 | grep -m1 "error:")
  grep -q "le_messaging needs C++17" <<< "$first" ||
    { echo "FAILED: $header: the first error is: $first"; failures=$((failures + 1)); }
done
[ $# -gt 0 ] && [ "$failures" = 0 ]
