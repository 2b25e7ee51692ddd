--- What is odd about settings but not wrong: they contradict each other, are in vain, or look
--- misspelt. For `awsbak doctor`.

local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local rows = require("aws.all_settings")
local sorted = require("awsbak.sorted")

local oddities = {}

--- The first of each pair makes the second void.
local WINNERS = {
  { "container_relative_uri", "container_full_uri" },
  { "container_token_file", "container_token" },
  { "ec2_metadata_service_endpoint", "ec2_metadata_service_endpoint_mode" },
  { "ec2_metadata_service_endpoint", "imds_use_ipv6" },
  { "ec2_metadata_service_endpoint_mode", "imds_use_ipv6" },
}

--- Variables that nobody misspelt: they are others', or have a service's name in them.
local FOREIGN = { "^AWS_LAMBDA_", "^AWS_XRAY_", "^AWS_ENDPOINT_URL_", "^AWS_BEARER_TOKEN_" }

--- A setting that somebody set: its value and source, or nil.
local function is_set(cfg, name)
  local found, value, source = pcall(cfg.get, cfg, name)
  if found and value ~= nil and source ~= "default" then
    return value, source
  end
end

local function two_profiles(_, say)
  local one, two = outside.getenv("AWS_PROFILE"), outside.getenv("AWS_DEFAULT_PROFILE")
  if one and two and one ~= two then
    say("profile", "AWS_PROFILE is %s but AWS_DEFAULT_PROFILE is %s, which boto3 takes", one, two)
  end
end

local function keys_beside_profile(cfg, say)
  local profile, source = is_set(cfg, "profile")
  if profile and not cfg.profile_explicit and outside.getenv("AWS_ACCESS_KEY_ID") then
    local text = "the keys of AWS_ACCESS_KEY_ID are used, not those of profile %s (%s)"
    say("profile", text, profile, source)
  end
end

local function ignored_endpoints(cfg, say)
  local url, source = is_set(cfg, "endpoint_url")
  local ignore, why = is_set(cfg, "ignore_configured_endpoint_urls")
  local is_configured = url and (source == "AWS_ENDPOINT_URL" or source:find("^%["))
  if ignore and is_configured then
    say("endpoint_url", "ignored, because of ignore_configured_endpoint_urls (%s)", why)
  end
end

local function void_settings(cfg, say)
  for _, pair in ipairs(WINNERS) do
    local _, source = is_set(cfg, pair[2])
    local _, winner = is_set(cfg, pair[1])
    if source and winner then
      say(pair[2], "not looked at, because %s is set (%s)", pair[1], winner)
    end
  end
end

local function missing_files(cfg, say)
  for _, name in ipairs({ "config_file", "credentials_file" }) do
    local path, source = is_set(cfg, name)
    if path and not outside.stat(cfg.expand(path)) then
      say(name, "%s names a file that is not there or not readable: %s", source, path)
    end
  end
end

--- All keys of profiles that there are, and all variables.
local function known_names()
  local keys, variables = {}, {}
  for _, row in ipairs(rows) do
    for _, key in ipairs({ row.key, row.old_key }) do
      for word in key:gmatch("[^.]+") do
        keys[#keys + 1], keys[word] = word, true
      end
    end
    for _, name in ipairs(row.env or {}) do
      variables[#variables + 1], variables[name] = name, true
    end
  end
  return keys, variables
end

--- Say what `name` may have been meant to be, unless it is known or like nothing known.
local function check_spelling(name, known, source, say)
  local nearest = not known[name] and errors.nearest(name, known)
  if nearest then
    say(name, "there is no such setting (%s); is it %s?", source, nearest)
  end
end

local function is_foreign(name)
  for _, pattern in ipairs(FOREIGN) do
    if name:find(pattern) then
      return true
    end
  end
  return not name:find("^AWS_")
end

local function misspelt(cfg, say)
  local keys, variables = known_names()
  for _, name in ipairs(sorted.keys(outside.environ())) do
    if not is_foreign(name) then
      check_spelling(name, variables, "a variable", say)
    end
  end
  local profile = cfg.profiles[cfg.profile] or {}
  for _, key in ipairs(sorted.keys(profile)) do
    local entry = profile[key]
    check_spelling(key, keys, entry.source, say)
    for _, inner in ipairs(type(entry.value) == "table" and sorted.keys(entry.value) or {}) do
      check_spelling(inner, keys, ("%s of %s"):format(key, entry.source), say)
    end
  end
end

local CHECKS = {
  two_profiles,
  keys_beside_profile,
  ignored_endpoints,
  void_settings,
  missing_files,
  misspelt,
}

--- Everything that is odd about the settings of a client.
---@param cfg aws.Config
---@return { name: string, note: string }[] the setting, and a sentence about it
function oddities.of(cfg)
  local list = {}
  local function say(name, format, ...)
    list[#list + 1] = { name = name, note = format:format(...) }
  end
  for _, check in ipairs(CHECKS) do
    check(cfg, say)
  end
  return list
end

return oddities
