--- Paths into replies, as paginators and waiters of AWS's models write them: the part of JMESPath
--- (https://jmespath.org/specification.html) made of members, indexes, flattening and `||`.
---
---     path.compile("NextMarker || Contents[-1].Key")(page)
---     path.compile("Reservations[].Instances[].State.Name")(page)   --> a list

local errors = require("awsbak.errors")
local json = require("awsbak.core.json")

local path = {}

local cache = {}

---@param text string the whole expression, for the message
---@param rest string what could not be read
local function refuse(text, rest)
  errors.raise({
    kind = "usage",
    code = "unsupported_path",
    message = ("the path %q is not understood from %q on"):format(text, rest),
    hint = "members, [n], [] and || are",
  })
end

local FLATTEN = {}

--- Read one alternative (no `||`) into steps: a member name, an index (integer) or FLATTEN.
---@return (string|integer|table)[] steps
local function read_steps(text, expression)
  local steps, rest = {}, text:match("^%s*(.-)%s*$")
  while rest ~= "" do
    local name, after = rest:match("^([%a_][%w_]*)(.*)$")
    if not name then
      name, after = rest:match('^"([^"\\]*)"(.*)$')
    end
    local index, past = rest:match("^%[(%-?%d+)%](.*)$")
    if name then
      steps[#steps + 1], rest = name, after
    elseif index then
      steps[#steps + 1], rest = math.tointeger(index), past
    elseif rest:sub(1, 2) == "[]" then
      steps[#steps + 1], rest = FLATTEN, rest:sub(3)
    else
      refuse(expression, rest)
    end
    if rest:sub(1, 1) == "." and rest:match('^%.[%a_"]') then
      rest = rest:sub(2)
    elseif rest ~= "" and rest:sub(1, 1) ~= "[" then
      refuse(expression, rest)
    end
  end
  if #steps == 0 then
    refuse(expression, text)
  end
  return steps
end

--- A list, as far as that can be told: a table that is empty or has a first element.
local function is_list(value)
  return type(value) == "table" and (value[1] ~= nil or next(value) == nil)
end

local function pick(value, step)
  if type(value) ~= "table" then
    return nil
  end
  if math.type(step) == "integer" then
    step = step < 0 and #value + step + 1 or step + 1
  end
  local found = value[step]
  if found == json.null then
    return nil
  end
  return found
end

local function flatten(list)
  local flat = {}
  for _, item in ipairs(list) do
    if is_list(item) then
      table.move(item, 1, #item, #flat + 1, flat)
    else
      flat[#flat + 1] = item
    end
  end
  return flat
end

--- After `[]` every later member applies to each element, and elements without it are dropped.
local function walk(value, steps)
  local projected = false
  for _, step in ipairs(steps) do
    if step == FLATTEN then
      if not is_list(value) then
        return nil
      end
      value, projected = flatten(value), true
    elseif projected then
      local kept = {}
      for _, item in ipairs(value) do
        kept[#kept + 1] = pick(item, step)
      end
      value = kept
    else
      value = pick(value, step)
    end
  end
  return value
end

--- What JMESPath holds for false in `||`: null, false, and anything empty.
local function is_false(value)
  return value == nil
    or value == false
    or value == ""
    or (type(value) == "table" and next(value) == nil)
end

--- Compile `expression` once; the function it gives reads the value at that path, nil when absent.
---@param expression string
---@return fun(value: any): any
--- Raises kind usage, code unsupported_path, for JMESPath beyond the subset above.
function path.compile(expression)
  local found = cache[expression]
  if found then
    return found
  end
  local choices = {}
  for choice in (expression:gsub("||", "\0") .. "\0"):gmatch("([^%z]*)%z") do
    choices[#choices + 1] = read_steps(choice, expression)
  end
  local function read(value)
    local result
    for _, steps in ipairs(choices) do
      result = walk(value, steps)
      if not is_false(result) then
        break
      end
    end
    return result
  end
  cache[expression] = read
  return read
end

return path
