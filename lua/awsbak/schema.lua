--- Options of a policy: what they are called, of which kind they are, and values checked against
--- that.
---
--- An option is `{ name, kind = "string", many, positional, required, default, choices, help }`. On
--- the command line "dry_run" is --dry-run; in events and in Lua it is the key dry_run.

local errors = require("awsbak.errors")
local sorted = require("awsbak.sorted")
local units = require("awsbak.units")

local M = {}

---@class awsbak.Option
---@field [1] string name
---@field name string? the same, instead of [1]
---@field kind "string"|"flag"|"integer"|"size"|"duration"|"time"|"choice"|"jmespath"|nil default
---  "string"
---@field many boolean? may be given more than once; the value is a list
---@field positional boolean? a word of the command line, not a flag
---@field required boolean?
---@field default any
---@field choices string[]? of kind "choice"
---@field min number? of kind "integer", and of kind "duration" in seconds
---@field stream boolean? `-` stands for standard input or output, so the event door refuses it
---@field help string?
---@field complete (fun(word: string, words: string[]): string[])? what `word` may become on a
---  command line; `words` are the arguments before it

local FIELDS = {
  "name",
  "kind",
  "many",
  "positional",
  "required",
  "default",
  "choices",
  "min",
  "stream",
  "help",
  "complete",
}

local DURATION_MAX_S = 86400 * 10000 -- what the deadline's timer holds everywhere

local TIME_MAX = 253402300799 -- the last second of the year 9999

--- Each kind: what a value must be, and how one is made from text or from a Lua value (nil: it is
--- not such a value).
local kinds = {
  string = {
    wanted = "text",
    read = function(v)
      return type(v) == "number" and tostring(v) or type(v) == "string" and v or nil
    end,
  },
  flag = {
    wanted = "true or false",
    read = function(v)
      if type(v) == "boolean" then
        return v
      end
      return ({
        ["true"] = true,
        ["1"] = true,
        yes = true,
        ["false"] = false,
        ["0"] = false,
        no = false,
      })[v]
    end,
  },
  integer = {
    wanted = "a whole number",
    read = function(v, option)
      if type(v) == "string" and not v:find("^[+-]?%d+$") then
        return nil
      end
      local n = math.tointeger(v)
      return n and n >= (option.min or n) and n or nil
    end,
  },
  size = {
    wanted = "a size such as 512, 64K or 8MiB",
    read = function(v)
      if type(v) == "string" then
        return units.size(v)
      end
      local bytes = math.tointeger(v)
      return bytes and bytes >= 0 and bytes or nil
    end,
  },
  duration = {
    wanted = "a duration such as 90s, 5m or 1h30m",
    read = function(v, option)
      local seconds = v
      if type(v) == "string" then
        seconds = units.duration(v)
      end
      local fits = type(seconds) == "number" and seconds >= (option.min or 0)
      return fits and seconds <= DURATION_MAX_S and seconds or nil
    end,
  },
  time = {
    wanted = "a time such as 2026-11-21T03:51:00Z or 2026-11-21, or how long ago, such as 2d",
    read = function(v)
      if type(v) == "string" then
        return require("awsbak.time").point(v, require("awsbak.outside").now())
      end
      return type(v) == "number" and v >= 0 and v <= TIME_MAX and v or nil
    end,
  },
  choice = {
    read = function(v, option)
      for _, choice in ipairs(option.choices) do
        if v == choice then
          return v
        end
      end
    end,
  },
  jmespath = {
    wanted = "a JMESPath expression",
    read = function(v)
      return type(v) == "string" and require("awsbak.jmespath").compile(v) and v or nil
    end,
  },
}

local function mistaken(message, said, list)
  local near = said and errors.nearest(tostring(said), list)
  errors.raise({
    kind = "config",
    code = "bad_policy",
    message = message,
    hint = near and ("did you mean '%s'?"):format(near) or nil,
  })
end

local function check_fields(name, option)
  for field in pairs(option) do
    local known = field == 1
    for _, other in ipairs(FIELDS) do
      known = known or field == other
    end
    if not known then
      mistaken(("option '%s' has an unknown field '%s'"):format(name, field), field, FIELDS)
    end
  end
end

local function check_kind(name, kind, option)
  if not kinds[kind] then
    local message = ("option '%s' is of no known kind: %s"):format(name, tostring(kind))
    mistaken(message, kind, sorted.keys(kinds))
  elseif kind == "choice" and not option.choices then
    mistaken(("option '%s' needs choices"):format(name))
  end
end

local function normalise(option)
  local name = type(option) == "table" and (option[1] or option.name)
  if type(name) ~= "string" then
    mistaken("an option needs a name")
  end
  local kind = option.kind or "string"
  check_fields(name, option)
  check_kind(name, kind, option)
  return {
    key = (name:gsub("-", "_")),
    flag = "--" .. name:gsub("_", "-"),
    word = name:gsub("_", "-"):upper(),
    kind = kind,
    many = option.many or false,
    positional = option.positional or false,
    required = option.required or false,
    default = option.default,
    min = option.min,
    stream = option.stream or false,
    choices = option.choices,
    help = option.help,
    complete = option.complete,
  }
end

---@class awsbak.Schema
---@field list table[] options in the order they were given
---@field by_key table<string, table>

--- Check a list of options and index it; a mistake in it raises kind "config", code "bad_policy".
---@param options awsbak.Option[]
---@return awsbak.Schema
function M.new(options)
  local self = { list = {}, by_key = {} }
  for i, option in ipairs(options or {}) do
    local o = normalise(option)
    if self.by_key[o.key] then
      mistaken(("option '%s' is given twice"):format(o.key))
    end
    self.list[i], self.by_key[o.key] = o, o
  end
  return self
end

--- How `option` is called by whoever gave the value.
---@param option table
---@param door "command"|"event"|"library"
---@return string
function M.spell(option, door)
  if door ~= "command" then
    return option.key
  end
  return option.positional and option.word or option.flag
end

--- What a value of `option` must be, for people.
---@param option table
---@return string
function M.wanted(option)
  if option.choices then
    return "one of " .. table.concat(option.choices, ", ")
  end
  local least = option.kind == "duration" and ", at least %gs" or " from %d up"
  return kinds[option.kind].wanted .. (option.min and least:format(option.min) or "")
end

local function shown(value)
  if type(value) == "string" then
    return "'" .. value .. "'"
  elseif type(value) == "table" then
    return #value == 0 and next(value) ~= nil and "an object" or "a list"
  end
  return type(value) == "userdata" and "null" or tostring(value)
end

-- What an event's JSON must hold where a command line has only text: "plaintext": "no" is no flag.
local JSON_TYPES = {
  flag = { "boolean", "JSON has true and false without quotes" },
  string = { "string", "JSON has text in quotes" },
}

local function bad_value(option, value, door)
  local hint
  if option.choices and type(value) == "string" then
    local near = errors.nearest(value, option.choices)
    hint = near and ("did you mean '%s'?"):format(near)
  elseif option.kind == "duration" and (units.duration(tostring(value)) or 0) > DURATION_MAX_S then
    hint = "10000d is the longest"
  elseif door == "event" and JSON_TYPES[option.kind] and type(value) ~= "table" then
    hint = JSON_TYPES[option.kind][2]
  end
  errors.raise({
    kind = "usage",
    code = "bad_option",
    message = ("%s must be %s, not %s"):format(
      M.spell(option, door),
      M.wanted(option),
      shown(value)
    ),
    hint = hint,
  })
end

--- One value of `option`, checked and made what its kind says.
---@param option table
---@param value any
---@param door string at "event" a flag is a boolean and text a string, as JSON tells them apart
---@return any
--- Raises kind usage, code bad_option.
function M.value(option, value, door)
  if value == "" and option.kind == "string" then
    errors.raise({
      kind = "usage",
      code = "bad_option",
      message = M.spell(option, door) .. " is empty",
      hint = "give it a value, or leave it out",
    })
  end
  local result = kinds[option.kind].read(value, option)
  local wanted = door == "event" and JSON_TYPES[option.kind]
  if result == nil or wanted and type(value) ~= wanted[1] then
    bad_value(option, value, door)
  end
  return result
end

local function values(option, given, door)
  if type(given) == "table" and #given == 0 and next(given) ~= nil then
    bad_value(option, given, door)
  end
  local list = {}
  for i, value in ipairs(type(given) == "table" and given or { given }) do
    list[i] = M.value(option, value, door)
  end
  return list
end

--- Raise the error for an option that does not exist; names the nearest one.
---@param self awsbak.Schema
---@param name string as it was given
---@param door string
---@param otherwise string? what to say when none is near
function M.unknown(self, name, door, otherwise)
  local bare, spelt = {}, {}
  for i, option in ipairs(self.list) do
    local word = M.spell(option, door)
    bare[i] = word:gsub("^%-%-", "")
    spelt[bare[i]] = word
  end
  local near = spelt[errors.nearest((name:gsub("^%-%-", "")), bare) or false]
  errors.raise({
    kind = "usage",
    code = "unknown_option",
    message = ("there is no option '%s'"):format(name),
    hint = near and ("did you mean '%s'?"):format(near) or otherwise,
  })
end

local function absent(value)
  return value == nil or type(value) == "userdata" -- JSON's null
end

local function empty_of(option)
  if option.many then
    return {}
  elseif option.kind == "flag" then
    return false
  end
  return nil
end

local function default_of(option, door)
  if option.required then
    errors.raise({
      kind = "usage",
      code = "missing_option",
      message = M.spell(option, door)
        .. " is missing"
        .. (option.help and ": " .. option.help or ""),
    })
  end
  if option.default == nil then
    return empty_of(option)
  end
  return option.many and values(option, option.default, door)
    or M.value(option, option.default, door)
end

--- Check what was given against the options: unknown keys, wrong values and missing ones raise kind
--- "usage"; one value is accepted where there may be many; defaults are filled in.
---@param self awsbak.Schema
---@param given table<string, any>
---@param door "command"|"event"|"library" how names are spelt in messages
---@return table<string, any> a new table
function M.check(self, given, door)
  local keys = {}
  for key in pairs(given) do
    keys[#keys + 1] = tostring(key)
  end
  table.sort(keys) -- the same mistake gives the same message
  for _, key in ipairs(keys) do
    if not self.by_key[key] then
      M.unknown(self, key, door)
    end
  end
  local result = {}
  for _, option in ipairs(self.list) do
    local value = given[option.key]
    if absent(value) then
      result[option.key] = default_of(option, door)
    elseif option.many then
      result[option.key] = values(option, value, door)
    else
      result[option.key] = M.value(option, value, door)
    end
  end
  return result
end

return M
