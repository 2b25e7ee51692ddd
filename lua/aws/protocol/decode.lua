--- Replies as the values that shapes promise: JSON and XML, read by awsbak.core.shape in one pass.
---
--- Stricter than botocore where a value has another type than promised: that raises, it is not
--- passed on. What C needs to know of a shape is told when a reply first has one of it.

local json = require("awsbak.core.json")
local reply = require("aws.protocol.reply")
local shape = require("awsbak.core.shape")
local timestamp = require("aws.protocol.timestamp")
local xml = require("awsbak.core.xml")

local decode = {}

local KINDS = { character = "string", double = "float", long = "integer" }

local function json_name(_, member)
  return member.location_name or member.name
end

--- The name of the elements that hold a member; those of a flattened list may have their own, and
--- attributes lose their prefix where they are read.
local function xml_name(m, member, target)
  local name = member.location_name or member.name
  if member.xml_attribute then
    return name:match("[^:]*$")
  elseif target.type == "list" and member.flattened then
    m:resolve(target.element)
    return target.element.location_name or name
  end
  return name
end

local function reference(ref, name, wire)
  return {
    name = name,
    wire = wire,
    shape = ref.shape,
    flattened = ref.flattened,
    attribute = ref.xml_attribute,
  }
end

--- The members that travel in the body. Where two share a name, as an older member does with the
--- list that replaced it (Event and Events of S3's notifications), it is the list's.
local function members(m, described, wire_name)
  local list, places = {}, {}
  for _, member in ipairs(described.members) do
    local target = m:resolve(member)
    if not member.location then
      local made = reference(member, member.name, wire_name(m, member, target))
      local taken = places[made.wire]
      if not taken then
        list[#list + 1] = made
        places[made.wire] = #list
      elseif made.flattened then
        list[taken] = made
      end
    end
  end
  return list
end

local function references(m, described, wire_name)
  if described.type == "structure" and not described.document then
    return members(m, described, wire_name)
  elseif described.type == "list" then
    m:resolve(described.element)
    return { reference(described.element, "element", "") }
  elseif described.type == "map" then
    m:resolve(described.key)
    m:resolve(described.value)
    return {
      reference(described.key, "key", described.key.location_name or "key"),
      reference(described.value, "value", described.value.location_name or "value"),
    }
  end
  return {}
end

local WIRE_NAMES = { json = json_name, xml = xml_name }

--- What C knows of a model's shapes, for one format.
local function plan_of(m, format)
  m.plans = m.plans or {}
  local plan = m.plans[format]
  if not plan then
    plan = shape.plan(function(name)
      local described = m:shape(name)
      local kind = described.document and "document" or KINDS[described.type] or described.type
      local refs = references(m, described, WIRE_NAMES[format])
      plan:define(name, kind, refs, described.union)
    end, timestamp.parse)
    m.plans[format] = plan
  end
  return plan
end

local function checked(walk, promised, value, err)
  if not err then
    return value
  elseif err.code == "misshapen" then
    reply.misshapen(walk, err.message, err.place)
  end
  return reply.foreign(walk.response, promised, err.message)
end

--- The value of a shape in a JSON text; json.null for null.
---@param walk aws.Walk
---@param name string the shape's
---@param text string
---@return any
--- Raises kind reply, codes foreign_reply, misshapen_reply.
function decode.json(walk, name, text)
  return checked(walk, "JSON", shape.json(plan_of(walk.model, "json"), text, name))
end

--- A parsed XML document.
---@param walk aws.Walk
---@param text string? another one than the reply's body
---@return userdata document see awsbak.core.xml
--- Raises kind reply, code foreign_reply.
function decode.document(walk, text)
  return checked(walk, "XML", xml.read(text or walk.response.body))
end

--- The value of a shape in an element of a document.
---@param walk aws.Walk
---@param name string the shape's
---@param document userdata
---@param node integer? nil for the root
---@return any
--- Raises kind reply, code misshapen_reply.
function decode.xml(walk, name, document, node)
  return checked(walk, "XML", shape.xml(plan_of(walk.model, "xml"), document, name, node))
end

--- Any JSON text as plain values.
---@param walk aws.Walk
---@return any
--- Raises kind reply, code foreign_reply.
function decode.plain_json(walk)
  return checked(walk, "JSON", json.decode(walk.response.body))
end

return decode
