--- Show every setting, where credentials come from, and whether AWS answers.

local config = require("aws.config")
local credentials = require("aws.credentials")
local errors = require("awsbak.errors")
local headers = require("awsbak.headers")
local output = require("awsbak.output")
local outside = require("awsbak.outside")
local policy = require("awsbak.policy")
local secret = require("awsbak.core.secret")
local time = require("awsbak.time")

local COLUMNS = { "about", "name", "value", "source", "note" }
local SKEW_MAX = 240 -- seconds; beyond it signatures may be refused
local OTHERS = 63 -- 0077: the permissions of everybody but the owner

--- A value as it may be shown to whoever looks over one's shoulder.
local function shown(value, row)
  if value == nil then
    return ""
  elseif row.secret or secret.is(value) then
    return "<secret>"
  elseif type(value) == "table" then
    return "nested keys"
  end
  local text = tostring(value)
  if row.name == "access_key_id" then
    return text:sub(1, 4) .. ("*"):rep(math.max(0, #text - 8)) .. text:sub(-math.min(4, #text // 3))
  elseif row.url then
    return (text:gsub("//[^/@]*@", "//<secret>@"))
  elseif row.command then
    return text:match("^%S*") .. (text:find("%s") and " ..." or "")
  end
  return text
end

local function settings_of(cfg)
  local list = {}
  for _, entry in ipairs(cfg:list()) do
    local is_set = entry.value ~= nil
    list[#list + 1] = {
      about = "setting",
      name = entry.name,
      value = shown(entry.value, entry.row),
      source = is_set and entry.source or "not set",
      note = entry.problem
        or (is_set and entry.row.unused and "unused: " .. entry.row.unused)
        or "",
      problem = entry.problem ~= nil,
    }
  end
  return list
end

--- Where requests to the services of awsbak's own commands go.
local function endpoints_of(cfg)
  local list = {}
  for _, service in ipairs({ "SSM", "STS", "KMS", "S3" }) do
    local meta = { service_id = service, endpoint_prefix = service:lower() }
    local found, err = errors.try(cfg.endpoint, cfg, meta, {})
    local _, source = errors.try(cfg.endpoint_url, cfg, service)
    list[#list + 1] = {
      about = "endpoint",
      name = service:lower(),
      value = found and shown(found.url, { url = true }) or "",
      source = found and (type(source) == "string" and source or "region") or "not known",
      note = err and tostring(err) or "",
      problem = err ~= nil,
    }
  end
  return list
end

local function warnings_of(cfg)
  local list = {}
  for _, text in ipairs(cfg.warnings()) do
    list[#list + 1] = { about = "warning", name = "profile", note = text }
  end
  local path = cfg.expand(cfg.credentials_file)
  local found = require("awsbak.core.file").stat(path)
  if found and found.mode & OTHERS ~= 0 then
    local note = "others may read it; run chmod 600 on it"
    list[#list + 1] = { about = "warning", name = "credentials_file", value = path, note = note }
  end
  return list
end

local function credentials_of(cfg)
  local provider = credentials.provider(cfg)
  local keys, err = errors.try(provider.get, provider)
  local list = {}
  for _, step in ipairs(provider:trace()) do
    list[#list + 1] = {
      about = "credentials",
      name = step.step,
      value = step.outcome,
      note = step.detail or "",
      problem = step.outcome == "failed",
    }
  end
  if err then
    list[#list + 1] = { about = "credentials", name = "result", note = err.message, problem = true }
  elseif keys.expires then
    local left = ("in %d min"):format((keys.expires - outside.now()) // 60)
    list[#list + 1] = { about = "credentials", name = "expire", value = left, source = keys.source }
  end
  return list, keys
end

--- How far this machine's clock is from that of STS, told by an answer to no request in particular.
local function clock_of(cfg)
  local row = { about = "clock", name = "skew", source = "STS" }
  local response, err = errors.try(function()
    local sts = cfg:endpoint({ service_id = "STS", endpoint_prefix = "sts" }, {})
    return outside.send({
      method = "GET",
      url = sts.url .. "/",
      headers = {},
      ca_file = cfg.ca_bundle,
    })
  end)
  local text = response and headers.find(response.headers, "date")
  local date = text and time.parse_http(text)
  if not date then
    row.note, row.problem = err and err.message or "the answer has no date", true
    return { row }
  end
  local skew = math.floor(outside.now() - date + 0.5)
  row.value = ("%+d s"):format(skew)
  row.problem = math.abs(skew) > SKEW_MAX
  row.note = row.problem and "set the clock: signatures are good for five minutes" or ""
  return { row }
end

local function identity_of(cfg)
  local client = require("aws.sts").new({ config = cfg })
  local who, err = errors.try(client.get_caller_identity, {})
  return {
    {
      about = "identity",
      name = "GetCallerIdentity",
      value = who and who.Arn or "",
      source = who and "account " .. tostring(who.Account) or "",
      note = err and tostring(err) or "",
      problem = err ~= nil,
    },
  }
end

--- All that can be said, in the order in which one thing needs the other.
local function examine()
  local rows, problems = {}, 0
  local function add(list)
    for _, row in ipairs(list) do
      problems = problems + (row.problem and 1 or 0)
      row.problem = nil
      rows[#rows + 1] = row
    end
  end
  local cfg, err = errors.try(config.load)
  if not cfg then
    add({ { about = "setting", name = "config files", note = tostring(err), problem = true } })
    return rows, problems
  end
  add(settings_of(cfg))
  add(warnings_of(cfg))
  local resolved = errors.try(config.resolve)
  cfg = resolved or cfg
  add(endpoints_of(cfg))
  local list, keys = credentials_of(cfg)
  add(list)
  add(clock_of(cfg))
  if keys and resolved then
    add(identity_of(cfg))
  end
  return rows, problems
end

return policy({
  name = "doctor",
  summary = "Show every setting, where credentials come from, and whether AWS answers.",
  description = "Secrets are not shown. Exits with 1 when something is wrong.",
  examples = { "awsbak doctor", "awsbak doctor --profile prod" },
  run = function()
    local rows, problems = examine()
    output.rows(COLUMNS, rows)
    return { problems = problems, exit_code = problems > 0 and 1 or 0 }
  end,
})
