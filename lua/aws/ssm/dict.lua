--- Parameter Store as a table: `d["/app/key"] = "secret"`, `print(d["/app/key"])`.
---
---   local dict = require("aws.ssm").dict
---   local d = dict({ path = "/app" })
---   d["/app/limit"] = { value = "10", type = "String", description = "requests a second" }
---   for name, value in pairs(d) do print(name, value) end
---   print(#d, dict.clear(d, "/app/old"))
---
--- Every access is a request; nothing is cached. The dict has no methods, since a parameter may
--- have any name: what else it can do are functions of this module that take it.

local errors = require("awsbak.errors")
local faults = require("aws.ssm.faults")
local outside = require("awsbak.outside")
local path = require("aws.ssm.path")
local reader = require("aws.ssm.reader")
local replies = require("aws.ssm.replies")
local sorted = require("awsbak.sorted")

local M = {}

local OPTIONS = { client = true, decrypt = true, overwrite = true, path = true, returns = true }
local RETURNS = { value = true, table = true }

-- Members of a table that is assigned, and what PutParameter calls them.
local MEMBERS = {
  value = "Value",
  type = "Type",
  description = "Description",
  key_id = "KeyId",
  tier = "Tier",
  data_type = "DataType",
  allowed_pattern = "AllowedPattern",
}

local DELETE_BATCH = 10 -- names that a DeleteParameters takes
local GONE_TRIES = 15 -- after 0.1 s, then 1.2 times longer each: 7.2 s in all
local GONE_S = 0.1

-- What a dict knows lies beside it: in it, it would be a parameter.
local states = setmetatable({}, { __mode = "k" })

local function misuse(message, hint)
  errors.raise({ kind = "usage", code = "bad_dict", message = message, hint = hint })
end

local function state_of(d)
  return states[d] or misuse("not a dict of aws.ssm", "call it with a dot: dict.clear(d, prefix)")
end

-- A dict made with a path holds nothing outside of it, whatever the name.
local function check_inside(state, name)
  if not state.scope:includes(name) then
    misuse(("%s is not below %s, the path of this dict"):format(name, state.scope:describe()))
  end
end

local function check_table(value, what)
  if type(value) ~= "table" then
    misuse(("%s, not a %s"):format(what, type(value)))
  end
end

local function check_keys(given, known, subject)
  for key in pairs(given) do
    if not known[key] then
      local near = errors.nearest(tostring(key), sorted.keys(known))
      local hint = near and "did you mean " .. near .. "?"
      misuse(("%s has no member %s"):format(subject, tostring(key)), hint)
    end
  end
end

-- What reading gives: the value, or a table of what the lists say.
local function shape(state, meta, value)
  if state.returns == "value" then
    return value.Value
  end
  return { value = value.Value, type = value.Type, description = meta.Description or "" }
end

local function raise_refusal(r)
  local refusal = r.unreadable[1]
  errors.raise({
    kind = "service",
    service = "ssm",
    code = refusal.code,
    message = refusal.name .. ": " .. refusal.message,
  })
end

local function read(state, name)
  if type(name) ~= "string" or name == "" then
    return nil
  end
  check_inside(state, name)
  if state.returns == "value" then
    local get = replies.value(state.client.get_parameter)
    local answer, e = errors.try(get, { Name = name, WithDecryption = state.decrypt })
    if answer then
      return answer.Parameter.Value
    end
    return not faults.gone(e) and error(e, 0) or nil
  end
  local r = state:new_reader()
  local values = r:values({ name })
  local meta, value = r:settle(name, r:metadata({ name })[name], values[name])
  if r.unreadable[1] then
    raise_refusal(r)
  end
  return meta and shape(state, meta, value) or nil
end

-- DescribeParameters shows a deleted parameter for a while, and a new one of its name would then be
-- seen with the old description.
local function wait_until_gone(state, name)
  local r = state:new_reader()
  for try = 0, GONE_TRIES do
    if not r:metadata({ name })[name] then
      return
    end
    outside.sleep(GONE_S * 1.2 ^ try)
  end
  errors.raise({
    kind = "service",
    service = "ssm",
    code = "lingering",
    message = name .. " was deleted, but is still listed",
    hint = "wait some seconds before a parameter of this name is created again",
  })
end

local function delete(state, name)
  check_inside(state, name)
  local _, e = errors.try(state.client.delete_parameter, { Name = name })
  if not e then
    wait_until_gone(state, name)
  elseif not faults.gone(e) then
    error(e, 0)
  end
end

local function put_input(name, given)
  if type(given) == "string" then
    given = { value = given }
  elseif type(given) ~= "table" then
    misuse(name .. ": a parameter is text or a table, not a " .. type(given))
  end
  check_keys(given, MEMBERS, "a parameter")
  local input = { Name = name }
  for member, value in pairs(given) do
    input[MEMBERS[member]] = value
  end
  input.Type = input.Type or "SecureString"
  if input.Description == "" then
    input.Description = nil -- Parameter Store does not tell an empty one from none
  end
  return input
end

local function write(state, name, given)
  local reason = type(name) ~= "string" and "it is not text" or path.invalid(name)
  if reason then
    misuse(("not a name for a parameter: %s"):format(tostring(name)), reason)
  end
  check_inside(state, name)
  local input = put_input(name, given)
  input.Overwrite = state.overwrite or nil
  local _, e = errors.try(state.client.put_parameter, input)
  if e then
    if e.code == "ParameterAlreadyExists" then
      e.message = name .. " exists already"
      e.hint = "delete it first, or make the dict with overwrite = true"
    end
    error(e, 0)
  end
end

-- Names and, unless told otherwise, their values; a page of 50 is in memory.
local function entries(state, wanted)
  local r = state:new_reader()
  local pages = r:pages(state.scope)
  local metas, values, at = {}, {}, 0
  return function()
    while true do
      at = at + 1
      local meta = metas[at]
      if not meta then
        metas, at = pages(), 0
        if not metas then
          return nil
        end
        values = wanted == "names" and {} or r:values(M.names_of(metas))
      elseif wanted == "names" then
        return meta.Name
      elseif values[meta.Name] then
        return meta.Name, shape(state, meta, values[meta.Name])
      elseif values[meta.Name] == nil then
        raise_refusal(r)
      end
    end
  end
end

--- The names in a list of ParameterMetadata.
---@param metas table[]
---@return string[]
function M.names_of(metas)
  local names = {}
  for i, meta in ipairs(metas) do
    names[i] = meta.Name
  end
  return names
end

local meta = { __name = "aws.ssm.dict" }

function meta.__index(d, name)
  return read(states[d], name)
end

function meta.__newindex(d, name, given)
  if given ~= nil then
    write(states[d], name, given)
  elseif type(name) == "string" and name ~= "" then
    delete(states[d], name)
  end
end

function meta.__len(d)
  local count = 0
  for _ in M.names(d) do
    count = count + 1
  end
  return count
end

-- For the prompt and print: no value, and no request.
function meta.__tostring(d)
  return "aws.ssm.dict of " .. states[d].scope:describe()
end

function meta.__pairs(d)
  return entries(states[d])
end

--- Makes a dict.
---@param options table `client`, an SSM client; `decrypt` (true; false reads SecureStrings as AWS
---  keeps them); `returns`, `value` (default) or `table`: `{ value, type, description }`;
---  `overwrite` (false: assigning to a name that exists raises); `path`, below which every name
---  lies: others are an error
---@return table d
function M.new(options)
  check_table(options, "a dict is made of a table of options")
  check_keys(options, OPTIONS, "a dict")
  local returns = options.returns or "value"
  if not RETURNS[returns] then
    misuse("returns must be value or table, not " .. tostring(returns))
  end
  local d = setmetatable({}, meta)
  states[d] = {
    client = options.client,
    decrypt = options.decrypt ~= false,
    returns = returns,
    overwrite = options.overwrite or false,
    scope = path.scope(options.path and { options.path }, "path"),
    new_reader = function(state)
      return reader.new(state.client, { tags = false, labels = false, decrypt = state.decrypt })
    end,
  }
  return d
end

--- An iterator over all names. Nothing is decrypted.
---@param d table
---@return fun(): string|nil
function M.names(d)
  return entries(state_of(d), "names")
end

--- The parameter, or another value when there is none.
---@param d table
---@param name string
---@param default any
---@return any
function M.get(d, name, default)
  local found = read(state_of(d), name)
  return found == nil and default or found
end

--- Reads a parameter and deletes it.
---@param d table
---@param name string
---@param default any what to return when there is none
---@return any
function M.pop(d, name, default)
  local found = read(state_of(d), name)
  if found == nil then
    return default
  end
  delete(state_of(d), name)
  return found
end

--- The parameter; when there is none, it is created first.
---@param d table
---@param name string
---@param given string|table as for an assignment
---@return any
function M.setdefault(d, name, given)
  local state = state_of(d)
  local found = read(state, name)
  if found ~= nil then
    return found
  end
  write(state, name, given)
  return read(state, name)
end

--- Assigns every member of a table, in the order of their names.
---@param d table
---@param parameters table<string, string|table>
function M.update(d, parameters)
  local state = state_of(d)
  check_table(parameters, "dict.update needs a table of parameters")
  for _, name in ipairs(sorted.keys(parameters)) do
    write(state, name, parameters[name])
  end
end

--- Deletes parameters; those that do not exist are passed over.
---@param d table
---@param names string[]
function M.remove(d, names)
  local state = state_of(d)
  check_table(names, "dict.remove needs a list of names")
  for _, name in ipairs(names) do
    delete(state, name)
  end
end

--- The names under which something else is stored than a table says, or nothing.
---@param d table
---@param parameters table<string, string|table> only the members that are given are compared
---@return string[] names sorted; empty when all is as it should be
function M.differing(d, parameters)
  local state = state_of(d)
  check_table(parameters, "dict.differing needs a table of parameters")
  local whole = M.new({ client = state.client, decrypt = state.decrypt, returns = "table" })
  local names = {}
  for _, name in ipairs(sorted.keys(parameters)) do
    check_inside(state, name)
    local wanted, found = parameters[name], whole[name]
    if type(wanted) == "string" then
      wanted = { value = wanted }
    end
    local same = found ~= nil
    for member, value in pairs(wanted) do
      same = same and found[member] == value
    end
    if not same then
      names[#names + 1] = name
    end
  end
  return names
end

--- Deletes the parameter of that name and all below it.
---@param d table
---@param prefix string a path such as `/app`; `/` is refused, it would empty the whole region
---@return integer count how many were deleted
function M.clear(d, prefix)
  local state = state_of(d)
  if type(prefix) ~= "string" or prefix == "/" then
    misuse("dict.clear needs a path such as /app", "a whole region is not cleared at once")
  end
  check_inside(state, prefix)
  local names = {} -- all first: what is deleted while pages are read would shift the pages
  for metas in state:new_reader():pages(path.scope({ prefix })) do
    table.move(M.names_of(metas), 1, #metas, #names + 1, names)
  end
  local count = 0
  for first = 1, #names, DELETE_BATCH do
    local last = math.min(first + DELETE_BATCH - 1, #names)
    local batch = table.move(names, first, last, 1, {})
    local answer = state.client.delete_parameters({ Names = batch })
    count = count + #(answer.DeletedParameters or {})
  end
  return count
end

return setmetatable(M, {
  __call = function(_, options)
    return M.new(options or {})
  end,
})
