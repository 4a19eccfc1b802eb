# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Messages between the processes of one machine, for asyncio.

A client:

    async with Session("shout", Protocol("shout 1", 64)) as session:
        print(await session.request(b"hello"))

A server:

    async def shout(request):
        return request.data.upper()

    async with Service("shout", Protocol("shout 1", 64), shout) as service:
        await service.serve_forever()

docs/python.md has whole programs. lemessaging.typed has typed services.
"""

from ._errors import (
    CloseReason,
    ClosedError,
    Error,
    ForkedError,
    RefusedError,
    StateError,
    TimedOutError,
    TooManyError,
    UnavailableError,
    WaitReason,
    WouldBlockError,
    WrongThreadError,
)
from ._client import Session
from ._messages import Descriptor, Message, Protocol
from ._server import Request, ServerSession, Service

__all__ = [
    "CloseReason",
    "ClosedError",
    "Descriptor",
    "Error",
    "ForkedError",
    "Message",
    "Protocol",
    "RefusedError",
    "Request",
    "ServerSession",
    "Service",
    "Session",
    "StateError",
    "TimedOutError",
    "TooManyError",
    "UnavailableError",
    "WaitReason",
    "WouldBlockError",
    "WrongThreadError",
]
