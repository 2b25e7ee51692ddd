--- Names of AWS's that begin with what was typed: what shells and the prompt complete.

local model = require("aws.model")
local sorted = require("awsbak.sorted")

local names = {}

--- Operations in the spelling that was begun: GetParameter, get_parameter, or else get-parameter.
---@param m aws.Model
---@param word string its beginning
---@return string[]
function names.operations(m, word)
  local list = {}
  for i, name in ipairs(m:operations()) do
    if word:find("^%u") then
      list[i] = name
    else
      list[i] = word:find("_", 1, true) and m:snake(name) or m:snake(name):gsub("_", "-")
    end
  end
  return list
end

--- The values that a member takes, as far as they can be listed.
local function values(m, member)
  local shape = m:shape(member)
  if shape.type == "list" then
    shape = m:shape(shape.element)
  end
  return shape.enum or shape.type == "boolean" and { "true", "false" } or {}
end

--- How `awsbak api` takes a member: "Key=" as text, "Key:=" as JSON.
local function begun(m, member)
  local shape = m:shape(member)
  if shape.type == "list" then
    shape = m:shape(shape.element)
  end
  local is_tree = shape.type == "structure" or shape.type == "map" or shape.type == "list"
  return member.name .. (is_tree and ":=" or "=")
end

--- What a word of `awsbak api`'s input may become: "Key=" or "Key:=", and after "Key=" a value.
---@param m aws.Model
---@param operation aws.Operation
---@param word string its beginning
---@param given string[] the words of input before it
---@return string[]
function names.input(m, operation, word, given)
  local shape = operation.input and m:shape(operation.input)
  local key = word:match("^(%w+)=")
  local list = {}
  if not shape then
    return list
  elseif key then
    local member = shape.by_name[key]
    for i, value in ipairs(member and values(m, member) or {}) do
      list[i] = key .. "=" .. value
    end
    return list
  end
  local is_given = {}
  for _, other in ipairs(given) do
    is_given[other:match("^%w+") or ""] = true
  end
  for _, member in ipairs(shape.members) do
    local is_open = not is_given[member.name] or m:shape(member).type == "list"
    list[#list + 1] = is_open and begun(m, member) or nil
  end
  return list
end

--- Topics of `awsbak help`: services, and with a dot what they have.
---@param word string its beginning
---@return string[]
function names.topics(word)
  local prefix, service, rest = word:match("^((%l[%w_-]*)%.)(.*)$")
  local list = {}
  if not prefix then
    return model.services()
  end
  local m = model.load(model.service(service) or service)
  local inner, member = rest:match("^([%w_]+)%.(.*)$")
  local name = inner and m:find(inner)
  if member and name then
    local input = m:operation(name).input
    for i, ref in ipairs(input and m:shape(input).members or {}) do
      list[i] = prefix .. inner .. "." .. ref.name
    end
    return list
  end
  for i, operation in ipairs(m:operations()) do
    list[i] = prefix .. (rest:find("^%u") and operation or m:snake(operation))
  end
  return list
end

--- The profiles in the user's files.
---@return string[]
function names.profiles()
  return sorted.keys(require("aws.config").load({}).profiles)
end

--- The regions that this version knows.
---@return string[]
function names.regions()
  return require("aws.endpoint.partitions").regions()
end

return names
