# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""The common base class of Session and Service."""

import warnings

from ._messages import Protocol, encode_name


class Endpoint:
    """The program's side of a session or service. The library's side is a
    SessionOwner (_core.py), also for a service. The library's callbacks refer
    only to the SessionOwner, so this object can become garbage at any time. The
    SessionOwner lives until the thread that created it calls drop()."""

    def __init__(self, interface, protocol):
        encode_name(interface, "the interface")
        if not isinstance(protocol, Protocol):
            raise TypeError("the protocol is not a Protocol")
        self._interface = interface
        self._protocol = protocol
        self._owner = None
        self._closed = False

    @property
    def interface(self):
        return self._interface

    @property
    def protocol(self):
        return self._protocol

    def _end(self):
        if self._owner is not None and self._owner.ref is not None:
            self._owner.check()
            self._owner.drop()
        self._closed = True

    async def __aexit__(self, *_):
        self._end()

    def __del__(self):
        owner = getattr(self, "_owner", None)
        if owner is not None and owner.ref is not None:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            owner.abandon()

    def __repr__(self):
        return f"<{type(self).__name__} {self._interface!r} {self._protocol!r}>"
