# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Sessions: the client's side."""

import asyncio
import collections
import ctypes
import enum
import threading
import warnings

from . import _c
from ._core import (
    MAX_WAITING,
    OVERHEAD,
    PendingRequest,
    Sender,
    SessionOwner,
    Thread,
    as_bytes,
    closed_error,
    encode_name,
    in_this_process,
    milliseconds,
    new_key,
    new_message,
    on_open_result,
    on_receive,
    on_room,
    on_session_close,
    opens,
    requests,
    take,
)
from ._errors import (
    CloseReason,
    ClosedError,
    RefusedError,
    StateError,
    TimedOutError,
    TooManyError,
    UnavailableError,
    WaitReason,
    reason_of,
)

# Further requests wait. The library sends a request from a handler, and gathers
# at least 64 MiB for a server that does not read, so these never close a session.
_MAX_REQUESTS = 65536
_MAX_REQUEST_BYTES = 32 << 20


class _State(enum.Enum):
    NEW = "has not been opened"
    OPENING = "is being opened"
    OPEN = "is open"
    CLOSED = "is closed"


class _SessionOwner(SessionOwner):
    def __init__(self, thread, name, protocol, max_push_bytes, on_push):
        super().__init__(thread)
        self.on_push = on_push
        ref = ctypes.c_void_p()
        result = _c.try_create_session(
            protocol.ref(), encode_name(name, "the interface"), ctypes.byref(ref)
        )
        if result != _c.OK:
            raise ValueError(f"not a name of an interface: {name!r}")
        self.register(ref.value)
        _c.set_close_handler(ref, on_session_close, self.key)
        _c.set_receive_handler(ref, on_receive, self.key)
        _c.set_room_handler(ref, on_room, self.key)
        self.state = _State.NEW
        self.close_error = None  # of the far end's close
        self.sender = Sender(self, protocol.max_size)
        self.keys = set()  # of requests and openings
        self.open_requests = 0
        self.request_bytes = 0
        self.blocked = collections.deque()  # futures of requests that wait
        self.pushes = collections.deque()
        self.push_bytes = 0
        self.max_push_bytes = max_push_bytes
        self.readers = collections.deque()  # futures of iterations that wait

    def _drop(self, ref):
        self.state = _State.CLOSED
        _c.drop_session(ref)
        for key in list(self.keys):
            if key in requests:
                self.fail(requests.pop(key).future, _closed_here())
            elif key in opens:
                self.fail(opens.pop(key)[1], _closed_here())
        self.keys.clear()
        self._end_waits(_closed_here)

    def _end_waits(self, error):
        self.sender.fail(error)
        while self.blocked:
            self.fail(self.blocked.popleft(), error())
        self._wake(self.readers)

    def _wake(self, futures):
        while futures:
            future = futures.popleft()
            if not future.done() and not self.loop.is_closed():
                future.set_result(None)

    def check_open(self):
        self.check_loop()
        if self.state is _State.OPEN:
            return
        raise self.why_not_open()

    def why_not_open(self):
        if self.close_error is not None:
            return self.close_error()
        return StateError(f"the session {self.state.value}")

    # ---- From the library ----
    def on_open_result(self, future, result):
        if result == _c.OK:
            self.state = _State.OPEN
            if not future.done():
                future.set_result(None)
            return
        self.state = _State.NEW
        reason, text = self.wait_reason()
        if result == _c.TIMEOUT:
            error = TimedOutError(f"the session did not open in time: {text}", reason)
        elif result == _c.FAULT:
            error = RefusedError(text, reason)
        else:
            error = _closed_here()
        self.fail(future, error)

    def on_session_close(self, ref):
        self.state = _State.CLOSED
        error = closed_error(ref)
        self.close_error = lambda: ClosedError(str(error), error.reason)
        self._end_waits(self.close_error)

    def on_room(self, ref):
        self.sender.on_room(ref)

    def on_receive(self, message):
        push = take(message)
        if self.on_push is not None:
            self.on_push(push)
            return
        self.push_bytes += len(push) + OVERHEAD
        if self.push_bytes > self.max_push_bytes:
            self.push_bytes -= len(push) + OVERHEAD
            _c.close_session(self.ref)
            self.state = _State.CLOSED
            self.close_error = lambda: ClosedError(
                "the session is closed: the program does not read its messages",
                CloseReason.RECEIVE_LIMIT,
            )
            self._end_waits(self.close_error)
            return
        self.pushes.append(push)
        self._wake(self.readers)

    def on_response(self, request, message, result):
        self.keys.discard(request.key)
        self.open_requests -= 1
        self.request_bytes -= request.size
        future = request.future
        if result == _c.OK:
            response = take(message)
            if not future.done():
                future.set_result(response)
        elif not future.done():
            self.fail(future, self._error_of(result))
        self._wake(self.blocked)

    def _error_of(self, result):
        if result == _c.TIMEOUT:
            return TimedOutError("there was no response until the timeout")
        if result == _c.UNAVAILABLE:
            return UnavailableError("the server released the request")
        if result == _c.NO_MEMORY:
            return TooManyError("the session has too many open requests")
        if result == _c.CLOSED:
            return closed_error(self.ref)
        return ClosedError(f"the request has failed: {result}")

    def wait_reason(self):
        buffer = ctypes.create_string_buffer(1024)
        reason = _c.get_wait_reason(self.ref, buffer, len(buffer))
        return reason_of(WaitReason, reason), buffer.value.decode(errors="replace")

    # ---- Requests ----
    def _has_room(self, size):
        return self.open_requests == 0 or (
            self.open_requests < _MAX_REQUESTS
            and self.request_bytes + size <= _MAX_REQUEST_BYTES
        )

    async def request(self, data, fd, timeout):
        limit = milliseconds(timeout)
        data = as_bytes(data, self.sender.max_size)
        size = len(data) + OVERHEAD
        if not self._has_room(size):
            end = None if timeout is None else self.loop.time() + timeout
            while not self._has_room(size):
                await self._wait_for_room(end)
                self.check_open()
            if end is not None:
                limit = milliseconds(max(end - self.loop.time(), 0))
        return await self.finish(self.start(data, fd, limit))

    def has_room_for(self, data):
        return self._has_room(len(data) + OVERHEAD)

    def start(self, data, fd, limit):
        """Sends a request without waiting for room. Pass the result to finish()."""
        message = new_message(self.ref, data, fd, self.sender.max_size)
        key = new_key(requests)
        request = PendingRequest(self, key, self.loop.create_future(), len(data) + OVERHEAD)
        requests[key] = request
        self.keys.add(key)
        self.open_requests += 1
        self.request_bytes += request.size
        self.thread.outbox.append((message, limit, key))
        self.thread.send_outbox()
        return request

    async def finish(self, request):
        try:
            return await request.future
        finally:
            self.cancel(request)

    async def _wait_for_room(self, end):
        future = self.loop.create_future()
        self.blocked.append(future)
        try:
            wait = None if end is None else max(end - self.loop.time(), 0)
            await asyncio.wait_for(future, wait)
        except asyncio.TimeoutError:
            raise TimedOutError("too many requests wait for responses") from None

    def cancel(self, request):
        """The library completes the request as cancelled, later. No-op if it is
        complete."""
        if requests.get(request.key) is not request or self.ref is None:
            return
        if threading.get_ident() == self.thread.ident and in_this_process():
            _c.cancel_request(self.ref, request.id)

    # ---- Opening ----
    async def open(self, timeout):
        if self.state in (_State.OPENING, _State.OPEN):
            raise StateError(f"the session {self.state.value}")
        limit = milliseconds(timeout)
        self.state = _State.OPENING
        self.close_error = None
        future = self.loop.create_future()
        key = new_key(opens)
        opens[key] = self, future
        self.keys.add(key)
        _c.open_session(self.ref, limit, on_open_result, key)
        try:
            await future
        except (asyncio.CancelledError, GeneratorExit):
            opens.pop(key, None)
            if self.ref is not None and threading.get_ident() == self.thread.ident:
                self.state = _State.NEW
                _c.close_session(self.ref)
            raise
        finally:
            self.keys.discard(key)


def _closed_here():
    return ClosedError("the session was closed at this end", CloseReason.BY_CALLER)


class Session:
    """A client's session. It belongs to the thread that first opens it, and to
    the event loop that runs on that thread then.

    max_push_bytes: the limit of the server's messages that the program has not
    read. Beyond it the session is closed. 0: the first such message closes it.
    """

    def __init__(self, interface, protocol, *, max_push_bytes=MAX_WAITING):
        encode_name(interface, "the interface")
        if not hasattr(protocol, "ref"):
            raise TypeError("the protocol is not a Protocol")
        self._owner = None
        self._closed = False
        self.interface = interface
        self.protocol = protocol
        self._max_push_bytes = int(max_push_bytes)
        # For typed clients: a function that gets the server's messages instead of
        # the iteration. It is called by the library.
        self.on_push = None

    async def open(self, timeout=None):
        """Waits for the directory, a binding and the service, in any order.
        A session that the far end has closed may be opened again.

        TimedOutError: `reason` and the text say what the session waits for.
        RefusedError: the service has another protocol.
        """
        if self._closed:
            raise StateError("the session was closed")
        if self._owner is None:
            self._owner = _SessionOwner(
                Thread.current(),
                self.interface,
                self.protocol,
                self._max_push_bytes,
                self.on_push,
            )
        self._owner.check_loop()
        await self._owner.open(timeout)

    def close(self):
        """Ends the session, which cannot be opened again. Messages that the
        server has not received yet may be lost: a response to a later request
        says that it has received them."""
        if self._owner is not None and self._owner.ref is not None:
            self._owner.check()
            self._owner.drop()
        self._closed = True

    async def __aenter__(self):
        if not self.is_open:
            try:
                await self.open()
            except BaseException:
                self.close()
                raise
        return self

    async def __aexit__(self, *_):
        self.close()

    def __del__(self):
        owner = getattr(self, "_owner", None)
        if owner is not None and owner.ref is not None:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            owner.abandon()

    def _checked(self):
        if self._owner is None or self._closed:
            raise StateError(
                f"the session {'was closed' if self._closed else 'has not been opened'}"
            )
        self._owner.check_open()
        return self._owner

    async def request(self, data, *, fd=None, timeout=None):
        """Sends a request, and returns the response, a Message. fd: a number, or
        an object with fileno(); it stays open. The response has a `fd`.

        TimedOutError, ClosedError, UnavailableError, TooManyError.
        Cancelling the task cancels the request; the server is not told.
        """
        return await self._checked().request(data, fd, timeout)

    async def send(self, data, *, fd=None, timeout=None):
        """Sends a message that has no response. Waits for room in the queue."""
        owner = self._checked()
        await owner.sender.send(owner.ref, data, fd, timeout)

    def try_send(self, data, *, fd=None):
        """As send(), but raises WouldBlockError instead of waiting."""
        owner = self._checked()
        owner.sender.try_send(owner.ref, data, fd)

    def __aiter__(self):
        """The server's messages that are not responses. The iteration ends when
        this end closes the session. ClosedError: the far end has closed it."""
        return self

    async def __anext__(self):
        owner = self._owner
        if owner is None:
            raise StateError("the session has not been opened")
        while not owner.pushes:
            if owner.ref is None:
                raise StopAsyncIteration
            owner.check_loop()
            if owner.state is not _State.OPEN:
                raise owner.why_not_open()
            future = owner.loop.create_future()
            owner.readers.append(future)
            await future
        push = owner.pushes.popleft()
        owner.push_bytes -= len(push) + OVERHEAD
        return push

    @property
    def is_open(self):
        return self._owner is not None and self._owner.state is _State.OPEN

    def wait_reason(self):
        """Why the session is not open yet: a WaitReason and a text."""
        if self._owner is None or self._owner.ref is None:
            return WaitReason.NONE, ""
        self._owner.check()
        return self._owner.wait_reason()

    def server(self):
        """The user and the process of the server: two numbers."""
        owner = self._checked()
        user, process = ctypes.c_uint32(), ctypes.c_int()
        if _c.get_server(owner.ref, ctypes.byref(user), ctypes.byref(process)) != _c.OK:
            raise closed_error(owner.ref)
        return user.value, process.value

    def __repr__(self):
        return f"<Session {self.interface!r} {self.protocol!r}>"
