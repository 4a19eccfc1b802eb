# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Requests, pushes, one-way messages, descriptors, closes, cancelling, limits."""

import asyncio
import gc
import os
import random
import socket
import threading
import unittest

from lemessaging import (
    CloseReason,
    ClosedError,
    Descriptor,
    Protocol,
    RefusedError,
    Service,
    Session,
    StateError,
    TimedOutError,
    UnavailableError,
    WaitReason,
    WouldBlockError,
    _core,
)

from support import PROTOCOL, Pair, TestCase, new_name, upper


class Requests(TestCase):
    async def test_a_function_and_a_coroutine_function_answer(self):
        async def later(request):
            await asyncio.sleep(0)
            return request.data.upper()

        for handler in (upper, later):
            async with Pair(handler) as (session, _):
                self.assertEqual(await session.request(b"hello"), b"HELLO")
                self.assertEqual(await session.request(b""), b"")
                self.assertEqual(await session.request(bytearray(b"ab")), b"AB")
                self.assertEqual(await session.request(memoryview(b"abcd")[::2]), b"AC")
                largest = b"x" * PROTOCOL.max_size
                self.assertEqual(await session.request(largest), largest.upper())

    async def test_the_credentials_are_those_of_the_process(self):
        async with Pair() as (session, service):
            self.assertEqual(session.server(), (os.getuid(), os.getpid()))
            await session.request(b"")
            self.assertEqual(service.sessions[0].user, os.getuid())
            self.assertEqual(service.sessions[0].process, os.getpid())

    async def test_a_request_is_responded_to_later_in_any_order(self):
        kept = []
        async with Pair(kept.append) as (session, _):
            tasks = [asyncio.ensure_future(session.request(b"%d" % i)) for i in range(3)]
            while len(kept) < 3:
                await asyncio.sleep(0)
            for request in reversed(kept):
                request.respond(request.data + b"!")
                self.assertTrue(request.done)
            self.assertEqual(await asyncio.gather(*tasks), [b"0!", b"1!", b"2!"])

    async def test_another_thread_responds(self):
        def handler(request):
            threading.Thread(target=request.respond, args=(b"done",)).start()

        async with Pair(handler) as (session, _):
            self.assertEqual(await session.request(b""), b"done")

    async def test_a_released_or_forgotten_request_is_unavailable(self):
        for handler in (lambda request: request.release(), lambda request: None):
            async with Pair(handler) as (session, _):
                with self.assertRaises(UnavailableError):
                    await session.request(b"")

    async def test_exceptions_of_handlers_are_reported(self):
        async def late(request):
            await asyncio.sleep(0)
            raise ValueError("late")

        def early(request):
            raise ValueError("early")

        for handler, error in (
            (early, ValueError),
            (late, ValueError),
            (lambda request: "text", TypeError),
            (lambda request: b"x" * (PROTOCOL.max_size + 1), ValueError),
        ):
            async with Pair(handler) as (session, _):
                with self.assertRaises(UnavailableError):
                    await session.request(b"")
                self.assertIsInstance(self.take_reported()[0], error)

    async def test_a_timeout_ends_a_request(self):
        kept = []
        async with Pair(kept.append) as (session, _):
            with self.assertRaises(TimedOutError):
                await session.request(b"", timeout=0.01)
            with self.assertRaises(asyncio.TimeoutError):  # the base of TimedOutError
                await session.request(b"", timeout=0)
            kept.clear()

    async def test_cancelling_a_task_cancels_its_request(self):
        kept = []
        async with Pair(kept.append) as (session, _):
            tasks = [asyncio.ensure_future(session.request(b"")) for _ in range(10)]
            while len(kept) < 10:
                await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            for _ in range(100):
                await asyncio.sleep(0)
            self.assertEqual(session._owner.room.requests, 5)
            for request in kept:
                request.respond(b"late")
            results = await asyncio.gather(*tasks, return_exceptions=True)
            for result in results[::2]:
                self.assertIsInstance(result, asyncio.CancelledError)
            self.assertEqual(results[1::2], [b"late"] * 5)
            tasks = [asyncio.ensure_future(session.request(b"")) for _ in range(2)]
            tasks[0].cancel()  # before it begins
            while len(kept) < 11:
                await asyncio.sleep(0)
            kept.pop().respond(b"1")
            self.assertEqual(await tasks[1], b"1")

    async def test_ten_thousand_requests_leave_nothing(self):
        async with Pair() as (session, _):
            await session.request(b"")
            before = _core.live_objects()
            objects = None
            gc.freeze()  # a collection looks at this test's objects only
            self.addCleanup(gc.unfreeze)
            for _ in range(3):
                responses = await asyncio.gather(
                    *[session.request(b"%d" % i) for i in range(10000)]
                )
                self.assertEqual(responses[9999], b"9999")
                del responses
                self.assertEqual(_core.live_objects(), before)
                self.assertEqual(self.messages.held, 0)
                gc.collect()
                if objects is not None:
                    self.assertLess(len(gc.get_objects()), objects + 100)
                objects = len(gc.get_objects())

    async def test_more_bytes_than_may_be_queued(self):
        large = Protocol("python tests, large", 1 << 20)
        async with Pair(lambda request: request.data[:1], large) as (session, _):
            responses = await asyncio.gather(
                *[session.request(b"x" * (1 << 20)) for _ in range(100)]
            )
            self.assertEqual(responses, [b"x"] * 100)

    async def test_a_request_that_waits_for_others_times_out(self):
        large = Protocol("python tests, large", 1 << 20)
        kept = []
        async with Pair(kept.append, large) as (session, _):
            data = b"x" * (1 << 20)
            first = [asyncio.ensure_future(session.request(data)) for _ in range(31)]
            await asyncio.sleep(0)
            with self.assertRaises(TimedOutError):
                await session.request(data, timeout=0.01)
            for task in first:
                task.cancel()
            await asyncio.gather(*first, return_exceptions=True)
            kept.clear()


class Messages(TestCase):
    async def test_messages_arrive_in_order(self):
        received = []
        done = asyncio.get_running_loop().create_future()

        def handler(request):
            received.append(request.data)
            if request.needs_response:
                return b""

        async with Pair(handler) as (session, _):
            for i in range(100):
                await session.send(b"%d" % i)
            await session.request(b"end")
            self.assertEqual(received, [b"%d" % i for i in range(100)] + [b"end"])
        done.cancel()

    async def test_pushes_arrive_in_order(self):
        async with Pair() as (session, service):
            await session.request(b"")
            for i in range(100):
                await service.sessions[0].send(b"%d" % i)
            for i in range(100):
                self.assertEqual(await session.__anext__(), b"%d" % i)

    async def test_a_full_queue(self):
        received = []
        async with Pair(lambda request: received.append(request.data)) as (session, _):
            data = b"x" * PROTOCOL.max_size
            sent = 0
            with self.assertRaises(WouldBlockError):
                while True:
                    session.try_send(data)
                    sent += 1
            waiting = session.send(data)
            waiting.send(None)
            waiting.close()
            tasks = [asyncio.ensure_future(session.send(data)) for i in range(5)]
            with self.assertRaises(TimedOutError):
                await session.send(data[4:] + b"late", timeout=0)
            await asyncio.gather(*tasks)
            await session.send(b"last")
            while received[-1:] != [b"last"]:
                await asyncio.sleep(0)
            self.assertFalse(any(data.endswith(b"late") for data in received))
            self.assertEqual(len(received), sent + 6)

    async def test_a_full_queue_to_a_client(self):
        async with Pair(max_push_bytes=1 << 40) as (session, service):
            await session.request(b"")
            client = service.sessions[0]
            sent = 0
            with self.assertRaises(WouldBlockError):
                while True:
                    client.try_send(b"x" * PROTOCOL.max_size)
                    sent += 1
            await client.send(b"last")
            for _ in range(sent):
                await session.__anext__()
            self.assertEqual(await session.__anext__(), b"last")

    async def test_a_close_ends_waiting_sends(self):
        async with Pair() as (session, _):
            with self.assertRaises(WouldBlockError):
                while True:
                    session.try_send(b"x" * PROTOCOL.max_size)
            sending = session.send(b"x" * PROTOCOL.max_size)
            sending.send(None)  # it waits
            session.close()
            with self.assertRaises(ClosedError):
                sending.send(None)

    async def test_pushes_that_are_not_read_close_the_session(self):
        never = asyncio.get_running_loop().create_future()

        async def handler(request):
            if request.data == b"never":
                await never
            request.respond(b"")

        async with Pair(handler, max_push_bytes=2000) as (session, service):
            await session.request(b"")
            pending = asyncio.ensure_future(session.request(b"never"))
            for _ in range(4):
                await service.sessions[0].send(b"push")
            with self.assertRaises(ClosedError) as caught:
                await pending
            self.assertEqual(caught.exception.reason, CloseReason.RECEIVE_LIMIT)
            for _ in range(3):
                self.assertEqual(await session.__anext__(), b"push")
            with self.assertRaises(ClosedError) as caught:
                await session.__anext__()
            self.assertEqual(caught.exception.reason, CloseReason.RECEIVE_LIMIT)

    async def test_messages_that_are_not_handled_close_the_session(self):
        large = Protocol("python tests, large", 1 << 20)
        never = asyncio.get_running_loop().create_future()

        async def handler(request):
            await never

        async with Pair(handler, large) as (session, _):
            with self.assertRaises(ClosedError):
                for _ in range(1000):
                    await session.send(b"x" * (1 << 20))
                    await asyncio.sleep(0)
            self.assertIn("too slow", str(self.take_reported()[0]))
        await asyncio.sleep(0)


class Descriptors(TestCase):
    def pipe_with(self, data):
        reader, writer = os.pipe()
        os.write(writer, data)
        os.close(writer)
        return reader

    async def test_a_descriptor_each_way(self):
        seen = []

        def handler(request):
            with request.take_fd() as fd:
                seen.append(os.read(fd.fileno(), 10))
            self.assertIsNone(request.take_fd())
            reader = self.pipe_with(b"back")
            request.respond(b"", fd=reader)
            os.close(reader)

        before = os.listdir("/proc/self/fd")
        async with Pair(handler) as (session, _):
            reader = self.pipe_with(b"there")
            response = await session.request(b"", fd=reader)
            os.close(reader)  # it is still open
            self.assertEqual(seen, [b"there"])
            self.assertIsInstance(response.fd, Descriptor)
            number = response.fd.detach()
            self.assertTrue(response.fd.closed)
            self.assertEqual(os.read(number, 10), b"back")
            self.assertFalse(os.get_inheritable(number))
            os.close(number)
        self.assertLessEqual(len(os.listdir("/proc/self/fd")), len(before) + 8)

    async def test_descriptors_in_messages_without_response(self):
        seen = []

        def handler(request):
            fd = request.take_fd()
            if fd is not None:
                seen.append(os.read(fd.fileno(), 10))
                request.session.try_send(b"push", fd=fd)
            return b""

        async with Pair(handler) as (session, _):
            near, far = socket.socketpair()
            far.send(b"text")
            await session.send(b"", fd=near)
            push = await session.__anext__()
            far.send(b"again")
            self.assertEqual(os.read(push.fd.fileno(), 10), b"again")
            self.assertEqual(seen, [b"text"])
            near.close()
            far.close()

    async def test_descriptors_that_are_not_taken_are_closed(self):
        async with Pair() as (session, _):
            await session.request(b"")
            reader, writer = os.pipe()
            await session.request(b"", fd=reader)
            os.close(reader)
            gc.collect()
            # The library may close the descriptor later, on another thread.
            os.set_blocking(writer, False)
            while True:
                try:
                    os.write(writer, b"x" * 4096)
                except BrokenPipeError:
                    break
                except BlockingIOError:
                    pass
                await asyncio.sleep(0)
            os.close(writer)

    async def test_a_service_without_descriptors(self):
        async with Pair(
            lambda request: b"%d" % (request.take_fd() is None), accept_fds=False
        ) as (session, _):
            with open(os.devnull, "rb") as file:
                self.assertEqual(await session.request(b"", fd=file), b"1")


class Closes(TestCase):
    async def test_opening_waits_for_the_service(self):
        name = new_name()
        session = Session(name, PROTOCOL)
        with self.assertRaises(TimedOutError) as caught:
            await session.open(timeout=0.3)
        self.assertEqual(caught.exception.reason, WaitReason.NOT_OFFERED)
        opening = asyncio.ensure_future(session.open())
        while session.wait_reason()[0] != WaitReason.NOT_OFFERED:
            await asyncio.sleep(0)
        async with Service(name, PROTOCOL, upper):
            await opening
            self.assertEqual(await session.request(b"a"), b"A")
            session.close()

    async def test_cancelling_an_opening(self):
        name = new_name()
        session = Session(name, PROTOCOL)
        opening = asyncio.ensure_future(session.open())
        await asyncio.sleep(0)
        opening.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await opening
        self.assertFalse(session.is_open)
        async with Service(name, PROTOCOL, upper):
            await session.open()
            self.assertEqual(await session.request(b"a"), b"A")
        session.close()

    async def test_another_protocol_is_refused(self):
        name = new_name()
        async with Service(name, PROTOCOL, upper):
            session = Session(name, Protocol("python tests, another", 8))
            with self.assertRaises(RefusedError) as caught:
                await session.open()
            self.assertEqual(caught.exception.reason, WaitReason.OTHER_PROTOCOL)
            session.close()

    async def test_the_server_closes_the_session(self):
        async with Pair(lambda request: request.session.close()) as (session, service):
            with self.assertRaises(ClosedError) as caught:
                await session.request(b"")
            self.assertEqual(caught.exception.reason, CloseReason.BY_PEER)
            with self.assertRaises(ClosedError):
                async for _ in session:
                    pass
            with self.assertRaises(ClosedError):
                session.try_send(b"")
            await session.open()  # it may be opened again
            self.assertTrue(session.is_open)

    async def test_the_service_is_closed(self):
        kept = []
        async with Pair(kept.append) as (session, service):
            task = asyncio.ensure_future(session.request(b""))
            while not kept:
                await asyncio.sleep(0)
            client = kept[0].session
            service.close()
            with self.assertRaises(ClosedError):
                await task
            self.assertTrue(client.closed)
            with self.assertRaises(ClosedError):
                client.try_send(b"")
            kept[0].respond(b"nobody waits")

    async def test_this_end_closes_the_session(self):
        kept = []
        async with Pair(kept.append) as (session, _):
            task = asyncio.ensure_future(session.request(b""))
            pushes = asyncio.ensure_future(session.__anext__())
            while not kept:
                await asyncio.sleep(0)
            session.close()
            session.close()
            with self.assertRaises(ClosedError) as caught:
                await task
            self.assertEqual(caught.exception.reason, CloseReason.BY_CALLER)
            with self.assertRaises(StopAsyncIteration):
                await pushes
            kept[0].respond(b"nobody waits")
            kept.clear()

    async def test_handlers_for_opening_and_closing(self):
        events = []
        closed = asyncio.Event()

        def on_close(client):
            events.append((client, client.closed))
            closed.set()

        async with Pair(
            on_open=lambda client: events.append(client), on_close=on_close
        ) as (session, service):
            await session.request(b"")
            client = service.sessions[0]
            session.close()
            await closed.wait()
            self.assertEqual(events, [client, (client, True)])
            self.assertEqual(service.sessions, [])

    async def test_an_exception_in_a_handler_for_opening(self):
        def on_open(client):
            raise ValueError("on purpose")

        async with Pair(on_open=on_open) as (session, _):
            self.assertEqual(await session.request(b"a"), b"A")
            self.assertEqual(str(self.take_reported()[0]), "on purpose")

    async def test_closing_a_service_cancels_its_handlers(self):
        cancelled = []

        async def handler(request):
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

        async with Pair(handler) as (session, service):
            await session.send(b"")
            task = asyncio.ensure_future(session.request(b""))
            while len(service._owner.tasks) < 2:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            service.close()
            with self.assertRaises(ClosedError):
                await task
        self.assertEqual(cancelled, [True, True])

    async def test_serve_forever_ends_with_the_service(self):
        async with Service(new_name(), PROTOCOL, upper) as service:
            task = asyncio.ensure_future(service.serve_forever())
            await asyncio.sleep(0)
            service.close()
            await task

    async def test_hiding(self):
        async with Pair() as (session, service):
            service.hide()
            self.assertEqual(await session.request(b"a"), b"A")
            late = Session(session.interface, PROTOCOL)
            with self.assertRaises(TimedOutError):
                await late.open(timeout=0.01)
            late.close()


class Threads(unittest.TestCase):
    def test_two_threads_with_a_loop_each(self):
        name = new_name()
        stopped = []

        def serve(started):
            async def run():
                async with Service(name, PROTOCOL, upper):
                    stop = asyncio.Event()
                    stopped.append((asyncio.get_running_loop(), stop))
                    started.set()
                    await stop.wait()

            asyncio.run(run())

        async def ask():
            async with Session(name, PROTOCOL) as session:
                for i in range(1000):
                    self.assertEqual(await session.request(b"a%d" % i), b"A%d" % i)

        started = threading.Event()
        server = threading.Thread(target=serve, args=(started,))
        server.start()
        started.wait()
        clients = [threading.Thread(target=asyncio.run, args=(ask(),)) for _ in range(3)]
        for client in clients:
            client.start()
        asyncio.run(ask())
        for client in clients:
            client.join()
        loop, stop = stopped[0]
        loop.call_soon_threadsafe(stop.set)
        server.join()
        gc.collect()
        self.assertEqual(_core.live_objects(), 0)

    def test_a_thread_that_ends_drops_its_objects(self):
        kept = []

        async def leave():
            pair = Pair()
            await pair.__aenter__()
            kept.append(pair)

        for _ in range(3):
            thread = threading.Thread(target=asyncio.run, args=(leave(),))
            thread.start()
            thread.join()
        self.assertEqual(_core.live_objects(), 0)
        for pair in kept:
            with self.assertRaises(StateError):
                asyncio.run(pair.session.request(b""))
        kept.clear()

    def test_a_second_loop_of_a_thread(self):
        kept = []

        async def leave():
            pair = Pair()
            await pair.__aenter__()
            kept.append(pair)

        asyncio.run(leave())
        asyncio.run(leave())  # drops the first pair, whose loop is closed
        self.assertEqual(_core.live_objects(), 2)
        kept.clear()
        gc.collect()
        self.assertEqual(_core.live_objects(), 0)

    def test_garbage_in_any_order(self):
        async def run(order):
            things = []
            for _ in range(3):
                pair = Pair(lambda request: things.append(request))
                await pair.__aenter__()
                things += [
                    asyncio.ensure_future(pair.session.request(b"x")),
                    asyncio.ensure_future(pair.session.__anext__()),
                    asyncio.ensure_future(pair.session.send(b"y")),
                    pair.session,
                    pair.service,
                ]
                del pair
                for _ in range(order.randrange(4)):
                    await asyncio.sleep(0)
            while things:
                thing = things.pop(order.randrange(len(things)))
                if isinstance(thing, asyncio.Future):
                    thing.cancel()
                    if order.random() < 0.5:
                        await asyncio.gather(thing, return_exceptions=True)
                if order.random() < 0.3:
                    other = threading.Thread(target=lambda box: box.clear(), args=([thing],))
                    del thing
                    other.start()
                    other.join()
                else:
                    del thing
                if order.random() < 0.3:
                    gc.collect()
                if order.random() < 0.3:
                    await asyncio.sleep(0)

        gc.freeze()  # a collection looks at this test's objects only
        self.addCleanup(gc.unfreeze)
        for seed in range(40):
            with self.subTest(seed=seed):
                asyncio.run(run(random.Random(seed)))
        gc.collect()
        asyncio.run(self.nothing())
        self.assertEqual(_core.live_objects(), 0)

    async def nothing(self):
        _core.Thread.current()


if __name__ == "__main__":
    unittest.main()
