--- AWS's endpoint rules: conditions that are tried in order, until an endpoint or an error is left.
---
--- Source: Smithy, "Endpoint rules engine specification"; botocore 1.44.5, endpoint_provider.py.
--- A rule set is a table { parameters, rules, node }: nodes of a tree written as text are names,
--- which `node(name)` reads when evaluation comes to them (tools/endpoint_rules.py); those of a
--- model given at run time are tables.

local functions = require("aws.endpoint.functions")

local rules = {}

local DEPTH_MAX = 64 -- of rules in rules, of calls in calls

---@class aws.RuleParameter
---@field builtIn string?
---@field default any
---@field required boolean?
---@field type string

---@class aws.RuleSet
---@field parameters table<string, aws.RuleParameter>
---@field rules (string|table)[]
---@field node fun(name: string): table

local function bug(message, ...)
  error(("the endpoint rules are wrong: " .. message):format(...), 0)
end

--- A text with the values of its {Name} and {Name#attribute} put in.
local function fill(template, scope)
  if not template:find("{", 1, true) then
    return template
  end
  return (
    template:gsub("{([^{}#]+)#?([^{}]*)}", function(name, attribute)
      local value = scope[name]
      if attribute ~= "" and value ~= nil then
        value = value[attribute]
      end
      return value == nil and bug("%s is not set", name) or tostring(value)
    end)
  )
end

local call

--- What an argument means: the result of a call, a variable, a text with variables, or itself.
local function value_of(argument, scope, depth)
  if type(argument) == "string" then
    return fill(argument, scope)
  elseif type(argument) ~= "table" then
    return argument
  elseif argument.fn then
    return call(argument, scope, depth + 1)
  elseif argument.ref then
    return scope[argument.ref]
  end
  return argument
end

call = function(node, scope, depth)
  local f = functions[node.fn] or bug("there is no function %s", node.fn)
  if depth > DEPTH_MAX then
    bug("calls are nested too deeply")
  end
  local argv = node.argv
  local a, b, c, d = argv[1], argv[2], argv[3], argv[4]
  return f(
    a ~= nil and value_of(a, scope, depth),
    b ~= nil and value_of(b, scope, depth),
    c ~= nil and value_of(c, scope, depth),
    d ~= nil and value_of(d, scope, depth)
  )
end

--- The same with all texts inside filled.
local function fill_all(value, scope, depth)
  if type(value) == "string" then
    return fill(value, scope)
  elseif type(value) ~= "table" then
    return value
  elseif value.fn or value.ref then
    return value_of(value, scope, depth)
  end
  local filled = {}
  for key, item in pairs(value) do
    filled[key] = fill_all(item, scope, depth + 1)
  end
  return filled
end

--- Whether all conditions hold; what they assign goes into `scope`.
local function hold(set, conditions, scope)
  for _, condition in ipairs(conditions) do
    local node = type(condition) == "string" and set.node(condition) or condition
    local result = call(node, scope, 1)
    if result == nil or result == false then
      return false
    elseif node.assign then
      scope[node.assign] = result
    end
  end
  return true
end

local evaluate

local function first_of(set, list, scope, depth)
  if depth > DEPTH_MAX then
    bug("rules are nested too deeply")
  end
  for _, rule in ipairs(list) do
    local found, refusal = evaluate(set, rule, scope, depth)
    if found or refusal then
      return found, refusal
    end
  end
  return nil
end

evaluate = function(set, rule, outer, depth)
  local node = type(rule) == "string" and set.node(rule) or rule
  local scope = setmetatable({}, { __index = outer }) -- what a rule assigns ends with it
  if not hold(set, node.conditions, scope) then
    return nil
  elseif node.rules then
    return first_of(set, node.rules, scope, depth + 1)
  elseif node.error then
    return nil, value_of(node.error, scope, 1)
  end
  local endpoint = node.endpoint
  return {
    url = value_of(endpoint.url, scope, 1),
    properties = fill_all(endpoint.properties or {}, scope, 1),
    headers = fill_all(endpoint.headers or {}, scope, 1),
  }
end

--- The endpoint for some parameters.
---@param set aws.RuleSet
---@param parameters table<string, any> those given; defaults are filled in
---@return { url: string, properties: table, headers: table<string, string[]> }? endpoint
---@return string? refusal what the rules say against these parameters, when there is no endpoint
function rules.resolve(set, parameters)
  local scope = {}
  for name, parameter in pairs(set.parameters) do
    local value = parameters[name]
    if value == nil then
      value = parameter.default
    end
    if value == nil and parameter.required then
      return nil, name .. " is not set"
    end
    scope[name] = value
  end
  local found, refusal = first_of(set, set.rules, scope, 1)
  return found, refusal or (not found and "no rule fits" or nil)
end

return rules
