# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""The calls of a typed client's session."""

import asyncio
import functools
import weakref

from ._client import Session
from ._errors import Error, TimedOutError, WouldBlockError
from ._messages import seconds
from ._typed_wire import (
    ENVELOPE,
    MAX_ERROR_TEXT,
    Kind,
    StatusCode,
    StatusError,
    remaining,
    wrong,
)


class Channel:
    def __init__(self, interface, protocol):
        self.session = Session(interface, protocol)
        # A weak reference: otherwise an open session would never be garbage.
        self.session.on_push = _items_to(weakref.ref(self))
        self.streams = weakref.WeakValueDictionary()  # by the number of the call
        self._last_call = 0
        self._tasks = set()

    def new_call(self):
        while True:
            self._last_call = (self._last_call + 1) & 0xFFFFFFFF
            if self._last_call not in self.streams:
                return self._last_call

    async def request(self, method, data, fd, timeout):
        """Calls the method with this number, and returns the response."""
        timeout = seconds(timeout)
        call = self.new_call()
        data = ENVELOPE.pack(method, Kind.CALL, call, remaining(timeout)) + data
        return await self.response_of(
            call, functools.partial(self.session.request, data, fd=fd, timeout=timeout)
        )

    async def response_of(self, call, request):
        """Awaits request(), and reads the response."""
        try:
            response = await request()
        except (TimedOutError, asyncio.CancelledError):
            self.cancel(call)
            raise
        if len(response) < ENVELOPE.size:
            raise wrong("the response has no envelope")
        _, kind, number, value = ENVELOPE.unpack_from(response)
        if kind != Kind.STATUS or number != call:
            raise wrong("the server's response does not belong to the call")
        if value != 0:
            known = value <= StatusCode.UNAUTHENTICATED
            text = response[ENVELOPE.size :][:MAX_ERROR_TEXT]
            raise StatusError(
                value if known else StatusCode.UNKNOWN, text.decode(errors="replace")
            )
        return response

    def cancel(self, call):
        self.tell(ENVELOPE.pack(0, Kind.CANCEL, call, 0))

    def tell(self, data):
        """Sends the message now, or when the queue has room."""
        try:
            self.session.try_send(data)
        except WouldBlockError:
            task = asyncio.get_running_loop().create_task(self._tell_later(data))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        except Error:
            pass  # the session is closed, which also ends the call

    async def _tell_later(self, data):
        try:
            await self.session.send(data)
        except Error:
            pass


def _items_to(channel):
    """Returns a function for Session.on_push: it passes each item to its stream,
    and ignores all other messages."""

    def on_push(push):
        if channel() is None or len(push) < ENVELOPE.size:
            return
        _, kind, call, _ = ENVELOPE.unpack_from(push)
        stream = channel().streams.get(call) if kind == Kind.ITEM else None
        if stream is not None:
            stream.on_item(push[ENVELOPE.size :])

    return on_push
