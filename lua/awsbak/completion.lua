--- What a word of a command line may become, for the shells' completion.

local commands = require("awsbak.commands")
local errors = require("awsbak.errors")
local flags = require("awsbak.flags")
local settings = require("awsbak.settings")

local M = {}

--- A command line in words, as a shell splits it; the last one may be empty: it is begun.
---@param line string up to the cursor
---@return string[]
function M.split(line)
  local words, word, quote, i = {}, nil, nil, 1
  while i <= #line do
    local c = line:sub(i, i)
    if quote then
      if c == quote then
        quote = nil
      else
        word = word .. c
      end
    elseif c == "'" or c == '"' then
      quote, word = c, word or ""
    elseif c == "\\" then
      i = i + 1
      word = (word or "") .. line:sub(i, i)
    elseif c:find("%s") then
      words[#words + 1], word = word, nil
    else
      word = (word or "") .. c
    end
    i = i + 1
  end
  words[#words + 1] = word or ""
  return words
end

--- The words before the one at the end, sorted: flags with their values, and the others.
---@return string[] arguments
---@return awsbak.Option? flag that the last word is the value of
local function sort(words, own)
  local arguments, i = {}, 1
  while i < #words do
    local word = words[i]
    local option = word:find("^%-%-.") and flags.find(own, settings.options, word)
    if not option or option.kind == "flag" then
      arguments[#arguments + 1] = not word:find("^%-") and word or nil
    elseif i + 1 == #words then
      return arguments, option
    else
      i = i + 1
    end
    i = i + 1
  end
  return arguments
end

local function flags_of(own)
  local list = { "--help" }
  for _, schema in ipairs({ own, settings.options }) do
    for _, option in ipairs(schema.list) do
      list[#list + 1] = not option.positional and option.flag or nil
    end
  end
  return list
end

local function values_of(option, word, arguments, more)
  local complete = option.complete or more[option.key]
  return option.choices or complete and complete(word, arguments) or {}
end

--- The positional option that the argument after `count` others is for; nil when there is none.
local function slot(own, count)
  for _, option in ipairs(own.list) do
    if option.positional and (count == 0 or option.many) then
      return option
    elseif option.positional then
      count = count - 1
    end
  end
end

local NOTHING = { list = {}, by_key = {} }

--- Everything that may stand in the place of the last word.
local function options_for(words, more)
  local word = words[#words]
  local before = sort(words, NOTHING)
  local command, after = errors.try(commands.match, before, 1)
  local policy = command and commands.load(command)
  local own = policy and policy.schema or NOTHING
  local all, flag = sort(words, own)
  if flag then
    return values_of(flag, word, all, more)
  elseif word:find("^%-") then
    return flags_of(own)
  end
  local list = commands.next_words(before)
  local arguments = policy and table.move(all, after, #all, 1, {})
  local option = arguments and slot(own, #arguments)
  for _, value in ipairs(option and values_of(option, word, arguments, more) or {}) do
    list[#list + 1] = value
  end
  return list
end

--- What the last word of a line may become, in order; nothing where that is a file or any text.
---@param line string the command line up to the cursor, with the program's name
---@param more table<string, fun(): string[]> values of the flags that every command has, by key
---@return string[]
function M.candidates(line, more)
  local words = M.split(line)
  table.remove(words, 1)
  if #words == 0 then
    return {}
  end
  local word, list, seen = words[#words], {}, {}
  for _, candidate in ipairs(options_for(words, more)) do
    if candidate:sub(1, #word) == word and not seen[candidate] then
      list[#list + 1], seen[candidate] = candidate, true
    end
  end
  return list
end

return M
