--- Sessions of roles in `~/.aws/cli/cache`, shared with the AWS CLI: one that is good for a while
--- is used instead of asking for another (and for another MFA code).
---
--- Names and format of the files: botocore 1.44.5, credentials.py (CachedCredentialFetcher and
--- those made from it); which ones the CLI keeps: awscli/customizations, assumerole.py and
--- sso/__init__.py.

local codec = require("awsbak.core.codec")
local credentials = require("aws.credentials")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local sorted = require("awsbak.sorted")
local store = require("aws.credentials.store")
local time = require("awsbak.time")

local session = {}

local FOLDER = "~/.aws/cli/cache"
local LEFT_MIN = 15 * 60 -- seconds that a session must still be good for

-- As Python's json.dumps writes a string: in ASCII.
local SHORT = {
  ['"'] = '\\"',
  ["\\"] = "\\\\",
  ["\b"] = "\\b",
  ["\f"] = "\\f",
  ["\n"] = "\\n",
  ["\r"] = "\\r",
  ["\t"] = "\\t",
}

local function escaped(char)
  if SHORT[char] then
    return SHORT[char]
  elseif char:find("^[ -~]$") or not utf8.len(char) then
    return char
  end
  local code = utf8.codepoint(char)
  if code < 0x10000 then
    return ("\\u%04x"):format(code)
  end
  code = code - 0x10000
  return ("\\u%04x\\u%04x"):format(0xd800 | code >> 10, 0xdc00 | code & 0x3ff)
end

local function quoted(text)
  return '"' .. text:gsub(utf8.charpattern, escaped) .. '"'
end

--- SHA-1 of flat arguments as Python's json.dumps(sort_keys=True) writes them.
local function hash(arguments, comma, colon)
  local parts = {}
  for _, name in ipairs(sorted.keys(arguments)) do
    local value = arguments[name]
    local text = type(value) == "string" and quoted(value) or tostring(value)
    parts[#parts + 1] = quoted(name) .. colon .. text
  end
  return codec.hex(errors.check(digest.digest("sha1", "{" .. table.concat(parts, comma) .. "}")))
end

--- The file's name for a role's session.
---@param input table of AssumeRole or AssumeRoleWithWebIdentity: what the profile says
---@return string
function session.role_name(input)
  return hash(input, ", ", ": ")
end

--- The file's name for a session that IAM Identity Center gives.
---@param arguments table accountId, roleName, and sessionName or startUrl
---@return string
function session.sso_name(arguments)
  return hash(arguments, ",", ":")
end

local function keys_in(document, source)
  local kept = type(document.Credentials) == "table" and document.Credentials or {}
  local expires = store.time(kept.Expiration)
  local keys = expires
    and errors.try(credentials.keys, {
      access_key_id = kept.AccessKeyId,
      secret_access_key = kept.SecretAccessKey,
      session_token = type(kept.SessionToken) == "string" and kept.SessionToken or nil,
      account_id = type(kept.AccountId) == "string" and kept.AccountId or nil,
      expires = expires,
    }, source)
  return keys
end

--- The session in a file, if it may be used.
local function read(path, source, refused)
  local document, err = store.read(path)
  local keys = document and keys_in(document, ("%s, kept in %s"):format(source, path))
  if not keys and not (err and err.code == "ENOENT") then
    local wrong = err and err.message or path .. " holds no session"
    log.warn_once("%s; a new session is asked for", wrong)
  elseif keys and keys.access_key_id ~= refused and keys.expires - outside.now() >= LEFT_MIN then
    return keys
  end
end

local function write(path, keys, kind)
  local token = keys.session_token
  local kept, err = store.write(path, {
    ProviderType = kind,
    Credentials = {
      AccessKeyId = keys.access_key_id,
      SecretAccessKey = keys.secret_access_key:reveal(),
      SessionToken = token and token:reveal(),
      Expiration = time.rfc3339(keys.expires),
      AccountId = keys.account_id,
    },
  })
  if not kept then -- as on machines without a home that can be written: the next run asks again
    log.info("the session of %s is not kept: %s", keys.source, err.message)
  end
end

---@class aws.credentials.Session
---@field name string of its file, without ".json"
---@field source string what asks for it, for messages and doctor
---@field kind string? "sso": by it `aws sso logout` knows what to remove

--- The keys of a session: those that are kept, or new ones, which are kept from then on. Tasks
--- that want the same session at one time share the making of it.
---@param cfg aws.Config
---@param context table see aws.credentials; kept keys that are its `refused` are not used
---@param which aws.credentials.Session
---@param make fun(): aws.Keys
---@return aws.Keys
function session.get(cfg, context, which, make)
  local path = store.path(cfg, FOLDER, which.name)
  if not path then
    return make()
  end
  return store.once(path, function()
    local keys = read(path, which.source, context.refused)
    if not keys then
      keys = make()
      if keys.expires then
        write(path, keys, which.kind)
      end
    end
    return keys
  end)
end

return session
