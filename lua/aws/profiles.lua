--- The profiles in the config and the credentials file.

local errors = require("awsbak.errors")
local ini = require("aws.ini")
local outside = require("awsbak.outside")
local secret = require("awsbak.core.secret")

local profiles = {}

-- Held as secrets from the moment they are read.
local secret_keys =
  { aws_secret_access_key = true, aws_session_token = true, aws_security_token = true }

--- "~/x" and "$NAME/x" as paths; a variable that is not set stays as it is (os.path.expandvars).
---@param path string
---@return string
function profiles.expand(path)
  local home = outside.getenv("HOME")
  path = path:gsub("%$([%w_]+)", outside.getenv):gsub("%${([%w_]+)}", outside.getenv)
  if home and path:match("^~") and (#path == 1 or path:sub(2, 2) == "/") then
    path = home .. path:sub(2)
  end
  return path
end

--- The sections of a file; none when there is no such file.
local function read_sections(path)
  local text, err = outside.read_file(profiles.expand(path))
  if text then
    return ini.parse(text, path)
  end
  if err.code == "ENOENT" or err.code == "ENOTDIR" then
    return {}
  elseif err.kind == "cancelled" then
    errors.raise(err)
  end
  errors.raise({
    kind = "config",
    code = "unreadable",
    message = err.message,
    hint = "make it readable, or name another file in AWS_CONFIG_FILE or"
      .. " AWS_SHARED_CREDENTIALS_FILE",
  })
end

--- Put the keys of a section under `name`, those that are there winning.
local function merge(all, name, section, source, file)
  local profile = all[name] or {}
  all[name] = profile
  for key, value in pairs(section) do
    if secret_keys[key] and type(value) == "string" then
      value = secret.new(value)
    end
    profile[key] = profile[key] or { value = value, source = source, file = file }
  end
end

---@class aws.ProfileKey
---@field value string|userdata|table a string, a secret, or nested keys
---@field source string "[profile x] in ~/.aws/config"
---@field file "config"|"credentials"

---@class aws.Section
---@field keys table<string, string|table>
---@field source string

--- Profiles of both files, and what they refer to. In the config file a profile is [profile x] or
--- [default]; keys of the credentials file win. A file that is not there is empty.
---@param config_file string
---@param credentials_file string
---@return table<string, table<string, aws.ProfileKey>> profiles
---@return table<string, aws.Section> services
---@return table<string, aws.Section> sso_sessions
--- Raises kind config when a file cannot be read.
function profiles.read(config_file, credentials_file)
  local all, services, sso_sessions = {}, {}, {}
  local shared = { services = services, ["sso-session"] = sso_sessions }
  for title, section in pairs(read_sections(credentials_file)) do
    merge(all, title, section, ("[%s] in %s"):format(title, credentials_file), "credentials")
  end
  for title, section in pairs(read_sections(config_file)) do
    local words = ini.split(title) or {}
    local source = ("[%s] in %s"):format(title, config_file)
    if title == "default" then
      merge(all, title, section, source, "config")
    elseif words[1] == "profile" and #words == 2 then
      merge(all, words[2], section, source, "config")
    elseif shared[words[1]] and #words == 2 then
      shared[words[1]][words[2]] = { keys = section, source = source }
    end
  end
  return all, services, sso_sessions
end

return profiles
