--- Parameter names as paths: which names a path takes in, and what a renamed prefix makes of them.
---
--- A name is `/a/b/c`, or a root name without any slash (`flat`), which AWS also takes as `/flat`.

local errors = require("awsbak.errors")

local M = {}

---@class aws.ssm.Scope
---@field paths string[] normalised, none inside another; empty means every name
local Scope = {}
Scope.__index = Scope

---@class aws.ssm.Rename
---@field old string normalised path
---@field new string normalised path

-- "AWS Systems Manager > Creating Parameter Store parameters" (user guide): letters, digits, `_.-`
-- between slashes; a name may not begin with aws or ssm, in any case.
local PATH_PATTERN = "^[%w_.%-/]+$"

--- One path in its only spelling: a leading slash, none at the end.
---@param text string as a person types it: `/app`, `/app/`, `/`
---@param option string the option's name, for the message: `--path`
---@return string path
function M.normalise(text, option)
  local hint
  if text:sub(1, 1) ~= "/" then
    hint = "a path begins with /: " .. option .. " /" .. text
  elseif not text:find(PATH_PATTERN) or text:find("//", 1, true) then
    hint = "names are letters, digits and _ . - between single slashes"
  end
  if hint then
    errors.raise({
      kind = "usage",
      code = "bad_path",
      message = option .. ": not a path: " .. text,
      hint = hint,
    })
  end
  return text == "/" and text or (text:gsub("/$", ""))
end

--- True for `path` itself and for all below it, never for a sibling that begins alike.
---@param path string normalised
---@param name string a parameter's name
---@return boolean
function M.contains(path, name)
  if path == "/" then
    return true
  end
  if name:sub(1, 1) ~= "/" then
    name = "/" .. name
  end
  return name:sub(1, #path) == path and (#name == #path or name:byte(#path + 1) == 0x2f)
end

--- The names several paths take in together.
---@param paths string[]|nil as typed; nil, empty or `/` means every name
---@param option string? what they were given as, for the message; `--path` when absent
---@return aws.ssm.Scope
function M.scope(paths, option)
  local wanted = {}
  for i, text in ipairs(paths or {}) do
    wanted[i] = M.normalise(text, option or "--path")
  end
  table.sort(wanted)

  local kept = {}
  for _, path in ipairs(wanted) do
    if path == "/" then
      return setmetatable({ paths = {} }, Scope)
    end
    -- Sorted, `/a` comes before `/a/b`, though `/a-b` may stand between them: look at all.
    local inside = false
    for _, outer in ipairs(kept) do
      inside = inside or M.contains(outer, path)
    end
    if not inside then
      kept[#kept + 1] = path
    end
  end
  return setmetatable({ paths = kept }, Scope)
end

--- Does the scope take this name in?
---@param name string
---@return boolean
function Scope:includes(name)
  for _, path in ipairs(self.paths) do
    if M.contains(path, name) then
      return true
    end
  end
  return #self.paths == 0
end

--- How a message calls the scope: `every parameter`, `/app`, `/app and /db`.
---@return string
function Scope:describe()
  return #self.paths == 0 and "every parameter" or table.concat(self.paths, " and ")
end

--- Reads `OLD=NEW` pairs. Where several could apply, the longest OLD does.
---@param pairs_ string[]|nil
---@return aws.ssm.Rename[]
function M.renames(pairs_)
  local list = {}
  for _, text in ipairs(pairs_ or {}) do
    local old, new = text:match("^([^=]+)=([^=]+)$")
    if not old then
      errors.raise({
        kind = "usage",
        code = "bad_rename",
        message = "--rename: not of the form OLD=NEW: " .. text,
        hint = "for example --rename /prod=/staging",
      })
    end
    list[#list + 1] = { old = M.normalise(old, "--rename"), new = M.normalise(new, "--rename") }
  end
  table.sort(list, function(a, b)
    return #a.old > #b.old or (#a.old == #b.old and a.old < b.old)
  end)
  for i = 2, #list do
    if list[i].old == list[i - 1].old then
      errors.raise({
        kind = "usage",
        code = "bad_rename",
        message = "--rename: more than one for " .. list[i].old,
      })
    end
  end
  return list
end

--- Which of the renames applies to a name, if any.
---@param name string
---@param renames aws.ssm.Rename[]
---@return aws.ssm.Rename|nil
function M.renaming(name, renames)
  for _, r in ipairs(renames) do
    if M.contains(r.old, name) then
      return r
    end
  end
end

--- The name a parameter gets: whole path components are replaced, so `/a=/b` leaves `/ab` alone.
---@param name string
---@param renames aws.ssm.Rename[]
---@return string
function M.rename(name, renames)
  local r = M.renaming(name, renames)
  if not r then
    return name
  end
  local full = name:sub(1, 1) == "/" and name or "/" .. name
  local rest = r.old == "/" and full or full:sub(#r.old + 1)
  return (r.new == "/" and "" or r.new) .. rest
end

--- The name AWS keeps: the root name `/flat` is `flat`.
---@param name string
---@return string
function M.stored_name(name)
  return name:match("^/([^/]+)$") or name
end

--- Why this is no name for a parameter at all; nil for a possible one, be it reserved or too deep.
---@param name string
---@return string|nil reason
function M.impossible(name)
  if name == "" then
    return "it is empty"
  elseif not name:find(PATH_PATTERN) or name:find("//", 1, true) then
    return "names are letters, digits and _ . - between single slashes"
  end
end

--- Why AWS would refuse to create a parameter of this name; nil for a good one.
---@param name string
---@return string|nil reason
function M.invalid(name)
  if name == "" or name:sub(-1) == "/" then
    return "it is empty or ends in /"
  elseif M.impossible(name) then
    return M.impossible(name)
  elseif name:find("/", 2, true) and name:sub(1, 1) ~= "/" then
    return "a name with levels begins with /"
  end
  local first = name:lower():match("^/?(%a%a%a)")
  if first == "aws" or first == "ssm" then
    return "names that begin with " .. first .. " are AWS's own"
  end
  local _, levels = name:gsub("/", "")
  return levels > 15 and "it has more than 15 levels" or nil
end

return M
