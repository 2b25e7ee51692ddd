--- The text of `awsbak help`, made of what policies say about themselves.

local commands = require("awsbak.commands")
local schema = require("awsbak.schema")
local settings = require("awsbak.settings")
local text = require("awsbak.text")

local M = {}

local WIDTH = 90 -- of running text

local USAGE = [[
awsbak runs backup and restore policies for AWS, written in Lua.

  awsbak COMMAND [words]         a command: a policy of the list below
  awsbak SCRIPT.lua [words]      a Lua script; its name has a / or ends in .lua
  awsbak - [words]               a script from standard input
  awsbak                         on a terminal: a Lua prompt

  -e CODE   run Lua code         -v, -vv   say more (AWSBAK_LOG=info, debug)
  -l NAME   require a module     -q        say errors only
  -i        prompt afterwards    -V        print the version
]]

local EXITS = [[
Exit codes: 0 done, 1 error, 2 wrong usage or configuration, 3 incomplete, 4 differences found,
20 confirmation needed, 71 out of memory, 124 timeout, 130 and 143 ended by a signal, 141 nobody
reads standard output any more.
]]

--- Two columns, the left one as wide as needed.
local function columns(rows)
  local width = 0
  for _, row in ipairs(rows) do
    width = math.max(width, text.width(row[1]))
  end
  local lines = {}
  for i, row in ipairs(rows) do
    lines[i] = ("  %s%s  %s"):format(row[1], (" "):rep(width - text.width(row[1])), row[2])
  end
  return table.concat(lines, "\n") .. "\n"
end

local function value_name(option)
  if option.kind == "flag" then
    return ""
  elseif option.choices then
    return " " .. table.concat(option.choices, "|")
  end
  return " " .. (({ integer = "N", size = "SIZE", duration = "TIME" })[option.kind] or "VALUE")
end

local function notes(option)
  local list = {}
  if option.required then
    list[#list + 1] = "required"
  elseif option.default ~= nil and option.default ~= false then
    list[#list + 1] = "default " .. text.escape(tostring(option.default))
  end
  if option.many then
    list[#list + 1] = "may be repeated"
  end
  return #list > 0 and (" (%s)"):format(table.concat(list, "; ")) or ""
end

local function option_rows(list)
  local rows = {}
  for _, option in ipairs(list) do
    local left = option.positional and option.word or option.flag .. value_name(option)
    rows[#rows + 1] = { left, (option.help or schema.wanted(option)) .. notes(option) }
  end
  return rows
end

local function command_rows(names)
  local rows = {}
  for _, name in ipairs(names) do
    local ok, p = pcall(function()
      return commands.load(commands.find(name))
    end)
    local first_line = tostring(p):match("^[^\n]*")
    local summary = ok and p.summary or "(does not load: " .. text.escape(first_line) .. ")"
    rows[#rows + 1] = { (name:gsub("/", " ")), summary }
  end
  return rows
end

--- What `awsbak help` prints.
---@return string
function M.overview()
  return table.concat({
    USAGE,
    "\nCommands (`awsbak help COMMAND` says more):\n",
    columns(command_rows(commands.list())),
    "\nFlags of every command, before or after it (or AWSBAK_NAME in the environment):\n",
    columns(option_rows(settings.options.list)),
    "\n",
    EXITS,
  })
end

--- What `awsbak help GROUP` prints: the commands whose first word it is.
---@param group string
---@return string
function M.group(group)
  return columns(command_rows(commands.members(group)))
end

--- Paragraphs in lines of at most WIDTH columns; lines that are shorter stay as they are.
local function wrapped(paragraphs)
  local lines = {}
  for line in paragraphs:gmatch("[^\n]*") do
    while #line > WIDTH do
      local head = line:sub(1, WIDTH + 1):match("^(.*)%s") or line:match("^%S+")
      lines[#lines + 1], line = head, line:sub(#head + 2)
    end
    lines[#lines + 1] = line
  end
  return table.concat(lines, "\n")
end

local function usage_line(p, called)
  local words = { "awsbak", text.escape(called) }
  for _, option in ipairs(p.schema.list) do
    if option.positional then
      local word = option.word .. (option.many and "..." or "")
      words[#words + 1] = option.required and word or "[" .. word .. "]"
    end
  end
  return table.concat(words, " ") .. (#p.schema.list > 0 and " [options]" or "")
end

--- How a policy is used.
---@param p awsbak.Policy
---@param path string where it is from, for people
---@param called string the words that name it
---@return string
function M.policy(p, path, called)
  local parts = { usage_line(p, called), "\n\n", p.summary, "\n" }
  if p.description then
    parts[#parts + 1] = "\n" .. wrapped((p.description:gsub("%s+$", ""))) .. "\n"
  end
  if #p.schema.list > 0 then
    parts[#parts + 1] = "\nOptions (`awsbak help` has those of every command):\n"
    parts[#parts + 1] = columns(option_rows(p.schema.list))
  end
  if #p.examples > 0 then
    parts[#parts + 1] = "\nExamples:\n  " .. table.concat(p.examples, "\n  ") .. "\n"
  end
  parts[#parts + 1] = "\nFile: " .. text.escape(path) .. "\n"
  return table.concat(parts)
end

--- What `awsbak help COMMAND` prints.
---@param command awsbak.Command
---@return string
function M.command(command)
  local p = commands.load(command)
  return M.policy(p, command.path, p.name)
end

return M
