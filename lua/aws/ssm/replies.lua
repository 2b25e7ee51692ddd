--- Replies of Parameter Store, proved to answer what was asked.
---
--- Status 200 and JSON do not make an answer: something between us and AWS, or a fault of AWS's,
--- can say `{}`, and a backup that took it for "nothing there" would lose parameters silently.
--- Parameter Store always sends its lists, empty ones too, and tells of every name asked for.

local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local path = require("aws.ssm.path")

local M = {}

local TRIES = 3
local PAUSE_S = 0.2 -- before the second try; twice as long before the third

-- Calls until `read` makes something of the answer; raises what it says is wrong with the last one.
local function insist(call, operation, read)
  return function(input)
    local problem
    for try = 1, TRIES do
      local read_as
      read_as, problem = read(call(input), input)
      if read_as then
        return read_as
      elseif try < TRIES then
        outside.sleep(PAUSE_S * 2 ^ (try - 1))
      end
    end
    errors.raise({
      kind = "reply",
      code = "incomplete",
      message = "the reply " .. problem,
      hint = "something between here and AWS answers in its place, or AWS is at fault; try again",
      service = "ssm",
      operation = operation,
    })
  end
end

--- Wraps a listing: each page has its list, and each element of that the member it is known by.
---@param call fun(input: table): table
---@param operation string for the message
---@param list string the list's name
---@param member string
---@return fun(input: table): table page; raises kind reply, code incomplete, after three tries
function M.listing(call, operation, list, member)
  return insist(call, operation, function(page)
    if type(page[list]) ~= "table" then
      return nil, "has no " .. list
    end
    for _, element in ipairs(page[list]) do
      if element[member] == nil then
        return nil, ("has an element of %s without %s"):format(list, member)
      end
    end
    return page
  end)
end

-- What an answer tells of the names asked for; nil and what is wrong with it.
local function by_name(answer, input)
  local asked, told, problem = {}, {}, nil
  for _, name in ipairs(input.Names) do
    asked[path.stored_name(name)] = name
  end
  local function note(name, value)
    local as_asked = name and asked[path.stored_name(name)]
    if not as_asked or told[as_asked] ~= nil then
      problem = "tells of a parameter that was not asked for, or twice of one"
    else
      told[as_asked] = value
    end
  end

  for _, value in ipairs(answer.Parameters or {}) do
    if not value.Value or not value.Version then
      return nil, "has a parameter without value or version"
    end
    note(value.Name, value)
  end
  for _, name in ipairs(answer.InvalidParameters or {}) do
    note(name, false)
  end
  for _, name in ipairs(input.Names) do
    if told[name] == nil then
      problem = problem or "says nothing of " .. name .. ", which was asked for"
    end
  end
  return not problem and told or nil, problem
end

--- Wraps GetParameters.
---@param call fun(input: table): table
---@return fun(input: table): table<string, table|false> values a Parameter by the name that was
---  asked for, false for one that does not exist; raises kind reply, code incomplete, after three
---  tries
function M.values(call)
  return insist(call, "GetParameters", by_name)
end

--- Wraps GetParameter.
---@param call fun(input: table): table
---@return fun(input: table): table answer; raises kind reply, code incomplete, after three tries
function M.value(call)
  return insist(call, "GetParameter", function(answer)
    local whole = answer.Parameter and answer.Parameter.Value
    return whole and answer or nil, "has no value"
  end)
end

return M
