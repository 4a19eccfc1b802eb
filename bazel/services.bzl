# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
"""Typed services: C++ clients and servers from the services of a .proto file.

    load("@le_messaging//bazel:services.bzl", "le_cc_service_library", "le_service_compatible_test")

    proto_library(
        name = "facts_proto",
        srcs = ["facts.proto"],
        deps = ["@le_messaging//services:service_proto"],   # "le/service.proto"
    )

    le_cc_service_library(
        name = "facts",                # "FOLDER/facts.le.h", for "FOLDER/facts.proto"
        proto = ":facts_proto",
    )

    le_service_compatible_test(        # fails on a change that old peers misunderstand
        name = "facts_compatible_test",
        golden = "facts_v1.txtpb",     # a copy of facts.le.txtpb, which ":facts" generated
        service = ":facts",
    )

A program depends on ":facts" and on a library with a transport, such as
@le_messaging//messaging:le_messaging.
":facts_mock" has GoogleMock classes ("FOLDER/facts.le_mock.h").
"""

load("@protobuf//bazel:cc_proto_library.bzl", "cc_proto_library")
load("@protobuf//bazel/common:proto_info.bzl", "ProtoInfo")
load("@rules_cc//cc:cc_library.bzl", "cc_library")

def _import_path(file, root):
    """Returns the path by which other .proto files import this one."""
    for folder in [root, file.root.path]:
        if folder not in ["", "."] and file.path.startswith(folder + "/"):
            return file.path[len(folder) + 1:]
    return file.path

def _le_generate_impl(ctx):
    info = ctx.attr.proto[ProtoInfo]
    paths = [_import_path(file, info.proto_source_root) for file in info.direct_sources]
    folder = ctx.label.name
    outputs = {suffix: [
        ctx.actions.declare_file("%s/%s%s" % (folder, path[:-len(".proto")], suffix))
        for path in paths
    ] for suffix in [".le.h", ".le.cc", ".le_mock.h", ".le.txtpb"]}

    # protoc writes into the folder `out`. There each output has the import path
    # of its .proto file, with another suffix.
    first = outputs[".le.h"][0].path
    out = first[:-len(paths[0]) + len(".proto") - len(".le.h") - 1]
    arguments = ctx.actions.args()
    arguments.add(ctx.executable._plugin, format = "--plugin=protoc-gen-le=%s")
    arguments.add(out, format = "--le_out=%s")
    arguments.add_joined(
        info.transitive_descriptor_sets,
        join_with = ":",
        format_joined = "--descriptor_set_in=%s",
    )
    arguments.add_all(paths)
    ctx.actions.run(
        executable = ctx.executable._protoc,
        tools = [ctx.executable._plugin],
        inputs = info.transitive_descriptor_sets,
        outputs = [file for files in outputs.values() for file in files],
        arguments = [arguments],
        mnemonic = "LeServices",
        progress_message = "Generating services of %s" % ctx.label,
    )
    return [
        DefaultInfo(files = depset(outputs[".le.h"] + outputs[".le.cc"])),
        OutputGroupInfo(
            headers = depset(outputs[".le.h"]),
            sources = depset(outputs[".le.cc"]),
            mocks = depset(outputs[".le_mock.h"]),
            descriptors = depset(outputs[".le.txtpb"]),
        ),
    ]

_le_generate = rule(
    implementation = _le_generate_impl,
    attrs = {
        "proto": attr.label(mandatory = True, providers = [ProtoInfo]),
        "_plugin": attr.label(
            default = Label("//services/plugin:protoc-gen-le"),
            executable = True,
            cfg = "exec",
        ),
        "_protoc": attr.label(
            default = Label("@protobuf//:protoc"),
            executable = True,
            cfg = "exec",
        ),
    },
)

def le_cc_service_library(name, proto, deps = [], testonly = False, visibility = None, **kwargs):
    """Defines a library with the clients and servers of the services of a proto_library.

    Also defines the library NAME_mock, with mocks of the clients and the servers. NAME_mock is
    always testonly.

    Args:
      name: the library's name.
      proto: the proto_library. Only the services of its own sources are generated, not those of
        its deps.
      deps: other libraries.
      testonly: as for all rules.
      visibility: as for all rules.
      **kwargs: other attributes, such as tags and copts, for the library and for NAME_mock.
    """
    generated = name + "_le"
    _le_generate(name = generated, proto = proto, testonly = testonly, visibility = ["//visibility:private"])
    for group in ["headers", "sources", "mocks", "descriptors"]:
        native.filegroup(
            name = "%s_%s" % (generated, group),
            srcs = [":" + generated],
            output_group = group,
            testonly = testonly,
            visibility = ["//visibility:private"],
        )
    cc_proto_library(name = name + "_cc_proto", deps = [proto], testonly = testonly, visibility = visibility)
    cc_library(
        name = name,
        srcs = [":%s_sources" % generated],
        hdrs = [":%s_headers" % generated],
        includes = [generated],
        linkstatic = True,
        testonly = testonly,
        visibility = visibility,
        deps = [":%s_cc_proto" % name, str(Label("//services"))] + deps,
        **kwargs
    )
    cc_library(
        name = name + "_mock",
        testonly = True,
        hdrs = [":%s_mocks" % generated],
        includes = [generated],
        visibility = visibility,
        deps = [":" + name, str(Label("@googletest//:gtest"))],
        **kwargs
    )

def _le_compatible_test_impl(ctx):
    if len(ctx.files.now) != 1:
        fail("the proto_library of the service must have one source")
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(script, "#!/bin/sh\nexec '%s' '%s' '%s'\n" % (
        ctx.executable._compatible.short_path,
        ctx.file.golden.short_path,
        ctx.files.now[0].short_path,
    ), is_executable = True)
    return [DefaultInfo(
        executable = script,
        runfiles = ctx.runfiles(
            files = [ctx.executable._compatible, ctx.file.golden] + ctx.files.now,
        ),
    )]

_le_compatible_test = rule(
    implementation = _le_compatible_test_impl,
    test = True,
    attrs = {
        "golden": attr.label(allow_single_file = True, mandatory = True),
        "now": attr.label(mandatory = True),
        "_compatible": attr.label(
            default = Label("//services/compatible"),
            executable = True,
            cfg = "target",
        ),
    },
)

def le_service_compatible_test(name, service, golden, **kwargs):
    """Defines a test that fails if peers of the earlier and of this version misunderstand each other.

    services/compatible/compare.h lists the changes that are compatible.

    Args:
      name: the test's name.
      service: a le_cc_service_library of this package. Its proto_library has one source.
      golden: the descriptors of the earlier version. This is a copy of the file that `service`
        generated in that version: SERVICE_le/PROTO.le.txtpb. SERVICE is the name of `service`.
        PROTO.proto is the path by which other .proto files import the source.
      **kwargs: other attributes of the test, such as tags.
    """
    _le_compatible_test(
        name = name,
        golden = golden,
        now = service + "_le_descriptors",
        size = kwargs.pop("size", "small"),
        **kwargs
    )
