# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
"""What a WORKSPACE needs for le_messaging: the system's own libraries.

    load("@le_messaging//:le_messaging_deps.bzl", "le_messaging_deps")
    le_messaging_deps()

With Bazel modules none of this is used: MODULE.bazel names the dependencies.
"""

load("//bazel:deps.bzl", _le_messaging_deps = "le_messaging_deps")

le_messaging_deps = _le_messaging_deps
