--- Write what editors want to know of the modules: which functions there are, what they take and
--- give.

local annotations = require("aws.annotations")
local data = require("aws.data")
local embed = require("awsbak.core.embed")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local model = require("aws.model")
local modules = require("awsbak.annotations")
local policy = require("awsbak.policy")
local settings = require("awsbak.settings")
local sorted = require("awsbak.sorted")
local task = require("awsbak.task")

local MARK = "---@meta" -- no other Lua file begins like this
local FOLDER_MODE, FILE_MODE = 493, 420 -- rwxr-xr-x, rw-r--r--

--- What a service's module has beyond what any client has.
local function own_functions(module)
  local found = {}
  local base = require("aws").client("sts")
  for name, value in pairs(require("aws." .. module)) do
    if rawget(base, name) == nil then
      found[name] = value
    end
  end
  return found
end

local function service_text(id)
  local module = id:gsub("-", "_")
  local own = data.module(id) and own_functions(module) or {}
  return annotations.service(model.load(id), module, own)
end

--- The files to be, by path below the folder: functions that make their texts.
local function files()
  local found = {}
  for _, name in ipairs(embed.list("lua/")) do
    local path = name:match("^lua/(.+)%.lua$")
    if path then
      found[path] = function()
        local module = path:gsub("/init$", ""):gsub("/", ".")
        return modules.module(module, embed.find(name))
      end
    end
  end
  for _, id in ipairs(model.services()) do
    local path = "aws/" .. id:gsub("-", "_")
    if found[path] and not data.module(id) then
      path = path .. "_service" -- a user's own, called as a module is
    end
    found[path] = function()
      return service_text(id)
    end
  end
  return found
end

local function path_in(dir, path)
  return ("%s/%s.lua"):format(dir, path)
end

--- A file that somebody else wrote is not replaced unasked.
local function check_ours(path)
  if file.stat(path) and errors.check(file.read_file(path)):sub(1, #MARK) ~= MARK then
    errors.raise({
      kind = "io",
      code = "EEXIST",
      message = ("%s is there and was not written by awsbak meta"):format(path),
      hint = "give another folder, or --force to replace it",
    })
  end
end

local function write(path, text)
  errors.check(file.mkdirs(path:match("^(.*)/"), FOLDER_MODE))
  local sink <close> = errors.check(file.sink(path, { force = true, mode = FILE_MODE }))
  task.await(sink:write(text))
  task.await(sink:commit())
end

return policy({
  name = "meta",
  summary = "Write annotations of all modules for editors (LuaCATS).",
  description = [[
One file a module: services with their operations, members, enums and waiters, and the modules of
awsbak itself. Tell the Lua language server about the folder: "workspace.library" in .luarc.json.]],
  options = {
    { "dir", positional = true, required = true, help = "folder, made when it is not there" },
    { "force", kind = "flag", help = "replace files that awsbak meta did not write" },
  },
  examples = { "awsbak meta ~/.local/share/awsbak/meta" },
  run = function(o)
    local found, bytes = files(), 0
    local paths = sorted.keys(found)
    for _, path in ipairs(o.force and {} or paths) do
      check_ours(path_in(o.dir, path))
    end
    if settings.get("dry_run") then
      return { location = o.dir, files = #paths }
    end
    for _, path in ipairs(paths) do
      local text = found[path]()
      write(path_in(o.dir, path), text)
      bytes = bytes + #text
    end
    return { location = o.dir, files = #paths, bytes = bytes }
  end,
})
