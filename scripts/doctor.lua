--- Show every setting, where credentials come from, and whether AWS answers.

local config = require("aws.config")
local credentials = require("aws.credentials")
local errors = require("awsbak.errors")
local flags = require("awsbak.settings")
local folders = require("awsbak.folders")
local headers = require("awsbak.headers")
local oddities = require("aws.oddities")
local output = require("awsbak.output")
local outside = require("awsbak.outside")
local policy = require("awsbak.policy")
local retry = require("aws.retry")
local route = require("aws.route")
local secret = require("awsbak.core.secret")
local time = require("awsbak.time")

local COLUMNS = { "about", "name", "value", "source", "note" }
local SKEW_MAX = 240 -- seconds; beyond it signatures may be refused
local OTHERS = 63 -- 0077: the permissions of everybody but the owner

-- Flags of every command that aws.settings has no row for, and variables without a flag.
local RUN_FLAGS = { "output", "timeout", "concurrency", "yes", "sandbox" }
local RUN_VARIABLES = { "AWSBAK_PATH", "AWSBAK_LUA", "AWSBAK_LOG", "AWSBAK_SANDBOX_CMD" }

-- Files of the configuration folder, and whether they are secret.
local FILES = {
  { "identity.txt", secret = true },
  { "signing.key", secret = true },
  { "recipients.txt" },
  { "signers.txt" },
}

--- The start of a key id, and its end if it is long enough to hide something in between.
local function shown_id(text)
  return #text <= 8 and "****" or text:sub(1, 4) .. "****" .. text:sub(-math.min(4, #text // 4))
end

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
    return shown_id(text)
  elseif row.url then
    local scheme, rest = text:match("^(%a[%w+.-]*://)(.*)$")
    -- A password may hold a slash or an at sign.
    return (scheme or "") .. (rest or text):gsub("^.*@", "<secret>@")
  elseif row.command then
    return text:match("^%S*") .. (text:find("%s") and " ..." or "")
  end
  return text
end

--- How this run itself is set, by flags and AWSBAK_ variables.
local function run_settings()
  local list = {}
  for _, name in ipairs(RUN_FLAGS) do
    local ok, value, source = pcall(flags.get, name)
    list[#list + 1] = {
      about = "run",
      name = name,
      value = ok and shown(value, {}) or "",
      source = source or "not set",
      note = ok and "" or tostring(value),
      problem = not ok,
    }
  end
  for _, name in ipairs(RUN_VARIABLES) do
    local value = outside.getenv(name)
    list[#list + 1] =
      { about = "run", name = name, value = shown(value, {}), source = value and name or "not set" }
  end
  return list
end

--- Which keys of archives are there: their files, not what is in them.
local function key_files()
  local folder = folders.config()
  local list = { { about = "file", name = "config folder", value = folder or "", source = "" } }
  list[1].note = not folder and "neither XDG_CONFIG_HOME nor HOME is set" or nil
  for _, entry in ipairs(folder and FILES or {}) do
    local path = folder .. "/" .. entry[1]
    local st, err = outside.stat(path)
    local row = { about = "file", name = entry[1], source = path }
    row.value = st and "present" or err.code == "ENOENT" and "not there" or "not readable"
    if not st and err.code ~= "ENOENT" then
      row.note, row.problem = err.message, true
    elseif st and entry.secret and st.mode & OTHERS ~= 0 then
      row.note, row.problem = "it can be read by others; run chmod 600 on it", true
    end
    list[#list + 1] = row
  end
  return list
end

--- The number of tries that hold when nobody set one depends on how they are made.
local function add_default(cfg, entry)
  if entry.name == "max_attempts" and entry.value == nil then
    local mode = errors.try(cfg.get, cfg, "retry_mode")
    local new = errors.try(cfg.get, cfg, "new_retries")
    entry.value = retry.rules_for(mode or "standard", new).attempts
    entry.source = "default of retry_mode"
  end
end

--- What a setting's value won over, unless it is the same: "instead of us-east-1 (AWS_REGION)".
local function losers(entry)
  local list = {}
  for _, other in ipairs(entry.others) do
    if entry.row.secret or other.value ~= entry.value then
      list[#list + 1] = ("%s (%s)"):format(shown(other.value, entry.row), other.source)
    end
  end
  return #list > 0 and "instead of " .. table.concat(list, ", ") or nil
end

--- What is wrong with a setting that says so only when it is used.
local function missing_file(entry)
  if entry.row.file and entry.value ~= nil and not outside.stat(entry.value) then
    return "there is no such file, or it may not be looked at"
  end
end

--- All there is to say of a setting, and whether it is wrong.
local function note_of(entry)
  local problem = entry.problem or missing_file(entry)
  local row, is_set = entry.row, entry.value ~= nil
  local notes = { problem }
  if is_set and row.unused then
    notes[#notes + 1] = "unused: " .. row.unused
  elseif is_set and row.ignored then
    notes[#notes + 1] = "changes nothing: " .. row.ignored
  end
  notes[#notes + 1] = losers(entry)
  return table.concat(notes, "; "), problem ~= nil
end

local function settings_of(cfg)
  local list = {}
  for _, entry in ipairs(cfg:list()) do
    add_default(cfg, entry)
    local note, problem = note_of(entry)
    list[#list + 1] = {
      about = "setting",
      name = entry.name,
      value = shown(entry.value, entry.row),
      source = entry.value ~= nil and entry.source or "not set",
      note = note,
      problem = problem,
    }
  end
  return list
end

--- Variables that hold for one service each: its endpoint, its bearer token.
local function service_variables()
  local list = {}
  for name, value in pairs(outside.environ()) do
    local is_token = name:find("^AWS_BEARER_TOKEN_.") ~= nil
    if value ~= "" and (is_token or name:find("^AWS_ENDPOINT_URL_.")) then
      list[#list + 1] = {
        about = "setting",
        name = name:gsub("^AWS_", ""):lower(),
        value = shown(value, { secret = is_token, url = true }),
        source = name,
      }
    end
  end
  return list
end

--- Endpoints in the section that the profile's `services` names.
local function service_sections(cfg)
  local section = cfg.services[cfg:key(cfg.profile, "services") or ""] or { keys = {} }
  local list = {}
  for id, keys in pairs(section.keys) do
    if type(keys) == "table" and keys.endpoint_url then
      list[#list + 1] = {
        about = "setting",
        name = "endpoint_url_" .. id,
        value = shown(keys.endpoint_url, { url = true }),
        source = section.source,
      }
    end
  end
  return list
end

--- What is set for single services, by name.
local function service_settings(cfg)
  local list = service_variables()
  local sections = service_sections(cfg)
  table.move(sections, 1, #sections, #list + 1, list)
  table.sort(list, function(a, b)
    return a.name < b.name
  end)
  return list
end

-- Services of awsbak's own commands, and an operation of each that needs no input.
local ASKED = {
  { "ssm", "DescribeParameters" },
  { "sts", "GetCallerIdentity" },
  { "kms", "ListKeys" },
  { "s3", "ListBuckets" },
}

local function endpoint_of(cfg, service, operation)
  return require("aws").client(service, { config = cfg }).endpoint(operation)
end

--- Where requests to the services of awsbak's own commands go.
local function endpoints_of(cfg)
  local list = {}
  for _, asked in ipairs(ASKED) do
    local service = asked[1]
    local found, err = errors.try(endpoint_of, cfg, service, asked[2])
    local _, source = errors.try(cfg.endpoint_url, cfg, service:upper())
    list[#list + 1] = {
      about = "endpoint",
      name = service,
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
  for _, oddity in ipairs(oddities.of(cfg)) do
    list[#list + 1] = { about = "warning", name = oddity.name, note = oddity.note }
  end
  local path = cfg.expand(cfg.credentials_file)
  local found = outside.stat(path)
  if found and found.type == "file" and found.mode & OTHERS ~= 0 then
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
    local sts = endpoint_of(cfg, "sts", "GetCallerIdentity")
    local request = { method = "GET", url = sts.url .. "/", headers = {} }
    return outside.send(route.add(cfg, request))
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
  add(run_settings())
  add(key_files())
  local cfg, err = errors.try(config.load)
  if not cfg then
    add({ { about = "setting", name = "config files", note = tostring(err), problem = true } })
    return rows, problems
  end
  add(settings_of(cfg))
  add(service_settings(cfg))
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
