--- Files that hold keys: those of AWS's own tools, read and, where awsbak got something new,
--- written as they write them, so that all share one session.

local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local log = require("awsbak.log")
local once = require("aws.credentials.once")
local outside = require("awsbak.outside")
local time = require("awsbak.time")

local store = {}

local OTHERS = 63 -- 0077: the permissions of everybody but the owner

-- What is being done about a file, by its path.
local holders = {}

--- Say once that others than its owner may read a file that holds keys.
---@param path string
function store.warn_of_others(path)
  local st = outside.stat(path)
  if st and st.type == "file" and st.mode & OTHERS ~= 0 then
    log.warn_once(
      "%s holds keys and is open to others (mode %04o); run chmod 600 on it",
      path,
      st.mode
    )
  end
end

--- The path of a JSON file in a folder below the home; nil where there is no home.
---@param cfg aws.Config
---@param folder string "~/.aws/cli/cache"
---@param name string
---@return string?
function store.path(cfg, folder, name)
  local path = cfg.expand(folder)
  return path:sub(1, 1) ~= "~" and ("%s/%s.json"):format(path, name) or nil
end

--- The time in a file of some SDK: "...Z", "...UTC" or "...+00:00".
---@param value any
---@return number? epoch nil when it is none
function store.time(value)
  return type(value) == "string" and time.parse((value:gsub("UTC$", "Z"))) or nil
end

--- The JSON object in a file.
---@param path string
---@return table? object
---@return table? err kind "io": code "ENOENT" where there is none, "damaged" where it holds
---  something else; the message names the file
function store.read(path)
  local text, err = outside.read_file(path)
  if not text then
    return nil, err
  end
  store.warn_of_others(path)
  local object = json.decode(text)
  if type(object) ~= "table" then
    return nil, { kind = "io", code = "damaged", message = path .. " does not hold a JSON object" }
  end
  return object
end

local function write(path, object)
  return outside.write_private(path, errors.check(json.encode(object)))
end

--- Put an object into a file that only its owner may read; whole, or not at all.
---@param path string
---@param object table
---@return boolean? true
---@return table? err why it is not kept: no reason to stop
function store.write(path, object)
  local done, err = errors.try(write, path, object)
  if not done and err.kind == "cancelled" then
    error(err, 0)
  end
  return done, err
end

--- Call `f` unless another task does so for the same file; then take what that one gives.
---@param path string
---@param f fun(): any gives something that is not nil
---@return any
function store.once(path, f)
  holders[path] = holders[path] or {}
  return once.call(holders[path], f)
end

return store
