--- From keys to paths below a folder, and back.
---
---     local names = paths.new("ssm/")                 -- what is below it in the bucket
---     local path, problem = names:take("ssm/a/b", 12) -- "a/b"
---
--- A path is the rest of the key, byte for byte, or there is none: nothing is cleaned up, so two
--- keys never become one path, and a path leads back to its key. What a file system could take for
--- something else than a name below the folder is refused. That no link leads out of it is up to
--- who opens the path.

local ancestors = require("backup.s3.ancestors")

local paths = {}

local PART_MAX = 255 -- bytes, NAME_MAX of Linux's file systems
-- A download's own files, which the next one takes over (paths.part_name). A file system may take
-- upper case for lower case.
local PART_NAME <const> = "^%..+%.%x%x%x%x%x%x%x%x%.awsbak%-part$"
local BASE_MAX <const> = 200 -- bytes of the file's name in it
local KEY_MAX = 1024 -- bytes (S3 user guide, "Naming Amazon S3 objects")

---@class backup.PathProblem why a key has no path, or a path no key
---@field code "outside"|"empty"|"empty_part"|"dots"|"nul"|"too_long"|"folder_with_bytes"|
---  "below_file"|"encoding"|"reserved"
---@field message string without the key: "a part of it is longer than 255 bytes"

---@class backup.Paths
---@field prefix string
---@field files backup.Ancestors
local Paths = {}
Paths.__index = Paths

--- Names of what is below `prefix`.
---@param prefix string "" for a whole bucket; else it ends with "/"
---@return backup.Paths
function paths.new(prefix)
  assert(prefix == "" or prefix:sub(-1) == "/", "a prefix of folders ends with /")
  return setmetatable({ prefix = prefix, files = ancestors.new() }, Paths)
end

local function problem(code, message)
  return { code = code, message = message }
end

local DOTS <const> = { ["."] = true, [".."] = true }

--- What is wrong with the parts of a path; nil when nothing is.
local function check_parts(path)
  if path:find("\0", 1, true) then
    return problem("nul", "it has a NUL in it")
  elseif path:sub(1, 1) == "/" then
    return problem("empty_part", "it begins with a /")
  end
  local first = 1
  repeat
    local slash = path:find("/", first, true)
    local last = slash and slash - 1 or #path
    local size = last - first + 1
    if size == 0 then
      return problem("empty_part", "it has // in it")
    elseif size > PART_MAX then
      return problem("too_long", ("a part of it is longer than %d bytes"):format(PART_MAX))
    elseif size <= 2 and DOTS[path:sub(first, last)] then
      return problem("dots", ("a part of it is %s"):format(path:sub(first, last)))
    end
    first = last + 2
  until not slash
end

--- The name of the file that holds what has come of a download, beside its target.
---@param path string of the target
---@param mark string eight hexadecimal digits, of where it comes from
---@return string
function paths.part_name(path, mark)
  return (".%s.%s.awsbak-part"):format(path:match("[^/]*$"):sub(1, BASE_MAX), mark)
end

--- Whether a path is that of such a file.
---@param path string
---@return boolean
function paths.is_part(path)
  return path:match("[^/]*$"):find(PART_NAME) ~= nil
end

--- Whether a path leads through the name of such a file: a download would take an object's bytes
--- for its own, and leave nothing of them.
local function is_reserved(path)
  if not path:lower():find(".awsbak-part", 1, true) then
    return false
  end
  for part in path:lower():gmatch("[^/]+") do
    if part:find(PART_NAME) then
      return true
    end
  end
  return false
end

local function reserved()
  return problem("reserved", "a part of it is a name that awsbak gives to parts of files")
end

--- The path of the next key. Keys come in the order of their bytes, as S3 lists them; in another
--- order, a key below another one that is a file is not found here but by the file system.
---@param key string
---@param size integer? bytes of the object
---@return string? path of a file; with a "/" at its end of a folder, as an empty object whose key
---  ends so stands for one ("" for the folder itself)
---@return backup.PathProblem? problem when there is no path
function Paths:take(key, size)
  local path = key:sub(#self.prefix + 1)
  if key:sub(1, #self.prefix) ~= self.prefix then
    return nil, problem("outside", ("it is not below %s"):format(self.prefix))
  elseif #key > KEY_MAX then
    return nil, problem("too_long", ("it is longer than %d bytes"):format(KEY_MAX))
  end
  local is_folder = path == "" or path:sub(-1) == "/"
  if path == "" and self.prefix == "" then
    return nil, problem("empty", "it is empty")
  elseif is_folder and (size or 0) > 0 then
    return nil, problem("folder_with_bytes", "it ends with a /, but has bytes as a file has")
  elseif path == "" then
    return ""
  end
  local wrong = check_parts(is_folder and path:sub(1, -2) or path)
  if not wrong and is_reserved(path) then
    wrong = reserved()
  end
  local above = not wrong and self.files:of(path)
  if above then
    wrong =
      problem("below_file", ("%s%s is an object, and so no folder"):format(self.prefix, above))
  end
  if wrong then
    return nil, wrong
  end
  if not is_folder then
    self.files:add(path)
  end
  return path
end

--- The key of a file below the folder, the way back of take.
---@param path string as a walk gives it, with "/" between its parts
---@return string? key
---@return backup.PathProblem? problem when S3 has no such key, or it would not come back
function Paths:key(path)
  local key = self.prefix .. path
  local wrong = check_parts(path)
  if wrong then
    return nil, wrong
  elseif #key > KEY_MAX then
    return nil, problem("too_long", ("its key would be longer than %d bytes"):format(KEY_MAX))
  elseif not utf8.len(key) then
    return nil, problem("encoding", "it is not UTF-8, as keys are")
  elseif is_reserved(path) then
    return nil, reserved()
  end
  return key
end

return paths
