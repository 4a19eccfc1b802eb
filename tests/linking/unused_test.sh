#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# A program that only uses messages contains none of Legato's other APIs, except
# those that messages need: unused_test.sh PROGRAM.
set -euo pipefail

linked=$(nm -C --defined-only "$1" | grep -oE ' le_(arg|cdata|clk|dls|hashmap|mutex|ref|test|timer|utf8|fdMonitor|log_GetTraceRef|event_Report)[A-Za-z_]*$' || true)
[ -z "$linked" ] || { echo "FAILED: linked, and not used:"; echo "$linked"; exit 1; }
# Check that nm prints linked functions. Otherwise the empty list above would
# prove nothing.
nm -C --defined-only "$1" | grep ' le_msg_OpenSessionSync$' > /dev/null
