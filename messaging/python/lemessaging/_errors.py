# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""The exceptions, and the reasons that they carry."""

import enum


class WaitReason(enum.IntEnum):
    """Why a session is not open yet (le_messaging_ext.h)."""

    NONE = 0
    NO_PLACE = 1
    NO_DIRECTORY = 2
    NOT_TRUSTED = 3
    NO_ANSWER = 4
    NO_BINDING = 5
    NOT_OFFERED = 6
    NOT_TAKEN = 7
    SERVICE_FULL = 8
    OTHER_VERSION = 9
    REFUSED = 10
    SYSTEM = 11
    SERVER_FAULT = 12
    OTHER_PROTOCOL = 13


class CloseReason(enum.IntEnum):
    """Why a session was closed (le_messaging_ext.h)."""

    NONE = 0
    BY_CALLER = 1
    BY_PEER = 2
    SLOW_READER = 3
    KILLED = 4
    PROTOCOL_ERROR = 5
    RECEIVE_LIMIT = 6
    SERVICE_DELETED = 8
    THREAD_ENDED = 9
    SYSTEM = 10


def reason_of(kind, number):
    """A later library may have reasons that this version does not know."""
    try:
        return kind(number)
    except ValueError:
        return number


class Error(Exception):
    """The base of this package's exceptions."""


class StateError(Error):
    """A call that is wrong in the present state: misuse by the program."""


class WrongThreadError(StateError):
    """The object belongs to another thread."""


class ForkedError(StateError):
    """The process is the child of a fork. It may only exec."""


class RefusedError(Error):
    """The service has another protocol. `reason` is a WaitReason."""

    def __init__(self, text, reason):
        super().__init__(text)
        self.reason = reason


class TimedOutError(Error, TimeoutError):
    """The timeout has passed. For an opening, `reason` is a WaitReason, and the
    text says what to do about it. Otherwise `reason` is None."""

    def __init__(self, text, reason=None):
        super().__init__(text)
        self.reason = reason


class ClosedError(Error):
    """The session is closed. `reason` is a CloseReason."""

    def __init__(self, text, reason=CloseReason.NONE):
        super().__init__(text)
        self.reason = reason


class UnavailableError(Error):
    """The server has released the request without a response."""


class TooManyError(Error):
    """The session has too many open requests, or there is no memory."""


class WouldBlockError(Error):
    """The queue of the session is full, or other messages wait for room."""
