# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Tests requests that wait until other requests are answered, and messages that
wait for room in a queue. Both continue in order. The work for each one does not
grow with their number."""

import asyncio
import contextlib
import unittest
from unittest import mock

from lemessaging import ClosedError, TimedOutError, _c, _sending
from lemessaging._messages import OVERHEAD

from support import Pair, TestCase


async def turns():
    for _ in range(20):
        await asyncio.sleep(0)


async def until(condition):
    while not condition():
        await asyncio.sleep(0)


class WaitingRequests(TestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.kept = []

    def limit(self, requests, size=1 << 20):
        self.enterContext(
            mock.patch.multiple(_sending, MAX_REQUESTS=requests, MAX_REQUEST_BYTES=size)
        )

    def start(self, session, *data, **options):
        return [asyncio.ensure_future(session.request(d, **options)) for d in data]

    def respond_to_one(self):
        request = self.kept.pop(0)
        request.respond(request.data)
        return request.data

    async def respond_to(self, count):
        seen = []
        while len(seen) < count:
            await until(lambda: self.kept)
            seen.append(self.respond_to_one())
        return seen

    async def test_the_order(self):
        """A large request is not overtaken by smaller ones that began later."""
        self.limit(100, 4 * OVERHEAD + 400)
        async with Pair(self.kept.append) as (session, _):
            tasks = self.start(session, b"a", b"b", b"c", b"large" * 200, b"d", b"e")
            await until(lambda: len(self.kept) >= 3)
            await turns()
            self.assertEqual(len(self.kept), 3)
            seen = await self.respond_to(1)
            await tasks[0]
            tasks += self.start(session, b"f")
            seen += await self.respond_to(6)
            self.assertEqual(seen, [b"a", b"b", b"c", b"large" * 200, b"d", b"e", b"f"])
            await asyncio.gather(*tasks)
            self.assertEqual(session._owner.room.bytes, 0)

    async def test_a_response_wakes_only_those_that_have_room(self):
        self.limit(1)
        count = 300
        loop = asyncio.get_running_loop()
        calls = 0
        call_soon = loop.call_soon

        def counted(*arguments, **options):
            nonlocal calls
            calls += 1
            return call_soon(*arguments, **options)

        async with Pair(lambda request: request.data) as (session, _):
            loop.call_soon = counted
            try:
                await asyncio.gather(*self.start(session, *[b""] * count))
            finally:
                del loop.call_soon
        self.assertLess(calls, 30 * count)

    async def test_the_end_of_a_wait_makes_room_for_the_next(self):
        """The first wait ends by its timeout, or by a cancellation."""
        self.limit(100, 2 * OVERHEAD + 100)
        large = b"x" * 1000
        for ending in ("timeout", "cancel", "cancel when there is room"):
            async with Pair(self.kept.append) as (session, _):
                tasks = self.start(session, b"a")
                await until(lambda: self.kept)
                timeout = 0.01 if ending == "timeout" else None
                first = self.start(session, large, timeout=timeout)[0]
                tasks += self.start(session, b"b")
                await asyncio.sleep(0)
                self.assertEqual(len(self.kept), 1)
                if ending == "timeout":
                    with self.assertRaises(TimedOutError):
                        await first
                else:
                    if ending != "cancel":
                        self.respond_to_one()
                        await until(lambda: session._owner.room.bytes >= 1000)
                    first.cancel()
                    with self.assertRaises(asyncio.CancelledError):
                        await first
                await until(lambda: self.kept and self.kept[-1].data == b"b")
                await self.respond_to(len(self.kept))
                await asyncio.gather(*tasks)
                self.assertEqual(session._owner.room.bytes, 0)
                self.assertEqual(session._owner.room.requests, 0)

    async def test_a_close_when_there_is_room(self):
        """The second request gets room, but the session ends before it is sent."""
        self.limit(1)
        for close in ("session", "service"):
            async with Pair(self.kept.append) as (session, service):

                async def request_and_close():
                    await session.request(b"")
                    (session if close == "session" else service).close()

                first = asyncio.ensure_future(request_and_close())
                second = self.start(session, b"")[0]
                await self.respond_to(1)
                await first
                with self.assertRaises(ClosedError):
                    await second
                self.assertEqual(session._owner.room.requests, 0)

    async def test_a_close_ends_the_waits(self):
        self.limit(1)
        for close in ("session", "service"):
            async with Pair(self.kept.append) as (session, service):
                tasks = self.start(session, *[b""] * 5)
                await until(lambda: self.kept)
                (session if close == "session" else service).close()
                for result in await asyncio.gather(*tasks, return_exceptions=True):
                    self.assertIsInstance(result, ClosedError)
                self.kept.clear()


class ClosedLoops(unittest.TestCase):
    def test_a_wait_that_ends_after_its_loop(self):
        """The loop closes while a coroutine waits for room. Later the coroutine
        is closed, as the garbage collector does. Expected: this close does not
        use the closed loop."""
        kept = []
        loop = asyncio.new_event_loop()
        pair = Pair(kept.append)
        session, service = loop.run_until_complete(pair.__aenter__())
        with mock.patch.object(_sending, "MAX_REQUEST_BYTES", 2 * OVERHEAD):
            tasks = [
                loop.create_task(session.request(data)) for data in (b"", b"large", b"")
            ]
            loop.run_until_complete(turns())
            self.assertEqual(len(kept), 1)
            loop.close()
            tasks[1].get_coro().close()
        session.close()
        service.close()
        for task in tasks:
            task._log_destroy_pending = False
        kept.clear()


class CountingReference(int):
    """A reference of a message. Counts the comparisons of all such objects."""

    compared = 0

    def __eq__(self, other):
        CountingReference.compared += 1
        return int.__eq__(self, other)

    __hash__ = int.__hash__


class WaitingMessages(TestCase):
    @contextlib.asynccontextmanager
    async def waiting(self, session, count):
        """Messages that wait, because there is no room."""
        create_message = _c.create_message
        with mock.patch.object(
            _c, "create_message", lambda ref: CountingReference(create_message(ref))
        ):
            with mock.patch.object(_c, "try_send", lambda message: _c.WOULD_BLOCK):
                tasks = [
                    asyncio.ensure_future(session.send(b"%d" % i)) for i in range(count)
                ]
                await turns()
            CountingReference.compared = 0
            yield tasks

    async def test_the_end_of_many_waits(self):
        for ending in ("close", "cancel"):
            async with Pair() as (session, _):
                async with self.waiting(session, 200) as tasks:
                    if ending == "close":
                        session.close()
                    else:
                        for task in reversed(tasks):
                            task.cancel()
                    results = await asyncio.gather(*tasks, return_exceptions=True)
                error = ClosedError if ending == "close" else asyncio.CancelledError
                self.assertEqual([type(r) for r in results], [error] * len(tasks))
                self.assertLess(CountingReference.compared, 5 * len(tasks))

    async def test_the_order(self):
        seen = []
        async with Pair(lambda request: seen.append(request.data)) as (session, _):
            async with self.waiting(session, 5) as tasks:
                tasks[2].cancel()
                session._owner.on_room(session._owner.ref)
                await asyncio.gather(*tasks, return_exceptions=True)
            while len(seen) < 4:
                await asyncio.sleep(0)
        self.assertEqual(seen, [b"0", b"1", b"3", b"4"])
