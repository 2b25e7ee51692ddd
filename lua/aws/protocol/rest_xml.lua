--- The protocol rest-xml: members in paths, query strings and headers, XML bodies. It is S3's.
---
--- Source: botocore/serialize.py (RestXMLSerializer), botocore/parsers.py (RestXMLParser).

local decode = require("aws.protocol.decode")
local errors = require("awsbak.errors")
local fault = require("aws.protocol.fault")
local reply = require("aws.protocol.reply")
local rest = require("aws.protocol.rest")
local xml_write = require("aws.protocol.xml_write")

local M = {}

local bodies = { format = "xml" }

function bodies.payload(m, member, value)
  if value == nil then
    return nil
  end
  local shape = m:shape(member)
  local root = member.location_name or shape.name
  return xml_write.document(m, member, value, root), "application/xml"
end

function bodies.members(m, op, input, any)
  if not any then
    return nil
  end
  local shape = m:shape(op.input)
  local ref = { shape = op.input, xml_namespace = op.input_namespace }
  return xml_write.document(m, ref, input, op.input_name or shape.location_name or op.input),
    "application/xml"
end

--- A reply's body. S3 says with status 200 that an operation failed after it began: that is an
--- error like any other.
local function document_of(walk, op)
  local response = walk.response
  local document = decode.document(walk)
  local root = document:name()
  if root:lower() == "html" then
    reply.foreign(response, "XML", "a web page")
  elseif root == "Error" then
    local told = fault.from_xml(walk.model, op, response)
    errors.raise({
      kind = "service",
      code = told.code,
      message = told.message,
      status = response.status,
      request_id = told.request_id,
      fields = told.fields,
    })
  end
  return document
end

--- The structure in a body; raises when the document has children, none of them is known, and it is
--- called otherwise than the shape or the member: it is another document. The name alone tells
--- nothing, for models do not say what S3 calls its roots.
local function structure(walk, shape, document, name)
  local value = decode.xml(walk, shape.name, document)
  local root = document:name()
  if next(value) == nil and document:child() and root ~= shape.name and root ~= name then
    reply.foreign(walk.response, shape.name, ("its root is %s"):format(root))
  end
  return value
end

function bodies.parse_payload(walk, op, member)
  local shape = walk.model:shape(member)
  return structure(walk, shape, document_of(walk, op), member.location_name or member.name)
end

--- The one member that travels in the body, or nil when there are several.
local function only_body_member(shape)
  local only
  for _, member in ipairs(shape.members) do
    if not member.location then
      if only then
        return nil
      end
      only = member
    end
  end
  return only
end

function bodies.parse_members(walk, op, shape)
  local document = document_of(walk, op)
  local only = only_body_member(shape)
  if only and document:name() == (only.location_name or only.name) then
    -- GetBucketLocation's root is the member (Smithy: aws.customizations#s3UnwrappedXmlOutput).
    return { [only.name] = decode.xml(walk, only.shape, document) }
  end
  return structure(walk, shape, document)
end

function bodies.parse_nothing(walk, op)
  if walk.response.body ~= "" then
    document_of(walk, op)
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
--- Raises kind reply when it is not what the protocol promises, kind service when it is an error.
function M.parse(m, op, response)
  return rest.parse(m, op, response, bodies)
end

--- What a reply with a status of failure says.
---@param m aws.Model
---@param op aws.Operation
---@param response table
---@return aws.Fault
function M.fault(m, op, response)
  return rest.add_head(m, op, response, fault.from_xml(m, op, response))
end

return M
