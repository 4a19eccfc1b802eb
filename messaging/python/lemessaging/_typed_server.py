# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Servers of typed services."""

import asyncio
import collections
import functools
import inspect
import logging

from ._errors import ClosedError, StateError
from ._messages import Deadline
from ._server import Service
from ._typed_service import Description, file_set
from ._typed_wire import (
    CREDIT,
    ENVELOPE,
    MAX_ERROR_TEXT,
    MAX_WINDOW,
    NO_DEADLINE,
    NUMBER,
    REFLECTION,
    Kind,
    StatusCode,
    StatusError,
    parse,
    wrong,
)

_log = logging.getLogger("lemessaging")


class Call:
    """A call of a client, for a method of a server.

    session    the client's ServerSession, with `user` and `process`
    fd         the Descriptor of a method with fd_in. It is closed when the method
               has ended
    """

    def __init__(self, request, method, envelope, fd):
        self.session = request.session
        self.fd = fd
        self._request = request
        self._method = method
        self._envelope = envelope
        _, kind, self._number, value = envelope
        limited = kind == Kind.CALL and value != NO_DEADLINE
        self._deadline = Deadline(value / 1000 if limited else None)
        self._task = None  # or the Task that runs the method
        self._credit = [0, 0]
        self._more = asyncio.Event()

    def remaining(self):
        """The seconds until the client's deadline. None: the call has none. A
        method that calls another service passes them on:
        client.Count(request, timeout=call.remaining())"""
        return self._deadline.left()

    def _cancel(self):
        self._task.cancel()

    def _add_credit(self, items, size):
        for i, more in enumerate((items, size)):
            self._credit[i] = min(self._credit[i] + min(more, MAX_WINDOW[i]), MAX_WINDOW[i])
        self._more.set()


class Server:
    """A typed service. `implementation` has a method for each method of the
    service: method(request, call). The method is a function or a coroutine
    function, and returns the response. With fd_out it returns a pair: the
    response and a file descriptor. The client gets a duplicate, and the
    program's file descriptor stays open. The method of a stream is an
    asynchronous generator. When the client cancels a call or is gone, the
    call's coroutine is cancelled, except for a one-way method.

    StatusError is passed to the client. Any other exception goes to the event
    loop's exception handler, and the client gets the code INTERNAL.
    """

    def __init__(self, interface, service, implementation):
        description = self._description = Description(service)
        self._methods = {}
        for method in description.methods:
            function = getattr(implementation, method.name, None)
            if not callable(function):
                raise TypeError(f"the implementation lacks {method.name}()")
            if method.streams != inspect.isasyncgenfunction(function):
                raise TypeError(
                    f"{method.name}() must {'' if method.streams else 'not '}be an "
                    "asynchronous generator: the method is "
                    f"{'a' if method.streams else 'no'} stream"
                )
            self._methods[method.number] = method, function
        self._calls = {}  # session -> {number: Call}
        self._complaints = collections.Counter()
        self._files = file_set(description.file).SerializeToString()
        self._service = Service(
            interface,
            description.protocol,
            self._on_message,
            on_close=self._on_close,
            accept_fds=any(method.fd_in for method in description.methods),
        )

    def start(self):
        self._service.start()

    def close(self):
        self._service.close()

    async def serve_forever(self):
        await self._service.serve_forever()

    @property
    def service(self):
        return self._service

    async def __aenter__(self):
        self.start()
        return self

    async def __aexit__(self, *_):
        self.close()

    def _on_close(self, session):
        for call in self._calls.pop(session, {}).values():
            call._cancel()

    def _on_message(self, request):
        """Returns the Task that runs the method. None: no method runs now."""
        envelope = None
        try:
            if len(request.data) < ENVELOPE.size:
                raise _invalid("the message has no envelope")
            envelope = ENVELOPE.unpack_from(request.data)
            body = request.data[ENVELOPE.size :]
            if request.needs_response:
                return self._on_request(request, envelope, body)
            return self._on_one_way(request, envelope, body)
        except StatusError as error:
            self._complain(request.session, error)
            if request.needs_response:
                self._fail(request, envelope or (0, 0, 0, 0), error)

    def _on_request(self, request, envelope, body):
        number, kind, call_number, _ = envelope
        if kind != Kind.CALL:
            raise _invalid("the request is not a call")
        if number == REFLECTION:
            return self._reflect(request, envelope, body)
        method, function = self._find(number, one_way=False)
        credit = None
        if method.streams:
            if len(body) < CREDIT.size:
                raise _invalid("the request has no credit")
            credit = CREDIT.unpack_from(body)
            body = body[CREDIT.size :]
        message = self._read(method, body)
        if call_number in self._calls.get(request.session, {}):
            raise _invalid("the call's number is in use")
        call = Call(request, method, envelope, self._take_fd(method, request))
        if credit is not None:
            call._add_credit(*credit)
        self._calls.setdefault(request.session, {})[call_number] = call
        work = self._stream if method.streams else self._unary
        return self._begin(call, self._run(call, functools.partial(work, call, function, message)))

    def _on_one_way(self, request, envelope, body):
        number, kind, call_number, _ = envelope
        if kind == Kind.ONE_WAY:
            method, function = self._find(number, one_way=True)
            message = self._read(method, body)
            return self._one_way(
                Call(request, method, envelope, self._take_fd(method, request)),
                function,
                message,
            )
        call = self._calls.get(request.session, {}).get(call_number)
        if kind == Kind.CANCEL:
            if call is not None:
                call._cancel()
        elif kind == Kind.CREDIT:
            if len(body) < CREDIT.size:
                raise _invalid("the credit is too short")
            if call is not None:
                call._add_credit(*CREDIT.unpack_from(body))
        else:
            raise _invalid("a message of an unknown kind")
        return None

    def _find(self, number, one_way):
        method, function = self._methods.get(number, (None, None))
        if method is None:
            raise StatusError(StatusCode.UNIMPLEMENTED, f"there is no method {number}")
        if method.one_way != one_way:
            raise _invalid(
                f"method {number} is not one-way, but no response is expected"
                if one_way
                else f"method {number} is one-way, but the request expects a response"
            )
        return method, function

    @staticmethod
    def _read(method, body):
        message = parse(method.request, body)
        if message is None:
            raise _invalid(f"the request is not a {method.request.DESCRIPTOR.full_name}")
        return message

    @staticmethod
    def _take_fd(method, request):
        if not method.fd_in:
            return None
        fd = request.take_fd()
        if fd is None:
            raise _invalid("the request lacks its file descriptor")
        return fd

    def _begin(self, call, work):
        call._task = asyncio.ensure_future(work)
        call._task.add_done_callback(functools.partial(self._end, call))
        return call._task

    def _end(self, call, _=None):
        """Called once for each call, also if it is cancelled before it begins."""
        if call.fd is not None:
            call.fd.close()
        calls = self._calls.get(call.session, {})
        if calls.get(call._number) is call:
            del calls[call._number]
            if not calls:
                del self._calls[call.session]

    def _one_way(self, call, function, message):
        try:
            result = function(message, call)
            return self._begin(call, result) if inspect.isawaitable(result) else None
        except StatusError as error:
            raise StateError(
                f"{call._method.name}() is one-way: it must not raise StatusError"
            ) from error
        finally:
            if call._task is None:
                self._end(call)

    async def _run(self, call, work):
        try:
            await work()
        except StatusError as error:
            self._fail(call._request, call._envelope, error)
        except Exception as error:
            if isinstance(error, ClosedError) and call.session.is_gone:
                return  # the client has gone
            self._fail(call._request, call._envelope, wrong("the method has failed"))
            raise

    async def _unary(self, call, function, message):
        result = function(message, call)
        if inspect.isawaitable(result):
            result = await result
        fd = None
        if call._method.fd_out:
            result, fd = result
        data = self._description.serialize(call._method.response, result)
        call._request.respond(_status(call._envelope) + data, fd=fd)

    async def _stream(self, call, function, message):
        header = ENVELOPE.pack(call._method.number, Kind.ITEM, call._number, 0)
        items = function(message, call)
        try:
            async for item in items:
                data = self._description.serialize(call._method.response, item)
                while min(call._credit) <= 0:
                    call._more.clear()
                    await call._more.wait()
                call._credit[0] -= 1
                call._credit[1] -= len(data)
                await call.session.send(header + data)
        finally:
            await items.aclose()
        call._request.respond(_status(call._envelope))

    def _reflect(self, request, envelope, body):
        if len(body) != NUMBER.size or NUMBER.unpack(body)[0] > len(self._files):
            raise _invalid("the request has no valid offset in the descriptors")
        offset = NUMBER.unpack(body)[0]
        room = self._description.protocol.max_size - ENVELOPE.size - NUMBER.size
        request.respond(
            _status(envelope)
            + NUMBER.pack(len(self._files))
            + self._files[offset : offset + room]
        )

    @staticmethod
    def _fail(request, envelope, error):
        if request.done:
            return
        text = error.text.encode(errors="replace")[:MAX_ERROR_TEXT]
        request.respond(_status(envelope, error.code) + text)

    def _complain(self, session, error):
        """Logs the first, second, fourth, eighth ... violation of each user."""
        self._complaints[session.user] += 1
        count = self._complaints[session.user]
        if count & (count - 1) == 0:
            _log.warning(
                "service %s: process %s of user %s violates the protocol (%d times): %s",
                self._description.name, session.process, session.user, count, error,
            )


def _status(envelope, code=0):
    number, _, call_number, _ = envelope
    return ENVELOPE.pack(number, Kind.STATUS, call_number, code)


def _invalid(text):
    return StatusError(StatusCode.INVALID_ARGUMENT, text)
