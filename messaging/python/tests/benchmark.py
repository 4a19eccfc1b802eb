# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Measures the figures of messaging/python/DESIGN.md. Needs a directory."""

import asyncio
import statistics
import subprocess
import sys
import time

from lemessaging import Protocol, Service, Session, _c

PROTOCOL = Protocol("python benchmark", 64)
ROUNDS, TIMES = 9, 5000


def median(microseconds):
    return f"{statistics.median(microseconds):.2f} us (least {min(microseconds):.2f})"


def of_call(function, times=100000):
    start = time.perf_counter()
    for _ in range(times):
        function()
    return (time.perf_counter() - start) / times * 1e6


async def serve():
    async with Service("pythonBenchmark", PROTOCOL, lambda request: request.data) as service:
        await service.serve_forever()


async def measure():
    async with Session("pythonBenchmark", PROTOCOL) as session:
        data = b"x" * 64
        one, many = [], []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            for _ in range(TIMES):
                await session.request(data)
            one.append((time.perf_counter() - start) / TIMES * 1e6)
            start = time.perf_counter()
            for _ in range(TIMES // 64):
                await asyncio.gather(*[session.request(data) for _ in range(64)])
            many.append((time.perf_counter() - start) / (TIMES // 64 * 64) * 1e6)
        print("round trip, 64 bytes:", median(one))
        print("round trip, 64 bytes, 64 outstanding:", median(many))
        calls = {
            "le_event_ServiceLoop()": _c.service_loop,
            "le_msg_GetCloseReasonTxt()": lambda: _c.get_close_reason_text(0),
        }
        for name, call in calls.items():
            print(f"{name} by ctypes:", median([of_call(call) for _ in range(ROUNDS)]))


if len(sys.argv) > 1:
    asyncio.run(serve())
else:
    server = subprocess.Popen([sys.executable, __file__, "serve"])
    try:
        asyncio.run(measure())
    finally:
        server.kill()
        server.wait()
