# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
"""Saves the compiler's messages about a file that may have errors."""

# The native CcInfo is used, because the rules_cc of a WORKSPACE build has no
# cc_info.bzl.
_CcInfo = CcInfo  # buildifier: disable=native-cc-info

def _compiler_says_impl(ctx):
    context = depset(transitive = [dep[_CcInfo].compilation_context.headers for dep in ctx.attr.deps])
    flags = []
    for dep in ctx.attr.deps:
        of_dep = dep[_CcInfo].compilation_context
        for flag, folders in {
            "-I": of_dep.includes,
            "-iquote": of_dep.quote_includes,
            "-isystem": of_dep.system_includes,
        }.items():
            for folder in folders.to_list():
                flags += [flag, folder]
    ctx.actions.run_shell(
        inputs = depset([ctx.file.src], transitive = [context]),
        outputs = [ctx.outputs.out],
        arguments = [ctx.file.src.path, ctx.outputs.out.path, ctx.attr.without] + flags,
        command = """
src=$1 out=$2 without=$3; shift 3
{ { echo "#line 1 \\"$src\\""; sed "s@.*${without:-^$}.*@@" "$src"; } |
  ${CXX:-c++} -std=c++17 -Wall "$@" -x c++ -S -o /dev/null - && echo compiled; } > "$out" 2>&1 || true""",
        mnemonic = "CompilerSays",
        use_default_shell_env = True,
    )

compiler_says = rule(
    implementation = _compiler_says_impl,
    attrs = {
        "deps": attr.label_list(providers = [_CcInfo]),
        "out": attr.output(mandatory = True),
        "src": attr.label(allow_single_file = True, mandatory = True),
        "without": attr.string(doc = "Lines that contain this text are left out."),
    },
    doc = "Compiles `src`. `out` gets the compiler's messages, and \"compiled\" at the end if there is no error.",
)
