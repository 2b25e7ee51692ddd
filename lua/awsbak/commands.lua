--- Commands are policies: `awsbak ssm backup` is scripts/ssm/backup.lua.
---
--- Looked for in the folders of AWSBAK_PATH, in ./scripts when `awsbak eject` made the mark beside
--- it, in the scripts folder of the user's configuration, and last in the program itself.

local errors = require("awsbak.errors")
local folders = require("awsbak.folders")
local log = require("awsbak.log")
local outside = require("awsbak.outside")

local M = {}

--- The file `awsbak eject` makes beside ./scripts.
M.MARK = ".awsbak"

local WORD = "^[%w][%w_-]*$" -- a word of a command: never a path

local PROJECT = "./scripts" -- "scripts/..." are the names of our own chunks

local NOT_COMMANDS = "^features/" -- scripts/features holds .feature files and their steps

---@class awsbak.Command
---@field name string "ssm/backup"
---@field path string its file; "scripts/ssm/backup.lua (built in)" for people
---@field file string? path to load it from; nil when built in
---@field text string? its source when built in

local warned = {} -- what was said: every look for a command goes through the folders again

local function warn_once(...)
  local message = string.format(...)
  if not warned[message] then
    warned[message] = true
    log.warn("%s", message)
  end
end

local function file_module()
  return require("awsbak.core.file")
end

--- Only we (or root) may have written `path`.
local function is_ours(path)
  local facts = file_module().stat(path)
  local uid = outside.uid()
  return facts ~= nil and (facts.uid == uid or facts.uid == 0) and facts.mode & 18 == 0 -- 022
end

--- A policy of the project counts only when nobody else can have written it or its folder.
local function is_trusted(path)
  if is_ours(path) and is_ours(path:match("^(.*)/")) then
    return true
  end
  warn_once("%s is not used: it and its folder must be yours and not writable by others", path)
  return false
end

local function project_folder()
  local mark = io.open(M.MARK, "rb")
  if not mark then
    return nil
  end
  mark:close()
  if is_ours(M.MARK) and is_ours(PROJECT) and is_ours(".") then
    return PROJECT
  end
  warn_once(
    "./scripts is not used: it, %s and their folder must be yours and not writable by others",
    M.MARK
  )
  return nil
end

--- Folders that may hold policies, the first wins.
---@return string[]
function M.folders()
  local list = {}
  for path in (outside.getenv("AWSBAK_PATH") or ""):gmatch("[^:]+") do
    if path:sub(1, 1) == "/" then
      list[#list + 1] = path
    else
      warn_once("AWSBAK_PATH: '%s' is not used: it is not an absolute path", path)
    end
  end
  list[#list + 1] = project_folder()
  local config = folders.config()
  list[#list + 1] = config and config .. "/scripts"
  return list
end

local function embed()
  local found, module = pcall(require, "awsbak.core.embed")
  return found and module or nil
end

local function is_readable(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

--- The command called `name`.
---@param name string "ssm/backup"
---@return awsbak.Command? command nil when there is none
function M.find(name)
  if name:find(NOT_COMMANDS) then
    return nil
  end
  for _, folder in ipairs(M.folders()) do
    local path = folder .. "/" .. name .. ".lua"
    if is_readable(path) and (folder ~= PROJECT or is_trusted(path)) then
      return { name = name, path = path, file = path }
    end
  end
  local builtin = embed()
  local path = "scripts/" .. name .. ".lua"
  local text = builtin and builtin.find(path)
  return text and { name = name, path = path .. " (built in)", text = text } or nil
end

--- The command that the words from `first` on begin with: the longest name wins.
---@param words string[]
---@param first integer
---@return awsbak.Command command raises kind "usage" when there is none
---@return integer next index of the word after it
function M.match(words, first)
  local name, last = nil, first - 1
  local best, best_next
  while words[last + 1] and words[last + 1]:find(WORD) do
    last = last + 1
    name = name and name .. "/" .. words[last] or words[last]
    local command = M.find(name)
    if command then
      best, best_next = command, last + 1
    elseif best and last > best_next then
      break -- a name has no holes of two words
    end
  end
  if not best then
    M.unknown(words, first)
  end
  return best, best_next
end

local function add_folder(names, folder, prefix)
  for _, entry in ipairs(file_module().list(folder .. "/" .. prefix) or {}) do
    local word = entry:match("^(.*)%.lua$")
    if word and word:find(WORD) then
      names[prefix .. word] = true
    elseif prefix == "" and entry:find(WORD) then
      add_folder(names, folder, entry .. "/")
    end
  end
end

--- Names of commands, sorted.
---@param own boolean? only those of the program itself
---@return string[]
function M.list(own)
  local names = {}
  local builtin = embed()
  for _, path in ipairs(builtin and builtin.list("scripts/") or {}) do
    names[path:match("^scripts/(.*)%.lua$") or ""] = true
  end
  for _, folder in ipairs(own and {} or M.folders()) do
    add_folder(names, folder, "")
  end
  local list = {}
  for name in pairs(names) do
    if name ~= "" and not name:find(NOT_COMMANDS) then
      list[#list + 1] = name
    end
  end
  table.sort(list)
  return list
end

--- Commands whose name begins with `group` and a slash.
---@param group string
---@return string[]
function M.members(group)
  local list = {}
  for _, name in ipairs(M.list()) do
    if name:sub(1, #group + 1) == group .. "/" then
      list[#list + 1] = name
    end
  end
  return list
end

--- Whether a word is no command but begins several.
---@param word string
---@return boolean
function M.is_group(word)
  return not M.find(word) and #M.members(word) > 0
end

--- The words that may follow others as the next one of a command's name.
---@param words string[]
---@return string[] sorted
function M.next_words(words)
  local prefix = #words > 0 and table.concat(words, "/") .. "/" or ""
  local list, seen = {}, {}
  for _, name in ipairs(M.list()) do
    local word = name:sub(1, #prefix) == prefix and name:sub(#prefix + 1):match("^[^/]+")
    if word and not seen[word] then
      list[#list + 1], seen[word] = word, true
    end
  end
  return list
end

local function spaced(name)
  return (name:gsub("/", " "))
end

--- The commands nearest to `said`, as a question: their whole names, their group or their last word
--- may be meant, which several can have. Nil when none is near.
local function nearest(said, names)
  local forms, full = {}, {}
  local function add(form, name)
    if not full[form] then
      forms[#forms + 1], full[form] = form, {}
    end
    local list = full[form]
    if list[#list] ~= name then
      list[#list + 1] = name
    end
  end
  for _, name in ipairs(names) do
    add(spaced(name), spaced(name))
  end
  for _, name in ipairs(names) do
    local group, last = name:match("^(.*)/([^/]+)$")
    if group then
      add(spaced(group), spaced(group))
      add(last, spaced(name))
    end
  end
  local near = errors.nearest(said, forms)
  return near and ("did you mean '%s'?"):format(table.concat(full[near], "' or '"))
end

--- What may have been meant by two words that begin no command of `names`.
---@param first string
---@param second string?
---@param names string[] as M.list gives them
---@return string hint
---@return string said the words it is about
function M.suggest(first, second, names)
  local both = second and first .. " " .. second
  local group = {}
  for _, name in ipairs(names) do
    group[#group + 1] = name:find(first .. "/", 1, true) == 1 and spaced(name) or nil
  end
  if #group > 0 then
    local near = both and errors.nearest(both, group)
    local hint = near and ("did you mean '%s'?"):format(near)
    return hint or "they are: " .. table.concat(group, ", "), both or first
  end
  for _, said in ipairs({ both or first, first }) do
    local near = nearest(said, names)
    if near then
      return near, said
    end
  end
  return "`awsbak help` lists them all", first
end

--- Raise the error for words that are no command.
---@param words string[]
---@param first integer
function M.unknown(words, first)
  local word, second = words[first], words[first + 1]
  local hint, said = M.suggest(word, second, M.list())
  local is_group = not second and #M.members(word) > 0
  errors.raise({
    kind = "usage",
    code = "unknown_command",
    message = (is_group and "'%s' is several commands" or "there is no command '%s'"):format(said),
    hint = hint,
  })
end

local function compile(command)
  local strict = require("awsbak.strict")
  local chunk, message
  if command.file then
    chunk, message = loadfile(command.file, "t", strict.modules)
  else
    chunk, message = load(command.text, "=scripts/" .. command.name .. ".lua", "t", strict.modules)
  end
  if not chunk then
    error(message, 0)
  end
  return chunk
end

--- The policy of a command.
---@param command awsbak.Command
---@return awsbak.Policy
--- Raises kind config, code not_a_policy; what its file raises.
function M.load(command)
  local module = "scripts." .. command.name:gsub("/", ".")
  local p = package.loaded[module] or compile(command)(module, command.path)
  if not require("awsbak.policy").is(p) then
    errors.raise({
      kind = "config",
      code = "not_a_policy",
      message = command.path .. " does not return a policy",
      hint = "it should end with: return policy({ name = ..., summary = ..., run = ... })",
    })
  end
  package.loaded[module] = p
  return p
end

--- package.searchers entry for "scripts.ssm.backup": the same file the command would run.
---@param module string
---@return function|string loader or why there is none
---@return string? path
function M.searcher(module)
  local command = M.find((module:gsub("^scripts%.", ""):gsub("%.", "/")))
  if not command then
    return ("no policy '%s'"):format(module)
  end
  return compile(command), command.path
end

return M
