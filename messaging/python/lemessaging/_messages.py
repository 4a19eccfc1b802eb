# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Protocols, converted arguments and messages.

The conversion of an argument may call functions of the program. Such a function
may close the session. So each method converts its arguments first. Then it
checks the session, and calls the library.
"""

import asyncio
import ctypes
import math
import operator
import os

from . import _c

MAX_MESSAGE = 16 << 20
MAX_NAME = 127
# The bytes that a waiting message counts in addition to its payload.
OVERHEAD = 512


class Protocol:
    """An identifier, and the size of the largest message in bytes (at most
    16 MiB). Both sides must use the same identifier and the same size. A
    Protocol cannot be changed."""

    __slots__ = ("_name", "_max_size")

    def __init__(self, name, max_size):
        if not isinstance(max_size, int) or isinstance(max_size, bool):
            raise TypeError("the size of the largest message is not an int")
        max_size = operator.index(max_size)  # a plain int, not a class of the program
        if not 0 <= max_size <= MAX_MESSAGE:
            raise ValueError(
                f"the size of the largest message is not 0 to {MAX_MESSAGE}: {max_size}"
            )
        self._name = encode_name(name, "the protocol's name").decode()
        self._max_size = max_size

    @property
    def name(self):
        return self._name

    @property
    def max_size(self):
        return self._max_size

    def ref(self):
        """The library's reference. Call check_process() before."""
        ref = ctypes.c_void_p()
        result = _c.try_get_protocol(
            self._name.encode(), self._max_size, ctypes.byref(ref)
        )
        if result == _c.DUPLICATE:
            raise ValueError(
                f"protocol {self._name!r} was used in this process with another "
                f"largest message than {self._max_size} bytes"
            )
        if result != _c.OK:
            raise ValueError(f"not a name of a protocol: {self._name!r}")
        return ref.value

    def __repr__(self):
        return f"Protocol({self._name!r}, {self._max_size})"


# ---- Arguments ---------------------------------------------------------------


def encode_name(name, what):
    if not isinstance(name, str):
        raise TypeError(f"{what} is not a str")
    try:
        encoded = str.encode(name)
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} is not valid: {error}") from None
    if not 0 < len(encoded) <= MAX_NAME or b"\0" in encoded:
        raise ValueError(f"{what} needs 1 to {MAX_NAME} bytes, and no zero: {name!r}")
    return encoded


def seconds(timeout):
    """Checks a timeout of the program, and converts it. None: no timeout."""
    if timeout is None:
        return None
    timeout = float(timeout)
    if not timeout >= 0:
        raise ValueError(f"the timeout is not a number from 0: {timeout}")
    return timeout


def milliseconds(timeout):
    """The library's timeout for the result of seconds(): rounded up."""
    if timeout is None:
        return _c.NO_TIMEOUT
    return min(math.ceil(min(timeout, 1e9) * 1000), _c.NO_TIMEOUT - 1)


class Deadline:
    """The end of a timeout that several waits share."""

    def __init__(self, timeout):
        self._end = None if timeout is None else _now() + timeout

    def left(self):
        """The timeout of the next wait."""
        return None if self._end is None else max(self._end - _now(), 0.0)


def _now():
    return asyncio.get_running_loop().time()


def _as_bytes(data, max_size):
    if type(data) is not bytes:
        data = bytes(memoryview(data))  # not bytes(data): data may be a number
    if len(data) > max_size:
        raise ValueError(
            f"{len(data)} bytes are more than the protocol's largest message of {max_size}"
        )
    return data


def _duplicate(fd):
    """The program keeps its file descriptor. The message gets a duplicate."""
    if fd is None:
        return None
    number = fd.fileno() if hasattr(fd, "fileno") else fd
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError("the file descriptor is not an int, and has no fileno()")
    return Descriptor(os.dup(number))


class Content:
    """The converted arguments of one message."""

    __slots__ = ("_data", "_fd")

    def __init__(self, data, fd, max_size):
        self._data = _as_bytes(data, max_size)
        self._fd = _duplicate(fd)

    @property
    def size(self):
        """The bytes that the message counts in a queue."""
        return len(self._data) + OVERHEAD

    def fill(self, message):
        size = len(self._data)
        ctypes.memmove(_c.payload_for_writing(message, size), self._data, size)
        if self._fd is not None:
            _c.set_message_fd(message, self._fd.detach())

    def message(self, session):
        message = _c.create_message(session)
        self.fill(message)
        return message


# ---- Received messages ---------------------------------------------------------


class Descriptor:
    """A file descriptor that is closed with this object."""

    __slots__ = ("_fd",)

    def __init__(self, fd):
        self._fd = fd

    def fileno(self):
        if self._fd is None:
            raise ValueError("the descriptor is closed")
        return self._fd

    def detach(self):
        """Returns the number, which the caller must close."""
        fd = self.fileno()
        self._fd = None
        return fd

    def close(self):
        if self._fd is not None:
            os.close(self.detach())

    @property
    def closed(self):
        return self._fd is None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        self.close()

    def __repr__(self):
        return f"Descriptor({self._fd})"


class Message(bytes):
    """A received message: its bytes, and `fd`, a Descriptor or None."""

    fd = None


def payload_of(message):
    size = ctypes.c_size_t()
    payload = _c.payload_for_reading(message, ctypes.byref(size))
    return ctypes.string_at(payload, size.value)


def fd_of(message):
    fd = _c.take_message_fd(message)
    return None if fd < 0 else Descriptor(fd)


def take(message):
    """Returns a Message, and releases the library's message."""
    taken = Message(payload_of(message))
    fd = fd_of(message)
    if fd is not None:
        taken.fd = fd
    _c.release_message(message)
    return taken
