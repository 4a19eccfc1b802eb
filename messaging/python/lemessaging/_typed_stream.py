# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""The client's end of a stream of a typed service."""

import asyncio
import collections
import functools

from ._messages import Content, seconds
from ._typed_wire import CREDIT, ENVELOPE, MAX_WINDOW, Kind, parse, remaining, wrong


class Stream:
    """The items of a stream, in order:

        async for item in client.Watch(request)

    After the last item the iteration ends, or raises the error of the call. If
    the stream is not read to its end, aclose(), `async with` or its garbage
    collection cancels it."""

    def __init__(self, channel, method, data, fd, timeout, window):
        timeout = seconds(timeout)
        items, size = window
        self._channel = channel
        self._method = method
        self._window = [
            min(max(int(items), 1), MAX_WINDOW[0]),
            min(max(int(size), 1), MAX_WINDOW[1]),
        ]
        self._items = collections.deque()
        self._waiting_bytes = 0
        self._handled = [0, 0]  # items and bytes, since the last credit
        self._wake = asyncio.Event()
        self._error = None
        call = self._call = channel.new_call()
        envelope = ENVELOPE.pack(method.number, Kind.CALL, call, remaining(timeout))
        content = Content(
            envelope + CREDIT.pack(*self._window) + data, fd, channel.session.protocol.max_size
        )
        owner = channel.session._checked()
        channel.streams[call] = self
        # The request is sent now, so that the server gets it before later
        # calls. The request waits only if too many requests are open.
        request = None
        if owner.room.try_take(content.size):
            request = owner.start(content, timeout)
            response = functools.partial(owner.finish, request)
        else:
            response = functools.partial(owner.request, content, timeout)
        self._task = asyncio.get_running_loop().create_task(channel.response_of(call, response))
        # The task must not refer to this object. Otherwise this object would never be
        # garbage, and __del__() would not cancel the task.
        self._task.add_done_callback(
            functools.partial(_end_stream, self._wake, channel, owner, call, request)
        )

    def on_item(self, data):
        if self._error is not None:
            return
        self._waiting_bytes += len(data)
        if (
            len(self._items) >= self._window[0]
            or self._waiting_bytes - len(data) > self._window[1]
        ):
            self._error = wrong("an item of a stream exceeds the window")
            self._task.cancel()
        else:
            self._items.append(data)
        self._wake.set()

    def __aiter__(self):
        return self

    async def __anext__(self):
        while not self._items:
            if self._error is not None:
                raise self._error
            if self._task.done():
                if self._task.cancelled():
                    raise StopAsyncIteration
                self._task.result()
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        data = self._items.popleft()
        self._waiting_bytes -= len(data)
        self._handled[0] += 1
        self._handled[1] += len(data)
        if any(2 * done >= whole for done, whole in zip(self._handled, self._window)):
            if not self._task.done():
                credit = CREDIT.pack(*self._handled)
                envelope = ENVELOPE.pack(self._method.number, Kind.CREDIT, self._call, 0)
                self._channel.tell(envelope + credit)
            self._handled = [0, 0]
        item = parse(self._method.response, data)
        if item is None:
            self.cancel()
            raise wrong("an item of a stream cannot be parsed")
        return item

    def cancel(self):
        """Cancels the call and notifies the server. The iteration ends after
        the items that have arrived."""
        self._task.cancel()

    async def aclose(self):
        self.cancel()
        self._items.clear()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.aclose()

    def __del__(self):
        task = getattr(self, "_task", None)
        if task is not None and not task.done() and not task.get_loop().is_closed():
            task.get_loop().call_soon_threadsafe(task.cancel)


def _end_stream(wake, channel, owner, call, request, task):
    channel.streams.pop(call, None)
    if not task.cancelled():
        task.exception()  # otherwise asyncio logs it if the stream is not read
    elif request is not None and not request.future.done():  # the task had not begun
        owner.cancel(request)
        channel.cancel(call)
    wake.set()
