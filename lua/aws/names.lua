--- Names of AWS's that begin with what was typed: what shells and the prompt complete.

local model = require("aws.model")
local sorted = require("awsbak.sorted")

local names = {}

-- What a topic of help lists after these words.
local LISTS = { ["each."] = "paginators", ["pages."] = "paginators", ["wait."] = "waiters" }

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

--- The names below a service's: "put_parameter", "wait.snapshot_completed", "put_parameter.Tier".
local function topics_of(m, rest)
  local inner, last = rest:match("^([%w_]+%.)(.*)$")
  local kind = LISTS[inner] or not inner and "operations"
  local list = {}
  if kind then
    for i, name in ipairs(m[kind](m)) do
      local is_begun = (last or rest):find("^%u")
      list[i] = (inner or "") .. (is_begun and name or m:snake(name))
    end
    return list
  end
  local name = m:find(inner:sub(1, -2))
  local input = name and m:operation(name).input
  for i, member in ipairs(input and m:shape(input).members or {}) do
    list[i] = inner .. member.name
  end
  return list
end

--- Topics of `awsbak help`: services, and with a dot what they have.
---@param word string its beginning
---@return string[]
function names.topics(word)
  local service, rest = word:match("^(%l[%w_-]*)%.(.*)$")
  local list
  if not service then
    return model.services()
  elseif service == "aws" then
    list = names.topics(rest)
  else
    list = topics_of(model.load(model.service(service) or service), rest)
  end
  for i, topic in ipairs(list) do
    list[i] = service .. "." .. topic
  end
  return list
end

--- Members, those that are required first, in the model's order.
---@param shape aws.Shape a structure
---@return aws.Ref[]
function names.members(shape)
  local list = {}
  for _, is_required in ipairs({ true, false }) do
    for _, member in ipairs(shape.members) do
      if (member.required or false) == is_required then
        list[#list + 1] = member
      end
    end
  end
  return list
end

--- The shape at a path into an operation's input: keys of structures and maps, 0 in lists; nil when
--- there is none.
local function shape_at(m, operation, path)
  local shape = operation.input and m:shape(operation.input)
  for _, step in ipairs(path) do
    local ref
    if shape and shape.type == "structure" then
      ref = shape.by_name[step]
    elseif shape and (shape.type == "list") == (step == 0) then
      ref = shape.element or shape.value
    end
    shape = ref and m:shape(ref)
  end
  return shape
end

--- What may stand at a path into an operation's input: the names of a structure's members, those
--- that are required first, or the values of an enum, or true and false.
---@param m aws.Model
---@param operation aws.Operation
---@param path (string|integer)[] keys of structures and maps, 0 for an element of a list
---@return awsbak.repl.Offer? nil when nothing can be said
function names.at(m, operation, path)
  local shape = shape_at(m, operation, path)
  if not shape or shape.type ~= "structure" then
    return shape and { values = shape.enum or shape.type == "boolean" and { true, false } or {} }
  end
  local offer = { names = {}, required = {} }
  for i, member in ipairs(names.members(shape)) do
    offer.names[i] = member.name
    offer.required[member.name] = member.required
  end
  return offer
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
