# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Messages that wait for room in a session's queue, and requests that wait
until other requests have responses. Both are first in, first out."""

import asyncio
import collections
import threading

from . import _c
from ._core import closed_by, in_this_process
from ._errors import TimedOutError, TooManyError, WouldBlockError

# Limits of the open requests of a session. Further requests wait. The library
# gathers at least 64 MiB of requests for a server that does not read, and closes
# the session beyond that. These limits are lower, so no session is closed, with
# one exception (DESIGN.md): a program cancels many requests.
MAX_REQUESTS = 65536
MAX_REQUEST_BYTES = 32 << 20


class Sender:
    """Sends messages to one session. Without room the messages wait, in order."""

    def __init__(self, owner):
        self._owner = owner
        self._waiting = collections.OrderedDict()  # future -> message
        # Whether a send has found the session closed. The library reports the
        # close later.
        self.found_closed = False

    def try_send(self, session, content):
        if self._waiting:
            raise WouldBlockError("the queue of the session is full")
        message = content.message(session)
        result = _c.try_send(message)
        if result == _c.WOULD_BLOCK:
            _c.release_message(message)
            raise WouldBlockError("the queue of the session is full")
        self._check(session, result)

    async def send(self, session, content, timeout):
        message = content.message(session)
        if not self._waiting:
            result = _c.try_send(message)
            if result != _c.WOULD_BLOCK:
                self._check(session, result)
                return
        future = self._owner.loop.create_future()
        self._waiting[future] = message
        try:
            await asyncio.wait_for(future, timeout)
        except asyncio.TimeoutError:
            raise TimedOutError("there was no room until the timeout") from None
        finally:
            message = self._waiting.pop(future, None)
            if message is not None and in_this_process():
                _c.release_message(message)

    def on_room(self, session):
        while self._waiting:
            future, message = next(iter(self._waiting.items()))
            result = _c.OK
            if future.done():  # cancelled
                _c.release_message(message)
            else:
                result = _c.try_send(message)
            if result == _c.WOULD_BLOCK:
                return
            del self._waiting[future]
            if result != _c.OK:
                self.found_closed = True
                self._owner.fail(future, closed_by(session)())
            elif not future.done():
                future.set_result(None)

    def fail(self, error):
        """`error` is a function that makes an exception."""
        waiting, self._waiting = self._waiting, collections.OrderedDict()
        for future, message in waiting.items():
            if in_this_process():
                _c.release_message(message)
            self._owner.fail(future, error())

    def _check(self, session, result):
        if result == _c.NO_MEMORY:
            raise TooManyError("there is no memory for the message")
        if result != _c.OK:
            self.found_closed = True
            raise closed_by(session)()


class RequestRoom:
    """Bounds the requests of one session that wait for responses. One request
    always has room."""

    def __init__(self, owner):
        self._owner = owner
        self.requests = 0
        self.bytes = 0
        self._waiting = collections.OrderedDict()  # future -> size

    def try_take(self, size):
        """True: the request has room, and give_back() must follow. False: there
        is no room, or other requests wait for room."""
        if self._waiting or not self._fits(size):
            return False
        self._take(size)
        return True

    async def take(self, size, timeout):
        if self.try_take(size):
            return
        future = self._owner.loop.create_future()
        self._waiting[future] = size
        admitted = False
        try:
            async with asyncio.timeout(timeout):
                await future
            admitted = True
        except TimeoutError:
            raise TimedOutError(
                "the request was not sent until the timeout: too many requests "
                "wait for responses"
            ) from None
        finally:
            if not admitted:
                self._give_up(future, size)

    def give_back(self, size):
        self.requests -= 1
        self.bytes -= size
        self._admit()

    def fail(self, error):
        waiting, self._waiting = self._waiting, collections.OrderedDict()
        for future in waiting:
            self._owner.fail(future, error())

    def _give_up(self, future, size):
        if self._waiting.pop(future, None) is None:
            if future.done() and not future.cancelled() and not future.exception():
                # The request got room and was cancelled in the same turn.
                self.give_back(size)
        else:
            self._admit()  # smaller requests behind this one may have room

    def _fits(self, size):
        return self.requests == 0 or (
            self.requests < MAX_REQUESTS and self.bytes + size <= MAX_REQUEST_BYTES
        )

    def _take(self, size):
        self.requests += 1
        self.bytes += size

    def _admit(self):
        if threading.get_ident() != self._owner.thread.ident or self._owner.loop.is_closed():
            return  # a garbage collection has closed a coroutine
        while self._waiting:
            future, size = next(iter(self._waiting.items()))
            if future.done():  # cancelled: its task has not run yet
                del self._waiting[future]
                continue
            if not self._fits(size):
                return
            del self._waiting[future]
            self._take(size)
            future.set_result(None)
