--- What a client's functions take and give, as LuaCATS annotations for editors: `awsbak meta`.
---
--- Source of the format: the Lua language server's page on annotations (luals.github.io/wiki/
--- annotations). A service is one file, named as the module that scripts require.

local manual = require("aws.manual")
local sorted = require("awsbak.sorted")

local annotations = {}

local TYPES = {
  blob = "string",
  boolean = "boolean",
  character = "string",
  double = "number",
  float = "number",
  integer = "integer",
  long = "integer",
  string = "string",
}

---@class aws.Annotating one service on its way to become text
---@field model aws.Model
---@field module string "ssm", "sso_oidc"
---@field shapes table<string, boolean> structures and enums that were named

local function class_name(a, name)
  return ("aws.%s.%s"):format(a.module, name)
end

--- The type of a value; `is_input`, since there times may also be text and bodies a file's region.
local function type_of(a, ref, is_input)
  local shape = a.model:shape(ref)
  if shape.enum or shape.type == "structure" and not shape.document then
    a.shapes[shape.name] = true
    return class_name(a, shape.name)
  elseif shape.document then
    return "any"
  elseif shape.type == "list" then
    local element = type_of(a, shape.element, is_input)
    return (element:find("|", 1, true) and "(" .. element .. ")" or element) .. "[]"
  elseif shape.type == "map" then
    local key = type_of(a, shape.key, is_input)
    return ("table<%s, %s>"):format(key, type_of(a, shape.value, is_input))
  elseif shape.type == "timestamp" then
    return is_input and "number|string" or "number"
  elseif ref.streaming then
    return is_input and "string|userdata" or "aws.Reader"
  end
  return TYPES[shape.type] or "any"
end

local function is_identifier(name)
  return name:match("^[%a_][%w_]*$") ~= nil
end

local function field_line(a, member, is_input)
  local notes = {}
  notes[#notes + 1] = manual.limits(a.model:shape(member))
  notes[#notes + 1] = member.sensitive and "secret" or nil
  notes[#notes + 1] = member.deprecated and "deprecated" or nil
  local name = is_identifier(member.name) and member.name or ("[%q]"):format(member.name)
  return ("---@field %s%s %s%s"):format(
    name,
    member.required and "" or "?",
    type_of(a, member, is_input),
    #notes > 0 and " " .. table.concat(notes, "; ") or ""
  )
end

local function shape_text(a, name, inputs)
  local shape = a.model:shape(name)
  if shape.enum then
    local values = {}
    for i, value in ipairs(shape.enum) do
      values[i] = ("%q"):format(value)
    end
    return ("---@alias %s %s\n"):format(class_name(a, name), table.concat(values, "|"))
  end
  local lines = { "---@class " .. class_name(a, name) }
  for _, member in ipairs(shape.members) do
    lines[#lines + 1] = field_line(a, member, inputs[name])
  end
  return table.concat(lines, "\n") .. "\n"
end

--- All structures and enums that were named, and those that these name.
local function shapes_text(a, inputs)
  local parts, done = {}, {}
  repeat
    local found = false
    for _, name in ipairs(sorted.keys(a.shapes)) do
      if not done[name] then
        done[name], found = shape_text(a, name, inputs), true
      end
    end
  until not found
  for _, name in ipairs(sorted.keys(done)) do
    parts[#parts + 1] = done[name]
  end
  return table.concat(parts, "\n")
end

--- The structures that inputs are made of.
local function input_shapes(m)
  local found = {}
  local function visit(ref)
    local shape = m:shape(ref)
    if shape.type == "list" then
      visit(shape.element)
    elseif shape.type == "map" then
      visit(shape.value)
    elseif shape.type == "structure" and not found[shape.name] then
      found[shape.name] = true
      for _, member in ipairs(shape.members) do
        visit(member)
      end
    end
  end
  for _, name in ipairs(m:operations()) do
    local input = m:operation(name).input
    if input then
      visit(input)
    end
  end
  return found
end

local function input_type(a, operation)
  if not operation.input then
    return "table"
  end
  a.shapes[operation.input] = true
  return class_name(a, operation.input)
end

local function output_type(a, operation)
  if not operation.output then
    return "table"
  end
  a.shapes[operation.output] = true
  return class_name(a, operation.output)
end

local function needs_input(a, operation)
  for _, member in ipairs(operation.input and a.model:shape(operation.input).members or {}) do
    if member.required then
      return true
    end
  end
  return false
end

local function operation_text(a, name)
  local operation = a.model:operation(name)
  local optional = needs_input(a, operation) and "" or "?"
  local lines = {
    "--- " .. manual.address(a.model, operation),
    ("---@param input%s %s"):format(optional, input_type(a, operation)),
    "---@param options? aws.CallOptions",
    "---@return " .. output_type(a, operation),
    ("function %s.%s(input, options) end"):format(a.module, a.model:snake(name)),
  }
  if operation.deprecated then
    table.insert(lines, 1, "---@deprecated")
  end
  return table.concat(lines, "\n") .. "\n"
end

--- The type of what a listing gives one by one: "Parameters" of the output is a list of these.
local function item_type(a, operation, path)
  local shape = operation.output and a.model:shape(operation.output)
  local ref
  for word in path:gmatch("[^.]+") do
    ref = shape and shape.by_name and shape.by_name[word]
    if not ref then
      return "any" -- an expression of JMESPath
    end
    shape = a.model:shape(ref)
  end
  return shape.element and type_of(a, shape.element) or "any"
end

--- The classes of `each` and `pages`, and of `wait`.
local function listings_text(a)
  local each, pages = { "---@class " .. class_name(a, "Each") }, {}
  pages[1] = "---@class " .. class_name(a, "Pages")
  for _, name in ipairs(a.model:operations()) do
    local paginator = a.model:paginator(name)
    if paginator then
      local operation = a.model:operation(name)
      local form = ("---@field %s fun(input?: %s, options?: aws.CallOptions): fun(): %%s"):format(
        a.model:snake(name),
        input_type(a, operation)
      )
      each[#each + 1] = form:format(item_type(a, operation, paginator.result_key[1]))
      pages[#pages + 1] = form:format(output_type(a, operation))
    end
  end
  return table.concat(each, "\n") .. "\n\n" .. table.concat(pages, "\n") .. "\n"
end

local function waits_text(a)
  local lines = { "---@class " .. class_name(a, "Wait") }
  for _, name in ipairs(a.model:waiters()) do
    local operation = a.model:operation(a.model:waiter(name).operation)
    lines[#lines + 1] = ("---@field %s fun(input?: %s, options?: aws.WaitOptions)"):format(
      a.model:snake(name),
      input_type(a, operation)
    )
  end
  return table.concat(lines, "\n") .. "\n"
end

--- The functions that a module has beyond those of any client.
local function extras(a, own)
  local lines = {}
  for _, name in ipairs(sorted.keys(own)) do
    lines[#lines + 1] = ("---@field %s %s\n"):format(
      name,
      type(own[name]) == "function" and "fun(...): any" or "any"
    )
  end
  return ("---@class %s: aws.Client\n"):format(class_name(a, "Client"))
    .. table.concat(lines)
    .. ("---@field each %s\n---@field pages %s\n---@field wait %s\n"):format(
      class_name(a, "Each"),
      class_name(a, "Pages"),
      class_name(a, "Wait")
    )
    .. ("---@field new fun(options?: aws.ClientOptions): %s\n"):format(class_name(a, "Client"))
end

--- The annotations of a service.
---@param m aws.Model
---@param module string the last word of the module's name: "sso_oidc"
---@param own table<string, any> what the module has beyond any client's functions
---@return string text a Lua file that is never run
function annotations.service(m, module, own)
  local a = { model = m, module = module, shapes = {} }
  local operations = {}
  for i, name in ipairs(m:operations()) do
    operations[i] = operation_text(a, name)
  end
  local lists = listings_text(a) .. "\n" .. waits_text(a)
  return table.concat({
    "---@meta aws." .. module .. "\n",
    ("--- %s, API version %s.\n"):format(m.meta.full_name or m.meta.id, m.meta.api_version),
    extras(a, own) .. ("local %s = {}\n"):format(module),
    table.concat(operations, "\n"),
    lists,
    shapes_text(a, input_shapes(m)),
    ("return %s\n"):format(module),
  }, "\n")
end

return annotations
