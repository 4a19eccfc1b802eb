# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""The messages that protoc generates for the tests of typed services."""

import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
_generated = tempfile.TemporaryDirectory()
subprocess.run(
    [
        "protoc",
        f"-I{ROOT}/services/proto",
        f"-I{ROOT}/services/tests",
        f"-I{ROOT}/examples/quickstart",
        f"-I{ROOT}/messaging/python/tests",
        f"--python_out={_generated.name}",
        "le/service.proto",
        "facts.proto",
        "file_facts.proto",
        "names.proto",
    ],
    check=True,
)
sys.path.insert(0, _generated.name)

import facts_pb2  # noqa: E402
import file_facts_pb2  # noqa: E402
import names_pb2  # noqa: E402

SERVICE = facts_pb2.DESCRIPTOR.services_by_name["FileFacts"]
QUICKSTART = file_facts_pb2.DESCRIPTOR.services_by_name["FileFacts"]
NAMES = names_pb2.DESCRIPTOR.services_by_name["Names"]
