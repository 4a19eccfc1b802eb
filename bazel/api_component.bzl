# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
"""A component of a Legato application, with the C code that ifgen generates for its APIs.

    load("@le_messaging//bazel:api_component.bzl", "le_api_component")

    le_api_component(
        name = "printer",                    # the component's name, a C identifier
        srcs = ["printer.c"],                # has COMPONENT_INIT, includes "interfaces.h"
        generated = ["printer_server.c", "printer_server.h", ...],   # by ifgen
        provides = ["printer"],              # APIs that it serves
        requires = {"clock": "utcClock"},    # APIs that it uses
    )

    cc_binary(
        name = "print_server",
        deps = [":printer", "@le_messaging//messaging:le_messaging"],
    )

A program links one or more components and one library with a transport, such as
//messaging:le_messaging. The program must not define main(), because le_api_component links a
main() that runs the event loop. The loop first does these steps:
  1. It advertises the services of all components.
  2. It connects the clients of all components.
  3. It calls the COMPONENT_INIT_ONCE of all components.
  4. It calls the COMPONENT_INIT of all components.
As in Legato, the components in the deps of a component are initialized before it.
"""

load("@rules_cc//cc:cc_library.bzl", "cc_library")

# Generated code is GNU C. It may call a function that le_messaging does not
# have. The second flag makes the compiler report the line of the call. The
# linker would report only the name.
_C = ["-std=gnu99", "-Werror=implicit-function-declaration"]

def _names(apis):
    """Returns interface names by API. In a list, API and interface have the same name."""
    return apis if type(apis) == "dict" else {api: api for api in apis}

def _lines(texts):
    return ["'%s'" % text for text in texts]

def le_api_component(
        name,
        srcs = [],
        hdrs = [],
        generated = [],
        provides = [],
        requires = [],
        manual_start = [],
        deps = [],
        copts = [],
        testonly = False,
        visibility = None,
        **kwargs):
    """Defines a component as a library. Its sources are C or C++.

    Args:
      name: the component's name, a C identifier.
      srcs: the component's own sources. Files that do not end in .c or .h are C++.
      hdrs: the component's headers.
      generated: the .c and .h files that ifgen has generated for the component.
      provides: APIs that the component serves: a list, or a dictionary of API to interface name.
      requires: APIs that the component uses, in the same form.
      manual_start: APIs of `provides` that main() does not advertise, and APIs of `requires`
        that main() does not connect. The component's own code advertises and connects them.
      deps: other libraries, such as components that must be initialized before this one.
      copts: for srcs and generated. They must be valid for C, and for C++ if srcs has C++.
      testonly: as for all rules.
      visibility: as for all rules.
      **kwargs: other attributes, such as tags, data and linkopts, for each of the component's
        libraries.
    """
    servers = _names(provides)
    clients = _names(requires)
    for api in manual_start:
        if api not in servers and api not in clients:
            fail("manual_start: component %s does not have API %s" % (name, api))
    for api in servers:
        if api in clients:
            fail("component %s provides and requires %s: give it two names" % (name, api))
    folder = name + "_interfaces"
    guard = "LE_%s_INTERFACES_H_INCLUDE_GUARD" % name
    native.genrule(
        name = name + "_interfaces_h",
        outs = [folder + "/interfaces.h"],
        cmd = "printf '%s\\n' " + " ".join(_lines(
            ["#ifndef " + guard, "#define " + guard, "#include \"legato.h\""] +
            # Generated headers are for C.
            ["#ifdef __cplusplus", "extern \"C\" {", "#endif"] +
            ["#include \"%s_server.h\"" % api for api in servers] +
            ["#include \"%s_interface.h\"" % api for api in clients] +
            ["#ifdef __cplusplus", "}", "#endif", "#endif"],
        )) + " > $@",
        testonly = testonly,
        visibility = ["//visibility:private"],
    )

    if not native.package_name():
        fail("le_api_component '%s': put it into a folder of its own, because the include path of the project's root cannot be given" % name)
    def_lines = ["#include \"legato.h\"", "#include \"messaging/c_api/component.h\""]
    for api, interface in servers.items() + clients.items():
        def_lines += [
            "static const char* %s_name = \"%s\";" % (api, interface),
            "const char** %s_ServiceInstanceNamePtr = &%s_name;" % (api, api),
        ]
    def_lines += ["void %s_AdvertiseService(void);" % api for api in servers]
    def_lines += ["void %s_ConnectService(void);" % api for api in clients]
    def_lines.append("static void Advertise(void) {")
    def_lines += ["  %s_AdvertiseService();" % api for api in servers if api not in manual_start]
    def_lines += ["}", "static void Connect(void) {"]
    def_lines += ["  %s_ConnectService();" % api for api in clients if api not in manual_start]
    def_lines += [
        "}",
        "__attribute__((weak)) COMPONENT_INIT;",
        "__attribute__((weak)) COMPONENT_INIT_ONCE;",
        "static le_component_Node_ Node = {Advertise, Connect, COMPONENT_INIT_ONCE_NAME, COMPONENT_INIT_NAME, NULL};",
        "__attribute__((constructor)) static void Register(void) {",
        "  le_component_Register_(&Node);",
        "}",
    ]
    native.genrule(
        name = name + "_component_c",
        outs = [folder + "/component.c"],
        cmd = "printf '%s\\n' " + " ".join(_lines(def_lines)) + " > $@",
        testonly = testonly,
        visibility = ["//visibility:private"],
    )

    defines = ["LE_COMPONENT_NAME=" + name, "MK_TOOLS_BUILD"]
    common = [
        str(Label("//messaging:headers")),
        str(Label("//messaging:component_main")),
    ]
    cc_library(
        name = name + "_generated",
        srcs = [f for f in generated if f.endswith(".c")] + [":%s_component_c" % name],
        hdrs = [f for f in generated if not f.endswith(".c")] + [":%s_interfaces_h" % name],
        copts = _C + copts,
        includes = [".", folder],
        linkstatic = True,
        # LE_MSG_TRY_OPEN_AS_LEGATO is for generated code only: see le_messaging.h.
        local_defines = defines + ["LE_MSG_TRY_OPEN_AS_LEGATO"],
        testonly = testonly,
        visibility = ["//visibility:private"],
        deps = common + deps,
        alwayslink = True,
        **kwargs
    )

    # The generated library is first, so that the compiler finds this
    # component's "interfaces.h" before that of a component in deps.
    all_deps = [":%s_generated" % name] + common + deps
    cxx = [f for f in srcs if not f.endswith(".c") and not f.endswith(".h")]
    if cxx:
        cc_library(
            name = name + "_cxx",
            srcs = [f for f in srcs if not f.endswith(".c")],
            hdrs = hdrs,
            copts = copts,
            linkstatic = True,
            local_defines = defines,
            testonly = testonly,
            visibility = ["//visibility:private"],
            deps = all_deps,
            alwayslink = True,
            **kwargs
        )
        all_deps = all_deps + [":%s_cxx" % name]
    cc_library(
        name = name,
        srcs = [f for f in srcs if f not in cxx],
        hdrs = hdrs,
        copts = _C + copts,
        linkstatic = True,
        local_defines = defines,
        testonly = testonly,
        visibility = visibility,
        deps = all_deps,
        alwayslink = True,
        **kwargs
    )
