#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Writes a Bazel repository into the current folder: system_repo.sh NAME. The
# repository wraps a library that this system has installed, or replaces rules or
# tools that Bazel would download.
#
# Two callers need the same targets. bazel/deps.bzl runs the script in a
# repository rule (WORKSPACE). tools/ci/bazel7.sh passes the repository to
# --override_module of Bazel 7, without a network.
set -euo pipefail

name=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

public='package(default_visibility = ["//visibility:public"])'
load_library='load("@rules_cc//cc:cc_library.bzl", "cc_library")'

module() { # NAME VERSION: makes the folder a module too
  printf 'module(name = "%s", version = "%s")\n' "$1" "$2" > MODULE.bazel
  printf 'bazel_dep(name = "rules_cc", version = "0.1.1")\n' >> MODULE.bazel
  printf 'workspace(name = "%s")\n' "$1" > WORKSPACE
}

# --config=shared sets LE_MESSAGING_SHARED_DEPS to build a shared library of our
# own. Debian's archives of Abseil and Protobuf are not position-independent, so
# no shared library can contain them. Their shared libraries are linked instead.
readonly shared=${LE_MESSAGING_SHARED_DEPS-}

# Prints linker options. Without --config=shared they name Abseil's static
# archives: `-lNAME` would prefer shared libraries, and each program would load
# thirty of them.
archives() { # PKG_CONFIG_MODULE...
  local flag
  # A program that links thirty shared libraries needs few of them.
  if [ -n "$shared" ]; then printf '"-Wl,--as-needed", '; fi
  for flag in $(pkg-config --libs --static "$@"); do
    case "$flag" in
      -labsl_*)
        if [ -n "$shared" ]; then
          printf '"%s", ' "$flag"
        else
          printf '"-l:lib%s.a", ' "${flag#-l}"
        fi
        ;;
      -L*) ;;
      *) printf '"%s", ' "$flag" ;;
    esac
  done
}

# Fails if a program or a file is missing, and says how to install it.
need() { # PROGRAM-OR-FILE PACKAGES
  if ! command -v "$1" > /dev/null && ! [ -e "$1" ]; then
    echo "le_messaging: $1 is missing; install it: apt-get install $2" >&2
    exit 1
  fi
}

case "$name" in
  abseil-cpp)
    need pkg-config pkg-config
    pkg-config --exists absl_status ||
      { echo "le_messaging: Abseil is missing; install it: apt-get install libabsl-dev" >&2; exit 1; }
    module abseil-cpp 20250512.1
    mapfile -t targets < <(grep -v '^#' "$here/abseil_targets.txt")
    modules=()
    for pc in $(pkg-config --list-package-names | grep '^absl_' | sort); do
      # Abseil's parts for tests would need GoogleTest.
      case "$pc" in *test* | *mock* | absl_scoped_set_env) ;; *) modules+=("$pc") ;; esac
    done
    mkdir -p absl
    {
      echo "$load_library"
      echo "$public"
      # One group, since the archives depend on each other in cycles.
      echo "cc_library(name = \"all\", linkopts = [\"-Wl,--start-group\", $(archives "${modules[@]}") \"-Wl,--end-group\"])"
    } > BUILD.bazel
    for target in "${targets[@]}"; do
      folder=${target%%:*}
      mkdir -p "absl/$folder"
      build="absl/$folder/BUILD.bazel"
      [ -e "$build" ] || printf '%s\n%s\n' "$load_library" "$public" > "$build"
      echo "cc_library(name = \"${target##*:}\", deps = [\"//:all\"])" >> "$build"
    done
    ;;

  protobuf | com_google_protobuf)
    need protoc protobuf-compiler
    need /usr/include/google/protobuf/compiler/code_generator.h libprotoc-dev
    need /usr/include/google/protobuf/descriptor.proto libprotobuf-dev
    module protobuf 29.3
    ln -sf "$(command -v protoc)" protoc_binary
    lite=-l:libprotobuf.a
    if [ -n "$shared" ]; then lite=-lprotobuf-lite; fi
    printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v protoc)" > protoc.sh
    chmod +x protoc.sh
    mkdir -p src/google/protobuf/compiler src/google/protobuf/util
    ln -sf /usr/include/google/protobuf/descriptor.proto src/google/protobuf/
    cat > BUILD.bazel <<BUILD
$load_library
$public
cc_library(name = "protobuf", linkopts = ["-lprotobuf", "-lpthread"])
# Static, so that a program links only what it uses: messages that are
# LITE_RUNTIME need a small part.
cc_library(name = "protobuf_lite", linkopts = ["$lite", "-lpthread"])
sh_binary(name = "protoc", srcs = ["protoc.sh"])
[cc_library(
    name = well_known + "_cc_proto",
    deps = ["//src/google/protobuf/util:json_util"],
) for well_known in ["any", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers"]]
# blacklisted_protos names the target of @protobuf, and no code is generated for
# it. So @com_google_protobuf, whose toolchain Bazel 4 uses, has the same target.
alias(name = "descriptor_proto", actual = "@protobuf//src/google/protobuf:descriptor_proto")
proto_lang_toolchain(
    name = "cc_toolchain",
    blacklisted_protos = ["@protobuf//src/google/protobuf:descriptor_proto"],
    command_line = "--cpp_out=\$(OUT)",
    runtime = ":protobuf_lite",
)
BUILD
    cat > src/google/protobuf/BUILD.bazel <<BUILD
$public
proto_library(name = "descriptor_proto", srcs = ["descriptor.proto"], strip_import_prefix = "/src")
BUILD
    # Plugins of protoc link this library.
    cat > src/google/protobuf/compiler/BUILD.bazel <<BUILD
$load_library
$public
cc_library(name = "code_generator", linkopts = ["-l:libprotoc.a", "-l:libprotobuf.a", "-lz", "-lpthread"])
BUILD
    # Links all of Protobuf into each program that depends on it, statically.
    cat > src/google/protobuf/util/BUILD.bazel <<BUILD
$load_library
$public
cc_library(name = "json_util", linkopts = ["-l:libprotobuf.a", "-lpthread"])
BUILD
    mkdir -p bazel
    echo > bazel/BUILD.bazel
    cat > bazel/proto_library.bzl <<'BZL'
def proto_library(**kwargs):
    native.proto_library(**kwargs)
BZL
    cat > bazel/cc_proto_library.bzl <<'BZL'
def cc_proto_library(**kwargs):
    native.cc_proto_library(**kwargs)
BZL
    # Two files: in one file, ProtoInfo would be referenced before its
    # assignment.
    mkdir -p bazel/common
    echo > bazel/common/BUILD.bazel
    echo 'NativeProtoInfo = ProtoInfo' > bazel/common/native.bzl
    printf 'load(":native.bzl", "NativeProtoInfo")\n\nProtoInfo = NativeProtoInfo\n' > bazel/common/proto_info.bzl
    ;;

  googletest)
    need /usr/src/googletest/googletest/src/gtest-all.cc googletest
    module googletest 1.17.0
    ln -sfn /usr/src/googletest sources
    cat > BUILD.bazel <<BUILD
$load_library
$public
cc_library(
    name = "gtest",
    testonly = False,
    srcs = [
        "sources/googlemock/src/gmock-all.cc",
        "sources/googletest/src/gtest-all.cc",
    ],
    hdrs = glob(["sources/google*/include/**/*.h"]),
    textual_hdrs = glob(["sources/google*/src/*"], exclude = ["sources/google*/src/*_main.cc"]),
    copts = ["-std=c++17", "-w"],
    includes = [
        "sources/googlemock",
        "sources/googlemock/include",
        "sources/googletest",
        "sources/googletest/include",
    ],
    linkopts = ["-lpthread"],
    linkstatic = True,
)
cc_library(
    name = "gtest_main",
    srcs = ["sources/googlemock/src/gmock_main.cc"],
    copts = ["-std=c++17", "-w"],
    linkstatic = True,
    deps = [":gtest"],
)
BUILD
    ;;

  google_benchmark)
    module google_benchmark 1.9.1
    cat > BUILD.bazel <<BUILD
$load_library
$public
cc_library(name = "benchmark", linkopts = ["-lbenchmark", "-lpthread"])
cc_library(name = "benchmark_main", linkopts = ["-lbenchmark_main"], deps = [":benchmark"])
BUILD
    ;;

  rules_cc)
    # For versions of Bazel with built-in C++ rules. Exports all rules that
    # @bazel_tools loads; otherwise Bazel would try to download rules_cc.
    module rules_cc 0.0.17
    mkdir -p cc
    echo > BUILD.bazel
    echo "$public" > cc/BUILD.bazel
    : > cc/defs.bzl
    for rule in cc_library cc_binary cc_test cc_import cc_proto_library cc_toolchain \
      cc_toolchain_suite objc_library objc_import fdo_profile fdo_prefetch_hints; do
      echo "$rule = native.$rule" | tee "cc/$rule.bzl" >> cc/defs.bzl
    done
    ;;

  rules_shell)
    # Bazel before 9 has built-in shell rules.
    module rules_shell 0.2.0
    mkdir -p shell
    echo > BUILD.bazel
    echo "$public" > shell/BUILD.bazel
    for rule in sh_binary sh_library sh_test; do
      echo "$rule = native.$rule" > "shell/$rule.bzl"
    done
    ;;

  rules_java)
    # In Bazel 4, each C++ test resolves a Java toolchain. No test uses it.
    module rules_java 5.0.0
    mkdir -p java
    echo > BUILD.bazel
    echo "$public" > java/BUILD.bazel
    for rule in java_binary java_library java_import java_test java_toolchain \
      java_runtime java_package_configuration java_plugin java_proto_library; do
      echo "$rule = native.$rule"
    done > java/defs.bzl
    ;;

  remote_coverage_tools)
    module remote_coverage_tools 1.0
    cat > BUILD.bazel <<BUILD
$public
filegroup(name = "coverage_report_generator")
filegroup(name = "lcov_merger")
BUILD
    ;;

  zlib)
    module zlib 1.3.1.bcr.5
    printf '%s\n%s\ncc_library(name = "zlib", linkopts = ["-lz"])\n' "$load_library" "$public" > BUILD.bazel
    ;;

  apple_support)
    # Bazel's own module file uses this module. Nothing of it is built.
    module apple_support 1.15.1
    echo > BUILD.bazel
    mkdir -p crosstool
    echo > crosstool/BUILD.bazel
    cat > crosstool/setup.bzl <<'BZL'
def _empty_impl(ctx):
    ctx.file("BUILD.bazel", "")

_empty = repository_rule(_empty_impl)

def _extension_impl(_ctx):
    _empty(name = "local_config_apple_cc")
    _empty(name = "local_config_apple_cc_toolchains")

apple_cc_configure_extension = module_extension(_extension_impl)
BZL
    ;;

  buildozer)
    module buildozer 7.1.2
    echo > BUILD.bazel
    cat > buildozer_binary.bzl <<'BZL'
def _empty_impl(ctx):
    ctx.file("BUILD.bazel", "")

_empty = repository_rule(_empty_impl)

def _extension_impl(_ctx):
    _empty(name = "buildozer_binary")

buildozer_binary = module_extension(_extension_impl)
BZL
    ;;

  *)
    echo "system_repo.sh: unknown repository '$name'" >&2
    exit 1
    ;;
esac
