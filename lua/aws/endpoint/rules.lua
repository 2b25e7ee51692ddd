--- AWS's endpoint rules: conditions that are tried in order, until an endpoint or an error is left.
---
--- Source: Smithy, "Endpoint rules engine specification"; botocore 1.44.5, endpoint_provider.py.
--- A rule set is a table { parameters, rules, node }: nodes of a tree written as text are names,
--- which `node(name)` reads when evaluation comes to them (tools/endpoint_rules.py); those of a
--- model given at run time are tables.

local functions = require("aws.endpoint.functions")

local rules = {}

local DEPTH_MAX = 64 -- of rules in rules, of calls in calls
local STEPS_MAX = 10000 -- rules and calls of one evaluation; S3's longest way takes some hundreds

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
  error(message:format(...), 0)
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

---@class aws.Evaluation
---@field set aws.RuleSet
---@field left integer steps that may still be taken

local function step(run, depth)
  run.left = run.left - 1
  if depth > DEPTH_MAX or run.left < 0 then
    bug("they have no end")
  end
end

local call

--- What an argument means: the result of a call, a variable, a text with variables, or itself.
local function value_of(run, argument, scope, depth)
  if type(argument) == "string" then
    return fill(argument, scope)
  elseif type(argument) ~= "table" then
    return argument
  elseif argument.fn then
    return call(run, argument, scope, depth + 1)
  elseif argument.ref then
    return scope[argument.ref]
  end
  return argument
end

call = function(run, node, scope, depth)
  step(run, depth)
  local f = functions[node.fn] or bug("there is no function %s", node.fn)
  local argv = node.argv
  local a, b, c, d = argv[1], argv[2], argv[3], argv[4]
  return f(
    a ~= nil and value_of(run, a, scope, depth),
    b ~= nil and value_of(run, b, scope, depth),
    c ~= nil and value_of(run, c, scope, depth),
    d ~= nil and value_of(run, d, scope, depth)
  )
end

--- The same with all texts inside filled.
local function fill_all(run, value, scope, depth)
  if type(value) == "string" then
    return fill(value, scope)
  elseif type(value) ~= "table" then
    return value
  elseif value.fn or value.ref then
    return value_of(run, value, scope, depth)
  end
  step(run, depth)
  local filled = {}
  for key, item in pairs(value) do
    filled[key] = fill_all(run, item, scope, depth + 1)
  end
  return filled
end

--- A node of the tree: as it is, or read by its name.
local function node_of(run, node)
  return type(node) == "string" and run.set.node(node) or node
end

--- Whether all conditions hold; what they assign goes into `scope`.
local function hold(run, conditions, scope)
  for _, condition in ipairs(conditions) do
    local node = node_of(run, condition)
    local result = call(run, node, scope, 1)
    if result == nil or result == false then
      return false
    elseif node.assign then
      scope[node.assign] = result
    end
  end
  return true
end

local evaluate

local function first_of(run, list, scope, depth)
  for _, rule in ipairs(list) do
    local found, refusal = evaluate(run, rule, scope, depth)
    if found or refusal then
      return found, refusal
    end
  end
  return nil
end

evaluate = function(run, rule, outer, depth)
  step(run, depth)
  local node = node_of(run, rule)
  local scope = setmetatable({}, { __index = outer }) -- what a rule assigns ends with it
  if not hold(run, node.conditions, scope) then
    return nil
  elseif node.rules then
    return first_of(run, node.rules, scope, depth + 1)
  elseif node.error then
    return nil, value_of(run, node.error, scope, 1)
  end
  local endpoint = node.endpoint
  return {
    url = value_of(run, endpoint.url, scope, 1),
    properties = fill_all(run, endpoint.properties or {}, scope, 1),
    headers = fill_all(run, endpoint.headers or {}, scope, 1),
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
  local found, refusal = first_of({ set = set, left = STEPS_MAX }, set.rules, scope, 1)
  return found, refusal or (not found and "no rule fits" or nil)
end

return rules
