# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Each misuse raises an exception. In C most of these end the process, so each
test also shows that the interpreter lives."""

import asyncio
import gc
import os
import threading
import unittest

from lemessaging import (
    ClosedError,
    ForkedError,
    Protocol,
    Service,
    Session,
    StateError,
    UnavailableError,
    WrongThreadError,
)

from support import PROTOCOL, Pair, TestCase, new_name, upper

BAD_NAMES = ["", "a" * 128, "a b", "a<b", "a>b", "a#b", "a*b", "a\0b", "a\n", "\udc80", "ä"]


def raised_on_another_thread(function):
    """Runs the function, which may be a coroutine function. Returns its exception."""
    errors = []

    def run():
        try:
            result = function()
            if asyncio.iscoroutine(result):
                asyncio.run(result)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return errors[0] if errors else None


class Arguments(TestCase):
    async def test_protocols(self):
        for name in ("", "a" * 128, "a\0b", "\udc80"):
            with self.assertRaises(ValueError):
                Protocol(name, 1)
        for name in (None, b"bytes", 5):
            with self.assertRaises(TypeError):
                Protocol(name, 1)
        for size in (-1, (16 << 20) + 1, 1 << 64, 1 << 70):
            with self.assertRaises(ValueError):
                Protocol("p", size)
        for size in (None, 1.0, True, "1"):
            with self.assertRaises(TypeError):
                Protocol("p", size)
        session = Session(new_name(), Protocol(PROTOCOL.name, 8))
        async with Pair():
            with self.assertRaises(ValueError):  # used with another size
                await session.open()
        session.close()

    async def test_names(self):
        for name in BAD_NAMES:
            with self.assertRaises(ValueError):
                await Session(name, PROTOCOL).open()
            with self.assertRaises(ValueError):
                Service(name, PROTOCOL, upper).start()
        for name in (None, b"bytes", 5):
            with self.assertRaises(TypeError):
                Session(name, PROTOCOL)
            with self.assertRaises(TypeError):
                Service(name, PROTOCOL, upper)

    async def test_objects_of_other_types(self):
        for protocol in (None, "name", ("name", 5)):
            with self.assertRaises(TypeError):
                Session("a", protocol)
            with self.assertRaises(TypeError):
                Service("a", protocol, upper)
        for handler in (None, 5, "upper"):
            with self.assertRaises(TypeError):
                Service("a", PROTOCOL, handler)
        with self.assertRaises(TypeError):
            Service("a", PROTOCOL, upper, on_open=5)

    async def test_data(self):
        async with Pair() as (session, service):
            await session.request(b"")
            client = service.sessions[0]
            for send in (session.request, session.send, client.send):
                for data in ("text", 5, None, [1], 1.5):
                    with self.assertRaises(TypeError):
                        await send(data)
                with self.assertRaises(ValueError):
                    await send(b"x" * (PROTOCOL.max_size + 1))
            for send in (session.try_send, client.try_send):
                with self.assertRaises(TypeError):
                    send("text")
                with self.assertRaises(ValueError):
                    send(b"x" * (PROTOCOL.max_size + 1))
            self.assertEqual(await session.request(b"a"), b"A")

    async def test_descriptors(self):
        class Failing:
            def fileno(self):
                raise KeyError

        async with Pair() as (session, service):
            await session.request(b"")
            reader, writer = os.pipe()
            os.close(reader)
            os.close(writer)
            client = service.sessions[0]
            for send in (session.request, session.send, client.send):
                for fd, error in (
                    (reader, OSError),
                    (-1, OSError),
                    (1 << 80, OverflowError),
                    ("0", TypeError),
                    (True, TypeError),
                    (1.0, TypeError),
                    (Failing(), KeyError),
                ):
                    with self.assertRaises(error):
                        await send(b"", fd=fd)
            self.assertEqual(await session.request(b"a"), b"A")

    async def test_timeouts(self):
        session = Session(new_name(), PROTOCOL)
        for timeout, error in (
            (-1, ValueError),
            (float("nan"), ValueError),
            ("soon", ValueError),
            ([], TypeError),
        ):
            with self.assertRaises(error):
                await session.open(timeout=timeout)
            async with Pair() as (other, _):
                with self.assertRaises(error):
                    await other.request(b"", timeout=timeout)
                with self.assertRaises(error):
                    await other.send(b"", timeout=timeout)
        session.close()
        async with Pair() as (session, _):
            for timeout in (1e300, float("inf"), 4294967.295, 1 << 40):
                self.assertEqual(await session.request(b"a", timeout=timeout), b"A")


class States(TestCase):
    async def test_a_session_that_is_not_open(self):
        session = Session(new_name(), PROTOCOL)

        async def check(error):
            for call in (session.request, session.send):
                with self.assertRaises(error):
                    await call(b"")
            with self.assertRaises(error):
                session.try_send(b"")
            with self.assertRaises(error):
                session.server()

        await check(StateError)
        with self.assertRaises(StateError):
            await session.__anext__()
        opening = asyncio.ensure_future(session.open())
        await asyncio.sleep(0)
        await check(StateError)
        with self.assertRaises(StateError):
            await session.__anext__()
        with self.assertRaises(StateError):
            await session.open()
        session.close()
        with self.assertRaises(ClosedError):
            await opening
        await check(StateError)
        with self.assertRaises(StateError):
            await session.open()
        session.close()
        session.wait_reason()

    async def test_a_session_that_is_open(self):
        async with Pair() as (session, _):
            with self.assertRaises(StateError):
                await session.open()
            self.assertEqual(await session.request(b"a"), b"A")

    async def test_services(self):
        name = new_name()
        service = Service(name, PROTOCOL, upper)
        with self.assertRaises(StateError):
            service.hide()
        with self.assertRaises(StateError):
            await service.serve_forever()
        service.start()
        with self.assertRaises(StateError):
            service.start()
        with self.assertRaises(StateError):
            Service(name, PROTOCOL, upper).start()
        service.hide()
        service.hide()
        service.close()
        service.close()
        with self.assertRaises(StateError):
            service.hide()
        with self.assertRaises(StateError):
            service.start()
        Service(name, PROTOCOL, upper).close()  # never started

    async def test_requests(self):
        kept = []
        async with Pair(kept.append) as (session, service):
            await session.send(b"")
            task = asyncio.ensure_future(session.request(b""))
            while len(kept) < 2:
                await asyncio.sleep(0)
            one_way, request = kept
            with self.assertRaises(StateError):
                one_way.respond(b"")
            for data, error in (("text", TypeError), (b"x" * (1 << 20), ValueError)):
                with self.assertRaises(error):
                    request.respond(data)
            with self.assertRaises(OSError):
                request.respond(b"", fd=-1)
            request.respond(b"once")
            for misuse in (
                lambda: request.respond(b"twice"),
                request.take_fd,
                one_way.take_fd,  # released when the handler had returned
            ):
                with self.assertRaises(StateError):
                    misuse()
            request.release()
            one_way.release()
            self.assertEqual(await task, b"once")

    async def test_a_released_request(self):
        kept = []
        async with Pair(kept.append) as (session, _):
            task = asyncio.ensure_future(session.request(b""))
            while not kept:
                await asyncio.sleep(0)
            kept[0].release()
            kept[0].release()
            with self.assertRaises(StateError):
                kept[0].respond(b"")
            with self.assertRaises(UnavailableError):
                await task

    async def test_a_handler_that_responds_and_returns_data(self):
        def handler(request):
            request.respond(b"first")
            return b"second"

        async with Pair(handler) as (session, _):
            self.assertEqual(await session.request(b""), b"first")
            self.assertIsInstance(self.take_reported()[0], StateError)

    async def test_the_session_of_a_client_that_has_left(self):
        async with Pair() as (session, service):
            await session.request(b"")
            client = service.sessions[0]
            client.close()
            client.close()
            for _ in range(2):
                with self.assertRaises(ClosedError):
                    client.try_send(b"")
                with self.assertRaises(ClosedError):
                    await client.send(b"")
                while service.sessions:
                    await asyncio.sleep(0)
        with self.assertRaises(ClosedError):
            client.try_send(b"")
        client.close()


class WrongThreads(TestCase):
    async def test_another_thread(self):
        kept = []

        def handler(request):
            kept.append(request)
            return b""

        async with Pair(handler) as (session, service):
            await session.request(b"")
            client = kept[0].session
            for misuse in (
                lambda: session.request(b""),
                lambda: session.send(b""),
                lambda: session.try_send(b""),
                lambda: session.open(),
                lambda: session.__anext__(),
                session.server,
                session.wait_reason,
                session.close,
                service.close,
                service.hide,
                lambda: service.serve_forever(),
                lambda: client.send(b""),
                lambda: client.try_send(b""),
                client.close,
            ):
                self.assertIsInstance(raised_on_another_thread(misuse), WrongThreadError)
            self.assertEqual(await session.request(b""), b"")
            kept.clear()

    async def test_a_coroutine_that_another_thread_closes(self):
        async with Pair(lambda request: None) as (session, _):
            boxes = [session.request(b""), session.send(b""), session.__anext__()]
            for box in boxes:
                box.send(None) if box is not boxes[1] else None
            boxes[1].close()
            kept = [boxes[0], boxes[2]]
            del boxes, box
            self.assertIsNone(raised_on_another_thread(kept.clear))


class WrongLoops(unittest.TestCase):
    def test_no_loop(self):
        with self.assertRaises(RuntimeError):
            Service("a", PROTOCOL, upper).start()
        opening = Session("a", PROTOCOL).open()
        with self.assertRaises(RuntimeError):
            opening.send(None)

    def test_another_loop_of_the_thread(self):
        first = asyncio.new_event_loop()
        second = asyncio.new_event_loop()
        pair = Pair()
        session, service = first.run_until_complete(pair.__aenter__())
        for misuse in (
            lambda: session.request(b""),
            lambda: session.send(b""),
            lambda: session.open(),
            lambda: session.__anext__(),
            # The second loop would serve this session.
            lambda: Session(new_name(), PROTOCOL).open(),
            lambda: service.serve_forever(),
        ):
            with self.assertRaises(StateError):
                second.run_until_complete(misuse())
        self.assertEqual(first.run_until_complete(session.request(b"a")), b"A")
        first.run_until_complete(pair.__aexit__())
        pair = Pair()  # possible now, because the first loop has no objects
        session, _ = second.run_until_complete(pair.__aenter__())
        self.assertEqual(second.run_until_complete(session.request(b"a")), b"A")
        second.run_until_complete(pair.__aexit__())
        first.close()
        second.close()

    def test_a_loop_that_was_closed(self):
        loop = asyncio.new_event_loop()
        pair = Pair()
        session, service = loop.run_until_complete(pair.__aenter__())
        loop.close()
        with self.assertRaises(StateError):
            asyncio.run(session.request(b""))
        session.close()
        service.close()


class Forks(TestCase):
    async def test_the_child_of_a_fork(self):
        kept = []
        async with Pair(kept.append) as (session, service):
            task = asyncio.ensure_future(session.request(b""))
            while not kept:
                await asyncio.sleep(0)
            child = os.fork()
            if child == 0:
                os._exit(self.in_child(session, service, kept))
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            kept[0].respond(b"parent")
            self.assertEqual(await task, b"parent")
            self.assertEqual(service.sessions[0].closed, False)

    @staticmethod
    def in_child(session, service, kept):
        """Returns the number of the first misuse that did not raise ForkedError.
        0: all have raised it."""

        def first_step(coroutine):
            try:
                coroutine.send(None)
            finally:
                coroutine.close()

        client = kept[0].session
        number = 0
        for misuse in (
            lambda: first_step(session.request(b"")),
            lambda: first_step(session.open()),
            lambda: first_step(session.send(b"")),
            lambda: session.try_send(b""),
            session.close,
            session.wait_reason,
            service.close,
            service.hide,
            lambda: client.try_send(b""),
            client.close,
            lambda: kept[0].respond(b""),
            kept[0].take_fd,
            Service(new_name(), PROTOCOL, upper).start,
        ):
            number += 1
            try:
                misuse()
            except StateError as error:
                if not isinstance(error, ForkedError):
                    return number
            else:
                return number
        kept[0].release()
        kept.clear()
        del session, service, client, misuse
        gc.collect()
        return 0


if __name__ == "__main__":
    unittest.main()
