# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""The C functions that the package calls.

PyDLL keeps Python's global lock during a call (no function waits). So a callback
needs no new thread state, and at exit Python can end a thread inside the library
only in a callback (DESIGN.md, *Exit*).
"""

import ctypes
import os
from ctypes import c_bool, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p

# For tests, and for a library that the loader does not find.
_PATH = os.environ.get("LE_MESSAGING_LIBRARY") or "liblemessaging.so.0"
try:
    _library = ctypes.PyDLL(_PATH)
except OSError as error:
    raise ImportError(
        f"{error}. Install le_messaging's library, or set LD_LIBRARY_PATH or "
        "LE_MESSAGING_LIBRARY"
    ) from None

OK = 0
NOT_FOUND = -1
NO_MEMORY = -4
FAULT = -6
TIMEOUT = -8
WOULD_BLOCK = -11
DUPLICATE = -14
BAD_PARAMETER = -15
CLOSED = -16
UNAVAILABLE = -21
TERMINATED = -22

NO_TIMEOUT = 0xFFFFFFFF

QUEUED = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)
SESSION_EVENT = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)
RECEIVE = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)
OPEN_RESULT = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_void_p)
RESULT = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_void_p)


def _function(name, result, *arguments):
    function = getattr(_library, name)
    function.restype = result
    function.argtypes = arguments
    return function


_ref = c_void_p
_out = c_void_p  # the result of byref() is accepted, too

get_fd = _function("le_event_GetFd", c_int)
service_loop = _function("le_event_ServiceLoop", c_int)
queue_function = _function(
    "le_event_QueueFunction", None, QUEUED, c_void_p, c_void_p
)

try_get_protocol = _function(
    "le_msg_TryGetProtocolRef", c_int, c_char_p, c_size_t, _out
)
try_create_session = _function("le_msg_TryCreateSession", c_int, _ref, c_char_p, _out)
drop_session = _function("le_msg_DropSession", None, _ref)
set_receive_handler = _function(
    "le_msg_SetSessionRecvHandler", None, _ref, RECEIVE, c_void_p
)
set_close_handler = _function(
    "le_msg_SetSessionCloseHandler", None, _ref, SESSION_EVENT, c_void_p
)
set_room_handler = _function(
    "le_msg_SetSessionRoomHandler", None, _ref, SESSION_EVENT, c_void_p
)
open_session = _function(
    "le_msg_OpenSessionTimed", None, _ref, c_uint32, OPEN_RESULT, c_void_p
)
close_session = _function("le_msg_CloseSession", None, _ref)
get_wait_reason = _function("le_msg_GetWaitReason", c_int, _ref, c_void_p, c_size_t)
get_close_reason = _function("le_msg_GetCloseReason", c_int, _ref)
get_close_reason_text = _function("le_msg_GetCloseReasonTxt", c_char_p, c_int)
get_server = _function("le_msg_GetServerUserCreds", c_int, _ref, _out, _out)
get_client = _function("le_msg_GetClientUserCreds", c_int, _ref, _out, _out)

create_message = _function("le_msg_CreateMsg", _ref, _ref)
release_message = _function("le_msg_ReleaseMsg", None, _ref)
needs_response = _function("le_msg_NeedsResponse", c_bool, _ref)
payload_for_reading = _function(
    "le_msg_GetPayloadForReading", c_void_p, _ref, _out
)
payload_for_writing = _function(
    "le_msg_GetPayloadForWriting", c_void_p, _ref, c_size_t
)
set_message_fd = _function("le_msg_SetFd", None, _ref, c_int)
take_message_fd = _function("le_msg_GetFd", c_int, _ref)
session_of = _function("le_msg_GetSession", _ref, _ref)
try_send = _function("le_msg_TrySend", c_int, _ref)
request_response = _function(
    "le_msg_RequestResponseTimed", c_uint64, _ref, c_uint32, RESULT, c_void_p
)
cancel_request = _function("le_msg_CancelRequest", c_int, _ref, c_uint64)
respond = _function("le_msg_Respond", None, _ref)

try_create_service = _function("le_msg_TryCreateService", c_int, _ref, c_char_p, _out)
drop_service = _function("le_msg_DropService", None, _ref)
add_open_handler = _function(
    "le_msg_AddServiceOpenHandler", c_void_p, _ref, SESSION_EVENT, c_void_p
)
add_close_handler = _function(
    "le_msg_AddServiceCloseHandler", c_void_p, _ref, SESSION_EVENT, c_void_p
)
set_service_receive_handler = _function(
    "le_msg_SetServiceRecvHandler", None, _ref, RECEIVE, c_void_p
)
set_service_room_handler = _function(
    "le_msg_SetServiceRoomHandler", None, _ref, SESSION_EVENT, c_void_p
)
advertise = _function("le_msg_AdvertiseService", None, _ref)
hide = _function("le_msg_HideService", None, _ref)
refuse_fds = _function("le_msg_RefuseServiceFds", None, _ref)
