# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Sessions: the client's side."""

import asyncio
import collections
import ctypes
import enum
import functools

from . import _c
from ._core import (
    MAX_WAITING,
    PendingRequest,
    SessionOwner,
    Thread,
    closed_by,
    closed_here,
    new_key,
    on_open_result,
    on_receive,
    on_room,
    on_session_close,
    opens,
    requests,
)
from ._endpoint import Endpoint
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
from ._messages import OVERHEAD, Content, Deadline, milliseconds, seconds, take
from ._sending import RequestRoom, Sender


class _State(enum.Enum):
    NEW = "has not been opened"
    OPENING = "is being opened"
    OPEN = "is open"
    CLOSED = "is closed"


_not_read = functools.partial(
    ClosedError,
    "the session is closed: the program does not read its messages",
    CloseReason.RECEIVE_LIMIT,
)


class _SessionOwner(SessionOwner):
    def __init__(self, thread, name, protocol, max_push_bytes, on_push):
        super().__init__(thread)
        self.on_push = on_push
        self.create(_c.try_create_session, name, protocol)
        _c.set_close_handler(self.ref, on_session_close, self.key)
        _c.set_receive_handler(self.ref, on_receive, self.key)
        _c.set_room_handler(self.ref, on_room, self.key)
        self.state = _State.NEW
        self.close_error = None  # makes the ClosedError, or None
        self.sender = Sender(self)
        self.room = RequestRoom(self)
        self.keys = set()  # of requests and openings
        self.pushes = collections.deque()
        self.push_bytes = 0
        self.max_push_bytes = max_push_bytes
        self.readers = collections.deque()  # futures of iterations that wait

    def _drop(self, ref):
        self.state = _State.CLOSED
        _c.drop_session(ref)
        for key in list(self.keys):
            if key in requests:
                self.fail(requests.pop(key).future, closed_here())
            elif key in opens:
                self.fail(opens.pop(key)[1], closed_here())
        self.keys.clear()
        self._end_waits(closed_here)

    def _end_waits(self, error):
        self.sender.fail(error)
        self.room.fail(error)
        self._wake_readers()

    def _wake_readers(self):
        while self.readers:
            future = self.readers.popleft()
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
            error = closed_here()
        self.fail(future, error)

    def on_session_close(self, ref):
        self._far_close(closed_by(ref))

    def _far_close(self, error):
        self.state = _State.CLOSED
        self.close_error = error
        self._end_waits(error)

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
            self._far_close(_not_read)
            return
        self.pushes.append(push)
        self._wake_readers()

    def on_response(self, request, message, result):
        self.keys.discard(request.key)
        future = request.future
        if result == _c.OK:
            response = take(message)
            if not future.done():
                future.set_result(response)
        elif not future.done():
            self.fail(future, self._error_of(result))
        self.room.give_back(request.size)

    def _error_of(self, result):
        if result == _c.TIMEOUT:
            return TimedOutError("there was no response until the timeout")
        if result == _c.UNAVAILABLE:
            return UnavailableError("the server released the request")
        if result == _c.NO_MEMORY:
            return TooManyError("the session has too many open requests")
        if result == _c.CLOSED:
            return (self.close_error or closed_by(self.ref))()
        return ClosedError(f"the request has failed: {result}")

    def wait_reason(self):
        buffer = ctypes.create_string_buffer(1024)
        reason = _c.get_wait_reason(self.ref, buffer, len(buffer))
        return reason_of(WaitReason, reason), buffer.value.decode(errors="replace")

    # ---- Requests ----
    async def request(self, content, timeout):
        deadline = Deadline(timeout)
        if not self.room.try_take(content.size):
            await self.room.take(content.size, timeout)
            try:
                if self.ref is None:
                    raise closed_here()
                self.check_open()
            except BaseException:
                self.room.give_back(content.size)
                raise
        return await self.finish(self.start(content, deadline.left()))

    def start(self, content, timeout):
        """Sends a request that has taken room. Pass the result to finish()."""
        message = content.message(self.ref)
        key = new_key(requests)
        request = PendingRequest(self, key, self.loop.create_future(), content.size)
        requests[key] = request
        self.keys.add(key)
        self.thread.outbox.append((message, milliseconds(timeout), key))
        self.thread.send_outbox()
        return request

    async def finish(self, request):
        try:
            return await request.future
        finally:
            self.cancel(request)

    def cancel(self, request):
        """Cancels the request: the library completes it later. No-op if it is
        complete."""
        if requests.get(request.key) is request and self.may_call():
            _c.cancel_request(self.ref, request.id)

    # ---- Opening ----
    async def open(self, timeout):
        self.check_loop()
        if self.state in (_State.OPENING, _State.OPEN):
            raise StateError(f"the session {self.state.value}")
        self.state = _State.OPENING
        self.close_error = None
        future = self.loop.create_future()
        key = new_key(opens)
        opens[key] = self, future
        self.keys.add(key)
        _c.open_session(self.ref, milliseconds(timeout), on_open_result, key)
        try:
            await future
        except (asyncio.CancelledError, GeneratorExit):
            opens.pop(key, None)
            if self.may_call():
                self.state = _State.NEW
                _c.close_session(self.ref)
            raise
        finally:
            self.keys.discard(key)


class Session(Endpoint):
    """A client's session. It belongs to the thread that opens it first, and to
    the event loop that then runs there.

    max_push_bytes: how many bytes of the server's messages may wait for the
    iteration. Responses do not count. Each other message counts 512 bytes more
    than its data. A message beyond this limit is lost, and the session is
    closed. Default: 64 MiB. 0: the first such message closes the session.
    """

    def __init__(self, interface, protocol, *, max_push_bytes=MAX_WAITING):
        super().__init__(interface, protocol)
        self._max_push_bytes = int(max_push_bytes)
        # For typed clients: this function is called with each message of the
        # server that is not a response. The iteration gets none of them.
        self.on_push = None

    async def open(self, timeout=None):
        """Waits for the directory, a binding and the service, in any order. A
        session that has failed to open, or was closed in another way than by
        close(), may be opened again. timeout: in seconds. None: no limit.

        TimedOutError: `reason` and the text say what the session waits for.
        RefusedError: the service has another protocol.
        ClosedError: the session was closed during the opening.
        StateError: the session is open, is being opened, or close() was called.
        """
        timeout = seconds(timeout)
        if self._closed:
            raise StateError("the session was closed")
        if self._owner is None:
            self._owner = _SessionOwner(
                Thread.current(),
                self._interface,
                self._protocol,
                self._max_push_bytes,
                self.on_push,
            )
        await self._owner.open(timeout)

    def close(self):
        """Ends the session, which cannot be opened again. Open requests, and
        calls that wait, raise ClosedError. (An iteration ends.) Messages that
        the server has not received yet may be lost. To lose none, first make a
        request and await its response: the server has then received all
        earlier messages."""
        self._end()

    async def __aenter__(self):
        if not self.is_open:
            try:
                await self.open()
            except BaseException:
                self.close()
                raise
        return self

    def _checked(self):
        if self._owner is None or self._closed:
            raise StateError(
                f"the session {'was closed' if self._closed else 'has not been opened'}"
            )
        self._owner.check_open()
        return self._owner

    async def request(self, data, *, fd=None, timeout=None):
        """Sends a request, and returns the response, a Message. Its `fd` is the
        file descriptor of the response, or None.

        fd: a number, or an object with fileno(). The message gets a duplicate,
        and the program's file descriptor stays open.

        timeout: in seconds, until the response. None: no limit.

        Raises TimedOutError, ClosedError, UnavailableError or TooManyError. If
        the session is not open, raises ClosedError or StateError. Cancelling
        the task cancels the request. The server is not notified.
        """
        content = Content(data, fd, self._protocol.max_size)
        timeout = seconds(timeout)
        return await self._checked().request(content, timeout)

    async def send(self, data, *, fd=None, timeout=None):
        """Sends a message that has no response. Waits for room in the queue, at
        most `timeout` seconds. Raises TimedOutError, ClosedError or, without
        memory, TooManyError. If the session is not open, raises ClosedError or
        StateError."""
        content = Content(data, fd, self._protocol.max_size)
        timeout = seconds(timeout)
        owner = self._checked()
        await owner.sender.send(owner.ref, content, timeout)

    def try_send(self, data, *, fd=None):
        """As send(), but raises WouldBlockError instead of waiting."""
        content = Content(data, fd, self._protocol.max_size)
        owner = self._checked()
        owner.sender.try_send(owner.ref, content)

    def __aiter__(self):
        """Iterates over the server's messages that are not responses. After a
        close, the iteration first returns the messages that had arrived. Then
        it ends if close() was called, and otherwise raises ClosedError. After
        another open(), the messages that are still unread come first.
        """
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
        """Why the session is not open yet, or why its last opening failed: a
        WaitReason and a text."""
        if self._owner is None or self._owner.ref is None:
            return WaitReason.NONE, ""
        self._owner.check()
        return self._owner.wait_reason()

    def server(self):
        """The user and the process of the server: two numbers."""
        owner = self._checked()
        user, process = ctypes.c_uint32(), ctypes.c_int()
        if _c.get_server(owner.ref, ctypes.byref(user), ctypes.byref(process)) != _c.OK:
            raise closed_by(owner.ref)()
        return user.value, process.value
