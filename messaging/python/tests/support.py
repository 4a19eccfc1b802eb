# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Helpers of the tests. tools/packaging/installed_test.sh runs the tests twice:
over loopback in one process, and with a directory."""

import asyncio
import gc
import itertools
import os
import subprocess
import sys
import textwrap
import unittest

import lemessaging
from lemessaging import _c, _core, _messages, _server

LOOPBACK = "loopback" in os.environ.get("LE_MESSAGING_LIBRARY", "")
needs_processes = unittest.skipIf(LOOPBACK, "needs a directory and several processes")

PROTOCOL = lemessaging.Protocol("python tests", 64 * 1024)
_numbers = itertools.count()


def new_name():
    return f"python{os.getpid()}-{next(_numbers)}"


def upper(request):
    return request.data.upper()


class Pair:
    """A service, and a session with it."""

    def __init__(self, handler=upper, protocol=PROTOCOL, **options):
        name = new_name()
        push_bytes = options.pop("max_push_bytes", None)
        limits = {} if push_bytes is None else {"max_push_bytes": push_bytes}
        self.service = lemessaging.Service(name, protocol, handler, **options)
        self.session = lemessaging.Session(name, protocol, **limits)

    async def __aenter__(self):
        self.service.start()
        await self.session.open()
        return self.session, self.service

    async def __aexit__(self, *_):
        self.session.close()
        self.service.close()


class TestCase(unittest.IsolatedAsyncioTestCase):
    """A test also fails if the loop's exception handler got an exception that the
    test has not taken by take_reported(), or if at the test's end the package still
    expects a callback of the library or holds one of its messages."""

    async def asyncSetUp(self):
        self.reported = []
        loop = asyncio.get_running_loop()
        # unittest sets the debug mode, in which thousands of requests take a minute.
        loop.set_debug(False)
        loop.set_exception_handler(lambda _, context: self.reported.append(context))
        self.messages = MessageCount()
        self.live = _core.live_objects()

    async def asyncTearDown(self):
        gc.collect()
        await asyncio.sleep(0)
        self.messages.stop()
        self.assertEqual(self.reported, [])
        self.assertEqual(_core.live_objects(), self.live)
        self.assertEqual(self.messages.held, 0)

    def take_reported(self):
        reported, self.reported = self.reported, []
        return [context.get("exception") for context in reported]


class MessageCount:
    """Counts the references to messages that the package holds: those that it has
    got, minus those that it has given back."""

    def __init__(self):
        self.held = 0
        self._restore = []
        self._count(_c, "create_message", lambda _: 1)
        for name in ("request_response", "respond"):
            self._count(_c, name, lambda _: -1)
        self._count(_c, "release_message", lambda _: -(not _released_at_once()))
        self._count(_c, "try_send", lambda result: -(result != _c.WOULD_BLOCK))
        # payload_of() is called once for each received message that is not released
        # at once.
        for module in (_messages, _server):
            self._count(module, "payload_of", lambda _: 1)

    def _count(self, module, name, change):
        function = getattr(module, name)

        def counted(*arguments):
            result = function(*arguments)
            self.held += change(result)
            return result

        setattr(module, name, counted)
        self._restore.append((module, name, function))

    def stop(self):
        for module, name, function in reversed(self._restore):
            setattr(module, name, function)


def _released_at_once():
    """Whether the caller of release_message() is a callback that has no object
    for the message. Such a callback does not call payload_of()."""
    # Frame 0 is this function, 1 the lambda, 2 counted(), and 3 the caller.
    return sys._getframe(3).f_code.co_name in ("on_receive", "on_response")


def python(code, *arguments, **options):
    """Starts a program in a process of its own."""
    prelude = (
        "import asyncio, gc, os, signal, sys, threading\n"
        "from lemessaging import *\n"
        f"P = Protocol({PROTOCOL.name!r}, {PROTOCOL.max_size})\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", prelude + textwrap.dedent(code), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(test, process, tracebacks=False):
    """Waits for the end of the program, and returns its output. The program must
    succeed. Its standard error must have no EMERGENCY line and, without
    `tracebacks`, no exception."""
    output, errors = process.communicate(timeout=60)
    test.assertEqual(process.returncode, 0, errors)
    test.assertNotIn("EMERGENCY", errors)
    if not tracebacks:
        test.assertNotIn("Exception", errors)
        test.assertNotIn("Traceback", errors)
    return output
