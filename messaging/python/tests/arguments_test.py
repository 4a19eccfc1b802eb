# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""The conversion of an argument calls a function that closes the session, or a
protocol is changed or forged. Expected: each of these raises an exception."""

import asyncio
import gc
import os

from lemessaging import (
    ClosedError,
    Protocol,
    Service,
    Session,
    StateError,
    TimedOutError,
    _c,
)

from support import PROTOCOL, Pair, TestCase, new_name, upper


class CallingFd:
    """A file descriptor. Its conversion calls a function."""

    def __init__(self, function):
        self.function = function

    def fileno(self):
        self.function()
        return 0


class CallingTimeout:
    def __init__(self, function):
        self.function = function

    def __float__(self):
        self.function()
        return 1.0


class CallingFloat(float):
    function = None

    def __float__(self):
        self.function()
        return 1.0


def calling_float(function):
    timeout = CallingFloat(1)
    timeout.function = function
    return timeout


class Protocols(TestCase):
    async def test_a_protocol_cannot_be_changed(self):
        protocol = Protocol(PROTOCOL.name, PROTOCOL.max_size)
        async with Pair(protocol=protocol) as (session, _):
            with self.assertRaises(AttributeError):
                protocol.max_size = 1 << 24
            with self.assertRaises(AttributeError):
                protocol.name = "another"
            with self.assertRaises(AttributeError):
                session.protocol = Protocol(PROTOCOL.name, 1 << 24)
            with self.assertRaises(AttributeError):
                session.interface = "another"
            with self.assertRaises(ValueError):
                await session.request(b"x" * (1 << 20))
            protocol.__init__(PROTOCOL.name, 1 << 24)
            with self.assertRaises(ValueError):  # it was used with another size
                await Session(new_name(), protocol).open()

    async def test_an_object_that_looks_like_a_protocol(self):
        class Forged:
            name = "forged"
            max_size = 100

            def ref(self):
                return 12345

        with self.assertRaises(TypeError):
            Session("a", Forged())
        with self.assertRaises(TypeError):
            Service("a", Forged(), upper)

    async def test_numbers_and_texts_of_other_classes(self):
        class Small(int):
            def __le__(self, other):
                return True

            __ge__ = __le__

        class Short(str):
            def encode(self, *_):
                return b"ab"

        with self.assertRaises(ValueError):
            Protocol("p", Small(1 << 40))
        with self.assertRaises(ValueError):
            Protocol(Short(""), 1)
        self.assertIs(type(Protocol(Short("p"), Small(1)).name), str)
        self.assertIs(type(Protocol(Short("p"), Small(1)).max_size), int)


class ClosingArguments(TestCase):
    """Without the checks each of these arguments would end the interpreter,
    because the library would get an object that was dropped."""

    async def closes(self, call):
        """Expects StateError from call(session), whose arguments close the session."""
        pair = Pair()
        async with pair as (session, _):
            with self.assertRaises(StateError):
                result = call(session)
                if asyncio.iscoroutine(result):
                    await result

    async def test_file_descriptors(self):
        fds = len(os.listdir("/proc/self/fd"))
        for call in (
            lambda s: s.request(b"", fd=CallingFd(s.close)),
            lambda s: s.send(b"", fd=CallingFd(s.close)),
            lambda s: s.try_send(b"", fd=CallingFd(s.close)),
        ):
            await self.closes(call)
        self.assertEqual(len(os.listdir("/proc/self/fd")), fds)

    async def test_timeouts(self):
        for kind in (CallingTimeout, calling_float):
            await self.closes(lambda s: s.request(b"", timeout=kind(s.close)))
            await self.closes(lambda s: s.send(b"", timeout=kind(s.close)))
            session = Session(new_name(), PROTOCOL)
            with self.assertRaises(StateError):
                await session.open(kind(session.close))
        session = Session(new_name(), PROTOCOL)
        with self.assertRaises(TimedOutError):
            await session.open(timeout=0)
        with self.assertRaises(StateError):  # it has an owner already
            await session.open(CallingTimeout(session.close))

    async def test_sessions_of_a_service(self):
        for what in ("session", "service"):
            async with Pair() as (session, service):
                await session.request(b"")
                client = service.sessions[0]
                close = client.close if what == "session" else service.close
                for fd, timeout in (
                    (CallingFd(close), None),
                    (0, CallingTimeout(close)),
                ):
                    with self.assertRaises(ClosedError):
                        await client.send(b"", fd=fd, timeout=timeout)
                with self.assertRaises(ClosedError):
                    client.try_send(b"", fd=CallingFd(close))

    async def test_responses(self):
        def handler(request):
            with self.assertRaises(StateError):
                request.respond(b"", fd=CallingFd(lambda: request.respond(b"first")))
            responded.append(request)

        responded = []
        async with Pair(handler) as (session, _):
            self.assertEqual(await session.request(b""), b"first")
            self.assertEqual(len(responded), 1)

    async def test_an_opening_while_another_one_runs(self):
        session = Session(new_name(), PROTOCOL)
        others = []

        def open_first():
            others.append(session.open())
            others[0].send(None)

        with self.assertRaises(StateError):
            await session.open(CallingTimeout(open_first))
        session.close()
        others[0].close()

    async def test_garbage_in_the_middle_of_a_call(self):
        """A service that is garbage is dropped later, not between the check of its
        session and the call of the library."""
        async with Pair() as (session, service):
            await session.request(b"")
            second = Service(new_name(), PROTOCOL, upper)
            second.start()
            async with Session(second.interface, PROTOCOL) as other:
                await other.request(b"")
                client = second.sessions[0]
                second.itself = second
                create_message = _c.create_message
                box = [second]
                del second

                def collect(ref):
                    box.clear()
                    gc.collect()
                    return create_message(ref)

                _c.create_message = collect
                try:
                    with self.assertWarns(ResourceWarning):
                        client.try_send(b"")
                finally:
                    _c.create_message = create_message
                with self.assertRaises(ClosedError):
                    await other.__anext__()
                    await other.__anext__()
