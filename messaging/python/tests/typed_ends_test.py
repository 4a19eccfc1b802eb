# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Typed services: deadlines of several requests, names of methods, and the ends
of clients, servers and calls."""

import asyncio
import gc
import os
import struct
import warnings
import weakref
from unittest import mock

from lemessaging import ClosedError, Service, Session, TimedOutError, typed

from support import TestCase, new_name
from typed_support import NAMES, SERVICE, facts_pb2, names_pb2


class Deadlines(TestCase):
    """The server sends one byte of its descriptors in each response. Each time
    it moves the clock of the loop by a second."""

    async def asyncSetUp(self):
        await super().asyncSetUp()
        loop = asyncio.get_running_loop()
        self.late = 0
        self.parts = 0
        real = loop.time
        loop.time = lambda: real() + self.late
        self.addCleanup(lambda: delattr(loop, "time"))
        self.name = new_name()

    def handler(self, request):
        self.parts += 1
        self.late += 1
        status = request.data[:2] + b"\6\0" + request.data[4:8]
        if self.parts == 100:
            return status + struct.pack("<I", 5)  # an error
        return status + struct.pack("<II", 0, 1 << 20) + b"x"

    async def test_reading_the_descriptors(self):
        client = typed.Client(self.name, SERVICE)
        async with Service(self.name, client.session.protocol, self.handler), client:
            with self.assertRaises(TimedOutError):
                await client.read_descriptors(timeout=10)
        self.assertLessEqual(self.parts, 11)

    async def test_reflection(self):
        protocol = typed.Client("unused", SERVICE).session.protocol
        opened = lambda session: setattr(self, "late", 5)
        async with Service(self.name, protocol, self.handler, on_open=opened):
            with self.assertRaises(TimedOutError):
                await typed.Client.reflect(self.name, "files.FileFacts", timeout=10)
        self.assertLessEqual(self.parts, 6)


class Names(TestCase):
    async def test_methods_with_the_names_of_members(self):
        class Implementation:
            pass

        def answer(name):
            return lambda self, request, call: names_pb2.Text(text=name + request.text)

        names = ["close", "session", "call", "import", "_channel", "plain"]
        for name in names:
            setattr(Implementation, name, answer(name))
        interface = new_name()
        async with typed.Server(interface, NAMES, Implementation()):
            clients = [typed.Client(interface, NAMES)]
            await clients[0].open()
            clients.append(await typed.Client.reflect(interface, "names.Names"))
            for client in clients:
                request = client.request_type("plain")(text="!")
                for name in names:
                    answered = await client.call(name, request, timeout=60)
                    self.assertEqual(answered.text, name + "!")
                self.assertEqual((await client.plain(request)).text, "plain!")
                self.assertIsInstance(client.session, Session)
                self.assertIn("plain", dir(client))
                for name in ("Plain", "__deepcopy__"):
                    with self.assertRaises(AttributeError):
                        getattr(client, name)
                with self.assertRaises(AttributeError):
                    client.call("Plain", request)
                async with client:
                    pass
                self.assertFalse(client.session.is_open)

    async def test_a_client_is_in_no_cycle(self):
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        client = typed.Client(new_name(), SERVICE)
        gone = weakref.ref(client)
        session = weakref.ref(client.session)
        del client
        self.assertIsNone(gone())
        self.assertIsNone(session())


class Ends(TestCase):
    """Calls that end because the server, the client or the method ends."""

    KINDS = ("Count", "CountFile", "WatchFile", "Deliver")

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.began = []
        self.fds = []
        take_fd = typed.Server._take_fd

        def taken(*arguments):
            self.fds.append(take_fd(*arguments))
            return self.fds[-1]

        self.enterContext(mock.patch.object(typed.Server, "_take_fd", staticmethod(taken)))

    def implementation(self):
        test = self

        class Implementation:
            async def run(self, request, call):
                test.began.append(call)
                await asyncio.get_running_loop().create_future()

            Count = CountFile = OpenFile = CopyFile = Deliver = run

            async def Watch(self, request, call):
                test.began.append(call)
                yield await asyncio.get_running_loop().create_future()

            WatchFile = Watch

            def Log(self, request, call):
                pass

        return Implementation()

    def start(self, client, kind):
        """Calls the method."""
        request = facts_pb2.Line() if kind == "Deliver" else facts_pb2.CountRequest()
        options = {}
        if kind != "Count":
            options["fd"] = os.open(os.devnull, os.O_RDONLY)
            self.addCleanup(os.close, options["fd"])
        result = getattr(client, kind)(request, **options)
        return asyncio.ensure_future(result if kind != "WatchFile" else result.__anext__())

    async def check(self, kind, before):
        """Closes the server before or after the method has begun."""
        name = new_name()
        server = typed.Server(name, SERVICE, self.implementation())
        handler, *others = server.service._functions
        loop = asyncio.get_running_loop()
        received = asyncio.Event()

        def receive(request):
            received.set()
            if before:
                loop.call_soon(server.close)  # before the first step of a task
            return handler(request)

        server.service._functions = receive, *others
        server.start()
        async with typed.Client(name, SERVICE) as client:
            task = self.start(client, kind)
            await received.wait()
            while not before and not self.began:
                await asyncio.sleep(0)
            server.close()
            await asyncio.wait([task])
            task.exception()
            for _ in range(5):
                await asyncio.sleep(0)
        self.assertEqual(len(self.began), 0 if before else 1)
        self.began.clear()
        self.assertEqual([fd.closed for fd in self.fds if fd], [True] * (kind != "Count"))
        self.fds.clear()
        self.assertEqual(server._calls, {})

    async def test_before_the_method_has_begun(self):
        for kind in self.KINDS:
            with self.subTest(kind), warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                await self.check(kind, before=True)
                gc.collect()
                self.assertEqual([str(w.message) for w in caught], [])

    async def test_after_the_method_has_begun(self):
        for kind in self.KINDS:
            with self.subTest(kind):
                await self.check(kind, before=False)

    async def test_a_one_way_method_that_has_returned(self):
        implementation = self.implementation()
        name = new_name()

        def deliver(request, call):
            self.began.append(call)
            self.assertFalse(call.fd.closed)
            if len(self.began) == 2:
                raise KeyError

        implementation.Deliver = deliver
        async with typed.Server(name, SERVICE, implementation):
            async with typed.Client(name, SERVICE) as client:
                for count in (1, 2):
                    await self.start(client, "Deliver")
                    while len(self.began) < count:
                        await asyncio.sleep(0)
                    self.assertEqual([call.fd.closed for call in self.began], [True] * count)
        self.assertIsInstance(self.take_reported()[0], KeyError)

    async def test_a_push_that_finds_the_session_closed(self):
        implementation = self.implementation()
        pushed = asyncio.Event()

        async def watch(request, call):
            client.close()
            pushed.set()
            yield facts_pb2.Facts()

        implementation.Watch = watch
        name = new_name()
        async with typed.Server(name, SERVICE, implementation):
            client = typed.Client(name, SERVICE)
            await client.open()
            task = asyncio.ensure_future(client.Watch(facts_pb2.CountRequest()).__anext__())
            await pushed.wait()
            with self.assertRaises(ClosedError):
                await task
            for _ in range(5):
                await asyncio.sleep(0)
