--- A machine of the spec's own for settings and credentials: variables, files, a clock.

local config = require("aws.config")
local credentials = require("aws.credentials")
local errors = require("awsbak.errors")
local outside = require("awsbak.outside")

local world = {}

--- Call `f` where there is nothing but the world `w`: { env, config, credentials, files, stats,
--- now, send, answer }. Files, also those written, and what stat says of them, go by their paths;
--- `config` and `credentials` are the texts of AWS's two files. `answer(prompt)` is who sits at the
--- terminal. Waits are added up in `slept`.
---@param w table
---@param f function
function world.with(w, f)
  local env = w.env or {}
  w.env = env
  env.HOME = env.HOME or "/home/x"
  env.AWS_EC2_METADATA_DISABLED = env.AWS_EC2_METADATA_DISABLED or "true"
  outside.with({
    getenv = function(name)
      return env[name] ~= "" and env[name] or nil
    end,
    read_file = function(path)
      local text = (w.files or {})[path]
      if path:match("%.aws/config$") then
        text = w.config
      elseif path:match("%.aws/credentials$") then
        text = w.credentials
      end
      return text,
        not text and { kind = "io", code = "ENOENT", message = path .. " is not there" } or nil
    end,
    write_private = function(path, text)
      w.files = w.files or {}
      w.files[path] = text
      return true
    end,
    ask_hidden = function(prompt)
      return w.answer(prompt)
    end,
    stat = function(path)
      local st = (w.stats or {})[path]
      return st, not st and { kind = "io", code = "ENOENT", message = "no " .. path } or nil
    end,
    now = function()
      return w.now or 1800000000
    end,
    monotonic = function()
      return w.now or 1800000000
    end,
    sleep = function(seconds)
      w.slept = (w.slept or 0) + seconds
    end,
    random = function()
      return 0
    end,
    send = function(request)
      return w.send(require("awsbak.http").plain(request))
    end,
  }, f)
end

--- A provider of keys for these client options.
---@param options table?
---@return table
function world.provider(options)
  return credentials.provider(config.resolve(options))
end

--- The keys that are found in a world, or nil and the error.
---@param w table
---@param options table?
---@return table? keys
---@return table? err
function world.keys(w, options)
  local keys, err
  world.with(w, function()
    keys, err = errors.try(function()
      return world.provider(options):get()
    end)
  end)
  return keys, err
end

--- Let `f` stand for assuming a role, as long as the spec runs.
---@param name string "role" or "web_identity"
---@param f function
---@param finally function busted's
function world.assume_with(name, f, finally)
  local module = require("aws.credentials.assume")
  local original = module[name]
  module[name] = f
  finally(function()
    module[name] = original
  end)
end

--- A credentials file with keys.
world.STATIC = "[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = s\n"

return world
