--- What may be written next at the prompt: fields, modules, members of a call's input, values.
---
--- Values that are there are looked at, and nothing is called but `require` of our own modules and
--- what a metatable has for this purpose:
---
---   __fields(t) -> string[]        what may follow a dot, beside the fields that t has
---   __argument(t, name, index, path, first) -> awsbak.repl.Offer?
---                                what may stand at `path` in argument `index` of t[name];
---                                `first` is its first argument where that is a string
---
--- So clients of AWS complete from their models, and this module knows nothing of AWS.

local errors = require("awsbak.errors")
local modules = require("awsbak.modules")
local scan = require("awsbak.repl.scan")
local sorted = require("awsbak.sorted")

local M = {}

---@class awsbak.repl.Offer
---@field names string[]? keys of a table
---@field required table<string, boolean>? of these names
---@field values any[]? strings, numbers or booleans

---@class awsbak.repl.Candidates
---@field from integer where the word begins that they stand for
---@field list string[]
---@field required table<string, boolean>? names that a call cannot be without
---@field ending string what follows a word that is complete

--- A field, without running anything that could do more than make it.
local function field(value, name)
  local found = type(value) == "table" and rawget(value, name)
  local class = debug.getmetatable(value)
  if found or type(class) ~= "table" then
    return found or nil
  elseif class.__fields then
    return (errors.try(function()
      return value[name]
    end))
  elseif type(class.__index) == "table" then
    return field(class.__index, name)
  end
end

--- What the first of a chain is. Our own modules do nothing when they are loaded; others only count
--- when they are.
local function root_value(root, env)
  if type(root) == "table" then
    local is_ours = modules.is_built_in(root.module)
    return is_ours and errors.try(require, root.module) or package.loaded[root.module]
  end
  local value = rawget(env, root)
  if value == nil then
    return rawget(_G, root)
  end
  return value
end

--- The value that the first `count` names of a chain mean.
local function value_of(chain, count, env)
  local value = count > 0 and root_value(chain[1], env) or nil
  for i = 2, count do
    value = field(value, chain[i])
  end
  return value
end

--- The names of a value's fields, into `names`.
local function add_fields(names, value, is_method)
  for key in pairs(type(value) == "table" and value or {}) do
    if type(key) == "string" and (not is_method or type(rawget(value, key)) == "function") then
      names[key] = true
    end
  end
  local class = debug.getmetatable(value)
  if type(class) ~= "table" then
    return
  end
  for _, name in ipairs(class.__fields and errors.try(class.__fields, value) or {}) do
    names[name] = true
  end
  if type(class.__index) == "table" then
    add_fields(names, class.__index, is_method)
  end
end

local function is_identifier(name)
  return name:find("^[%a_][%w_]*$") and not scan.keywords[name]
end

local function fields(place, env)
  local names, list = {}, {}
  add_fields(names, value_of(place.chain, #place.chain, env), place.is_method)
  for _, name in ipairs(sorted.keys(names)) do
    list[#list + 1] = is_identifier(name) and name:sub(1, 1) ~= "_" and name or nil
  end
  return { list = list, ending = "" }
end

local function globals(env)
  local names = {}
  for _, from in ipairs({ _G, env, scan.keywords }) do
    for name in next, from do
      names[name] = true
    end
  end
  return sorted.keys(names)
end

--- What the one who is called says of the place; {} when it says nothing.
---@return awsbak.repl.Offer
local function offer(call, env)
  local owner = call and value_of(call.chain, #call.chain - 1, env)
  local class = owner ~= nil and debug.getmetatable(owner)
  if type(class) ~= "table" or not class.__argument then
    return {}
  end
  local name = call.chain[#call.chain]
  return errors.try(class.__argument, owner, name, call.index, call.path, call.first) or {}
end

local function in_string(place, env)
  local call = place.call
  if call and #call.chain == 1 and call.chain[1] == "require" then
    return { list = modules.list(), ending = place.quote }
  end
  local list = {}
  for _, value in ipairs(offer(call, env).values or {}) do
    list[#list + 1] = type(value) == "string" and value or nil
  end
  return { list = list, ending = place.quote }
end

local function keys(place, env)
  local names = offer(place.call, env)
  local list = {}
  for _, name in ipairs(names.names or {}) do
    list[#list + 1] = not place.call.given[name] and name or nil
  end
  return { list = list, required = names.required, ending = " = " }
end

--- Values as code: a string with its quotes.
local function values(place, env)
  local list = {}
  for i, value in ipairs(offer(place.call, env).values or {}) do
    list[i] = type(value) == "string" and ("%q"):format(value) or tostring(value)
  end
  return { list = list, ending = "" }
end

--- Only what begins with the word; where nothing does, in whatever case.
local function matching(found, word)
  for _, change in ipairs({ tostring, string.lower }) do
    local list = {}
    for _, candidate in ipairs(found.list) do
      if change(candidate):sub(1, #word) == change(word) then
        list[#list + 1] = candidate
      end
    end
    if #list > 0 then
      found.list = list
      return found
    end
  end
  found.list = {}
  return found
end

local function in_code(text, env)
  local place = scan.place(text)
  if not place then
    return nil
  end
  local found
  if place.kind == "field" then
    found = fields(place, env)
  elseif place.kind == "string" then
    found = in_string(place, env)
  else
    found = place.is_key and keys(place, env) or place.is_value and values(place, env)
    if not found or #matching(found, place.word).list == 0 then
      found = { list = globals(env), ending = "" }
    end
  end
  found.from = place.from
  return matching(found, place.word)
end

local function names_of(dots)
  local list = {}
  for i, name in ipairs(sorted.keys(dots)) do
    list[i] = "." .. name
  end
  return list
end

--- A line that begins with a dot: a command of the prompt, then a topic of help.
local function in_command(text, dots)
  local name, rest = text:match("^%.(%w+)%s+(.*)$")
  if not name then
    return matching({ from = 1, list = names_of(dots), ending = " " }, text)
  end
  local words, word = {}, rest:match("%S*$")
  for before in rest:sub(1, #rest - #word):gmatch("%S+") do
    words[#words + 1] = before
  end
  local complete = dots[name] and dots[name].complete
  local found = { from = #text - #word + 1, list = complete and complete(word, words) or {} }
  found.ending = ""
  return matching(found, word)
end

--- What the word at the end of a text may become.
---@param text string what was typed, up to the cursor
---@param env table the globals of the prompt
---@param dots table<string, table>? commands that begin with a dot, with `complete(word, words)`
---@return awsbak.repl.Candidates? nil when nothing can be said
function M.candidates(text, env, dots)
  if dots and text:find("^%.%a*") and not text:find("^%.%.") then
    return in_command(text, dots)
  end
  return in_code(text, env)
end

return M
