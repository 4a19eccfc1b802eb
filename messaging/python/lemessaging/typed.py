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

import asyncio
import collections
import enum
import functools
import inspect
import logging
import struct
import weakref

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    symbol_database,
)
from google.protobuf.message import DecodeError, Message as ProtoMessage

from ._client import Session
from ._errors import ClosedError, Error, StateError, TimedOutError, WouldBlockError
from ._messages import Content, Protocol, seconds
from ._server import Service

_ENVELOPE = struct.Struct("<HBxII")  # method, kind, call, value
_CREDIT = struct.Struct("<II")  # items, bytes
_NUMBER = struct.Struct("<I")
_NO_DEADLINE = 0xFFFFFFFF
_MAX_ERROR_TEXT = 1024
_MAX_DESCRIPTOR_BYTES = 1 << 20
_DEFAULT_LARGEST_MESSAGE = 16384
_MAX_WINDOW = (1 << 20, 1 << 30)
_REFLECTION = 0  # the number of the method

_log = logging.getLogger("lemessaging")


class _Kind(enum.IntEnum):
    CALL = 1
    ONE_WAY = 2
    CANCEL = 3
    CREDIT = 4
    ITEM = 5
    STATUS = 6


class StatusCode(enum.IntEnum):
    """The codes of absl::Status."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class StatusError(Error):
    """A call has ended with an error: `code` is a StatusCode. A method of a
    server raises it, and the client's call raises it again."""

    def __init__(self, code, text=""):
        super().__init__(f"{StatusCode(code).name}: {text}")
        self.code = StatusCode(code)
        self.text = text


def _wrong(text):
    return StatusError(StatusCode.INTERNAL, text)


# ---- Descriptions of services --------------------------------------------------


def _option_types():
    """The options of le/service.proto, under a name of this package: so it does
    not matter whether the program has generated them, and in which pool."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="lemessaging/options.proto", package="lemessaging.options", syntax="proto3"
    )

    def message(name, **fields):
        added = file.message_type.add(name=name)
        for key, (number, kind) in fields.items():
            named = {} if isinstance(kind, int) else {"type_name": kind}
            added.field.add(
                name=key,
                number=number,
                label=field.LABEL_OPTIONAL,
                type=field.TYPE_MESSAGE if named else kind,
                **named,
            )

    message("Inner", fd_in=(1, field.TYPE_BOOL), fd_out=(2, field.TYPE_BOOL),
            number=(3, field.TYPE_UINT32))
    message("Method", method=(50871, ".lemessaging.options.Inner"))
    message("Service", version=(50871, field.TYPE_UINT32),
            largest_message=(50872, field.TYPE_UINT32))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return [
        _class_of(pool.FindMessageTypeByName(f"lemessaging.options.{name}"))
        for name in ("Service", "Method")
    ]


_factories = {}  # pool -> factory


def _class_of(descriptor):
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    pool = descriptor.file.pool
    if pool is descriptor_pool.Default():
        return symbol_database.Default().GetPrototype(descriptor)
    if pool not in _factories:
        _factories[pool] = message_factory.MessageFactory(pool)
    return _factories[pool].GetPrototype(descriptor)


_ServiceOptions, _MethodOptions = _option_types()


class _Method:
    def __init__(self, descriptor, index):
        options = _MethodOptions.FromString(
            descriptor.GetOptions().SerializeToString()
        ).method
        proto = descriptor_pb2.MethodDescriptorProto()
        descriptor.CopyToProto(proto)
        self.name = descriptor.name
        self.number = options.number or index + 1
        self.fd_in = options.fd_in
        self.fd_out = options.fd_out
        self.streams = proto.server_streaming
        self.one_way = descriptor.output_type.full_name == "le.OneWay"
        self.request = _class_of(descriptor.input_type)
        self.response = _class_of(descriptor.output_type)


class _Description:
    """What both sides need of a service's descriptor."""

    def __init__(self, descriptor):
        options = _ServiceOptions.FromString(descriptor.GetOptions().SerializeToString())
        if options.version == 0:
            raise ValueError(
                f"service {descriptor.full_name} needs a version: option (le.version) = 1"
            )
        self.name = descriptor.full_name
        self.file = descriptor.file
        self.largest = options.largest_message or _DEFAULT_LARGEST_MESSAGE
        self.protocol = _protocol(descriptor.full_name, options.version, self.largest)
        self.methods = [_Method(m, i) for i, m in enumerate(descriptor.methods)]

    def serialize(self, kind, message):
        if not isinstance(message, ProtoMessage) or (
            message.DESCRIPTOR.full_name != kind.DESCRIPTOR.full_name
        ):
            raise TypeError(f"{kind.DESCRIPTOR.full_name} is needed, not {type(message)}")
        if not message.IsInitialized():
            raise ValueError(f"{kind.DESCRIPTOR.full_name} lacks a required field")
        data = message.SerializeToString()
        if len(data) > self.largest:
            raise ValueError(
                f"{kind.DESCRIPTOR.full_name} has {len(data)} bytes, and "
                f"(le.largest_message) is {self.largest}"
            )
        return data


def _protocol(name, version, largest):
    return Protocol(
        f"{name}/{version}",
        _ENVELOPE.size + max(_CREDIT.size + largest, _MAX_ERROR_TEXT),
    )


def _parse(kind, data):
    """None: the data is not such a message."""
    message = kind()
    try:
        message.ParseFromString(data)
    except (DecodeError, RuntimeError):
        return None
    return message if message.IsInitialized() else None


def _milliseconds(timeout):
    if timeout is None:
        return _NO_DEADLINE
    return min(int(min(max(timeout, 0), 1e9) * 1000), _NO_DEADLINE - 1)


# ---- The client ----------------------------------------------------------------


class Client:
    """A client of a typed service: the descriptor of a service, as
    facts_pb2.DESCRIPTOR.services_by_name has it. Each method of the service is a
    method of this object, with a request message and these arguments:

    timeout  in seconds; for a stream, until its end
    fd       for a method with fd_in: a number, or an object with fileno()
    window   for a stream: the items and the bytes that the server may send before
             the program has taken them

    A call returns a response; with fd_out a pair of a response and a Descriptor.
    A stream is an asynchronous iterator, see Stream. Besides StatusError, a call
    raises what Session.request() raises.
    """

    def __init__(self, interface, service):
        self._set(_Description(service))
        self._begin(Session(interface, self._description.protocol))

    def _set(self, description):
        self._description = description
        for method in description.methods:
            setattr(self, method.name, functools.partial(self._function(method), method))

    def _begin(self, session):
        self._session = session
        on_item = weakref.WeakMethod(self._on_item)  # garbage is closed
        session.on_push = lambda push: (on_item() or bool)(push)
        self._last_call = 0
        self._streams = weakref.WeakValueDictionary()  # by the number of the call
        self._tasks = set()

    @classmethod
    async def reflect(cls, interface, name, version=1, largest_message=None, timeout=None):
        """Opens a client for a service of which only the name, the version and the
        largest message are known. The server tells the rest: request_type() has
        the types of the methods' requests."""
        client = cls.__new__(cls)
        largest = largest_message or _DEFAULT_LARGEST_MESSAGE
        client._begin(Session(interface, _protocol(name, version, largest)))
        try:
            await client.open(timeout)
            files = await client.read_descriptors(timeout)
            pool = descriptor_pool.DescriptorPool()
            pool.Add(_descriptor_proto())
            try:
                for file in files.file:
                    pool.Add(file)
                service = pool.FindServiceByName(name)
            except (TypeError, KeyError) as error:
                raise _wrong(f"the server's descriptors lack {name}: {error}") from None
            client._set(_Description(service))
        except BaseException:
            client.close()
            raise
        return client

    def request_type(self, method):
        """The class of a method's requests."""
        return {m.name: m for m in self._description.methods}[method].request

    async def open(self, timeout=None):
        await self._session.open(timeout)

    def close(self):
        self._session.close()

    @property
    def session(self):
        return self._session

    async def __aenter__(self):
        await self._session.__aenter__()
        return self

    async def __aexit__(self, *_):
        self.close()

    def _function(self, method):
        if method.one_way:
            return self._send
        return Stream.begin(self) if method.streams else self._call

    def _new_call(self):
        while True:
            self._last_call = (self._last_call + 1) & 0xFFFFFFFF
            if self._last_call not in self._streams:
                return self._last_call

    def _checked(self, method, request, fd):
        if method.fd_in != (fd is not None):
            raise TypeError(
                f"{method.name} {'needs' if method.fd_in else 'takes no'} file descriptor"
            )
        return self._description.serialize(method.request, request)

    async def _send(self, method, request, *, fd=None, timeout=None):
        data = self._checked(method, request, fd)
        envelope = _ENVELOPE.pack(method.number, _Kind.ONE_WAY, 0, 0)
        await self._session.send(envelope + data, fd=fd, timeout=timeout)

    async def _call(self, method, request, *, fd=None, timeout=None):
        data = self._checked(method, request, fd)
        response = await self._request(method.number, self._new_call(), data, fd, timeout)
        message = _parse(method.response, response[_ENVELOPE.size :])
        if message is None:
            raise _wrong(f"the response is not a {method.response.DESCRIPTOR.full_name}")
        if not method.fd_out:
            return message
        if response.fd is None:
            raise _wrong("the response lacks its file descriptor")
        return message, response.fd

    async def _request(self, method, call, data, fd, timeout):
        timeout = seconds(timeout)
        data = _ENVELOPE.pack(method, _Kind.CALL, call, _milliseconds(timeout)) + data
        return await self._respond(
            call, functools.partial(self._session.request, data, fd=fd, timeout=timeout)
        )

    async def _respond(self, call, request):
        """Awaits request(), and reads the response."""
        try:
            response = await request()
        except (TimedOutError, asyncio.CancelledError):
            self._cancel(call)
            raise
        if len(response) < _ENVELOPE.size:
            raise _wrong("the response has no envelope")
        _, kind, number, value = _ENVELOPE.unpack_from(response)
        if kind != _Kind.STATUS or number != call:
            raise _wrong("not the response of the call")
        if value != 0:
            known = value <= StatusCode.UNAUTHENTICATED
            text = response[_ENVELOPE.size :][:_MAX_ERROR_TEXT]
            raise StatusError(
                value if known else StatusCode.UNKNOWN, text.decode(errors="replace")
            )
        return response

    def _cancel(self, call):
        self._tell(_ENVELOPE.pack(0, _Kind.CANCEL, call, 0))

    def _tell(self, data):
        """Sends it, later if the queue is full."""
        try:
            self._session.try_send(data)
        except WouldBlockError:
            task = asyncio.get_running_loop().create_task(self._tell_later(data))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        except Error:
            pass  # the session is closed: the server knows

    async def _tell_later(self, data):
        try:
            await self._session.send(data)
        except Error:
            pass

    def _on_item(self, push):
        """A message of the server that is no response. Called by the library."""
        if len(push) >= _ENVELOPE.size:
            _, kind, call, _ = _ENVELOPE.unpack_from(push)
            if kind == _Kind.ITEM:
                stream = self._streams.get(call)
                if stream is not None:
                    stream._on_item(push[_ENVELOPE.size :])

    async def read_descriptors(self, timeout=None):
        """Returns the server's descriptors, a FileDescriptorSet."""
        data = b""
        while True:
            response = await self._request(
                _REFLECTION, self._new_call(), _NUMBER.pack(len(data)), None, timeout
            )
            body = response[_ENVELOPE.size :]
            size = _NUMBER.unpack_from(body)[0] if len(body) >= _NUMBER.size else -1
            part = body[_NUMBER.size :]
            if (
                not 0 <= size <= _MAX_DESCRIPTOR_BYTES
                or len(data) + len(part) > size
                or (not part and len(data) < size)
            ):
                raise _wrong("the descriptors have a wrong size")
            data += part
            if len(data) == size:
                break
        files = _parse(descriptor_pb2.FileDescriptorSet, data)
        if files is None:
            raise _wrong("the descriptors cannot be parsed")
        return files


class Stream:
    """The items of a stream, in order: `async for item in client.Watch(request)`.
    After the last item the iteration ends, or raises the final status. A stream
    that is not read to its end is cancelled when it is closed or garbage."""

    @classmethod
    def begin(cls, client):
        return functools.partial(cls, client)

    def __init__(self, client, method, request, *, fd=None, timeout=None, window=(256, 1 << 18)):
        items, size = window
        self._client = client
        self._method = method
        self._window = [
            min(max(int(items), 1), _MAX_WINDOW[0]),
            min(max(int(size), 1), _MAX_WINDOW[1]),
        ]
        data = _CREDIT.pack(*self._window) + client._checked(method, request, fd)
        self._items = collections.deque()
        self._waiting_bytes = 0
        self._handled = [0, 0]  # items and bytes, since the last credit
        self._wake = asyncio.Event()
        self._error = None
        timeout = seconds(timeout)
        call = self._call = client._new_call()
        data = _ENVELOPE.pack(method.number, _Kind.CALL, call, _milliseconds(timeout)) + data
        content = Content(data, fd, client._session.protocol.max_size)
        owner = client._session._checked()
        client._streams[call] = self
        # The request is sent now, so that its place is before later calls. Only if
        # too many requests wait, it must wait, too.
        request = None
        if owner.room.try_take(content.size):
            request = owner.start(content, timeout)
            response = functools.partial(owner.finish, request)
        else:
            response = functools.partial(owner.request, content, timeout)
        self._task = asyncio.get_running_loop().create_task(client._respond(call, response))
        # The task must not keep this object: the end of this object cancels the task.
        self._task.add_done_callback(
            functools.partial(_end_stream, self._wake, client, owner, call, request)
        )

    def _on_item(self, data):
        if self._error is not None:
            return
        self._waiting_bytes += len(data)
        if (
            len(self._items) >= self._window[0]
            or self._waiting_bytes - len(data) > self._window[1]
        ):
            self._error = _wrong("an item of a stream exceeds the window")
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
                credit = _CREDIT.pack(*self._handled)
                envelope = _ENVELOPE.pack(self._method.number, _Kind.CREDIT, self._call, 0)
                self._client._tell(envelope + credit)
            self._handled = [0, 0]
        item = _parse(self._method.response, data)
        if item is None:
            self.cancel()
            raise _wrong("an item of a stream cannot be parsed")
        return item

    def cancel(self):
        """The server is told. The iteration ends after the items that have arrived."""
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


def _end_stream(wake, client, owner, call, request, task):
    client._streams.pop(call, None)
    if not task.cancelled():
        task.exception()  # it is retrieved, even if nobody reads the stream
    elif request is not None and not request.future.done():  # it had not begun
        owner.cancel(request)
        client._cancel(call)
    wake.set()


def _descriptor_proto():
    proto = descriptor_pb2.FileDescriptorProto()
    descriptor_pb2.DESCRIPTOR.CopyToProto(proto)
    return proto


# ---- The server ----------------------------------------------------------------


class Call:
    """A call of a client, for a method of a server.

    session    the client's ServerSession, with `user` and `process`
    fd         the Descriptor of a method with fd_in
    """

    def __init__(self, session, fd, deadline):
        self.session = session
        self.fd = fd
        self._deadline = deadline  # in the loop's time, or None
        self._task = None
        self._cancelled = False
        self._credit = [0, 0]
        self._more = asyncio.Event()

    def remaining(self):
        """Seconds to the client's deadline, or None. For calls of one's own:
        client.Count(request, timeout=call.remaining())"""
        if self._deadline is None:
            return None
        return max(self._deadline - asyncio.get_running_loop().time(), 0)

    def _cancel(self):
        self._cancelled = True
        if self._task is not None:
            self._task.cancel()

    def _add_credit(self, items, size):
        for i, more in enumerate((items, size)):
            self._credit[i] = min(self._credit[i] + min(more, _MAX_WINDOW[i]), _MAX_WINDOW[i])
        self._more.set()


class Server:
    """A typed service. `implementation` has a method for each method of the
    service: method(request, call). It is a function or coroutine function that
    returns the response; with fd_out a pair of a response and a file descriptor,
    which stays open. The method of a stream is an asynchronous generator. When the
    client cancels a call or is gone, its coroutine is cancelled.

    StatusError is passed to the client. Another exception goes to the event loop's
    exception handler, and the client gets the code INTERNAL.
    """

    def __init__(self, interface, service, implementation):
        description = self._description = _Description(service)
        self._methods = {}
        for method in description.methods:
            function = getattr(implementation, method.name, None)
            if not callable(function):
                raise TypeError(f"the implementation lacks {method.name}()")
            if method.streams != inspect.isasyncgenfunction(function):
                raise TypeError(
                    f"{method.name}() is {'not' if method.streams else ''} an "
                    "asynchronous generator"
                )
            self._methods[method.number] = method, function
        self._calls = {}  # session -> {number: Call}
        self._complaints = collections.Counter()
        self._files = _file_set(description.file).SerializeToString()
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
        """Returns a coroutine if there is something to run."""
        envelope = None
        try:
            if len(request.data) < _ENVELOPE.size:
                raise _invalid("the message has no envelope")
            envelope = _ENVELOPE.unpack_from(request.data)
            body = request.data[_ENVELOPE.size :]
            if request.needs_response:
                return self._on_request(request, envelope, body)
            return self._on_one_way(request, envelope, body)
        except StatusError as error:
            self._complain(request.session, error)
            if request.needs_response:
                self._fail(request, envelope or (0, 0, 0, 0), error)

    def _on_request(self, request, envelope, body):
        number, kind, call_number, value = envelope
        if kind != _Kind.CALL:
            raise _invalid("the request is not a call")
        if number == _REFLECTION:
            return self._reflect(request, envelope, body)
        method, function = self._find(number, one_way=False)
        credit = None
        if method.streams:
            if len(body) < _CREDIT.size:
                raise _invalid("the request has no credit")
            credit = _CREDIT.unpack_from(body)
            body = body[_CREDIT.size :]
        message = self._read(method, body)
        calls = self._calls.setdefault(request.session, {})
        if call_number in calls:
            raise _invalid("the call's number is in use")
        deadline = None
        if value != _NO_DEADLINE:
            deadline = asyncio.get_running_loop().time() + value / 1000
        call = Call(request.session, self._take_fd(method, request), deadline)
        if credit is not None:
            call._add_credit(*credit)
        calls[call_number] = call
        run = self._stream if method.streams else self._unary
        return self._run(request, envelope, call, run(request, envelope, call, method,
                                                      function, message))

    def _on_one_way(self, request, envelope, body):
        number, kind, call_number, _ = envelope
        if kind == _Kind.ONE_WAY:
            method, function = self._find(number, one_way=True)
            message = self._read(method, body)
            call = Call(request.session, self._take_fd(method, request), None)
            try:
                return function(message, call)
            except StatusError as error:
                raise StateError(f"{method.name}() has no status") from error
        call = self._calls.get(request.session, {}).get(call_number)
        if kind == _Kind.CANCEL:
            if call is not None:
                call._cancel()
        elif kind == _Kind.CREDIT:
            if len(body) < _CREDIT.size:
                raise _invalid("the credit is too short")
            if call is not None:
                call._add_credit(*_CREDIT.unpack_from(body))
        else:
            raise _invalid("a message of an unknown kind")
        return None

    def _find(self, number, one_way):
        method, function = self._methods.get(number, (None, None))
        if method is None:
            raise StatusError(StatusCode.UNIMPLEMENTED, f"there is no method {number}")
        if method.one_way != one_way:
            raise _invalid(f"method {number} is {'not ' if one_way else ''}one-way")
        return method, function

    @staticmethod
    def _read(method, body):
        message = _parse(method.request, body)
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

    async def _run(self, request, envelope, call, work):
        call._task = asyncio.current_task()
        try:
            if call._cancelled:
                work.close()
                return
            await work
        except StatusError as error:
            self._fail(request, envelope, error)
        except ClosedError:
            pass  # the client is gone
        except Exception as error:
            self._fail(request, envelope, _wrong("the method has failed"))
            raise error
        finally:
            if call.fd is not None:
                call.fd.close()
            calls = self._calls.get(request.session)
            if calls is not None:
                calls.pop(envelope[2], None)
                if not calls:
                    del self._calls[request.session]

    async def _unary(self, request, envelope, call, method, function, message):
        result = function(message, call)
        if inspect.isawaitable(result):
            result = await result
        fd = None
        if method.fd_out:
            result, fd = result
        data = self._description.serialize(method.response, result)
        number, _, call_number, _ = envelope
        request.respond(_ENVELOPE.pack(number, _Kind.STATUS, call_number, 0) + data, fd=fd)

    async def _stream(self, request, envelope, call, method, function, message):
        number, _, call_number, _ = envelope
        header = _ENVELOPE.pack(number, _Kind.ITEM, call_number, 0)
        items = function(message, call)
        try:
            async for item in items:
                data = self._description.serialize(method.response, item)
                while min(call._credit) <= 0:
                    call._more.clear()
                    await call._more.wait()
                call._credit[0] -= 1
                call._credit[1] -= len(data)
                await request.session.send(header + data)
        finally:
            await items.aclose()
        request.respond(_ENVELOPE.pack(number, _Kind.STATUS, call_number, 0))

    def _reflect(self, request, envelope, body):
        if len(body) != _NUMBER.size or _NUMBER.unpack(body)[0] > len(self._files):
            raise _invalid("not an offset in the descriptors")
        offset = _NUMBER.unpack(body)[0]
        room = self._description.protocol.max_size - _ENVELOPE.size - _NUMBER.size
        number, _, call_number, _ = envelope
        request.respond(
            _ENVELOPE.pack(number, _Kind.STATUS, call_number, 0)
            + _NUMBER.pack(len(self._files))
            + self._files[offset : offset + room]
        )

    @staticmethod
    def _fail(request, envelope, error):
        if request.done:
            return
        number, _, call_number, _ = envelope
        text = error.text.encode(errors="replace")[:_MAX_ERROR_TEXT]
        request.respond(
            _ENVELOPE.pack(number, _Kind.STATUS, call_number, error.code) + text
        )

    def _complain(self, session, error):
        """Logs the first, second, fourth and so on of each user."""
        self._complaints[session.user] += 1
        count = self._complaints[session.user]
        if count & (count - 1) == 0:
            _log.warning(
                "service %s: process %s of user %s violates the protocol (%d times): %s",
                self._description.name, session.process, session.user, count, error,
            )


def _invalid(text):
    return StatusError(StatusCode.INVALID_ARGUMENT, text)


def _file_set(file):
    """A file and all that it imports, except descriptor.proto."""
    files = descriptor_pb2.FileDescriptorSet()
    added = {"google/protobuf/descriptor.proto"}

    def add(file):
        if file.name in added:
            return
        added.add(file.name)
        for imported in file.dependencies:
            add(imported)
        file.CopyToProto(files.file.add())

    add(file)
    return files
