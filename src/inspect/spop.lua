-- SPOP in Wireshark and tshark: HAProxy's Stream Processing Offload Protocol, version 2.0 (HAProxy, doc/SPOE.txt).
--
-- Copyright (c) 2026 The sluice authors. MIT licence.
--
-- Install: `sluice inspect wireshark --install`, or copy this file into the personal Lua plugin folder of Wireshark. No port
-- is registered for SPOP: a connection is known by its HELLO. For others use "Decode As...", the preference "TCP ports", or
-- tshark -d tcp.port==12345,spop. Tested with Wireshark 4.0 (Lua 5.2); written for Lua 5.2 to 5.4.

local spop = Proto("spop", "HAProxy Stream Processing Offload Protocol")

local UNSET, HAPROXY_HELLO, HAPROXY_DISCONNECT, NOTIFY = 0, 1, 2, 3
local AGENT_HELLO, AGENT_DISCONNECT, ACK = 101, 102, 103

local frame_types = {
  [UNSET] = "UNSET",
  [HAPROXY_HELLO] = "HAPROXY-HELLO",
  [HAPROXY_DISCONNECT] = "HAPROXY-DISCONNECT",
  [NOTIFY] = "NOTIFY",
  [AGENT_HELLO] = "AGENT-HELLO",
  [AGENT_DISCONNECT] = "AGENT-DISCONNECT",
  [ACK] = "ACK",
}

local data_types = {
  [0] = "NULL", [1] = "BOOLEAN", [2] = "INT32", [3] = "UINT32", [4] = "INT64", [5] = "UINT64",
  [6] = "IPV4", [7] = "IPV6", [8] = "STRING", [9] = "BINARY",
}

local action_types = { [1] = "set-var", [2] = "unset-var" }
-- An action of another count, type or scope is dropped by HAProxy without a word, and so is every action behind it.
local action_args = { [1] = 3, [2] = 2 }
local scopes = { [0] = "proc", [1] = "sess", [2] = "txn", [3] = "req", [4] = "res" }

local statuses = {
  [0] = "normal", [1] = "I/O error", [2] = "a timeout occurred", [3] = "frame is too big", [4] = "invalid frame received",
  [5] = "version value not found", [6] = "max-frame-size value not found", [7] = "capabilities value not found",
  [8] = "unsupported version", [9] = "max-frame-size too big or too small",
  [10] = "payload fragmentation is not supported", [11] = "invalid interlaced frames", [12] = "frame-id not found",
  [13] = "resource allocation error", [99] = "an unknown error occurred",
}

local f = {
  length = ProtoField.uint32("spop.length", "Length", base.DEC, nil, nil, "Bytes of the frame, without this field"),
  type = ProtoField.uint8("spop.type", "Type", base.DEC, frame_types),
  flags = ProtoField.uint32("spop.flags", "Flags", base.HEX),
  fin = ProtoField.bool("spop.flags.fin", "FIN", 32, nil, 0x1, "The last, or only, fragment"),
  abort = ProtoField.bool("spop.flags.abort", "ABORT", 32, nil, 0x2, "The frame is given up"),
  stream_id = ProtoField.uint64("spop.stream_id", "Stream ID", base.DEC),
  frame_id = ProtoField.uint64("spop.frame_id", "Frame ID", base.DEC),
  payload = ProtoField.bytes("spop.payload", "Payload"),
  fragment = ProtoField.bytes("spop.fragment", "Fragment"),
  message = ProtoField.string("spop.message", "Message"),
  nb_args = ProtoField.uint8("spop.nb_args", "Number of arguments", base.DEC),
  arg = ProtoField.string("spop.arg", "Argument"),
  name = ProtoField.string("spop.name", "Name"),
  data_type = ProtoField.uint8("spop.data_type", "Data type", base.DEC, data_types, 0x0f),
  value = ProtoField.string("spop.value", "Value"),
  bool = ProtoField.bool("spop.value.bool", "Boolean"),
  int = ProtoField.int64("spop.value.int", "Integer", base.DEC),
  uint = ProtoField.uint64("spop.value.uint", "Unsigned integer", base.DEC),
  ipv4 = ProtoField.ipv4("spop.value.ipv4", "IPv4 address"),
  ipv6 = ProtoField.ipv6("spop.value.ipv6", "IPv6 address"),
  string = ProtoField.string("spop.value.string", "String"),
  binary = ProtoField.bytes("spop.value.binary", "Binary"),
  action = ProtoField.string("spop.action", "Action"),
  action_type = ProtoField.uint8("spop.action.type", "Type", base.DEC, action_types),
  action_args = ProtoField.uint8("spop.action.nb_args", "Number of arguments", base.DEC),
  scope = ProtoField.uint8("spop.action.scope", "Scope", base.DEC, scopes),
  variable = ProtoField.string("spop.variable", "Variable", nil, "Scope and name, without HAProxy's prefix"),
  item = ProtoField.string("spop.item", "Item"),
  status = ProtoField.uint32("spop.status", "Status code", base.DEC, statuses),
  request = ProtoField.framenum("spop.response_to", "Answers the NOTIFY in", base.NONE, frametype.REQUEST),
  response = ProtoField.framenum("spop.response_in", "Answered in", base.NONE, frametype.RESPONSE),
  time = ProtoField.relative_time("spop.time", "Time", "Since the NOTIFY"),
}
local all = {}
for _, field in pairs(f) do all[#all + 1] = field end
spop.fields = all

local e = {
  undecodable = ProtoExpert.new("spop.undecodable", "The payload cannot be decoded", expert.group.MALFORMED, expert.severity.ERROR),
  oversize = ProtoExpert.new("spop.oversize", "Larger than max-frame-size", expert.group.PROTOCOL, expert.severity.ERROR),
  late = ProtoExpert.new("spop.late", "ACK after the stream timed out", expert.group.SEQUENCE, expert.severity.WARN),
  reused = ProtoExpert.new("spop.reused_pair", "Ids of a NOTIFY that still waits", expert.group.SEQUENCE, expert.severity.WARN),
  unasked = ProtoExpert.new("spop.unasked", "ACK that answers no NOTIFY", expert.group.SEQUENCE, expert.severity.WARN),
  no_fin = ProtoExpert.new("spop.no_fin", "Frame of an agent without FIN", expert.group.PROTOCOL, expert.severity.ERROR),
  ignored = ProtoExpert.new("spop.action_ignored", "Action ignored by HAProxy", expert.group.PROTOCOL, expert.severity.ERROR),
  long_name = ProtoExpert.new("spop.long_name", "Name of a variable too long for HAProxy", expert.group.PROTOCOL, expert.severity.WARN),
  status = ProtoExpert.new("spop.bad_status", "A side leaves with an error", expert.group.RESPONSE_CODE, expert.severity.WARN),
  again = ProtoExpert.new("spop.second_ack", "A second ACK", expert.group.SEQUENCE, expert.severity.WARN),
}
local experts = {}
for _, item in pairs(e) do experts[#experts + 1] = item end
spop.experts = experts

spop.prefs.ports = Pref.range("TCP ports", "", "Ports of agents, beside connections that are known by their HELLO", 65535)
spop.prefs.timeout = Pref.uint("Processing timeout (ms)", 0, "HAProxy's timeout processing: a later ACK is marked; 0 is not known")

local tcp_stream = Field.new("tcp.stream")

-- What was learned of each connection, by its tcp.stream; and what was found out about each frame when it was seen first, by
-- packet number and place in it: packets are dissected again, in any order, when they are shown.
local connections, results = {}, {}

function spop.init()
  connections, results = {}, {}
end

local largest_frame = 0x1000000

-- Readers take a tvb and a place, and give the value and the next place. They raise an error at the end of the payload.

local function need(tvb, at, count)
  if at + count > tvb:len() then
    error(string.format("%d bytes wanted at byte %d, %d left", count, at, math.max(0, tvb:len() - at)), 0)
  end
end

local function read_byte(tvb, at)
  need(tvb, at, 1)
  return tvb(at, 1):uint(), at + 1
end

-- A first byte below 240 is the number; else each following byte has seven more bits, from the fifth on, until one is below
-- 128. Numbers of Lua are exact to 2^53: beyond, they are UInt64.
local function read_varint(tvb, at)
  local byte, first = nil, at
  local value
  value, at = read_byte(tvb, at)
  if value < 240 then return value, at end
  local shift, wide = 4, nil
  repeat
    if shift > 67 then error("a number of more than 10 bytes at byte " .. first, 0) end
    byte, at = read_byte(tvb, at)
    if shift <= 39 then
      value = value + byte * 2 ^ shift
    else
      wide = (wide or UInt64.new(value % 2 ^ 32, math.floor(value / 2 ^ 32))) + UInt64.new(byte, 0):lshift(shift)
    end
    shift = shift + 7
  until byte < 128
  return wide or value, at
end

local function to_uint64(value)
  if type(value) ~= "number" then return value end
  return UInt64.new(value % 2 ^ 32, math.floor(value / 2 ^ 32))
end

-- The pattern of 64 bits, with its sign.
local function to_int64(value)
  return Int64.decode(to_uint64(value):encode())
end

local function read_size(tvb, at)
  local size, next_at = read_varint(tvb, at)
  if type(size) ~= "number" then error("a length of " .. tostring(size), 0) end
  need(tvb, next_at, size)
  return size, next_at
end

local function text_of(tvb, at, size)
  return size == 0 and "" or tvb(at, size):string()
end

local function range_of(tvb, at, size)
  if size > 0 then return tvb(at, size) end
  return nil
end

-- An empty range cannot be had of a tvb: then the item belongs to no bytes.
local function add(tree, field, range, value)
  if range == nil then return tree:add(field, value) end
  if value == nil then return tree:add(field, range) end
  return tree:add(field, range, value)
end

local function read_string(tvb, at)
  local size, start = read_size(tvb, at)
  return text_of(tvb, start, size), start + size
end

-- Each adds its item and gives the text of the value, and the next place.
local function add_integer(kind)
  return function(tree, tvb, at)
    local value, next_at = read_varint(tvb, at)
    local shown = kind == 5 and to_uint64(value) or to_int64(value)
    tree:add(kind == 5 and f.uint or f.int, tvb(at, next_at - at), shown)
    return tostring(shown), next_at
  end
end

local function add_address(field, size)
  return function(tree, tvb, at)
    need(tvb, at, size)
    tree:add(field, tvb(at, size))
    local address = size == 4 and tvb(at, size):ipv4() or tvb(at, size):ipv6()
    return tostring(address), at + size
  end
end

local value_readers = {
  [0] = function(_, _, at) return "NULL", at end,
  [2] = add_integer(2),
  [3] = add_integer(3),
  [4] = add_integer(4),
  [5] = add_integer(5),
  [6] = add_address(f.ipv4, 4),
  [7] = add_address(f.ipv6, 16),
  [8] = function(tree, tvb, at)
    local size, start = read_size(tvb, at)
    local text = text_of(tvb, start, size)
    add(tree, f.string, range_of(tvb, start, size), text)
    return text, start + size
  end,
  [9] = function(tree, tvb, at)
    local size, start = read_size(tvb, at)
    if size > 0 then tree:add(f.binary, tvb(start, size)) end
    return string.format("%d bytes", size), start + size
  end,
}

-- Typed data: the low four bits are the type, the others its flags. Gives the text, the next place, and the value of a
-- status code or a size.
local function add_value(tree, tvb, at)
  local head, next_at = read_byte(tvb, at)
  local kind = head % 16
  tree:add(f.data_type, tvb(at, 1))
  local text
  if kind == 1 then
    local is_true = math.floor(head / 16) % 2 == 1
    tree:add(f.bool, tvb(at, 1), is_true)
    text = tostring(is_true)
  else
    local reader = value_readers[kind]
    if reader == nil then error(string.format("a value of type %d at byte %d", kind, at), 0) end
    text, next_at = reader(tree, tvb, next_at)
  end
  tree:add(f.value, tvb(at, next_at - at), text)
  return text, next_at
end

local function add_item(tree, tvb, at, field)
  local name, value_at = read_string(tvb, at)
  local item = tree:add(field, tvb(at, value_at - at), name)
  add(item, f.name, range_of(tvb, at, value_at - at), name)
  local text, next_at = add_value(item, tvb, value_at)
  item:set_len(next_at - at)
  item:set_text(string.format("%s = %s", name == "" and "(no name)" or name, text))
  return name, text, next_at
end

local function dissect_items(tree, tvb, at, found)
  while at < tvb:len() do
    local name, text
    name, text, at = add_item(tree, tvb, at, f.item)
    if found[name] == nil then found[name] = text end
  end
end

local function dissect_messages(tree, tvb, at, names)
  while at < tvb:len() do
    local start = at
    local name
    name, at = read_string(tvb, at)
    names[#names + 1] = name
    local message = tree:add(f.message, tvb(start, at - start), name)
    local count
    count, at = read_byte(tvb, at)
    message:add(f.nb_args, tvb(at - 1, 1))
    for _ = 1, count do
      local _, _, next_at = add_item(message, tvb, at, f.arg)
      at = next_at
    end
    message:set_len(at - start)
  end
end

-- HAProxy writes scope, prefix and name, with dots between them, into 63 bytes. A prefix has one character at least.
local function check_variable(item, scope, name)
  local room = 63 - #scope - 1 - 1 - 1
  if #name > room then
    item:add_proto_expert_info(e.long_name, string.format("variable name of %d characters is dropped", #name))
  end
end

local function dissect_action(tree, tvb, at, index)
  local start = at
  local kind, count, scope, name
  kind, at = read_byte(tvb, at)
  local item = tree:add(f.action, tvb(start, 1), action_types[kind] or ("type " .. kind))
  local function ignore(why)
    item:add_proto_expert_info(e.ignored, string.format("action %d ignored by HAProxy: %s", index, why))
    return nil
  end
  item:add(f.action_type, tvb(start, 1))
  if action_types[kind] == nil then return ignore("its type is " .. kind) end
  count, at = read_byte(tvb, at)
  item:add(f.action_args, tvb(at - 1, 1))
  if count ~= action_args[kind] then return ignore("nb-args is " .. count) end
  scope, at = read_byte(tvb, at)
  item:add(f.scope, tvb(at - 1, 1))
  if scopes[scope] == nil then return ignore("its scope is " .. scope) end
  local name_at = at
  name, at = read_string(tvb, at)
  local variable = scopes[scope] .. "." .. name
  item:add(f.variable, tvb(name_at, at - name_at), variable)
  check_variable(item, scopes[scope], name)
  local shown = action_types[kind] .. " " .. variable
  if kind == 1 then
    local text
    text, at = add_value(item, tvb, at)
    shown = shown .. " = " .. text
  end
  item:set_len(at - start)
  item:set_text(shown)
  return at
end

local function dissect_actions(tree, tvb, at)
  local index = 1
  while at ~= nil and at < tvb:len() do
    at = dissect_action(tree, tvb, at, index)
    index = index + 1
  end
end

-- What is remembered.

local function connection_of(stream)
  local known = connections[stream]
  if known == nil then
    known = { waiting = {}, answered = {} }
    connections[stream] = known
  end
  return known
end

-- The fragments of a NOTIFY: the first is a NOTIFY without FIN, the others are UNSET, the last has FIN.
local function collect_fragment(known, result, head, payload)
  if head.type == NOTIFY then known.fragments = ByteArray.new() end
  if known.fragments == nil then return end
  if payload ~= nil then known.fragments:append(payload:bytes()) end
  if not head.fin then return end
  if not head.abort then result.joined = known.fragments end
  known.fragments = nil
end

local function on_notify(known, result, head, pinfo)
  local waiting = known.waiting[head.ids]
  if waiting ~= nil then result.reused = pinfo.rel_ts - waiting.time end
  local asked = { number = pinfo.number, time = pinfo.rel_ts, result = result }
  known.waiting[head.ids] = asked
  known.answered[head.ids] = nil
end

local function on_ack(known, result, head, pinfo)
  local asked = known.waiting[head.ids]
  if asked == nil then
    -- What began before the capture may have asked, or, with async, another connection.
    if known.greeted and not known.async then result.unasked = known.answered[head.ids] and "again" or "unasked" end
    return
  end
  known.waiting[head.ids] = nil
  known.answered[head.ids] = true
  result.request = asked.number
  result.time = pinfo.rel_ts - asked.time
  asked.result.response = pinfo.number
end

local function learn(known, result, head, pinfo, payload)
  local is_fragment = head.type == UNSET or (head.type == NOTIFY and not head.fin)
  if is_fragment then collect_fragment(known, result, head, payload) end
  if head.type == NOTIFY then on_notify(known, result, head, pinfo) end
  if head.type == ACK then on_ack(known, result, head, pinfo) end
  result.limit = known.limit
end

-- Of both HELLOs the agent's is the later, and the smaller.
local function learn_hello(known, head, found)
  local size = tonumber(found["max-frame-size"] or "")
  if size ~= nil and (known.limit == nil or size < known.limit) then known.limit = size end
  if head.type == HAPROXY_HELLO then known.greeted = true end
  if head.type == AGENT_HELLO then known.async = (found["capabilities"] or ""):find("async", 1, true) ~= nil end
end

-- Frames.

local function dissect_head(tree, tvb)
  local head = {}
  head.length = tvb(0, 4):uint()
  tree:add(f.length, tvb(0, 4))
  need(tvb, 4, 5)
  head.type = tvb(4, 1):uint()
  tree:add(f.type, tvb(4, 1))
  local flags = tvb(5, 4):uint()
  local flag_tree = tree:add(f.flags, tvb(5, 4))
  flag_tree:add(f.fin, tvb(5, 4))
  flag_tree:add(f.abort, tvb(5, 4))
  head.fin = flags % 2 == 1
  head.abort = math.floor(flags / 2) % 2 == 1
  local stream_id, frame_at = read_varint(tvb, 9)
  tree:add(f.stream_id, tvb(9, frame_at - 9), to_uint64(stream_id))
  local frame_id, at = read_varint(tvb, frame_at)
  tree:add(f.frame_id, tvb(frame_at, at - frame_at), to_uint64(frame_id))
  head.ids = tostring(to_uint64(stream_id)) .. "/" .. tostring(to_uint64(frame_id))
  head.at = at
  return head
end

-- Seconds as Wireshark has them: with a fraction.
local function to_time(seconds)
  local whole = math.floor(seconds)
  return NSTime.new(whole, math.floor((seconds - whole) * 1e9 + 0.5))
end

local function add_links(tree, result)
  local function generated(field, value)
    tree:add(field, value):set_generated()
  end
  if result.response ~= nil then generated(f.response, result.response) end
  if result.request ~= nil then generated(f.request, result.request) end
  if result.time ~= nil then generated(f.time, to_time(result.time)) end
end

local function add_complaints(tree, head, result)
  local function complain(item, text, ...)
    tree:add_proto_expert_info(item, string.format(text, ...))
  end
  if result.limit ~= nil and head.length > result.limit then
    complain(e.oversize, "%d bytes, and max-frame-size is %d", head.length, result.limit)
  end
  if head.type >= AGENT_HELLO and head.type <= ACK and not head.fin then
    complain(e.no_fin, "%s without FIN: HAProxy disconnects with status 10", frame_types[head.type])
  end
  if result.reused ~= nil then
    complain(e.reused, "NOTIFY %s was asked %.0f ms ago and has no answer yet", head.ids, result.reused * 1000)
  end
  if result.unasked == "unasked" then complain(e.unasked, "ACK %s answers no NOTIFY", head.ids) end
  if result.unasked == "again" then complain(e.again, "a second ACK %s", head.ids) end
  local timeout = spop.prefs.timeout
  if result.time ~= nil and timeout > 0 and result.time * 1000 > timeout then
    complain(e.late, "ACK %.0f ms after the stream timed out", result.time * 1000 - timeout)
  end
end

local function dissect_disconnect(tree, tvb, at, found)
  dissect_items(tree, tvb, at, found)
  local status = tonumber(found["status-code"] or "")
  if status == nil then return "" end
  tree:add(f.status, status):set_generated()
  if status ~= 0 then
    local text = statuses[status] or "status " .. status
    tree:add_proto_expert_info(e.status, string.format("status %d: %s", status, text))
  end
  return string.format(" %d %s", status, found["message"] or "")
end

-- Gives what the summary says behind the ids.
local function dissect_payload(tree, tvb, head, result, found)
  if head.type == HAPROXY_HELLO or head.type == AGENT_HELLO then
    dissect_items(tree, tvb, head.at, found)
    return found["healthcheck"] == "true" and " health check" or ""
  end
  if head.type == HAPROXY_DISCONNECT or head.type == AGENT_DISCONNECT then
    return dissect_disconnect(tree, tvb, head.at, found)
  end
  if head.type == ACK then
    dissect_actions(tree, tvb, head.at)
    return ""
  end
  local size = tvb:len() - head.at
  if head.type == NOTIFY and head.fin and not head.abort then
    local names = {}
    dissect_messages(tree, tvb, head.at, names)
    return " " .. table.concat(names, " ")
  end
  local is_fragment = head.type == NOTIFY or head.type == UNSET
  if size > 0 then tree:add(is_fragment and f.fragment or f.payload, tvb(head.at, size)) end
  if result.joined == nil or result.joined:len() == 0 then return is_fragment and " fragment" or "" end
  local names = {}
  dissect_messages(tree, result.joined:tvb("Joined SPOP fragments"), 0, names)
  return " " .. table.concat(names, " ")
end

local pdu = 0

local function dissect_frame(tvb, pinfo, root)
  pdu = pdu + 1
  local tree = root:add(spop, tvb())
  local key = pinfo.number .. ":" .. pdu
  local found, head, summary, name = {}, nil, "", "?"
  local ok, why = pcall(function()
    head = dissect_head(tree, tvb)
    name = frame_types[head.type] or ("type " .. head.type)
    if head.ids ~= "0/0" or head.type == NOTIFY or head.type == ACK then name = name .. " " .. head.ids end
    local known = connection_of(tcp_stream().value)
    local is_new = results[key] == nil
    if is_new then
      results[key] = {}
      local payload = tvb:len() > head.at and tvb(head.at) or nil
      learn(known, results[key], head, pinfo, payload)
    end
    add_links(tree, results[key])
    add_complaints(tree, head, results[key])
    local read, wrong = pcall(function() summary = dissect_payload(tree, tvb, head, results[key], found) end)
    if is_new and (head.type == HAPROXY_HELLO or head.type == AGENT_HELLO) then learn_hello(known, head, found) end
    if not read then error(wrong, 0) end
  end)
  if not ok then tree:add_proto_expert_info(e.undecodable, "cannot be decoded: " .. tostring(why)) end
  tree:append_text(", " .. name)
  pinfo.cols.info:append((pdu > 1 and ", " or "") .. name .. summary)
  return tvb:len()
end

local function length_of(tvb, _, at)
  local length = tvb(at, 4):uint()
  -- That is no frame: the rest is shown as it is.
  if length > largest_frame then return tvb:len() - at end
  return length + 4
end

function spop.dissector(tvb, pinfo, root)
  if tvb:len() >= 4 and tvb(0, 4):uint() > largest_frame then return 0 end
  pinfo.cols.protocol = "SPOP"
  pinfo.cols.info = ""
  pdu = 0
  dissect_tcp_pdus(tvb, root, 4, length_of, dissect_frame)
  return tvb:len()
end

-- A HELLO from either side: FIN, no ids, and a first key that only SPOP has.
local first_keys = {
  ["supported-versions"] = true, ["version"] = true, ["max-frame-size"] = true,
  ["capabilities"] = true, ["engine-id"] = true, ["healthcheck"] = true,
}

local function looks_like_hello(tvb)
  if tvb:len() < 14 then return false end
  local length, kind = tvb(0, 4):uint(), tvb(4, 1):uint()
  if length < 14 or length > largest_frame then return false end
  if kind ~= HAPROXY_HELLO and kind ~= AGENT_HELLO then return false end
  if tvb(5, 4):uint() ~= 1 or tvb(9, 2):uint() ~= 0 then return false end
  local size = tvb(11, 1):uint()
  return tvb:len() >= 12 + size and size > 0 and first_keys[tvb(12, size):string()] == true
end

spop:register_heuristic("tcp", function(tvb, pinfo, root)
  if not looks_like_hello(tvb) then return false end
  pinfo.conversation = spop
  spop.dissector(tvb, pinfo, root)
  return true
end)

local ports = DissectorTable.get("tcp.port")
ports:add_for_decode_as(spop)

local registered = ""
function spop.prefs_changed()
  if spop.prefs.ports == registered then return end
  if registered ~= "" then ports:remove(registered, spop) end
  registered = spop.prefs.ports
  if registered ~= "" then ports:add(registered, spop) end
end
