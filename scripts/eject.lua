--- Write a built-in command out as a file to change; from then on that file is used.

local commands = require("awsbak.commands")
local embed = require("awsbak.core.embed")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local output = require("awsbak.output")
local policy = require("awsbak.policy")
local settings = require("awsbak.settings")

local MARK_TEXT = "Commands in ./scripts beside this file are used by awsbak instead of its own.\n"

-- rwxr-xr-x and rw-r--r--: not writable by others, or they would not be used.
local FOLDER_MODE, FILE_MODE = 493, 420

local function source(name)
  local text = embed.find("scripts/" .. name .. ".lua")
  if not text then
    local first, second = name:match("^([^/]*)/?([^/]*)")
    errors.raise({
      kind = "usage",
      code = "unknown_command",
      message = ("there is no built-in command '%s'"):format(name),
      hint = commands.suggest(first, second ~= "" and second or nil, commands.list(true)),
    })
  end
  return text
end

--- What is written here is run later, so it goes nowhere else: no folder on the way is a link.
local function check_no_link(path)
  for folder in path:gmatch("()/") do
    local above = path:sub(1, folder - 1)
    local found = file.stat(above, true)
    if found and found.type == "link" then
      errors.raise({
        kind = "io",
        code = "ELOOP",
        message = ("./%s is a link, and eject follows none"):format(above),
        hint = "work in the folder it points to, or move the link away",
      })
    end
  end
end

return policy({
  name = "eject",
  summary = "Write a built-in command to ./scripts, where you can change it.",
  description = "A file .awsbak beside ./scripts makes awsbak use what is in there, as long as both"
    .. " are yours and nobody else can write them.",
  options = {
    {
      "name",
      positional = true,
      required = true,
      many = true,
      help = "the command, as ssm/backup or ssm backup",
    },
    { "force", kind = "flag", help = "replace a file that is there" },
  },
  examples = { "awsbak eject ssm/backup" },
  run = function(o)
    local name = table.concat(o.name, "/")
    local text = source(name)
    local path = "scripts/" .. name .. ".lua"
    check_no_link(path)
    if settings.get("dry_run") then
      return { location = path }
    end
    output.take_stdout()
    errors.check(file.mkdirs(path:match("^(.*)/"), FOLDER_MODE))
    if o.force then
      os.remove(path)
    end
    errors.check(file.create_exclusive(path, text, FILE_MODE))
    file.create_exclusive(commands.MARK, MARK_TEXT, FILE_MODE) -- one that is there stays
    output.text(path, "\n")
  end,
})
