#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
exec "$1" --kills=60 --directory_kills=10 --sessions=400 --connections=1500 \
  --strangers=10 --steps=40
