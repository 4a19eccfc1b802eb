# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
"""The targets that consumers may depend on.

The tests in this package compare the tree with these lists.
"""

# All public targets. Keep the list short: each target is a promise.
PUBLIC_TARGETS = [
    "//:directoryd",
    "//:le_messaging",
    "//:le_messaging_loopback",
    "//:sdir",
    "//directory:directoryd",
    "//event:le_event",
    "//legato:legato",
    "//messaging:component_main",
    "//messaging:headers",
    "//messaging:le_messaging",
    "//messaging:le_messaging_loopback",
    "//messaging/cpp:cpp",
    "//messaging/testing:replay",
    "//messaging/testing:testing",
    "//services:service_proto",
    "//services:services",
    "//services/compatible:compatible",
    "//services/plugin:protoc-gen-le",
    "//tools/deps:abseil_targets.txt",
    "//tools/deps:system_repo.sh",
    "//tools/sdir:sdir",
    "//transports/testing:conformance",
]

# Packages that export files to every package. A consumer's WORKSPACE reads
# these files.
EXPORTING_PACKAGES = [
    "//",
    "//bazel",
]

# Only these targets may depend directly on an implementation of a transport:
# the two C facades, the programs, and the test kit. The list has only targets
# that a public target depends on. tools/lint.sh checks all other files.
TRANSPORT_NAMERS = [
    "//directory:directoryd_main",
    "//messaging/facade:loopback",
    "//messaging/facade:unix_socket",
    "//messaging/testing:testing",
    "//tools/sdir:conversations",
]
