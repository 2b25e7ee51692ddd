--- The protocol rest-xml: members in paths, query strings and headers, XML bodies. It is S3's.
---
--- Source: botocore/serialize.py (RestXMLSerializer), botocore/parsers.py (RestXMLParser).

local errors = require("awsbak.errors")
local fault = require("aws.protocol.fault")
local reply = require("aws.protocol.reply")
local rest = require("aws.protocol.rest")
local xml = require("awsbak.core.xml")
local xml_shape = require("aws.protocol.xml_shape")
local xml_write = require("aws.protocol.xml_write")

local M = {}

local bodies = {}

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

--- The root of a reply's body. S3 says with status 200 that an operation failed after it began:
--- that is an error like any other.
local function root_of(walk, op)
  local response = walk.response
  local root, err = xml.parse(response.body)
  if err then
    reply.foreign(response, "XML", err.message)
  elseif root.name:lower() == "html" then
    reply.foreign(response, "XML", "a web page")
  elseif root.name == "Error" then
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
  return root
end

--- Raise when a document has children and none of them is known: it is another document.
local function check_known(walk, shape, root)
  if #root > 0 and not xml_shape.knows(walk.model, shape, root) then
    reply.foreign(walk.response, shape.name, ("its root is %s"):format(root.name))
  end
end

function bodies.parse_payload(walk, op, member)
  local root = root_of(walk, op)
  check_known(walk, walk.model:shape(member), root)
  return xml_shape.decode(walk, member, { root })
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
  local root = root_of(walk, op)
  local only = only_body_member(shape)
  if only and root.name == (only.location_name or only.name) then
    -- GetBucketLocation's root is the member (Smithy: aws.customizations#s3UnwrappedXmlOutput).
    return { [only.name] = xml_shape.decode(walk, only, { root }) }
  end
  check_known(walk, shape, root)
  return xml_shape.decode_members(walk, shape, root)
end

function bodies.parse_nothing(walk, op)
  if walk.response.body ~= "" then
    root_of(walk, op)
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

M.fault = fault.from_xml

return M
