--- What error replies say, in one form for all protocols.

local decode = require("aws.protocol.decode")
local errors = require("awsbak.errors")
local headers = require("awsbak.headers")
local json = require("awsbak.core.json")
local reply = require("aws.protocol.reply")
local xml = require("awsbak.core.xml")

local fault = {}

---@class aws.Fault
---@field code string "ParameterNotFound"; the status when the reply names no code
---@field message string
---@field request_id string?
---@field retryable boolean? whether the model says that another try may do better; nil when it does
---  not know the error
---@field throttling boolean? whether it says that the service wants fewer requests
---@field fields table? what else the service said, with the members of the error's shape
---@field query_code string? the code of the JSON protocol where `code` is that of the older query
---  protocol

--- A code without what some services put around it: "com.aws.api#NotFound:http://x/" is "NotFound"
--- (Smithy, "Operation error serialization"; botocore/parsers.py, _do_error_parse).
---@param code string
---@return string
function fault.bare_code(code)
  code = code:match("^[^:]*")
  return code:match("#(.*)$") or code
end

--- The shape of an operation's error with that code, or nil.
---@param m aws.Model
---@param op aws.Operation
---@param code string
---@return aws.Shape?
function fault.shape(m, op, code)
  for _, name in ipairs(op.errors) do
    local shape = m:shape(name)
    if (shape.error_code or name) == code or name == code then
      return shape
    end
  end
  return nil
end

--- The old query protocol's code where a service still gives it:
--- "AWS.SimpleQueueService.NonExistentQueue;Sender".
local function query_error(response)
  local header = headers.find(response.headers, "x-amzn-query-error")
  return header and header:match("^([^;]+);[^;]*$")
end

local function is_text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

--- What a body says, in the forms that services have; the last is OAuth's.
local function message_of(body)
  for _, name in ipairs({ "message", "Message", "errorMessage", "error_description" }) do
    if is_text(body[name]) then
      return body[name]
    end
  end
end

--- The members of the error beyond code and message; those of a wrong type are left out.
local function fields(m, response, shape, body)
  local found = shape
      and errors.try(decode.json, reply.walk(m, response), shape.name, response.body)
    or body
  local rest = {}
  for name, value in pairs(found) do
    if name:lower() ~= "message" and name ~= "__type" and value ~= json.null then
      rest[name] = value
    end
  end
  return rest
end

--- The fault in a JSON body.
---@param m aws.Model
---@param op aws.Operation
---@param response table
---@param body table decoded
---@param code any where the protocol puts it
---@return aws.Fault
function fault.from_json(m, op, response, body, code)
  code = is_text(code) or is_text(headers.find(response.headers, "x-amzn-errortype"))
  if not code then
    code = is_text(body.code) or is_text(body.Code)
  end
  local named = code and fault.bare_code(code)
  code = named or tostring(response.status)
  local older = query_error(response)
  local shape = fault.shape(m, op, code)
  return {
    code = older or code,
    query_code = older and code,
    message = message_of(body) or named,
    request_id = reply.request_id(response),
    retryable = shape and shape.retryable ~= nil,
    throttling = shape and shape.retryable == "throttling" or nil,
    fields = fields(m, response, shape, body),
  }
end

local function child_text(document, name, node)
  local found = document:child(name, node)
  return found and is_text(document:text(found))
end

--- The element with code and message: S3's root, or <ErrorResponse><Error>, or
--- <Response><Errors><Error>; nil when there is none.
local function error_node(document)
  if document:name() == "Error" then
    return 1
  end
  local list = document:child("Errors")
  return document:child("Error") or (list and document:child("Error", list))
end

local XML_ENVELOPE = { Code = true, Message = true, RequestId = true, Type = true }

--- What an error element says beyond the usual: as the error's shape has it, the rest as text.
local function xml_fields(m, response, shape, document, node)
  local walk = reply.walk(m, response)
  local found = shape and errors.try(decode.xml, walk, shape.name, document, node) or {}
  for name, text in pairs(document:texts(node)) do
    if not XML_ENVELOPE[name] and found[name] == nil then
      found[name] = text
    end
  end
  found.message, found.Message = nil, nil
  return found
end

--- The fault in an XML body; also that of a reply without one (HEAD), which is its status.
---@param m aws.Model
---@param op aws.Operation
---@param response table
---@return aws.Fault
function fault.from_xml(m, op, response)
  local document = xml.read(response.body or "")
  local node = document and error_node(document)
  if not node then
    return reply.bare_fault(response)
  end
  local code = child_text(document, "Code", node) or tostring(response.status)
  local shape = fault.shape(m, op, code)
  return {
    code = code,
    message = child_text(document, "Message", node) or code,
    request_id = reply.request_id(response)
      or child_text(document, "RequestId")
      or child_text(document, "RequestID")
      or child_text(document, "RequestId", node),
    retryable = shape and shape.retryable ~= nil,
    throttling = shape and shape.retryable == "throttling" or nil,
    fields = xml_fields(m, response, shape, document, node),
  }
end

return fault
