--- The protocol rest-json: members in paths, query strings and headers, JSON bodies.
---
--- Source: botocore/serialize.py (RestJSONSerializer), botocore/parsers.py (RestJSONParser).

local decode = require("aws.protocol.decode")
local errors = require("awsbak.errors")
local fault = require("aws.protocol.fault")
local headers = require("awsbak.headers")
local json = require("awsbak.core.json")
local json_shape = require("aws.protocol.json_shape")
local reply = require("aws.protocol.reply")
local rest = require("aws.protocol.rest")

local M = {}

local TYPE = "application/json"

local bodies = { format = "json" }

function bodies.payload(m, member, value)
  if value == nil then
    return "{}", TYPE
  end
  return errors.check(json.encode(json_shape.encode(m, member, value))), TYPE
end

function bodies.members(m, op, input)
  local shape = m:shape(op.input)
  if not rest.has_body_members(shape) then
    return nil
  end
  local object = json_shape.encode_members(m, shape, input, true)
  return errors.check(json.encode(object)), TYPE
end

-- An empty body says as much as {}.
function bodies.parse_payload(walk, _, member)
  local body = walk.response.body
  local value = body ~= "" and decode.json(walk, member.shape, body)
  if not value or value == json.null then
    return nil
  end
  return value
end

-- With status 200 services send at least {} where members are promised: nothing at all is somebody
-- else's answer. With 202 and 204 it may be all there is to say.
function bodies.parse_members(walk, _, shape)
  local response = walk.response
  if response.body == "" and response.status ~= 200 then
    return {}
  end
  local value = decode.json(walk, shape.name, response.body)
  if value == json.null then
    reply.misshapen(walk, "null where a structure is promised")
  end
  return value
end

function bodies.parse_nothing(walk)
  if walk.response.body ~= "" then
    decode.plain_json(walk)
  end
end

--- The request of an operation, without endpoint and signature.
---@param m aws.Model
---@param op aws.Operation
---@param input table checked against the model
---@return aws.Request
function M.build(m, op, input)
  return rest.build(m, op, input, bodies)
end

--- The output in a reply with a status of success.
---@param m aws.Model
---@param op aws.Operation
---@param response table `status`, `headers`, `body`
---@return table
--- Raises kind reply when it is not what the protocol promises.
function M.parse(m, op, response)
  return rest.parse(m, op, response, bodies)
end

-- Where a body may have the code; the last is OAuth's.
local CODES = { "code", "Code", "__type", "error" }

--- What a reply with a status of failure says; its code is in a header, or in the body.
---@param m aws.Model
---@param op aws.Operation
---@param response table
---@return aws.Fault
function M.fault(m, op, response)
  local body = json.decode(response.body or "")
  local code = headers.find(response.headers, "x-amzn-errortype")
  if type(body) ~= "table" then
    if not code then
      return reply.bare_fault(response)
    end
    body = {} -- of a HEAD request: the header says it all
  end
  for _, name in ipairs(CODES) do
    code = code or type(body[name]) == "string" and body[name] or nil
  end
  return rest.add_head(m, op, response, fault.from_json(m, op, response, body, code))
end

return M
