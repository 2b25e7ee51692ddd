--- The protocols json 1.0 and json 1.1: one object each way, the operation named in a header.
---
--- Source: botocore/serialize.py (JSONSerializer), botocore/parsers.py (BaseJSONParser).

local decode = require("aws.protocol.decode")
local errors = require("awsbak.errors")
local event_stream = require("aws.protocol.event_stream")
local fault = require("aws.protocol.fault")
local headers = require("awsbak.headers")
local host_prefix = require("aws.protocol.host_prefix")
local json = require("awsbak.core.json")
local json_shape = require("aws.protocol.json_shape")
local reply = require("aws.protocol.reply")

local M = {}

--- The request of an operation, without endpoint and signature.
---@param m aws.Model
---@param op aws.Operation
---@param input table checked against the model
---@return aws.Request
function M.build(m, op, input)
  local shape = op.input and m:shape(op.input)
  local body = shape and json_shape.encode_members(m, shape, input) or {}
  local list = {
    { "X-Amz-Target", m.meta.target_prefix .. "." .. op.name },
    { "Content-Type", "application/x-amz-json-" .. m.meta.json_version },
  }
  if m.meta.query_compatible then
    list[#list + 1] = { "x-amzn-query-mode", "true" }
  end
  return {
    method = op.method,
    path = "/",
    query = {},
    headers = list,
    body = errors.check(json.encode(body)),
    host_prefix = host_prefix.expand(m, op, input),
  }
end

--- The output in a reply with a status of success.
---@param m aws.Model
---@param op aws.Operation
---@param response table `status`, `headers`, `body`
---@return table
--- Raises kind reply when it is not what the protocol promises.
function M.parse(m, op, response)
  if op.events then
    local events = event_stream.new(reply.walk(m, response), op, response.body, "json")
    local output = events:initial()
    output[op.events] = events
    return output
  end
  local shape = op.output and m:shape(op.output)
  local expected = shape and #shape.members > 0
  if response.body == "" and not expected then
    return {}
  end
  local walk = reply.walk(m, response)
  if not expected then
    decode.plain_json(walk)
    return {}
  end
  local output = decode.json(walk, op.output, response.body)
  if output == json.null then
    reply.misshapen(walk, "null where a structure is promised")
  end
  return output
end

--- What a reply with a status of failure says.
---@param m aws.Model
---@param op aws.Operation
---@param response table
---@return aws.Fault
function M.fault(m, op, response)
  local body = json.decode(response.body or "")
  if type(body) ~= "table" then
    if not headers.find(response.headers, "x-amzn-errortype") then
      return reply.bare_fault(response)
    end
    body = {} -- the header says it all
  end
  return fault.from_json(m, op, response, body, body.__type)
end

return M
