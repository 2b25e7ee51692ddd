--- Words of a command line, sorted into options and positional arguments.
---
---   --name value   --name=value   --flag   --flag=false   -v -vv -q -h   -n (--dry-run)
---   -- (only arguments follow)

local errors = require("awsbak.errors")
local schema = require("awsbak.schema")

local M = {}

--- One-letter flags: what each sets.
local SHORT = {
  ["-h"] = { "help", true },
  ["-v"] = { "log", "info" },
  ["-vv"] = { "log", "debug" },
  ["-q"] = { "log", "error" },
}

local LONG = { ["-n"] = "--dry-run" }

---@class awsbak.Words
---@field values table<string, any> text by key (a list where the option is `many`)
---@field globals table<string, any> the same for the flags every command has
---@field help boolean?
---@field log string? level

local function usage(message, ...)
  errors.raise({ kind = "usage", code = "bad_option", message = message:format(...) })
end

--- The option called `flag`, and whether it is one of the command itself.
---@param own awsbak.Schema
---@param globals awsbak.Schema
---@param flag string "--dry-run"
---@return awsbak.Option? option
---@return boolean is_own
function M.find(own, globals, flag)
  local key = flag:sub(3):gsub("-", "_")
  local option = own.by_key[key]
  if option and not option.positional then
    return option, true
  end
  return globals.by_key[key], false
end

--- An unknown flag: the nearest one is named, or else how input is written that another tool takes
--- as flags.
local function unknown(own, globals, flag)
  local all, words = { list = { { flag = "--help" } } }, nil
  for _, from in ipairs({ own, globals }) do
    for _, option in ipairs(from.list) do
      all.list[#all.list + 1] = not option.positional and option or nil
      if option.positional and option.many and option.help then
        words = ("%s is %s"):format(option.word, option.help)
      end
    end
  end
  schema.unknown(all, flag, "command", words)
end

local function store(target, option, value)
  if not option.many then
    if target[option.key] ~= nil then
      usage("%s is given twice", schema.spell(option, "command"))
    end
    target[option.key] = value
    return
  end
  local list = target[option.key] or {}
  list[#list + 1] = value
  target[option.key] = list
end

--- The value of the flag at `i`, and the index of the last word it took.
local function flag_value(words, i, option, inline)
  if inline then
    return inline, i
  elseif option.kind == "flag" then
    return true, i
  end
  local value = words[i + 1]
  if not value or value:find("^%-%-") then
    usage("%s needs a value: %s", option.flag, schema.wanted(option))
  end
  return value, i + 1
end

local function place_arguments(found, own, arguments)
  local slots = {}
  for _, option in ipairs(own.list) do
    slots[#slots + 1] = option.positional and option or nil
  end
  local slot = 1
  for _, word in ipairs(arguments) do
    if not slots[slot] then
      usage("'%s' is one argument too many", word)
    end
    store(found.values, slots[slot], word)
    slot = slots[slot].many and slot or slot + 1
  end
end

--- Sort `words` from `first` on.
---@param words string[]
---@param first integer
---@param own awsbak.Schema the command's options
---@param globals awsbak.Schema
---@param leading boolean? stop at the first word that is no flag
---@return awsbak.Words found
---@return integer next index of the word it stopped at
function M.read(words, first, own, globals, leading)
  local found, arguments = { values = {}, globals = {} }, {}
  local i = first
  while i <= #words do
    local word = LONG[words[i]] or words[i]
    local name, inline = word:match("^(%-%-[^=]+)=(.*)$")
    local short = SHORT[word == "--help" and "-h" or word]
    if short then
      found[short[1]] = short[2]
    elseif word == "--" and not leading then
      table.move(words, i + 1, #words, #arguments + 1, arguments)
      break
    elseif word:find("^%-%-.") then
      local option, is_own = M.find(own, globals, name or word)
      if not option then
        unknown(own, globals, name or word)
      end
      local value
      value, i = flag_value(words, i, option, inline)
      store(is_own and found.values or found.globals, option, value)
    elseif leading then
      break
    elseif word:find("^%-[%a]") then
      unknown(own, globals, word)
    else
      arguments[#arguments + 1] = word
    end
    i = i + 1
  end
  place_arguments(found, own, arguments)
  return found, i
end

return M
