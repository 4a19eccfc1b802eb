# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""The envelope and the statuses of typed services (services/DESIGN.md)."""

import enum
import struct

from google.protobuf.message import DecodeError

from ._errors import Error

ENVELOPE = struct.Struct("<HBxII")  # method, kind, call, value
CREDIT = struct.Struct("<II")  # items, bytes
NUMBER = struct.Struct("<I")
NO_DEADLINE = 0xFFFFFFFF
MAX_ERROR_TEXT = 1024
MAX_WINDOW = (1 << 20, 1 << 30)
REFLECTION = 0  # the number of the method


class Kind(enum.IntEnum):
    CALL = 1
    ONE_WAY = 2
    CANCEL = 3
    CREDIT = 4
    ITEM = 5
    STATUS = 6


class StatusCode(enum.IntEnum):
    """The codes of absl::Status."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class StatusError(Error):
    """A call has ended with an error: `code` is a StatusCode. If a
    method of a server raises it, the client's call raises it, too."""

    def __init__(self, code, text=""):
        super().__init__(f"{StatusCode(code).name}: {text}")
        self.code = StatusCode(code)
        self.text = text


def wrong(text):
    return StatusError(StatusCode.INTERNAL, text)


def parse(kind, data):
    """Returns a message of the class `kind`. None: the data cannot be parsed,
    or lacks a required field."""
    message = kind()
    try:
        message.ParseFromString(data)
    except (DecodeError, RuntimeError):
        return None
    return message if message.IsInitialized() else None


def remaining(timeout):
    """The `value` of a call's envelope: the milliseconds until the deadline."""
    if timeout is None:
        return NO_DEADLINE
    return min(int(min(timeout, 1e9) * 1000), NO_DEADLINE - 1)
