--- What is fuzzed: functions of one text each. They take any bytes: a value comes back, or an error
--- of ours; anything else is raised, which fuzz.c takes for a finding.

local age = require("awsbak.core.age")
local arn = require("aws.endpoint.arn")
local codec = require("awsbak.core.codec")
local endpoint = require("aws.endpoint")
local errors = require("awsbak.errors")
local event_stream = require("aws.protocol.event_stream")
local ini = require("aws.ini")
local jmespath = require("awsbak.jmespath")
local json = require("awsbak.core.json")
local model = require("aws.model")
local shape = require("awsbak.core.shape")
local shapes = require("spec.support.shapes")
local time = require("awsbak.time")
local timestamp = require("aws.protocol.timestamp")
local url = require("aws.endpoint.url")
local xml = require("awsbak.core.xml")

local targets = {}

--- The results of a function that may raise errors of ours, and no others.
local function ours(f, ...)
  local results = table.pack(pcall(f, ...))
  if not results[1] then
    assert(errors.is(results[2]), "not an error of ours: " .. tostring(results[2]))
    return nil, results[2]
  end
  return table.unpack(results, 2, results.n)
end

--- A function of the core: a value, or nil and an error that says what is wrong with a reply.
local function core(f, ...)
  local value, err = f(...)
  if value == nil then
    assert(err.kind == "reply" or err.code == "misshapen", err.kind)
    assert(#err.message > 0 and #err.message < 1000, "a message of odd length")
  end
  return value
end

function targets.json(bytes)
  local value = core(json.decode, bytes)
  if value ~= nil then
    local text = assert(json.encode(value))
    assert(json.encode(json.decode(text)) == text, "it is not the same after another round")
  end
end

function targets.xml(bytes)
  core(xml.parse, bytes)
  local document = core(xml.read, bytes)
  if document then
    document:name()
    document:texts()
    local child = document:child()
    assert(not child or #document:name(child) >= 0)
  end
end

local plan = shapes.plan(timestamp.parse)

function targets.shape_json(bytes)
  core(shape.json, plan, bytes, "Node")
end

function targets.shape_xml(bytes)
  local document = core(xml.read, bytes)
  if document then
    core(shape.xml, plan, document, "Node")
  end
end

function targets.ini(bytes)
  local sections = ours(ini.parse, bytes, "config")
  assert(sections == nil or type(sections) == "table")
  ours(ini.split, bytes)
end

function targets.uri(bytes)
  local origin, base = ours(endpoint.parse_url, bytes)
  if origin then
    assert(origin:find("^https?://[^/?#%s@]+$"), origin)
    assert(base == "" or base:find("^/[^?#%s]*$"), base)
  end
  local found = url.parse(bytes)
  assert(not found or found.scheme == "http" or found.scheme == "https")
end

function targets.arn(bytes)
  local found = arn.parse(bytes)
  if found then
    assert(bytes:sub(1, 4) == "arn:" and #found.resourceId > 0)
  end
end

--- An error of a key: one that says what is wrong with it.
local function key(value, err)
  if value == nil then
    assert(err.code == "key", err.message)
    assert(#err.message > 0 and #err.message < 400, "a message of odd length")
  end
  return value
end

-- Text of stanzas, and of plugins' keys.
function targets.age_text(bytes)
  local stanzas, err = age.stanzas(bytes)
  assert(stanzas or err.code == "age_header")
  for _, s in ipairs(stanzas or {}) do
    assert(bytes:find(s.text, 1, true) and #s >= 1)
    assert(#age.stanzas(s.text) == 1, "it is not the same alone")
  end
  local length = age.header_length(bytes)
  assert(not length or length <= #bytes and bytes:sub(1, length):find("%-%-%-[^\n]*\n$"))
  local name, data = age.plugin(bytes)
  if name then
    local again = bytes:find("^age1") and age.bech32("age1" .. name, data)
      or age.bech32("AGE-PLUGIN-" .. name:upper() .. "-", data)
    assert(again:lower() == bytes:lower())
  end
end

-- The bytes as they are; and as what an SSH key has in base64.
function targets.ssh_key(bytes)
  local base64 = codec.base64(bytes)
  local file = "-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n"
  for _, text in ipairs({ bytes, file:format(base64) }) do
    local list = key(age.identities(text))
    for _, identity in ipairs(list or {}) do
      assert(age.check_recipient(assert(age.recipient(identity))))
    end
  end
  key(age.check_recipient(bytes))
  key(age.check_recipient("ssh-ed25519 " .. base64))
  key(age.check_recipient("ssh-rsa " .. base64))
end

function targets.timestamp(bytes)
  local seconds = timestamp.parse(bytes)
  if seconds then
    local text = timestamp.iso8601(seconds)
    assert(math.abs(timestamp.parse(text) - seconds) < 1e-3, text)
  end
end

function targets.http_date(bytes)
  local seconds = time.parse_http(bytes)
  if seconds then
    assert(time.parse_http(time.http(seconds)) == seconds, bytes)
  end
end

local DOCUMENT = { a = { { b = 1, c = "x" }, { b = 2 } }, d = { e = json.null } }

function targets.jmespath(bytes)
  local search = ours(jmespath.compile, bytes)
  if search then
    ours(search, DOCUMENT)
  end
end

local S3 = model.load("s3")
local SELECT = S3:operation("SelectObjectContent")

function targets.event_stream(bytes)
  local at = 1
  local body = {
    subject = { service = "s3", operation = "SelectObjectContent" },
    read = function(_, count)
      local piece = bytes:sub(at, at + count - 1)
      at = at + #piece
      return piece ~= "" and piece or nil
    end,
    close = function() end,
  }
  local walk = { model = S3, response = { status = 200, headers = {}, body = body } }
  local events = event_stream.new(walk, SELECT, body, "xml")
  while ours(events.next, events) do
    assert(at <= #bytes + 1)
  end
end

return targets
