# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Typed services: Python clients with Python servers, and each with a C++ peer."""

import asyncio
import gc
import os
import re
import struct
import subprocess
import tempfile
import unittest

from support import TestCase, needs_processes, new_name
from typed_support import QUICKSTART, SERVICE, facts_pb2, file_facts_pb2

from lemessaging import ClosedError, Session, TimedOutError, UnavailableError, typed
from lemessaging.typed import StatusCode, StatusError

def pipe_with(data):
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    return reader


def named(name, number=0):
    return facts_pb2.CountRequest(name=name, number=number)


class FileFacts:
    """The field `name` of a request selects what Count() and Watch() do."""

    def __init__(self):
        self.lines = []
        self.events = []
        self.new_line = asyncio.Event()

    async def Count(self, request, call):
        if request.name == "error":
            raise StatusError(StatusCode.NOT_FOUND, "no such file")
        if request.name == "exception":
            raise KeyError("secret")
        if request.name == "closed elsewhere":
            raise ClosedError("of a client that the method has used")
        if request.name == "wrong type":
            return facts_pb2.Line()
        if request.name == "large":
            return facts_pb2.Facts(text="x" * 20000)
        if request.name == "remaining":
            return facts_pb2.Facts(lines=int(call.remaining() or 0))
        if request.name == "never":
            self.events.append("began")
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.events.append("cancelled")
        return facts_pb2.Facts(lines=request.number, text=request.name)

    def CountFile(self, request, call):
        return facts_pb2.Facts(text=os.read(call.fd.fileno(), 100).decode())

    async def OpenFile(self, request, call):
        fd = pipe_with(request.name.encode())
        self.events.append(fd)
        return facts_pb2.Facts(), fd

    async def Watch(self, request, call):
        try:
            for i in range(request.number):
                yield facts_pb2.Facts(lines=i, text=request.name)
                self.events.append(i)
            if request.name == "error":
                raise StatusError(StatusCode.ABORTED, "at the end")
            if request.name == "never":
                await asyncio.get_running_loop().create_future()
        finally:
            self.events.append("end")

    def Log(self, request, call):
        self.lines.append(request.text)
        self.new_line.set()

    async def Deliver(self, request, call):
        self.lines.append(os.read(call.fd.fileno(), 100).decode())
        self.new_line.set()

    async def CopyFile(self, request, call):
        return facts_pb2.Facts(), call.fd

    async def WatchFile(self, request, call):
        yield facts_pb2.Facts(text=os.read(call.fd.fileno(), 100).decode())


class Typed(TestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.name = new_name()
        self.facts = FileFacts()
        self.server = typed.Server(self.name, SERVICE, self.facts)
        self.server.start()
        self.client = typed.Client(self.name, SERVICE)
        await self.client.open()

    async def asyncTearDown(self):
        self.client.close()
        self.server.close()
        for _ in range(3):
            await asyncio.sleep(0)
        del self.client, self.server
        await super().asyncTearDown()

    async def until(self, condition):
        while not condition():
            await asyncio.sleep(0)

    async def test_unary(self):
        facts = await self.client.Count(named("a", 5))
        self.assertEqual((facts.lines, facts.text), (5, "a"))
        self.assertIsInstance(facts, facts_pb2.Facts)
        answers = await asyncio.gather(
            *[self.client.Count(named("a", i)) for i in range(100)]
        )
        self.assertEqual([a.lines for a in answers], list(range(100)))

    async def test_statuses(self):
        with self.assertRaises(StatusError) as caught:
            await self.client.Count(named("error"))
        self.assertEqual(caught.exception.code, StatusCode.NOT_FOUND)
        self.assertEqual(caught.exception.text, "no such file")

    async def test_exceptions_of_methods(self):
        for name, error in (
            ("exception", KeyError),
            ("closed elsewhere", ClosedError),
            ("wrong type", TypeError),
            ("large", ValueError),
        ):
            with self.assertRaises(StatusError) as caught:
                await self.client.Count(named(name))
            self.assertEqual(caught.exception.code, StatusCode.INTERNAL)
            self.assertNotIn("secret", str(caught.exception))
            self.assertIsInstance(self.take_reported()[0], error)

    async def test_arguments(self):
        for request in (None, b"", facts_pb2.Line()):
            with self.assertRaises(TypeError):
                await self.client.Count(request)
        with self.assertRaises(ValueError):
            await self.client.Count(named("x" * 20000))
        with self.assertRaises(TypeError):
            await self.client.CountFile(named("a"))
        with self.assertRaises(TypeError):
            await self.client.Count(named("a"), fd=0)
        with self.assertRaises(AttributeError):
            self.client.NoSuchMethod
        with self.assertRaises(TypeError):
            typed.Server(new_name(), SERVICE, object())

    async def test_deadlines_and_cancelling(self):
        with self.assertRaises(TimedOutError):
            await self.client.Count(named("never"), timeout=0.01)
        await self.until(lambda: self.facts.events in ([], ["began", "cancelled"]))
        self.facts.events.clear()
        task = asyncio.ensure_future(self.client.Count(named("never")))
        await self.until(lambda: self.facts.events)
        task.cancel()
        await self.until(lambda: self.facts.events == ["began", "cancelled"])
        facts = await self.client.Count(named("remaining"), timeout=1000)
        self.assertGreater(facts.lines, 900)

    async def test_a_client_that_leaves_cancels_its_calls(self):
        task = asyncio.ensure_future(self.client.Count(named("never")))
        await self.until(lambda: self.facts.events)
        self.client.close()
        with self.assertRaises(ClosedError):
            await task
        await self.until(lambda: self.facts.events == ["began", "cancelled"])

    async def test_one_way(self):
        await self.client.Log(facts_pb2.Line(text="a"))
        reader = pipe_with(b"b")
        await self.client.Deliver(facts_pb2.Line(), fd=reader)
        os.close(reader)
        await self.until(lambda: len(self.facts.lines) == 2)
        self.assertEqual(self.facts.lines, ["a", "b"])

    async def test_descriptors(self):
        reader = pipe_with(b"in")
        facts = await self.client.CountFile(named(""), fd=reader)
        self.assertEqual(facts.text, "in")
        _, fd = await self.client.OpenFile(named("out"))
        self.assertEqual(os.read(fd.fileno(), 10), b"out")
        os.close(self.facts.events[0])
        os.close(reader)
        reader = pipe_with(b"both")
        _, fd = await self.client.CopyFile(named(""), fd=reader)
        self.assertEqual(os.read(fd.fileno(), 10), b"both")
        os.close(reader)
        reader = pipe_with(b"stream")
        items = [f.text async for f in self.client.WatchFile(named(""), fd=reader)]
        self.assertEqual(items, ["stream"])
        os.close(reader)

    async def test_streams(self):
        for number, window in ((0, (1, 1)), (5, (1, 1)), (1000, (256, 1 << 18)), (9, (2, 30))):
            stream = self.client.Watch(named("a", number), window=window)
            self.assertEqual([f.lines async for f in stream], list(range(number)))

    async def test_the_status_of_a_stream(self):
        items = []
        with self.assertRaises(StatusError) as caught:
            async for facts in self.client.Watch(named("error", 3)):
                items.append(facts.lines)
        self.assertEqual(items, [0, 1, 2])
        self.assertEqual(caught.exception.code, StatusCode.ABORTED)
        with self.assertRaises(TimedOutError):
            async for _ in self.client.Watch(named("never", 1), timeout=0.01):
                pass

    async def test_a_window_stops_the_server(self):
        stream = self.client.Watch(named("a", 1000), window=(4, 1 << 20))
        await self.until(lambda: len(self.facts.events) >= 3)
        for _ in range(100):
            await asyncio.sleep(0)
        self.assertLessEqual(len(self.facts.events), 4)
        await stream.aclose()
        await self.until(lambda: self.facts.events[-1] == "end")

    async def test_a_stream_that_is_garbage_is_cancelled(self):
        stream = self.client.Watch(named("never", 1))
        async for _ in stream:
            break
        del stream
        gc.collect()
        await self.until(lambda: self.facts.events[-1:] == ["end"])

    async def test_reflection(self):
        files = await self.client.read_descriptors()
        self.assertEqual([f.name for f in files.file], ["le/service.proto", "facts.proto"])
        client = await typed.Client.reflect(self.name, "files.FileFacts")
        request = client.request_type("Count")(name="reflected", number=7)
        self.assertEqual((await client.Count(request)).text, "reflected")
        # A message of the generated class is accepted, too.
        self.assertEqual((await client.Count(named("a", 3))).lines, 3)
        client.close()

    async def test_a_client_that_violates_the_protocol(self):
        session = Session(self.name, self.client.session.protocol)
        await session.open()
        envelope = struct.Struct("<HBxII").pack
        for data, code in (
            (b"", StatusCode.INVALID_ARGUMENT),
            (envelope(1, 9, 1, 0), StatusCode.INVALID_ARGUMENT),
            (envelope(77, 1, 1, 0), StatusCode.UNIMPLEMENTED),
            (envelope(5, 1, 1, 0), StatusCode.INVALID_ARGUMENT),  # one-way
            (envelope(4, 1, 1, 0), StatusCode.INVALID_ARGUMENT),  # no credit
            (envelope(1, 1, 1, 0) + b"\xff", StatusCode.INVALID_ARGUMENT),
            (envelope(2, 1, 1, 0), StatusCode.INVALID_ARGUMENT),  # no descriptor
            (envelope(0, 1, 1, 0), StatusCode.INVALID_ARGUMENT),
            (envelope(0, 1, 1, 0) + b"\xff" * 4, StatusCode.INVALID_ARGUMENT),
        ):
            response = await session.request(data)
            self.assertEqual(struct.unpack_from("<I", response, 8)[0], code)
            await session.send(data)
        await session.send(envelope(0, 3, 77, 0))  # cancels no call
        await session.send(envelope(0, 4, 77, 0) + b"\xff" * 8)
        task = asyncio.ensure_future(
            session.request(envelope(1, 1, 1, 0xFFFFFFFF) + named("never").SerializeToString())
        )
        await self.until(lambda: self.facts.events)
        response = await session.request(envelope(1, 1, 1, 0))  # the number is in use
        self.assertEqual(struct.unpack_from("<I", response, 8)[0], StatusCode.INVALID_ARGUMENT)
        await session.send(envelope(0, 3, 1, 0))
        with self.assertRaises(UnavailableError):
            await task
        session.close()


class Misbehaving(TestCase):
    """Servers that violate the protocol."""

    async def check(self, handler, call):
        from lemessaging import Service

        name = new_name()
        client = typed.Client(name, SERVICE)
        async with Service(name, client.session.protocol, handler):
            async with client:
                with self.assertRaises(StatusError) as caught:
                    await call(client)
                self.assertEqual(caught.exception.code, StatusCode.INTERNAL)

    async def test_responses(self):
        status = lambda r, value=0: r.data[:2] + b"\6\0" + r.data[4:8] + struct.pack("<I", value)
        for handler in (
            lambda request: b"",
            lambda request: b"x" * 12,
            lambda request: request.data,
            lambda request: status(request) + b"\xff",
        ):
            await self.check(handler, lambda client: client.Count(named("a")))
        await self.check(status, lambda client: client.OpenFile(named("a")))
        for size in (b"", struct.pack("<I", 1 << 30), struct.pack("<I", 5)):
            await self.check(
                lambda request: status(request) + size,
                lambda client: client.read_descriptors(),
            )

    async def test_items(self):
        for item in (b"", b"\xff"):

            async def handler(request):
                if request.needs_response:
                    header = request.data[:2] + b"\5\0" + request.data[4:8] + b"\0" * 4
                    for _ in range(3):
                        await request.session.send(b"junk")
                        await request.session.send(header + item)
                    await asyncio.get_running_loop().create_future()

            async def read(client):
                async for _ in client.Watch(named("a"), window=(1, 1)):
                    for _ in range(100):
                        await asyncio.sleep(0)

            await self.check(handler, read)


@needs_processes
@unittest.skipUnless("LE_QUICKSTART" in os.environ, "LE_QUICKSTART is not set")
class OtherLanguages(TestCase):
    """LE_QUICKSTART: the folder of the programs of examples/quickstart.

    Two bindings must exist: from fileFacts to fileFacts, and from facts to
    fileFacts.
    """

    def start(self, program, *arguments):
        return subprocess.Popen(
            [os.path.join(os.environ["LE_QUICKSTART"], program), *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )

    async def test_a_client_in_python(self):
        server = self.start("server")
        client = typed.Client("fileFacts", QUICKSTART)
        async with client:
            await client.Greet(file_facts_pb2.Text(text="hello"))
            news = client.WatchNews(file_facts_pb2.Nothing())
            with tempfile.TemporaryFile() as file:
                file.write(b"one two\nthree\n")
                file.flush()
                facts = await client.Count(file_facts_pb2.Nothing(), fd=file)
            self.assertEqual((facts.lines, facts.words, facts.bytes), (2, 3, 14))
            self.assertEqual(facts.server_pid, server.pid)
            self.assertEqual((await news.__anext__()).text, "one more file counted")
            await news.aclose()
            files = await client.read_descriptors()
            self.assertEqual(files.file[-1].package, "quickstart")
        server.terminate()
        server.communicate()

    async def test_a_server_in_python(self):
        class FileFacts:
            def __init__(self):
                self.greetings = []
                self.watchers = []

            def Greet(self, request, call):
                self.greetings.append(request.text)

            async def Count(self, request, call):
                with open(call.fd.fileno(), "rb", closefd=False) as file:
                    data = file.read()
                for watcher in self.watchers:
                    watcher.put_nowait(file_facts_pb2.Text(text="news"))
                return file_facts_pb2.Facts(
                    lines=data.count(b"\n"),
                    words=len(data.split()),
                    bytes=len(data),
                    server_pid=os.getpid(),
                )

            async def WatchNews(self, request, call):
                queue = asyncio.Queue()
                self.watchers.append(queue)
                while True:
                    yield await queue.get()

        facts = FileFacts()
        async with typed.Server("fileFacts", QUICKSTART, facts):
            with tempfile.NamedTemporaryFile() as file:
                file.write(b"one two\nthree\n")
                file.flush()
                client = self.start("client", file.name, "1")
                loop = asyncio.get_running_loop()
                output, _ = await loop.run_in_executor(
                    None, lambda: client.communicate(timeout=60)
                )
        self.assertEqual(client.returncode, 0, output)
        self.assertTrue(re.search(r"2 lines, 3 words, 14 bytes", output), output)
        self.assertEqual(len(facts.greetings), 1)


if __name__ == "__main__":
    unittest.main()
