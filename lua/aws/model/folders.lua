--- Models of the user: in botocore's form, in the folders of AWS_DATA_PATH and in ~/.aws/models.
---
---     FOLDER/SERVICE/API-VERSION/service-2.json        and, all optional, beside it
---                                paginators-1.json  waiters-2.json  endpoint-rule-set-1.json
---                                service-2.sdk-extras.json (and so on): what is merged in
---
--- Each may be compressed (.json.gz). As botocore's loaders.py has it (1.44.5, Loader): the newest
--- version counts, wherever it is, the built-in models included; of equal versions, a folder wins
--- over what comes after it, and the built-in models come last. Of a version, each file is taken
--- from the first folder that has it.

local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local sorted = require("awsbak.sorted")

local folders = {}

local CONTENT_MAX = 64 * 1024 * 1024 -- of an unpacked file; EC2's has 4 MB

local PARTS = {
  endpoint_rule_set = "endpoint-rule-set-1",
  paginators = "paginators-1",
  waiters = "waiters-2",
}

local ENDINGS = { ".json", ".json.gz" }

--- The folders to look into, in order.
---@param options table? of a client: its profile may name folders, too
---@return string[]
function folders.paths(options)
  local config = require("aws.config")
  local profiles = require("aws.profiles")
  local paths = {}
  -- A config file that cannot be read is told of by the first call.
  local cfg = errors.try(config.load, options)
  for path in (cfg and cfg:get("data_path") or ""):gmatch("[^:]+") do
    paths[#paths + 1] = profiles.expand(path)
  end
  if outside.getenv("HOME") then
    paths[#paths + 1] = profiles.expand("~/.aws/models")
  end
  return paths
end

local ABSENT = { ENOENT = true, ENOTDIR = true }

local function warn_unread(reason)
  log.warn_once("%s; models that are there do not count", reason)
end

local function leads_nowhere(path)
  local stat = outside.stat(path, true)
  return stat and stat.type == "link" and not outside.stat(path)
end

--- The names in a folder; none when it is absent. What is there and is not read is told of.
local function names_in(path)
  local names, err = outside.list(path)
  if not names and not ABSENT[err.code] then
    warn_unread(err.message)
  elseif not names and leads_nowhere(path) then
    warn_unread(path .. " is a link that leads nowhere")
  end
  return names
end

--- The file "FOLDER/.../service-2" with one of its endings, whatever it is, or nil.
local function find_file(stem)
  for _, ending in ipairs(ENDINGS) do
    local stat, err = outside.stat(stem .. ending, true)
    if stat then
      return stem .. ending
    elseif not ABSENT[err.code] then
      warn_unread(err.message)
    end
  end
end

local function is_object(value)
  return type(value) == "table" and getmetatable(value) ~= json.array_mt
end

local function bad(path, reason)
  errors.raise({
    kind = "config",
    code = "bad_model",
    message = ("%s is no model: %s"):format(path, reason),
    hint = "mend it, or take its folder out of AWS_DATA_PATH or ~/.aws/models",
  })
end

local function read_json(path)
  local stat = outside.stat(path)
  if stat and stat.type ~= "file" then
    bad(path, "it is not a file") -- and reading a pipe would wait for ever
  elseif leads_nowhere(path) then
    bad(path, "it is a link that leads nowhere")
  end
  local text, err = outside.read_file(path)
  if text and path:find("%.gz$") then
    text, err = require("awsbak.core.codec").gunzip(text, CONTENT_MAX)
  end
  local value
  if text then
    value, err = json.decode(text)
  end
  if err then
    bad(path, err.message)
  elseif not is_object(value) then
    bad(path, "it is not a JSON object")
  end
  return value
end

--- Put `extra` into `base`, object by object (loaders.py, ExtrasProcessor).
local function merge(base, extra)
  for key, value in pairs(extra) do
    if is_object(value) and is_object(base[key]) then
      merge(base[key], value)
    else
      base[key] = value
    end
  end
end

--- The first file of that stem below the folders, decoded, and its path; nil when there is none.
local function read_first(paths, stem)
  for _, folder in ipairs(paths) do
    local path = find_file(folder .. "/" .. stem)
    if path then
      return read_json(path), path
    end
  end
end

--- A file with what its extras add, of the form it must have.
local function read_kind(paths, stem, part)
  local value, path = read_first(paths, stem)
  local extras, extras_path = read_first(paths, stem .. ".sdk-extras")
  if value and extras then
    if not is_object(extras.merge) then
      bad(extras_path, "it has no object `merge`")
    end
    merge(value, extras.merge)
  end
  local fault = value and require("aws.model.check").fault(part, value)
  if fault then
    bad(path, fault)
  end
  return value, path
end

--- Say of files beside which there is no service-2.json that they count for nothing.
local function warn_of_parts(folder, id, version)
  for _, name in pairs(PARTS) do
    local path = find_file(("%s/%s/%s/%s"):format(folder, id, version, name))
    if path then
      log.warn_once("%s is not used: there is no service-2.json of its version", path)
    end
  end
end

--- The newest version of a service's model in the folders. Warns of files without a model.
---@param id string letters, digits and hyphens
---@param paths string[] as folders.paths gives them
---@return string? version the name of a folder; nil when there is none
function folders.version(id, paths)
  local best
  local seen = {}
  for _, folder in ipairs(paths) do
    local versions = names_in(folder .. "/" .. id)
    if not versions and leads_nowhere(folder) then
      warn_unread(folder .. " is a link that leads nowhere")
    end
    for _, version in ipairs(versions or {}) do
      if find_file(("%s/%s/%s/service-2"):format(folder, id, version)) then
        best = best and best > version and best or version
      end
      seen[#seen + 1] = { folder, version }
    end
  end
  for _, place in ipairs(seen) do
    if not best or place[2] > best then
      warn_of_parts(place[1], id, place[2])
    end
  end
  return best
end

--- A service's model in the folders.
---@param id string
---@param version string as folders.version gives it
---@param paths string[]
---@return table description service-2.json, decoded
---@return table more `id`, and `paginators`, `waiters`, `endpoint_rule_set` where there are files
--- Raises kind config, code bad_model, naming the file.
function folders.read(id, version, paths)
  local at = ("%s/%s/"):format(id, version)
  local more = { id = id }
  for part, name in pairs(PARTS) do
    more[part] = read_kind(paths, at .. name, part)
  end
  return read_kind(paths, at .. "service-2", "description"), more
end

--- The services that have a model in the folders, sorted.
---@param paths string[]
---@return string[]
function folders.services(paths)
  local found = {}
  for _, folder in ipairs(paths) do
    for _, id in ipairs(names_in(folder) or {}) do
      found[id] = folders.version(id, paths)
    end
  end
  return sorted.keys(found)
end

return folders
