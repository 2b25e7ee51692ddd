--- Stand-ins of a dry run: the reply to a call that was not made, and its input as it may be shown.

local body = require("aws.body")
local json = require("awsbak.core.json")
local scalar = require("aws.protocol.scalar")

local stub = {}

local empty = {
  blob = "",
  boolean = false,
  double = 0.0,
  float = 0.0,
  integer = 0,
  long = 0,
  string = "",
  timestamp = 0,
}

local value_of

--- A structure with all its members; one that would be inside itself stays out.
local function structure(model, shape, above, omitted)
  local value = {}
  if shape.union or shape.document then
    return value
  end
  above[shape] = true
  for _, member in ipairs(shape.members) do
    if not omitted[member.name] then
      value[member.name] = value_of(model, model:resolve(member), above)
    end
  end
  above[shape] = nil
  return value
end

function value_of(model, shape, above)
  if shape.type == "structure" then
    return not above[shape] and not shape.event_stream and structure(model, shape, above, {}) or nil
  elseif shape.type == "list" then
    return json.array({})
  elseif shape.type == "map" then
    return {}
  end
  return empty[shape.type]
end

--- A reader of a stream that has nothing in it.
local function empty_reader()
  return require("aws.reader").new(nil, {})
end

local function nothing() end

--- A stream of events that has none.
local NO_EVENTS = { __call = nothing, __close = nothing, next = nothing, close = nothing }
NO_EVENTS.__index = NO_EVENTS

--- Members that say that a listing goes on.
local function tokens(model, operation)
  local names = {}
  local pages = model:paginator(operation.name)
  for _, token in ipairs(pages and pages.output_token or {}) do
    names[token] = true
  end
  return names
end

--- A reply with nothing in it: text is empty, numbers are 0, lists have no items; tokens of
--- listings are left out. All members are there, so that a script can look into them and go on.
---@param model aws.Model
---@param operation aws.Operation
---@return table
function stub.output(model, operation)
  local shape = operation.output and model:shape(operation.output)
  if not shape then
    return {}
  end
  local output = structure(model, shape, {}, tokens(model, operation))
  if operation.events then
    output[operation.events] = setmetatable({}, NO_EVENTS)
  elseif operation.streams then
    output[shape.payload] = empty_reader()
  end
  return output
end

local show

local function show_members(model, shape, value)
  local shown = {}
  for name, part in pairs(value) do
    local member = shape.by_name[name]
    shown[name] = member and show(model, member, part) or nil
  end
  return shown
end

local function show_items(model, ref, value, shown)
  for key, part in pairs(value) do
    shown[key] = show(model, ref, part)
  end
  return shown
end

function show(model, ref, value)
  local shape = model:shape(ref)
  if ref.sensitive or shape.sensitive then
    return "<secret>"
  elseif shape.type == "blob" or ref.streaming then
    local is_sized = type(value) == "string" or body.is_region(value)
    return is_sized and ("<%d bytes>"):format(#value) or "<bytes>"
  elseif type(value) == "number" then
    return scalar.plain_number(value)
  elseif shape.document or ref.json_value or type(value) ~= "table" then
    return type(value) == "userdata" and tostring(value) or value
  elseif shape.type == "structure" then
    return show_members(model, shape, value)
  elseif shape.type == "list" then
    return show_items(model, shape.element, value, json.array({}))
  end
  return show_items(model, shape.value, value, {})
end

--- Input as it may be shown: sensitive members are "<secret>", bytes are how many they are.
---@param model aws.Model
---@param input_shape string? of the operation
---@param input table checked before
---@return table
function stub.shown(model, input_shape, input)
  return input_shape and show_members(model, model:shape(input_shape), input) or {}
end

return stub
