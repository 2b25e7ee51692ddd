--- The text of `awsbak help`, made of what policies say about themselves.

local commands = require("awsbak.commands")
local layout = require("awsbak.layout")
local schema = require("awsbak.schema")
local settings = require("awsbak.settings")
local text = require("awsbak.text")

local M = {}

local columns, wrap = layout.columns, layout.wrap

local TITLE = "awsbak runs backup and restore policies for AWS, written in Lua."

local USAGE = {
  { "awsbak COMMAND [words]", "a command: a policy of the list below" },
  { "awsbak SCRIPT.lua [words]", "a Lua script; its name has a / or ends in .lua" },
  { "awsbak - [words]", "a script from standard input" },
  { "awsbak", "on a terminal: a Lua prompt" },
}

local SWITCHES = {
  { "-e CODE", "run Lua code" },
  { "-l NAME", "require a module" },
  { "-i", "prompt afterwards" },
  { "-v, -vv", "say more (AWSBAK_LOG=info, debug)" },
  { "-q", "say errors only" },
  { "-V", "print the version" },
}

local EXITS = "Exit codes: 0 done, 1 error, 2 wrong usage or configuration, 3 incomplete,"
  .. " 4 differences found, 20 confirmation needed, 71 out of memory, 124 timeout, 130 and 143"
  .. " ended by a signal, 141 nobody reads standard output any more."

local function value_name(option)
  if option.kind == "flag" then
    return ""
  elseif option.choices then
    return " " .. table.concat(option.choices, "|")
  end
  return " "
    .. (
      ({ integer = "N", size = "SIZE", duration = "TIME", time = "WHEN" })[option.kind] or "VALUE"
    )
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
    wrap(TITLE, ""),
    "\n",
    columns(USAGE),
    "\n",
    columns(SWITCHES),
    "\n",
    wrap("Commands (`awsbak help COMMAND` says more, `awsbak help aws` what AWS has):", ""),
    columns(command_rows(commands.list())),
    "\n",
    wrap("Flags of every command, before or after it (or AWSBAK_NAME in the environment):", ""),
    columns(option_rows(settings.options.list)),
    "\n",
    wrap(EXITS, ""),
  })
end

--- What `awsbak help GROUP` prints: the commands whose first word it is.
---@param group string
---@return string
function M.group(group)
  return columns(command_rows(commands.members(group)))
end

--- Paragraphs, which an empty line ends, in lines as wide as the terminal; a line that begins with
--- a space stays as it is.
local function paragraphs(description)
  local parts, paragraph = {}, {}
  local function finish()
    if #paragraph > 0 then
      parts[#parts + 1] = wrap(table.concat(paragraph, " "), "")
      paragraph = {}
    end
  end
  for line in description:gsub("%s+$", ""):gmatch("[^\n]*") do
    if line:find("^%S") then
      paragraph[#paragraph + 1] = line
    else
      finish()
      parts[#parts + 1] = line .. "\n"
    end
  end
  finish()
  return table.concat(parts)
end

local function usage_line(p, called)
  local words = { "awsbak", text.escape(called) }
  for _, option in ipairs(p.schema.list) do
    if option.positional then
      local word = option.word .. (option.many and "..." or "")
      words[#words + 1] = option.required and word or "[" .. word .. "]"
    end
  end
  words[#words + 1] = #p.schema.list > 0 and "[options]" or nil
  return wrap(table.concat(words, " "), "  ")
end

--- How a policy is used.
---@param p awsbak.Policy
---@param path string where it is from, for people
---@param called string the words that name it
---@return string
function M.policy(p, path, called)
  local parts = { usage_line(p, called), "\n", wrap(p.summary, "") }
  if p.description then
    parts[#parts + 1] = "\n" .. paragraphs(p.description)
  end
  if #p.schema.list > 0 then
    parts[#parts + 1] = "\n" .. wrap("Options (`awsbak help` has those of every command):", "")
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
