# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
"""C and C++ rules with our compiler flags.

A consumer's build does not read our .bazelrc, so each target sets the language
standard itself.

    load("//bazel:defs.bzl", "le_cc_library", "le_cc_test")

le_cc_*: C++17 sources. le_c_*: C99 sources, in targets of their own.
"""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_cc//cc:cc_test.bzl", "cc_test")

# No -Werror: a newer compiler's new warnings must not break a consumer's build.
_WARNINGS = ["-Wall", "-Wextra"]
_CXX = ["-std=c++17"] + _WARNINGS
_C = ["-std=c99", "-pedantic", "-D_GNU_SOURCE"] + _WARNINGS
_LINK = ["-lpthread"]

def le_cc_library(name, copts = [], **kwargs):
    cc_library(name = name, copts = _CXX + copts, linkstatic = True, **kwargs)

def le_cc_binary(name, copts = [], linkopts = [], **kwargs):
    cc_binary(name = name, copts = _CXX + copts, linkopts = linkopts + _LINK, **kwargs)

def le_cc_test(name, copts = [], linkopts = [], deps = [], main = False, **kwargs):
    """Defines a test. If `main` is False, it gets GoogleTest's main()."""
    cc_test(
        name = name,
        copts = _CXX + copts,
        linkopts = linkopts + _LINK,
        linkstatic = True,
        deps = deps + (["@googletest//:gtest"] if main else ["@googletest//:gtest_main", "@googletest//:gtest"]),
        **kwargs
    )

def le_c_library(name, copts = [], **kwargs):
    cc_library(name = name, copts = _C + copts, linkstatic = True, **kwargs)

def le_c_binary(name, copts = [], linkopts = [], **kwargs):
    cc_binary(name = name, copts = _C + copts, linkopts = linkopts + _LINK, **kwargs)

def le_c_test(name, copts = [], linkopts = [], **kwargs):
    cc_test(name = name, copts = _C + copts, linkopts = linkopts + _LINK, linkstatic = True, **kwargs)
