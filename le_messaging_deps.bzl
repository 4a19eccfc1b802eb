# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
"""The system's own libraries, for a WORKSPACE that uses le_messaging.

    load("@le_messaging//:le_messaging_deps.bzl", "le_messaging_deps")
    le_messaging_deps()

With Bazel modules none of this is used: MODULE.bazel names the dependencies.
"""

load("//bazel:deps.bzl", _le_messaging_deps = "le_messaging_deps")

le_messaging_deps = _le_messaging_deps
