--- The keys that requests are signed with: found by asking one source after another, kept, and got
--- anew before they expire.
---
--- The order is botocore's (1.44.5, credentials.py, create_credential_resolver): environment, role
--- of the profile, web identity, SSO, credentials file, login session, process, config file,
--- container, EC2 instance. A source that is set but fails ends the search: going on with other
--- keys than those asked for would be worse than an error. One file in aws/credentials/ is one
--- source:
---
---   load(cfg, context) -> keys | nil, reason
---     context.profile      whose settings count
---     context.environment  whether variables count (not when a flag or option names the profile)
---     context.renewal      whether there were keys before: then nobody is asked for MFA codes
---     context.refused      access key id that a service called expired: not to be had from a cache

local errors = require("awsbak.errors")
local guard = require("aws.guard")
local log = require("awsbak.log")
local once = require("aws.credentials.once")
local outside = require("awsbak.outside")
local secret = require("awsbak.core.secret")
local time = require("awsbak.time")

local credentials = {}

---@class aws.credentials.Times
---@field advisory number seconds before expiry from when new keys are wanted
---@field mandatory number and from when they must be had

local TIMES = { advisory = 15 * 60, mandatory = 10 * 60 }
local ADVISORY_PAUSE = 60 -- between attempts to get them early
local REFRESH_PAUSE = 10 -- refusals of the same keys within this time are one reason to refresh

local PROFILE_STEPS = {
  { "web identity", "aws.credentials.web_identity" },
  { "SSO", "aws.credentials.sso" },
  { "credentials file", "aws.credentials.static", "credentials" },
  { "login session", "aws.credentials.login" },
  { "credential_process", "aws.credentials.process" },
  { "config file", "aws.credentials.static", "config" },
}

local STEPS =
  { { "environment", "aws.credentials.environment" }, { "role", "aws.credentials.role" } }
table.move(PROFILE_STEPS, 1, #PROFILE_STEPS, #STEPS + 1, STEPS)
STEPS[#STEPS + 1] = { "container", "aws.credentials.container" }
STEPS[#STEPS + 1] = { "EC2 instance", "aws.credentials.imds" }

---@class aws.Keys
---@field access_key_id string
---@field secret_access_key userdata secret
---@field session_token userdata? secret
---@field expires number? epoch seconds
---@field account_id string?
---@field times aws.credentials.Times? other ones than usual, of keys that live shortly
---@field source string where they came from

local PARTS = {
  { "access_key_id", "access key id" },
  { "secret_access_key", "secret access key" },
  { "session_token", "session token", optional = true },
}

--- What is wrong with keys, if anything: "the secret access key is missing".
local function fault(parts)
  for _, part in ipairs(PARTS) do
    local value = parts[part[1]]
    local text = secret.is(value) and value:reveal() or value
    if value ~= nil and type(text) ~= "string" then
      return ("the %s is not a text"):format(part[2]), "give it as it was shown when it was made"
    elseif text == nil or text == "" then
      if not part.optional then
        return ("the %s is missing"):format(part[2]),
          "an access key id and its secret access key belong together"
      end
    elseif text:find("%c") then
      return ("the %s holds a control character"):format(part[2]),
        "look for a line feed or another character that was copied with it"
    end
  end
end

local function hidden(value)
  return type(value) == "string" and secret.new(value) or value
end

--- Keys as the parts of a source make them; raises kind "credentials" when one is missing or no
--- key can look like that.
---@param parts table access_key_id, secret_access_key, session_token, expires, account_id, times
---@param source string
---@return aws.Keys
function credentials.keys(parts, source)
  local wrong, hint = fault(parts)
  if wrong then
    errors.raise({
      kind = "credentials",
      code = "partial",
      message = source .. ": " .. wrong,
      hint = hint,
    })
  end
  return {
    access_key_id = parts.access_key_id,
    secret_access_key = hidden(parts.secret_access_key),
    session_token = #(parts.session_token or "") > 0 and hidden(parts.session_token) or nil,
    expires = parts.expires,
    account_id = parts.account_id,
    times = parts.times,
    source = source,
  }
end

--- Ask `steps` in turn; the first keys, or nil. What each said is added to `trace`.
local function search(steps, cfg, context, trace)
  for i, step in ipairs(steps) do
    local entry = { step = step[1] }
    trace[#trace + 1] = entry
    local keys, reason = errors.try(require(step[2]).load, cfg, context, step[3])
    if errors.is(reason) then
      entry.outcome, entry.detail = "failed", reason.message
      error(reason, 0)
    elseif keys then
      entry.outcome, entry.detail = "used", keys.source
      for j = i + 1, #steps do
        trace[#trace + 1] = { step = steps[j][1], outcome = "not asked", detail = "" }
      end
      return keys
    end
    entry.outcome, entry.detail = "passed over", reason
  end
end

local function none_found(cfg, trace)
  for _, entry in ipairs(trace) do
    log.info("no credentials from %s: %s", entry.step, entry.detail)
  end
  errors.raise({
    kind = "credentials",
    code = "no_credentials",
    message = ("no AWS credentials were found for profile %s"):format(cfg.profile),
    hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile; "
      .. "`awsbak doctor` shows where they were looked for",
  })
end

--- The keys that a profile alone gives: what source_profile of a role refers to.
---@param cfg aws.Config
---@param context table
---@return aws.Keys?
function credentials.of_profile(cfg, context)
  return search(PROFILE_STEPS, cfg, context, {})
end

local Provider = {}
Provider.__index = Provider

--- Search the chain.
local function search_all(self)
  self.steps = {}
  local context = {
    profile = self.cfg.profile,
    environment = not self.cfg.profile_explicit,
    renewal = self.current ~= nil,
    refused = self.refused,
  }
  return guard.lift(search, STEPS, self.cfg, context, self.steps)
    or none_found(self.cfg, self.steps)
end

--- Find keys now, and keep them.
local function load(self)
  local keys = self:find()
  if keys.expires and keys.expires <= outside.now() then
    errors.raise({
      kind = "credentials",
      code = "expired",
      message = ("%s: the credentials expired at %s"):format(
        keys.source,
        time.rfc3339(keys.expires)
      ),
      hint = "get new ones",
    })
  end
  self.current = keys
  return keys
end

--- Load, once for all tasks that want keys at the same time.
local function load_once(self)
  return once.call(self, load, self)
end

--- Try to replace keys that expire soon; those still good for a while may stay when that fails.
local function renew(self, keys, left, mandatory)
  local now = outside.monotonic()
  if left > mandatory and (once.is_running(self) or now < (self.next_try or now)) then
    return keys
  end
  self.next_try = now + ADVISORY_PAUSE
  if left <= mandatory then
    return load_once(self)
  end
  local new, err = errors.try(load_once, self)
  if not new and err.kind == "cancelled" then
    error(err, 0)
  elseif not new then
    log.warn(
      "the credentials expire in %d min and cannot be renewed yet: %s",
      left // 60,
      err.message
    )
  end
  return new or keys
end

--- The keys to sign with now.
---@return aws.Keys
--- Raises kind "credentials"; what was tried is said at level info.
function Provider:get()
  local keys = self.current
  if not keys then
    return load_once(self)
  end
  local left = keys.expires and keys.expires - outside.now()
  local times = keys.times or self.times
  return left and left < times.advisory and renew(self, keys, left, times.mandatory) or keys
end

--- Get new keys because the service says those in use have expired.
---@return boolean whether there are other keys now, so that another try may help
function Provider:refresh()
  local now = outside.monotonic()
  if self.refreshed and now - self.refreshed < REFRESH_PAUSE then
    return true
  end
  local old = self.current
  self.refused = old and old.access_key_id
  if self.cfg then
    self.cfg:reload()
  end
  local new = load_once(self)
  local function text(token)
    return token and token:reveal()
  end
  local other = not old
    or new.access_key_id ~= old.access_key_id
    or text(new.session_token) ~= text(old.session_token)
  self.refreshed = other and now or nil
  return other
end

--- What each step of the last search said: for `awsbak doctor`.
---@return { step: string, outcome: string, detail: string }[]
function Provider:trace()
  return self.steps or {}
end

local Given = {}
Given.__index = Given

function Given:get()
  return self.current
end

function Given.refresh()
  return false
end

function Given:trace()
  local source = self.source or self.current.source
  return { { step = "client option", outcome = "used", detail = source } }
end

--- Where a client gets its keys. Reads and sends nothing until asked for them.
---@param cfg aws.Config whose option `credentials` may be a table of keys, or a provider
---@return table provider `get`, `refresh`, `trace`
function credentials.provider(cfg)
  local given = cfg.options.credentials
  if given and given.get then
    return given
  elseif given then
    return setmetatable(
      { current = credentials.keys(given, given.source or "option credentials") },
      Given
    )
  elseif cfg:get("no_sign_request") then
    return setmetatable({ current = {}, source = "none are wanted" }, Given)
  end
  return setmetatable({ cfg = cfg, find = search_all, times = TIMES }, Provider)
end

--- Keys that a function gives, kept and got anew before they expire.
---@param find fun(): aws.Keys
---@param times aws.credentials.Times
---@return table provider as credentials.provider gives
function credentials.renewed(find, times)
  return setmetatable({ find = find, times = times }, Provider)
end

return credentials
