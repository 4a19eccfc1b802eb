# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Used by clients and servers: threads, callbacks, the library's objects."""

import asyncio
import atexit
import collections
import ctypes
import functools
import itertools
import os
import threading
import time

from . import _c
from ._errors import (
    CloseReason,
    ClosedError,
    ForkedError,
    StateError,
    WrongThreadError,
    reason_of,
)
from ._messages import encode_name

# The largest number of bytes of messages that wait for the program. Beyond this
# limit the session is closed.
MAX_WAITING = 64 << 20
# This many file descriptors must be free before the library creates a thread's
# loop, because the library cannot report that none is free. A loop needs fewer.
_FDS_OF_A_LOOP = 16
# One callback of asyncio's loop calls at most this many handlers, so that other
# callbacks can run. The rest is scheduled.
_STEPS = 100

_MAX_KEY = ctypes.c_void_p(-1).value
_counter = itertools.count(1)


def new_key(table):
    """A context for the C library: a number that is not in the table."""
    while True:
        key = next(_counter) & _MAX_KEY
        if key and key not in table:
            return key


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
        """Returns the calling thread. From now on the running loop serves it."""
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
        self.owners = set()  # the SessionOwners that this thread must drop
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
        """Called when the thread or the interpreter ends."""
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
        """Calls handlers while more(done) is true. If handlers may be left, schedules
        serve() for them. The library's file descriptor might not report them: it
        reports new events only after service_loop() has found no handler."""
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
        """Sends the requests in a handler of the library. There a request never
        waits for room in the queue: this thread must not wait."""
        if self.serving:
            _send_outbox(self)
            return
        _c.queue_function(_on_queued, None, None)
        self._step(lambda done: self.outbox or done < 4)
        if self.ready or self.errors:
            self.schedule()

    def report(self, message, error):
        if _exiting:
            return  # functions that still run fail: their objects are dropped
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
    """Ends the use of the library on all threads. Then the library calls no
    function of Python any more."""
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
    """The library's side of a session or service. The program's side is an
    Endpoint. This object may outlive the Endpoint: it lives until the thread
    that created it calls drop()."""

    def __init__(self, thread):
        self.thread = thread
        self.loop = thread.loop
        self.ref = None  # None: dropped
        self.key = new_key(targets)

    def create(self, function, name, protocol):
        """Creates the library's session or service by calling `function`."""
        ref = ctypes.c_void_p()
        result = function(
            protocol.ref(), encode_name(name, "the interface"), ctypes.byref(ref)
        )
        if result == _c.DUPLICATE:
            raise StateError(f"this process has a service {name!r} already")
        if result != _c.OK:
            raise ValueError(
                f"not a name of an interface: {name!r}; expected printable ASCII "
                "characters, except blanks and < > # *"
            )
        self.ref = ref.value
        targets[self.key] = self
        self.thread.owners.add(self)

    def drop(self):
        """Deletes the library's session or service. The library calls no handler
        of it any more."""
        if self.ref is None:
            return
        ref, self.ref = self.ref, None
        del targets[self.key]
        self.thread.owners.discard(self)
        self._drop(ref)

    def abandon(self):
        """Called when the program's object is garbage. Garbage collection may
        run on any thread and in any code, also between a check and a call of
        the library. So the owner's loop drops this object later."""
        if self.ref is None or not in_this_process() or _exiting:
            return
        thread = self.thread
        thread.dropped.append(self)
        try:
            self.loop.call_soon_threadsafe(thread.serve)
        except RuntimeError:  # The loop is closed.
            if thread.ident == threading.get_ident():
                self.drop()  # Otherwise the thread's end or next loop drops it.

    def check(self):
        self.thread.check()
        if self.ref is None:
            raise StateError("the object was closed")

    def may_call(self):
        """Whether the library may be called. A garbage collection may close a
        coroutine on any thread, and in the child of a fork."""
        return (
            self.ref is not None
            and threading.get_ident() == self.thread.ident
            and in_this_process()
        )

    def check_loop(self):
        self.check()
        if asyncio.get_running_loop() is not self.loop:
            raise StateError("the object belongs to another event loop")

    def fail(self, future, error):
        if not future.done() and not self.loop.is_closed():
            future.set_exception(error)
            # Otherwise asyncio logs the error if nothing waits for the future.
            future.exception()


# ---- Callbacks -----------------------------------------------------------------
# They live as long as the process. A context is a key of one of these tables. The
# library may call a callback for a key that is no longer there.

targets = {}  # key -> SessionOwner
requests = {}  # key -> PendingRequest
opens = {}  # key -> (SessionOwner, future)


def callback(kind):
    """Keeps exceptions from passing into C."""

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


def closed_by(session):
    """Returns a function that makes the exception for a closed session."""
    reason = _c.get_close_reason(session)
    text = _c.get_close_reason_text(reason).decode(errors="replace")
    return functools.partial(
        ClosedError, f"the session is closed: {text}", reason_of(CloseReason, reason)
    )


closed_here = functools.partial(
    ClosedError, "the session was closed at this end", CloseReason.BY_CALLER
)


def live_objects():
    """For tests: the objects for which callbacks may still be called."""
    return len(targets) + len(requests) + len(opens)
