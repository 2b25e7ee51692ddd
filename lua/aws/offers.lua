--- What the prompt offers where code uses a client (awsbak.repl.complete): names, members, values.

local names = require("aws.names")
local options = require("aws.options")
local sorted = require("awsbak.sorted")

local offers = {}

-- Functions of a client that take an operation's name first, with the options they end with.
local BY_NAME = {
  build = options.CALL,
  call = options.CALL,
  endpoint = {},
  operation = {},
  presign = options.PRESIGN,
}

---@alias aws.Offering "operations"|"paginators"|"waiters" what a table's functions are

--- The functions of a client, or of its `each`, `pages` or `wait`.
---@param m aws.Model
---@param kind aws.Offering
---@return string[]
function offers.fields(m, kind)
  local list = {}
  for i, name in ipairs(m[kind](m)) do
    list[i] = m:snake(name)
  end
  return list
end

local function operation_of(m, kind, name)
  if kind == "waiters" then
    local waiter = m:waiter(name)
    name = waiter and waiter.operation
  end
  name = name and m:find(name)
  return name and m:operation(name)
end

--- What may stand in an argument of one of these functions.
---@param m aws.Model
---@param kind aws.Offering
---@param name string of the function
---@param index integer which argument
---@param path (string|integer)[] keys in it; 0 is an element of a list
---@param first string? the first argument where it is a string
---@return awsbak.repl.Offer?
function offers.argument(m, kind, name, index, path, first)
  local last = kind == "waiters" and options.WAIT or options.CALL
  if kind == "operations" and name == "new" then
    return { names = sorted.keys(options.CLIENT) }
  elseif kind == "operations" and BY_NAME[name] then
    if index == 1 then
      return { values = m:operations() }
    end
    name, index, last = first, index - 1, BY_NAME[name]
  end
  local operation = operation_of(m, kind, name)
  if index == 1 and operation then
    return names.at(m, operation, path)
  end
  return index == 2 and #path == 0 and { names = sorted.keys(last) } or nil
end

return offers
