# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
"""The system's own libraries as repositories: see //:le_messaging_deps.bzl.
"""

def _system_repository_impl(ctx):
    ctx.path(Label("@le_messaging//bazel:abseil_targets.txt"))
    script = ctx.path(Label("@le_messaging//bazel:system_repo.sh"))
    result = ctx.execute(["bash", script, ctx.name])
    if result.return_code != 0:
        fail(result.stderr)

_system_repository = repository_rule(
    implementation = _system_repository_impl,
    local = True,
    environ = ["LE_MESSAGING_SHARED_DEPS"],
)

# The names are those of the Bazel Central Registry, so that the same BUILD
# files work with modules and with WORKSPACE. Bazel 4 itself uses
# com_google_protobuf.
_REPOSITORIES = [
    "abseil-cpp",
    "com_google_protobuf",
    "google_benchmark",
    "googletest",
    "protobuf",
    "remote_coverage_tools",
    "rules_cc",
    "rules_java",
    "rules_shell",
]

def le_messaging_deps():
    """Defines each repository that is not defined already."""
    for name in _REPOSITORIES:
        if not native.existing_rule(name):
            _system_repository(name = name)
