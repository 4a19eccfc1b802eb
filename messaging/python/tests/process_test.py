# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Programs that end, in every state; servers that die; signals; limits of the
system."""

import asyncio
import signal
import unittest

from lemessaging import ClosedError, CloseReason, Session

from support import PROTOCOL, TestCase, finish, needs_processes, new_name, python

# A program with a service, an open session and a request without response.
BUSY = """
kept = []
name = sys.argv[1]
service = Service(name, P, kept.append)
session = Session(name, P)

async def begin():
    service.start()
    await session.open()
    task = asyncio.ensure_future(session.request(b""))
    while not kept:
        await asyncio.sleep(0)
    return task
"""


class Exits(unittest.TestCase):
    def run_busy(self, code, tracebacks=False):
        output = finish(self, python(BUSY + code, new_name()), tracebacks)
        self.assertEqual(output, "end\n")

    def test_the_end_of_the_program(self):
        self.run_busy("asyncio.run(begin())\nprint('end')")

    def test_an_exit_within_the_loop(self):
        self.run_busy(
            """
async def main():
    task = await begin()
    print('end')
    sys.exit(0)

asyncio.run(main())
"""
        )

    def test_a_loop_that_was_not_closed(self):
        self.run_busy(
            """
loop = asyncio.new_event_loop()
task = loop.run_until_complete(begin())
task.cancel()
print('end')
"""
        )

    def test_objects_in_cycles_and_globals_of_other_modules(self):
        self.run_busy(
            """
import types
loop = asyncio.new_event_loop()
task = loop.run_until_complete(begin())
task.cancel()
module = types.ModuleType('last')
module.everything = [session, service, kept, module]
sys.modules['last'] = module
session.itself = session
print('end')
"""
        )

    def test_a_daemon_thread(self):
        self.run_busy(
            """
async def run():
    task = await begin()
    started.set()
    try:
        await task
    except ClosedError:
        pass  # the session is closed at exit

started = threading.Event()
threading.Thread(target=asyncio.run, args=(run(),), daemon=True).start()
started.wait()
print('end')
""",
            tracebacks=True,  # Python may end the thread at any place
        )

    def test_a_busy_daemon_thread(self):
        self.run_busy(
            """
async def run():
    service._functions = (lambda request: request.data), None, None
    service.start()
    await session.open()
    try:
        while True:
            await session.request(b"")
            started.set()
    except Error:
        pass  # the session is closed at exit

started = threading.Event()
threading.Thread(target=asyncio.run, args=(run(),), daemon=True).start()
started.wait()
print('end')
""",
            tracebacks=True,  # Python may end the thread at any place
        )

    def test_a_thread_that_was_joined(self):
        self.run_busy(
            """
thread = threading.Thread(target=asyncio.run, args=(begin(),))
thread.start()
thread.join()
print('end')
"""
        )

    def test_the_child_of_a_fork_exits(self):
        self.run_busy(
            """
loop = asyncio.new_event_loop()
task = loop.run_until_complete(begin())
task.cancel()
child = os.fork()
if child == 0:
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
print('end')
"""
        )

    def test_the_use_at_exit(self):
        self.run_busy(
            """
import atexit

@atexit.register
def late():
    session.close()
    kept[0].release()
    try:
        Service("late", P, print).start()
    except (RuntimeError, StateError):
        print('end')

import lemessaging._core
atexit.unregister(lemessaging._core._at_exit)
atexit.register(lemessaging._core._at_exit)  # so it runs before late()
asyncio.run(begin())
"""
        )


class Signals(unittest.TestCase):
    def test_an_interrupt_ends_the_program(self):
        program = python(
            """
            async def main():
                async with Service(sys.argv[1], P, lambda request: request.data) as service:
                    async with Session(sys.argv[1], P) as session:
                        print("started", flush=True)
                        while True:
                            await session.request(b"")
            try:
                asyncio.run(main())
            except KeyboardInterrupt:
                print("interrupted")
            """,
            new_name(),
        )
        program.stdout.readline()
        program.send_signal(signal.SIGINT)
        self.assertEqual(finish(self, program), "interrupted\n")

    def test_exits_of_handlers_pass_through_the_loop(self):
        for error in ("KeyboardInterrupt", "SystemExit"):
            program = python(
                f"""
                def handler(request):
                    raise {error}

                async def main():
                    async with Service(sys.argv[1], P, handler):
                        async with Session(sys.argv[1], P) as session:
                            await session.request(b"")

                try:
                    asyncio.run(main())
                except BaseException as error:
                    print(type(error).__name__)
                """,
                new_name(),
            )
            self.assertEqual(finish(self, program), error + "\n")


class Limits(unittest.TestCase):
    def test_no_file_descriptor_is_free(self):
        """The library ends a process in which it cannot create a loop. Expected:
        the package raises OSError before it calls the library."""
        program = python(
            """
            import resource
            loop = asyncio.new_event_loop()
            taken = []
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            try:
                while True:
                    taken.append(os.dup(0))
            except OSError:
                pass

            async def start():
                Service("limits", P, print).start()

            for spare in (0, 1, 5):
                for fd in taken[:spare]:
                    os.close(fd)
                del taken[:spare]
                try:
                    loop.run_until_complete(start())
                except OSError as error:
                    print(error.errno)
            for fd in taken:
                os.close(fd)
            loop.run_until_complete(start())
            print("started")
            """
        )
        self.assertEqual(finish(self, program), "24\n24\n24\nstarted\n")


@needs_processes
class Servers(TestCase):
    def serve(self, name, handler="lambda request: request.data.upper()"):
        return python(
            f"""
            async def main():
                async with Service(sys.argv[1], P, {handler}) as service:
                    print("started", flush=True)
                    await service.serve_forever()
            asyncio.run(main())
            """,
            name,
        )

    async def test_a_server_that_dies_during_a_request(self):
        name = new_name()
        received = "lambda request: (print('received', flush=True), kept.append(request))[1]"
        server = self.serve(name, f"(lambda kept: {received})([])")
        session = Session(name, PROTOCOL)
        await session.open()
        server.stdout.readline()
        task = asyncio.ensure_future(session.request(b""))
        pushes = asyncio.ensure_future(session.__anext__())
        loop = asyncio.get_running_loop()
        self.assertEqual(await loop.run_in_executor(None, server.stdout.readline), "received\n")
        server.kill()
        with self.assertRaises(ClosedError) as caught:
            await task
        self.assertEqual(caught.exception.reason, CloseReason.BY_PEER)
        with self.assertRaises(ClosedError):
            await pushes
        with self.assertRaises(ClosedError):
            await session.request(b"")
        server.communicate()
        # The same session is used with the next server.
        server = self.serve(name)
        await session.open()
        self.assertEqual(await session.request(b"a"), b"A")
        session.close()
        server.kill()
        server.communicate()

    async def test_a_server_that_is_stopped_does_not_block_the_loop(self):
        name = new_name()
        server = self.serve(name)
        session = Session(name, PROTOCOL)
        await session.open()
        server.send_signal(signal.SIGSTOP)
        data = b"x" * PROTOCOL.max_size
        # More bytes than may be gathered.
        requests = [asyncio.ensure_future(session.request(data)) for _ in range(1200)]
        sends = [asyncio.ensure_future(session.send(data)) for _ in range(100)]
        turns = 0
        for _ in range(1000):
            await asyncio.sleep(0)
            turns += 1
        self.assertFalse(any(task.done() for task in requests))
        server.send_signal(signal.SIGCONT)
        self.assertEqual(set(await asyncio.gather(*requests)), {data.upper()})
        await asyncio.gather(*sends)
        session.close()
        server.kill()
        server.communicate()


if __name__ == "__main__":
    unittest.main()
