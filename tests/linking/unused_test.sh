#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# A program that only uses messages. Expected: it links nothing of //legato,
# except inline functions and templates of its headers.
# Arguments: PROGRAM ARCHIVE...
set -euo pipefail

program=$1
shift

# symbols FILE...: the defined functions and variables. Templates and inline
# functions are not among them.
symbols() {
  nm --defined-only --extern-only "$@" | awk 'NF == 3 && $2 ~ /^[BDRT]$/ { print $3 }' | sort -u
}

linked=$(comm -12 <(symbols "$program") <(symbols "$@"))
[ -z "$linked" ] || { echo "FAILED: linked, although not used:"; c++filt <<< "$linked"; exit 1; }
# Check that both lists have symbols. Otherwise the empty list above would prove
# nothing.
symbols "$program" | grep -x le_msg_OpenSessionSync > /dev/null
symbols "$@" | grep -x le_mem_ForceAlloc > /dev/null
