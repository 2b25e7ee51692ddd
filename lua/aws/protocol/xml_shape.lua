--- Values in XML replies, guided by shapes: for query, ec2 and rest-xml.
---
--- Semantics: botocore/parsers.py (BaseXMLResponseParser). Nodes are those of awsbak.core.xml.

local json = require("awsbak.core.json")
local reply = require("aws.protocol.reply")
local scalar = require("aws.protocol.scalar")

local xml_shape = {}

local decoders = {}

--- A value from the nodes that hold it: several only for a flattened list or map.
---@param walk aws.Walk
---@param ref aws.Ref
---@param nodes table[] at least one
---@return any
--- Raises kind reply, code misshapen_reply.
function xml_shape.decode(walk, ref, nodes)
  local shape = ref.target or walk.model:resolve(ref)
  local decode = decoders[shape.type]
  if decode then
    return decode(walk, shape, nodes, ref)
  end
  local text = nodes[1].text
  if not text then
    reply.misshapen(walk, "an element with children where " .. shape.type .. " is promised")
  end
  return scalar.read(walk, shape, text)
end

local function descend(walk, step, ref, nodes)
  walk.depth = walk.depth + 1
  walk.trail[walk.depth] = step
  local value = xml_shape.decode(walk, ref, nodes)
  walk.depth = walk.depth - 1
  return value
end

--- The children of a node by name: { Key = { node, ... } }.
local function by_name(node)
  local named = {}
  for _, child in ipairs(node) do
    local same = named[child.name]
    if same then
      same[#same + 1] = child
    else
      named[child.name] = { child }
    end
  end
  return named
end

--- The name of the elements that hold a member; those of a flattened list may have their own.
local function element_name(m, member)
  local shape = member.target or m:resolve(member)
  if shape.type == "list" and member.flattened then
    m:resolve(shape.element)
    return shape.element.location_name or member.location_name or member.name
  end
  return member.location_name or member.name
end

--- Names of attributes lose their prefix where they are read.
local function attribute(node, member)
  local name = member.location_name or member.name
  return node.attr and node.attr[name:match("[^:]*$")]
end

--- The members of a structure that travel in the body.
---@param walk aws.Walk
---@param shape aws.Shape
---@param node table
---@return table
function xml_shape.decode_members(walk, shape, node)
  local named, found = by_name(node), {}
  for _, member in ipairs(shape.members) do
    local nodes = not member.location and named[element_name(walk.model, member)]
    if nodes then
      found[member.name] = descend(walk, member.name, member, nodes)
    elseif member.xml_attribute then
      found[member.name] = attribute(node, member)
    end
  end
  if shape.union and next(found) == nil and node[1] then
    found.SDK_UNKNOWN_MEMBER = { name = node[1].name } -- as botocore: a newer service
  end
  return found
end

--- Whether any child or attribute of a node is one of the shape's members.
---@param m aws.Model
---@param shape aws.Shape
---@param node table
---@return boolean
function xml_shape.knows(m, shape, node)
  local named = by_name(node)
  for _, member in ipairs(shape.members) do
    if not member.location and named[element_name(m, member)] then
      return true
    end
  end
  return false
end

function decoders.structure(walk, shape, nodes)
  local node = nodes[1]
  if node.text and node.text:find("%S") then
    reply.misshapen(walk, "text where a structure is promised")
  end
  return xml_shape.decode_members(walk, shape, node)
end

function decoders.list(walk, shape, nodes, ref)
  local list = json.array()
  for i, item in ipairs(ref.flattened and nodes or nodes[1]) do
    list[i] = descend(walk, i, shape.element, { item })
  end
  return list
end

--- The child of a map's entry, by the name its shape gives it or the usual one.
local function part(walk, entry, ref, usual)
  walk.model:resolve(ref)
  local wanted = ref.location_name or usual
  for _, child in ipairs(entry) do
    if child.name == wanted then
      return child
    end
  end
  return reply.misshapen(walk, ("an entry without %s where a map is promised"):format(wanted))
end

function decoders.map(walk, shape, nodes, ref)
  local map = {}
  for _, entry in ipairs(ref.flattened and nodes or nodes[1]) do
    local key = descend(walk, "key", shape.key, { part(walk, entry, shape.key, "key") })
    map[key] = descend(walk, key, shape.value, { part(walk, entry, shape.value, "value") })
  end
  return map
end

return xml_shape
