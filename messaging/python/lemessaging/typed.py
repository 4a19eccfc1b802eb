# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Typed services (services/DESIGN.md), with the messages that protoc generates
by --python_out. Needs google.protobuf.

    import facts_pb2
    service = facts_pb2.DESCRIPTOR.services_by_name["FileFacts"]

    async with typed.Client("facts", service) as client:
        facts = await client.Count(facts_pb2.CountRequest(name="a"), timeout=2)
        async for facts in client.Watch(facts_pb2.CountRequest()):
            ...
        await client.Log(facts_pb2.Line(text="b"))  # one-way

    class FileFacts:
        async def Count(self, request, call):
            return facts_pb2.Facts(lines=1)

        async def Watch(self, request, call):
            yield facts_pb2.Facts(lines=1)

        def Log(self, request, call):
            print(request.text)

    async with typed.Server("facts", service, FileFacts()) as server:
        await server.serve_forever()
"""

from ._typed_client import Client
from ._typed_server import Call, Server
from ._typed_stream import Stream
from ._typed_wire import StatusCode, StatusError

__all__ = ["Call", "Client", "Server", "StatusCode", "StatusError", "Stream"]
