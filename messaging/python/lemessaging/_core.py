# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""What clients and servers share: threads, callbacks, messages."""

import asyncio
import atexit
import collections
import ctypes
import itertools
import math
import os
import threading
import time

from . import _c
from ._errors import (
    CloseReason,
    ClosedError,
    ForkedError,
    StateError,
    TimedOutError,
    TooManyError,
    WouldBlockError,
    WrongThreadError,
    reason_of,
)

MAX_MESSAGE = 16 << 20
MAX_NAME = 127
# What a waiting message counts in addition to its payload.
OVERHEAD = 512
# The limit of messages that wait for the program, in bytes. Beyond it the session
# is closed.
MAX_WAITING = 64 << 20
# A thread's loop needs fewer file descriptors. The package checks that so many are
# free before the library creates a loop, because the library cannot report the
# error.
_FDS_OF_A_LOOP = 16
# The most handlers that one callback of asyncio's loop calls.
_STEPS = 100

_MAX_KEY = ctypes.c_void_p(-1).value
_counter = itertools.count(1)


def new_key(table):
    """A context for the C library: a number that is not in the table."""
    while True:
        key = next(_counter) & _MAX_KEY
        if key and key not in table:
            return key


# ---- Arguments ---------------------------------------------------------------


class Protocol:
    """An identifier, and the size of the largest message in bytes. Both sides
    must use the same."""

    __slots__ = ("name", "max_size", "_ref")

    def __init__(self, name, max_size):
        if not isinstance(max_size, int) or isinstance(max_size, bool):
            raise TypeError("the size of the largest message is not an int")
        if not 0 <= max_size <= MAX_MESSAGE:
            raise ValueError(
                f"the size of the largest message is not 0 to {MAX_MESSAGE}: {max_size}"
            )
        encode_name(name, "the protocol's name")
        self.name = name
        self.max_size = max_size
        self._ref = None

    def ref(self):
        """Call it after check_process()."""
        if self._ref is None:
            ref = ctypes.c_void_p()
            result = _c.try_get_protocol(
                self.name.encode(), self.max_size, ctypes.byref(ref)
            )
            if result == _c.DUPLICATE:
                raise ValueError(
                    f"protocol {self.name!r} was used with another size in this process"
                )
            if result != _c.OK:
                raise ValueError(f"not a name of a protocol: {self.name!r}")
            self._ref = ref.value
        return self._ref

    def __repr__(self):
        return f"Protocol({self.name!r}, {self.max_size})"


def encode_name(name, what):
    if not isinstance(name, str):
        raise TypeError(f"{what} is not a str")
    try:
        encoded = name.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} is not valid: {error}") from None
    if not 0 < len(encoded) <= MAX_NAME or b"\0" in encoded:
        raise ValueError(f"{what} needs 1 to {MAX_NAME} bytes, and no zero: {name!r}")
    return encoded


def milliseconds(timeout):
    """The library's timeout: rounded up. None: no timeout."""
    if timeout is None:
        return _c.NO_TIMEOUT
    timeout = float(timeout)
    if not timeout >= 0:
        raise ValueError(f"not a timeout: {timeout}")
    return min(math.ceil(min(timeout, 1e9) * 1000), _c.NO_TIMEOUT - 1)


def as_bytes(data, max_size):
    if type(data) is not bytes:
        data = bytes(memoryview(data))  # not bytes(data): data may be a number
    if len(data) > max_size:
        raise ValueError(f"{len(data)} bytes exceed the protocol's {max_size}")
    return data


def _duplicate(fd):
    """The program keeps its file descriptor; the message gets another one."""
    if fd is None:
        return None
    number = fd.fileno() if hasattr(fd, "fileno") else fd
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError("the file descriptor is not an int, and has no fileno()")
    return os.dup(number)


def _fill(message, data, fd):
    ctypes.memmove(_c.payload_for_writing(message, len(data)), data, len(data))
    if fd is not None:
        _c.set_message_fd(message, fd)


def respond(message, data, fd, max_size):
    """An exception leaves the message as it was."""
    data = as_bytes(data, max_size)
    _fill(message, data, _duplicate(fd))
    _c.respond(message)


def new_message(session, data, fd, max_size):
    data = as_bytes(data, max_size)
    fd = _duplicate(fd)
    message = _c.create_message(session)
    _fill(message, data, fd)
    return message


# ---- Received messages ---------------------------------------------------------


class Descriptor:
    """A received file descriptor. It is closed with this object."""

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
    """Returns a Message, and releases the library's one."""
    taken = Message(payload_of(message))
    fd = fd_of(message)
    if fd is not None:
        taken.fd = fd
    _c.release_message(message)
    return taken


# ---- Threads and the process -----------------------------------------------------

_local = threading.local()
_threads = []  # all that have not ended
_user_pid = None  # the process that has used the library
_exiting = False


def in_this_process():
    """Whether this process may call the library."""
    return _user_pid is None or _user_pid == os.getpid()


def check_process():
    global _user_pid
    if not in_this_process():
        raise ForkedError(
            "this process is the child of a fork of one that used lemessaging. "
            "It may only exec: use subprocess, or multiprocessing's 'spawn'"
        )
    if _exiting:
        raise StateError("the interpreter is exiting")
    _user_pid = os.getpid()


class Thread:
    """A thread that uses the library, and asyncio's loop that serves it."""

    @staticmethod
    def current():
        """The calling thread, served by the running loop."""
        check_process()
        loop = asyncio.get_running_loop()
        thread = getattr(_local, "thread", None)
        if thread is None:
            thread = Thread()
            _local.thread = thread
            _local.end = _EndOfThread(thread)
        thread._attach(loop)
        return thread

    def __init__(self):
        spare = []
        try:
            for _ in range(_FDS_OF_A_LOOP):
                spare.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        finally:
            for fd in spare:
                os.close(fd)
        self.ident = threading.get_ident()
        self.loop = None
        self.ended = False
        self.serving = False
        self.scheduled = False
        self.owners = set()  # SessionOwners: what this thread must drop
        self.dropped = collections.deque()  # owners of objects that are garbage
        self.outbox = collections.deque()  # requests to send in a handler
        self.ready = collections.deque()  # functions of the program to call
        self.errors = []
        self._fd = _c.get_fd()
        _threads.append(self)

    def check(self):
        check_process()
        if threading.get_ident() != self.ident:
            raise WrongThreadError("the object belongs to another thread")
        if self.ended:
            raise StateError("the object's thread has ended")

    def _attach(self, loop):
        if self.loop is loop:
            return
        if self.loop is not None:
            if self.owners and not self.loop.is_closed():
                raise StateError(
                    "this thread's sessions and services belong to another event loop"
                )
            self._leave_loop()
        self.loop = loop
        loop.add_reader(self._fd, self.serve)
        self.schedule()

    def _leave_loop(self):
        for owner in list(self.owners):
            owner.drop()
        self.ready.clear()
        self.scheduled = False
        if not self.loop.is_closed():
            self.loop.remove_reader(self._fd)

    def end(self):
        """The thread or the interpreter ends."""
        if self.ended:
            return
        self.ended = True
        _threads.remove(self)
        self._leave_loop()

    def schedule(self):
        if not self.scheduled:
            self.scheduled = True
            self.loop.call_soon(self.serve)

    def serve(self):
        """A callback of asyncio's loop: calls due handlers of the library, and
        then the functions of the program."""
        self.scheduled = False
        if self.ended or _exiting or not in_this_process():
            return
        while self.dropped:
            self.dropped.popleft().drop()
        self._step(lambda done: done < _STEPS)
        try:
            for _ in range(len(self.ready)):
                self.ready.popleft()()
            while self.errors:
                error = self.errors.pop(0)
                if not isinstance(error, Exception):
                    raise error
                self.report("exception in a callback", error)
        finally:
            if self.ready or self.errors:
                self.schedule()

    def _step(self, more):
        """Calls handlers while `more`. The library's file descriptor reports new
        handlers only after no handler was left, so the rest is scheduled."""
        done = 0
        self.serving = True
        try:
            while more(done):
                if _c.service_loop() != _c.OK:
                    return
                done += 1
        finally:
            self.serving = False
        self.schedule()

    def send_outbox(self):
        """Sends requests. In a handler of the library a request never waits for
        room in the queue, and this thread must not wait."""
        if self.serving:
            _send_outbox(self)
            return
        _c.queue_function(_on_queued, None, None)
        self._step(lambda done: self.outbox or done < 4)
        if self.ready or self.errors:
            self.schedule()

    def report(self, message, error):
        if _exiting:
            return  # the exit has dropped objects that functions still use
        self.loop.call_exception_handler(
            {"message": "lemessaging: " + message, "exception": error}
        )


class _EndOfThread:
    """In a thread's local storage: destroyed when the thread ends."""

    def __init__(self, thread):
        self._thread = thread

    def __del__(self):
        thread = self._thread
        if thread.ident == threading.get_ident() and in_this_process():
            thread.end()


@atexit.register
def _at_exit():
    """Afterwards the library calls no function of Python."""
    global _exiting
    if not in_this_process():
        return
    _exiting = True
    for thread in list(_threads):
        if thread.ident == threading.get_ident():
            thread.end()
        else:  # a daemon thread
            try:
                thread.loop.call_soon_threadsafe(thread.end)
            except RuntimeError:
                pass  # its loop is closed
    patience = time.monotonic() + 1
    while _threads and time.monotonic() < patience:
        time.sleep(0.001)


class SessionOwner:
    """Holds the library's session or service for the program's object. It outlives
    that object, until the thread has dropped it."""

    def __init__(self, thread):
        self.thread = thread
        self.loop = thread.loop
        self.ref = None  # None: dropped
        self.key = new_key(targets)

    def register(self, ref):
        self.ref = ref
        targets[self.key] = self
        self.thread.owners.add(self)

    def drop(self):
        """Ends the session or service. The library calls none of its handlers any
        more."""
        if self.ref is None:
            return
        ref, self.ref = self.ref, None
        del targets[self.key]
        self.thread.owners.discard(self)
        self._drop(ref)

    def abandon(self):
        """The object of the program is garbage. Any thread, and in any code."""
        if self.ref is None or not in_this_process() or _exiting:
            return
        thread = self.thread
        if thread.ident == threading.get_ident():
            self.drop()
            return
        thread.dropped.append(self)
        try:
            self.loop.call_soon_threadsafe(thread.serve)
        except RuntimeError:
            pass  # The loop is closed: the thread's end or next loop drops it.

    def check(self):
        self.thread.check()
        if self.ref is None:
            raise StateError("the object was closed")

    def check_loop(self):
        self.check()
        if asyncio.get_running_loop() is not self.loop:
            raise StateError("the object belongs to another event loop")

    def fail(self, future, error):
        if not future.done() and not self.loop.is_closed():
            future.set_exception(error)
            future.exception()  # so that asyncio does not report it as unread


# ---- Callbacks -----------------------------------------------------------------
# They live as long as the process. A context is a key of one of these tables. The
# library may call a callback for a key that is no longer there.

targets = {}  # key -> SessionOwner
requests = {}  # key -> PendingRequest
opens = {}  # key -> (SessionOwner, future)


def callback(kind):
    """No exception passes into C."""

    def make(function):
        def guarded(*arguments):
            try:
                function(*arguments)
            except BaseException as error:
                _local.thread.errors.append(error)

        return kind(guarded)

    return make


class PendingRequest:
    __slots__ = ("owner", "key", "future", "size", "id")

    def __init__(self, owner, key, future, size):
        self.owner = owner
        self.key = key
        self.future = future
        self.size = size
        self.id = 0


def _send_outbox(thread):
    while thread.outbox:
        message, timeout, key = thread.outbox.popleft()
        number = _c.request_response(message, timeout, on_response, key)
        request = requests.get(key)
        if request is not None:
            request.id = number


@callback(_c.QUEUED)
def _on_queued(_, __):
    _send_outbox(_local.thread)


@callback(_c.RESULT)
def on_response(message, result, key):
    request = requests.pop(key, None)
    if request is not None:
        request.owner.on_response(request, message, result)
    elif message:
        _c.release_message(message)


@callback(_c.OPEN_RESULT)
def on_open_result(_, result, key):
    owner, future = opens.pop(key, (None, None))
    if owner is not None:
        owner.on_open_result(future, result)


@callback(_c.RECEIVE)
def on_receive(message, key):
    owner = targets.get(key)
    if owner is None:
        _c.release_message(message)
    else:
        owner.on_receive(message)


@callback(_c.SESSION_EVENT)
def on_session_open(session, key):
    owner = targets.get(key)
    if owner is not None:
        owner.on_session_open(session)


@callback(_c.SESSION_EVENT)
def on_session_close(session, key):
    owner = targets.get(key)
    if owner is not None:
        owner.on_session_close(session)


@callback(_c.SESSION_EVENT)
def on_room(session, key):
    owner = targets.get(key)
    if owner is not None:
        owner.on_room(session)


def closed_error(session):
    reason = _c.get_close_reason(session)
    text = _c.get_close_reason_text(reason).decode(errors="replace")
    return ClosedError(f"the session is closed: {text}", reason_of(CloseReason, reason))


# ---- Sending -------------------------------------------------------------------


class Sender:
    """Messages to one session. Those that find no room wait, in order."""

    def __init__(self, owner, max_size):
        self._owner = owner
        self.max_size = max_size
        self._waiting = collections.deque()  # [message, future]

    def try_send(self, session, data, fd):
        if self._waiting:
            raise WouldBlockError("the queue of the session is full")
        message = new_message(session, data, fd, self.max_size)
        result = _c.try_send(message)
        if result == _c.WOULD_BLOCK:
            _c.release_message(message)
            raise WouldBlockError("the queue of the session is full")
        self._check(session, result)

    async def send(self, session, data, fd, timeout):
        milliseconds(timeout)  # checks it
        message = new_message(session, data, fd, self.max_size)
        if not self._waiting:
            result = _c.try_send(message)
            if result != _c.WOULD_BLOCK:
                self._check(session, result)
                return
        entry = [message, self._owner.loop.create_future()]
        self._waiting.append(entry)
        try:
            await asyncio.wait_for(entry[1], timeout)
        except asyncio.TimeoutError:
            raise TimedOutError("there was no room until the timeout") from None
        finally:
            self._release(entry)

    def _release(self, entry):
        message, entry[0] = entry[0], None
        if message is None:
            return
        if in_this_process():
            _c.release_message(message)
        if entry in self._waiting:
            self._waiting.remove(entry)

    def on_room(self, session):
        while self._waiting:
            entry = self._waiting.popleft()
            message, entry[0] = entry[0], None
            if entry[1].done():  # cancelled
                _c.release_message(message)
                continue
            result = _c.try_send(message)
            if result == _c.WOULD_BLOCK:
                entry[0] = message
                self._waiting.appendleft(entry)
                return
            if result == _c.OK:
                entry[1].set_result(None)
            else:
                self._owner.fail(entry[1], closed_error(session))

    def fail(self, error):
        """`error` makes an exception."""
        while self._waiting:
            entry = self._waiting.popleft()
            self._release(entry)
            self._owner.fail(entry[1], error())

    @staticmethod
    def _check(session, result):
        if result == _c.NO_MEMORY:
            raise TooManyError("there is no memory for the message")
        if result != _c.OK:
            raise closed_error(session)


def live_objects():
    """For tests: the number of objects that callbacks may still use."""
    return len(targets) + len(requests) + len(opens)
