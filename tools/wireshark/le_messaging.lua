-- Copyright 2026 The le_messaging Authors
-- SPDX-License-Identifier: Apache-2.0
--
-- Dissects the files of `sdir record` (messaging/recording/pcapng.h):
--
--   wireshark -X lua_script:le_messaging.lua FILE
--
-- or copy this file to ~/.local/lib/wireshark/plugins.

local message = Proto("lemessaging", "le_messaging")

local TYPES = { [2] = "Message", [3] = "Request", [4] = "Response", [5] = "Released" }
local KINDS = { "call", "one-way", "cancel", "credit", "item", "status" }
local HEADER_BYTES = 24
local ENVELOPE_BYTES = 12

local fields = {
  version = ProtoField.uint8("lemessaging.version", "Version of this header"),
  to_client = ProtoField.bool("lemessaging.to_client", "To the client", 8, nil, 0x01),
  descriptor = ProtoField.bool("lemessaging.descriptor", "With a file descriptor", 8, nil, 0x02),
  type = ProtoField.uint8("lemessaging.type", "Type", base.DEC, TYPES, 0x3f),
  length_set = ProtoField.bool("lemessaging.length_set", "The sender has set the length", 8, nil, 0x40),
  session = ProtoField.uint32("lemessaging.session", "Session"),
  pid = ProtoField.int32("lemessaging.client_pid", "Client's process"),
  id = ProtoField.uint64("lemessaging.id", "Transaction"),
  size = ProtoField.uint32("lemessaging.size", "Bytes of the payload"),
  payload = ProtoField.bytes("lemessaging.payload", "Payload"),
  method = ProtoField.uint16("lemessaging.typed.method", "Method"),
  kind = ProtoField.uint8("lemessaging.typed.kind", "Kind", base.DEC, KINDS),
  call = ProtoField.uint32("lemessaging.typed.call", "Call"),
  value = ProtoField.uint32("lemessaging.typed.value", "Value"),
  body = ProtoField.bytes("lemessaging.typed.body", "Body"),
}
message.fields = fields
-- Nothing in the file says whether a service is typed.
message.prefs.typed = Pref.bool("Typed services", false, "Payloads begin with the envelope of typed services")

local function add_envelope(tree, payload)
  local typed = tree:add(message, payload, "Typed service")
  typed:add_le(fields.method, payload(0, 2))
  typed:add(fields.kind, payload(2, 1))
  typed:add_le(fields.call, payload(4, 4))
  typed:add_le(fields.value, payload(8, 4))
  if payload:len() > ENVELOPE_BYTES then typed:add(fields.body, payload(ENVELOPE_BYTES)) end
end

function message.dissector(buffer, packet, root)
  if buffer:len() < HEADER_BYTES or buffer(0, 1):uint() ~= 1 then return 0 end
  local to_client = bit.band(buffer(1, 1):uint(), 1) == 1
  local type = TYPES[bit.band(buffer(2, 1):uint(), 0x3f)] or "Frame"
  local pid = buffer(8, 4):le_int()

  packet.cols.protocol = "le_messaging"
  packet.cols.src = to_client and "server" or "pid " .. pid
  packet.cols.dst = to_client and "pid " .. pid or "server"
  packet.cols.info = string.format("%s %s, session %d, %d bytes", type, tostring(buffer(12, 8):le_uint64()),
    buffer(4, 4):le_uint(), buffer(20, 4):le_uint())

  local tree = root:add(message, buffer())
  tree:add(fields.version, buffer(0, 1))
  tree:add(fields.to_client, buffer(1, 1))
  tree:add(fields.descriptor, buffer(1, 1))
  tree:add(fields.type, buffer(2, 1))
  tree:add(fields.length_set, buffer(2, 1))
  tree:add_le(fields.session, buffer(4, 4))
  tree:add_le(fields.pid, buffer(8, 4))
  tree:add_le(fields.id, buffer(12, 8))
  tree:add_le(fields.size, buffer(20, 4))
  if buffer:len() > HEADER_BYTES then
    local payload = buffer(HEADER_BYTES)
    tree:add(fields.payload, payload)
    if message.prefs.typed and payload:len() >= ENVELOPE_BYTES then add_envelope(tree, payload) end
  end
  return buffer:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, message)
