--- The files below a folder, one after the other, in the order in which S3 lists keys: by bytes,
--- with the slash of a folder as one of them ("a-b" before "a/x" before "ab").
---
---     local folder <close> = errors.check(file.folder("backups"))
---     for entry in walk.files(folder) do print(entry.key, entry.size) end
---
--- A folder is read when its turn comes. In memory are the names in the folders that the present
--- file is in, no more. Links are not followed, and nothing outside of the folder is looked at
--- (awsbak.core.file, folder).

local errors = require("awsbak.errors")

local walk = {}

local NAMES_MAX = 2000000 -- in one folder: about 150 MB; more are an error
local DEPTH_MAX = 512 -- folders in each other: no key is so long that it had more

---@class backup.File what there is under a name
---@field key string path relative to the folder, with "/" between names
---@field size integer? bytes
---@field modified number? epoch seconds
---@field problem awsbak.Error? why it is no file that could be read, or no folder ("/" at the end
---  of its key) that could be looked into
---@field left_out boolean? of one with a problem: backup.s3.filter leaves it out

local function no_file(path, kind)
  local what = kind == "link" and "a symbolic link, which is not followed" or "no regular file"
  local message = ("%s is %s"):format(path, what)
  return errors.new({ kind = "io", code = "not_regular", message = message })
end

--- A file as an entry.
---@param folder userdata awsbak.core.file's folder
---@param key string path in it
---@return backup.File? entry nil when there is nothing by that name
function walk.file(folder, key)
  local st, err = folder:stat(key)
  if not st then
    return err.code ~= "ENOENT" and { key = key, problem = errors.from(err) } or nil
  elseif st.type ~= "file" then
    return { key = key, problem = no_file(folder:path() .. "/" .. key, st.type) }
  end
  return { key = key, size = st.size, modified = st.mtime }
end

--- The names in a folder, sorted; nil and an entry that says why not, or nothing when it is gone.
local function names_in(folder, key, depth)
  local names, err = folder:list(key:sub(1, -2), NAMES_MAX)
  if names and depth > DEPTH_MAX then
    names, err = nil, { kind = "io", code = "too_deep", message = "folders are too deep" }
  end
  if names then
    table.sort(names)
    return names
  end
  return nil, err.code ~= "ENOENT" and { key = key, problem = errors.from(err) } or nil
end

--- The files below a folder.
---@param folder userdata awsbak.core.file's folder; open until the end
---@param skips (fun(key: string): boolean)? whether a folder, by its key with "/" at the end, is
---  passed over
---@return fun(): backup.File? iterator in the order of keys; what cannot be read is an entry with a
---  problem. Raises kind io when the folder itself cannot be listed.
function walk.files(folder, skips)
  local levels -- { key, names, at }, the deepest last
  return function()
    if not levels then
      local names, entry = names_in(folder, "", 1)
      if entry then
        error(entry.problem, 0)
      end
      levels = { { key = "", names = names or {}, at = 0 } }
    end
    while levels[1] do
      local level = levels[#levels]
      level.at = level.at + 1
      local name = level.names[level.at]
      if not name then
        levels[#levels] = nil
      elseif name:sub(-1) ~= "/" then
        local entry = walk.file(folder, level.key .. name)
        if entry then
          return entry
        end
      elseif not skips or not skips(level.key .. name) then
        local key = level.key .. name
        local names, entry = names_in(folder, key, #levels + 1)
        if entry then
          return entry
        elseif names then
          levels[#levels + 1] = { key = key, names = names, at = 0 }
        end
      end
    end
  end
end

return walk
