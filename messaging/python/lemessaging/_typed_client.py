# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Clients of typed services."""

import functools

from google.protobuf import descriptor_pb2

from ._messages import Deadline, seconds
from ._typed_channel import Channel
from ._typed_service import DEFAULT_LARGEST_MESSAGE, Description, protocol_of, service_in
from ._typed_stream import Stream
from ._typed_wire import ENVELOPE, NUMBER, REFLECTION, Kind, parse, wrong

_MAX_DESCRIPTOR_BYTES = 1 << 20
# Protobuf takes quadratic time for files that import each other publicly.
_MAX_FILES = 1000


class Client:
    """A client of a typed service. `service` is the service's descriptor, as
    facts_pb2.DESCRIPTOR.services_by_name has it. Each method of the service is a
    method of this object, with a request message and these arguments:

    timeout  in seconds: until the response; for a stream, until its end; for a
             one-way method, until there is room in the queue
    fd       for a method with fd_in: a number, or an object with fileno()
    window   for a stream: the items and the bytes that the server may send before
             the program has taken them. Default: (256, 262144)

    A call returns a response. With fd_out it returns a pair: a response and a
    Descriptor. A stream is an asynchronous iterator, see Stream. A call raises
    StatusError, and the exceptions of Session.request(). Cancelling its task
    cancels the call, and the server is notified.

    The name of a method may also be a member of this class, or a keyword of
    Python. Use call() for such a method: client.call("close", request).
    """

    _description = None
    _methods = {}  # name -> Method

    def __init__(self, interface, service):
        self._describe(service)
        self._channel = Channel(interface, self._description.protocol)

    def _describe(self, service):
        self._description = Description(service)
        self._methods = {method.name: method for method in self._description.methods}

    @classmethod
    async def reflect(cls, interface, name, version=1, largest_message=None, timeout=None):
        """Opens a client for a service of which only the name, the version and the
        largest message (default: 16,384) are known. The server sends the
        descriptors: request_type() has the types of the methods' requests.
        `timeout` includes the opening and all responses. RefusedError: the
        service has another version or another largest message."""
        deadline = Deadline(seconds(timeout))
        largest = largest_message or DEFAULT_LARGEST_MESSAGE
        client = cls.__new__(cls)
        client._channel = Channel(interface, protocol_of(name, version, largest))
        try:
            await client.open(deadline.left())
            files = await client.read_descriptors(deadline.left())
            client._describe(service_in(files, name))
        except BaseException:
            client.close()
            raise
        return client

    def request_type(self, method):
        """The class of a method's requests."""
        return self._methods[method].request

    async def open(self, timeout=None):
        await self.session.open(timeout)

    def close(self):
        self.session.close()

    @property
    def session(self):
        return self._channel.session

    async def __aenter__(self):
        await self.session.__aenter__()
        return self

    async def __aexit__(self, *_):
        self.close()

    def call(self, method, request, **options):
        """Calls the method with this name."""
        return self._function(method)(request, **options)

    def __getattr__(self, name):
        """Returns a method of the service. Python calls this function only for
        names that are not members of this class."""
        return self._function(name)

    def __dir__(self):
        return [*super().__dir__(), *self._methods]

    def _function(self, name):
        method = self._methods.get(name)
        if method is None:
            raise AttributeError(f"the service has no method {name!r}")
        if method.one_way:
            function = self._send
        else:
            function = self._stream if method.streams else self._call
        return functools.partial(function, method)

    def _serialize(self, method, request, fd):
        if method.fd_in != (fd is not None):
            raise TypeError(
                f"{method.name} needs a file descriptor: pass fd"
                if method.fd_in
                else f"{method.name} takes no file descriptor: omit fd"
            )
        return self._description.serialize(method.request, request)

    async def _send(self, method, request, *, fd=None, timeout=None):
        data = self._serialize(method, request, fd)
        envelope = ENVELOPE.pack(method.number, Kind.ONE_WAY, 0, 0)
        await self.session.send(envelope + data, fd=fd, timeout=timeout)

    async def _call(self, method, request, *, fd=None, timeout=None):
        data = self._serialize(method, request, fd)
        response = await self._channel.request(method.number, data, fd, timeout)
        message = parse(method.response, response[ENVELOPE.size :])
        if message is None:
            raise wrong(f"the response is not a {method.response.DESCRIPTOR.full_name}")
        if not method.fd_out:
            return message
        if response.fd is None:
            raise wrong("the response lacks its file descriptor")
        return message, response.fd

    def _stream(self, method, request, *, fd=None, timeout=None, window=(256, 1 << 18)):
        data = self._serialize(method, request, fd)
        return Stream(self._channel, method, data, fd, timeout, window)

    async def read_descriptors(self, timeout=None):
        """Returns the server's descriptors, a FileDescriptorSet."""
        deadline = Deadline(seconds(timeout))
        data = bytearray()
        size = None
        while len(data) != size:
            response = await self._channel.request(
                REFLECTION, NUMBER.pack(len(data)), None, deadline.left()
            )
            body = response[ENVELOPE.size :]
            size = NUMBER.unpack_from(body)[0] if len(body) >= NUMBER.size else -1
            part = body[NUMBER.size :]
            if (
                not 0 <= size <= _MAX_DESCRIPTOR_BYTES
                or len(data) + len(part) > size
                or (not part and len(data) < size)
            ):
                raise wrong("the server's descriptors have a wrong size")
            data += part
        files = parse(descriptor_pb2.FileDescriptorSet, bytes(data))
        if files is None:
            raise wrong("the server's descriptors cannot be parsed")
        if len(files.file) > _MAX_FILES:
            raise wrong(f"the server's descriptors have more than {_MAX_FILES} files")
        return files
