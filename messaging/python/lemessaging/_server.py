# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Services: the server's side."""

import asyncio
import ctypes
import functools
import inspect

from . import _c
from ._core import (
    MAX_WAITING,
    SessionOwner,
    Thread,
    check_process,
    closed_by,
    closed_here,
    in_this_process,
    on_receive,
    on_room,
    on_session_close,
    on_session_open,
)
from ._endpoint import Endpoint
from ._errors import StateError
from ._messages import OVERHEAD, Content, fd_of, payload_of, seconds
from ._sending import Sender


class ServerSession:
    """A client's session, at the service. `user` and `process` are the client's
    numbers, as the kernel has reported them, or None. The program may set
    `context` to any object."""

    def __init__(self, owner, ref):
        self._owner = owner
        self._ref = ref  # None: closed
        self._error = None
        self._sender = Sender(owner)
        self.waiting_bytes = 0  # of messages that need no response
        self.context = None
        user, process = ctypes.c_uint32(), ctypes.c_int()
        known = _c.get_client(ref, ctypes.byref(user), ctypes.byref(process)) == _c.OK
        self.user = user.value if known else None
        self.process = process.value if known else None

    def _check(self):
        if self._error is not None:
            raise self._error()
        self._owner.check()

    async def send(self, data, *, fd=None, timeout=None):
        """Sends a message to the client. Waits for room in the queue, at most
        `timeout` seconds. Raises TimedOutError, ClosedError or, without memory,
        TooManyError."""
        content = Content(data, fd, self._owner.max_size)
        timeout = seconds(timeout)
        self._check()
        self._owner.check_loop()
        await self._sender.send(self._ref, content, timeout)

    def try_send(self, data, *, fd=None):
        """As send(), but raises WouldBlockError instead of waiting."""
        content = Content(data, fd, self._owner.max_size)
        self._check()
        self._sender.try_send(self._ref, content)

    def close(self):
        if self._error is None:
            self._owner.check()
            _c.close_session(self._ref)
            self.end(closed_here)

    @property
    def closed(self):
        return self._error is not None

    @property
    def is_gone(self):
        """Whether no send can succeed. Not for programs. Messages that the client
        sent before it closed the session may still be received."""
        return self.closed or self._sender.found_closed

    def end(self, error):
        """Called when the library's session is closed. Not for programs."""
        if self._error is None:
            self._error = error
            self._sender.fail(error)

    def on_room(self):
        if self._error is None:
            self._sender.on_room(self._ref)


class Request:
    """A received message. `data` is its bytes, and `session` its ServerSession.
    `needs_response`: the client waits for a response. Any thread may respond."""

    __slots__ = ("_message", "_max_size", "_counted", "data", "needs_response", "session")

    def __init__(self, message, session, max_size):
        self._message = message
        self._max_size = max_size
        self._counted = 0
        self.session = session
        self.data = payload_of(message)
        self.needs_response = _c.needs_response(message)

    def take_fd(self):
        """Returns the file descriptor of the message, a Descriptor. None: the
        message has none, or it was taken before. If it is not taken, the
        library closes it. StateError: the request is done."""
        check_process()
        if self._message is None:
            raise StateError("the request was responded to or released")
        return fd_of(self._message)

    def respond(self, data, *, fd=None):
        """Responds. Never waits. If the client is gone, nothing happens.

        ValueError: `data` is too long.
        StateError: the request is done, or needs no response.
        """
        content = Content(data, fd, self._max_size)
        check_process()
        if not self.needs_response:
            raise StateError("the client requests no response")
        message, self._message = self._message, None
        if message is None:
            raise StateError("the request was responded to or released")
        content.fill(message)
        _c.respond(message)

    def release(self):
        """Releases the request. A client that waits for a response gets
        UnavailableError. The end of this object has the same effect."""
        message, self._message = self._message, None
        if message is None or not in_this_process():
            return
        self.session.waiting_bytes -= self._counted
        _c.release_message(message)

    @property
    def done(self):
        return self._message is None

    def __del__(self):
        if getattr(self, "_message", None) is not None:
            self.release()


class _ServiceOwner(SessionOwner):
    def __init__(self, thread, name, protocol, handler, on_open, on_close):
        super().__init__(thread)
        self.name = name
        self.max_size = protocol.max_size
        self.handler = handler
        self.on_open = on_open
        self.on_close = on_close
        self.sessions = {}  # the library's session -> ServerSession
        self.tasks = set()
        self.ended = self.loop.create_future()
        self.create(_c.try_create_service, name, protocol)
        _c.add_open_handler(self.ref, on_session_open, self.key)
        _c.add_close_handler(self.ref, on_session_close, self.key)
        _c.set_service_receive_handler(self.ref, on_receive, self.key)
        _c.set_service_room_handler(self.ref, on_room, self.key)

    def _drop(self, ref):
        _c.drop_service(ref)
        for session in list(self.sessions.values()):
            session.end(closed_here)
        self.sessions.clear()
        if not self.loop.is_closed():
            for task in list(self.tasks):
                task.cancel()
            if not self.ended.done():
                self.ended.set_result(None)

    # ---- From the library ----
    def on_session_open(self, ref):
        session = self.sessions[ref] = ServerSession(self, ref)
        if self.on_open is not None:
            self.thread.ready.append(functools.partial(self._tell, self.on_open, session))

    def on_session_close(self, ref):
        session = self.sessions.pop(ref, None)
        if session is None:
            return
        session.end(closed_by(ref))
        if self.on_close is not None:
            self.thread.ready.append(
                functools.partial(self._tell, self.on_close, session)
            )

    def on_room(self, ref):
        session = self.sessions.get(ref)
        if session is not None:
            session.on_room()

    def on_receive(self, message):
        session = self.sessions.get(_c.session_of(message))
        if session is None or session.closed:
            _c.release_message(message)
            return
        request = Request(message, session, self.max_size)
        if not request.needs_response:
            # The library bounds only the requests that wait for a response.
            request._counted = len(request.data) + OVERHEAD
            session.waiting_bytes += request._counted
            if session.waiting_bytes > MAX_WAITING:
                request.release()
                session.close()
                raise RuntimeError(
                    f"service {self.name!r}: the handler is too slow for the messages "
                    f"of process {session.process} of user {session.user}: its session "
                    "is closed"
                )
        self.thread.ready.append(functools.partial(self._start, request))

    # ---- The program's functions ----
    def _tell(self, function, session):
        try:
            function(session)
        except Exception as error:
            self._report(error)

    def _start(self, request):
        if self.ref is None:
            request.release()
            return
        try:
            result = self.handler(request)
            if inspect.isawaitable(result):
                task = asyncio.ensure_future(result, loop=self.loop)
                self.tasks.add(task)
                task.add_done_callback(functools.partial(self._done, request))
            else:
                self._end(request, result)
        except BaseException as error:
            request.release()
            if not isinstance(error, Exception):
                raise
            self._report(error)

    def _done(self, request, task):
        self.tasks.discard(task)
        try:
            self._end(request, task.result())
        except BaseException as error:
            request.release()
            # Otherwise the task was cancelled, or the loop raises the error.
            if isinstance(error, Exception):
                self._report(error)

    @staticmethod
    def _end(request, result):
        if not request.needs_response:
            request.release()
        elif result is not None:
            request.respond(result)

    def _report(self, error):
        self.thread.report(f"exception in a handler of service {self.name!r}", error)


class Service(Endpoint):
    """A service. handler(request) is a function or a coroutine function. It
    returns the response, or None. None means that the handler has called
    request.respond(), or that the program keeps the request and calls
    respond() later. If no object refers to the request any more, the client
    gets UnavailableError. If the handler raises an exception, the client also
    gets UnavailableError, and the exception goes to the event loop's exception
    handler.

    The handler also gets messages that need no response. Its result is then
    ignored. If more than 64 MiB of such messages of a session wait for the
    handler or are in it, the session is closed. Each counts 512 bytes more than
    its data.

    on_open(session) and on_close(session) are functions, not coroutine
    functions. accept_fds=False: no message brings a file descriptor.
    """

    def __init__(
        self, interface, protocol, handler, *, on_open=None, on_close=None, accept_fds=True
    ):
        super().__init__(interface, protocol)
        for function in (handler, on_open, on_close):
            if function is not None and not callable(function):
                raise TypeError(f"not a function: {function!r}")
        if handler is None:
            raise TypeError("the handler is None")
        self._functions = handler, on_open, on_close
        self._accept_fds = accept_fds

    def start(self):
        """Offers the service. The calling thread and its running event loop own
        it from now on. A service can be started once.

        StateError: it was started before, or this process has a service of the
        same name.
        """
        if self._owner is not None or self._closed:
            raise StateError("the service was started before")
        self._owner = _ServiceOwner(
            Thread.current(), self._interface, self._protocol, *self._functions
        )
        if not self._accept_fds:
            _c.refuse_fds(self._owner.ref)
        _c.advertise(self._owner.ref)

    def close(self):
        """Ends the service and its sessions, and cancels the handlers that are
        coroutines."""
        self._end()

    def hide(self):
        """Accepts no new sessions from now on. Open sessions stay open."""
        self._checked()
        _c.hide(self._owner.ref)

    def _checked(self):
        if self._owner is None:
            raise StateError("the service was not started")
        self._owner.check()

    @property
    def sessions(self):
        """The open sessions."""
        if self._owner is None:
            return []
        return [s for s in self._owner.sessions.values() if not s.closed]

    async def serve_forever(self):
        """Waits until the service is closed."""
        self._checked()
        self._owner.check_loop()
        await asyncio.shield(self._owner.ended)

    async def __aenter__(self):
        self.start()
        return self
