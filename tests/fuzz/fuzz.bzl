# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
"""Fuzz targets. Each is a plain test of its corpus, and a fuzzer."""

load("//bazel:defs.bzl", "le_cc_binary", "le_cc_library", "le_cc_test")

def le_fuzz_target(name, deps):
    """Defines NAME_replay_test, which runs the corpus, and the fuzzer NAME.

    run.sh runs the fuzzer.

    Args:
      name: NAME.cc has LLVMFuzzerTestOneInput(), corpus/NAME/ has its inputs.
      deps: the libraries that NAME.cc uses.
    """
    corpus = native.glob(["corpus/%s/*" % name])
    le_cc_library(
        name = name + "_target",
        testonly = True,
        srcs = [name + ".cc"],
        deps = deps,
        alwayslink = True,
    )
    le_cc_test(
        name = name + "_replay_test",
        srcs = ["replay_main.cc"],
        args = ["$(location %s)" % file for file in corpus],
        data = corpus,
        main = True,
        deps = [":%s_target" % name],
    )
    le_cc_binary(
        name = name,
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = [":%s_target" % name],
    )
