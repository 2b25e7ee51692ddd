-- Credentials beside botocore's: the same random settings and files, the same answers.

local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local dpop = require("aws.credentials.dpop")
local headers = require("awsbak.headers")
local http = require("awsbak.http")
local json = require("awsbak.core.json")
local log = require("awsbak.log")
local p256 = require("awsbak.core.p256")
local reference = require("spec.support.reference")
local scratch = require("spec.support.scratch")
local secret = require("awsbak.core.secret")
local session = require("aws.credentials.session")
local store = require("aws.credentials.store")
local time = require("awsbak.time")
local world = require("spec.support.world")

local SCRIPT = "reference_credentials.py"

local function sha1(text)
  return codec.hex(digest.digest("sha1", text))
end

--- A query or form as a table.
local function fields(text)
  local found = {}
  for name, value in text:gmatch("([^&=]+)=([^&]*)") do
    found[name] = value:gsub("+", " "):gsub("%%(%x%x)", function(digits)
      return string.char(tonumber(digits, 16))
    end)
  end
  return found
end

-- The rules of `Network` in reference_credentials.py: request -> line, answer.
local rules = {}

rules["/federation/credentials"] = function(request, now)
  local query = fields(request.url:match("%?(.*)$"))
  local token = headers.find(request.headers, "x-amz-sso_bearer_token")
  local line = ("%s %s %s"):format(query.role_name, query.account_id, token)
  local given = { accessKeyId = "ASIA" .. sha1(line), secretAccessKey = "s", sessionToken = "t" }
  given.expiration = (now + 3600) * 1000
  return line, json.encode({ roleCredentials = given })
end

rules["/token"] = function(request)
  local asked = json.decode(request.body)
  local parts = { asked.grantType, asked.refreshToken, asked.clientId, asked.clientSecret }
  return table.concat(parts, " "),
    json.encode({ accessToken = "T2", expiresIn = 28800, refreshToken = "R2" })
end

rules["/v1/token"] = function(request)
  local asked = json.decode(request.body)
  local proved = headers.find(request.headers, "dpop") and "True" or "False"
  local line =
    table.concat({ asked.grantType, asked.refreshToken, asked.clientId, proved }, " ")
  local given = { accessKeyId = "ASIA" .. sha1(line), secretAccessKey = "s", sessionToken = "t" }
  local answer = { accessToken = given, tokenType = "aws_sigv4", expiresIn = 900 }
  answer.refreshToken = "R2"
  return line, json.encode(answer)
end

local ASSUMED_WITH = {
  "RoleArn",
  "RoleSessionName",
  "ExternalId",
  "DurationSeconds",
  "SerialNumber",
  "TokenCode",
  "WebIdentityToken",
}

local ASSUMED = [[<%sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%sResult>
<Credentials><AccessKeyId>ASIA%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/x/y</Arn>
<AssumedRoleId>A:y</AssumedRoleId></AssumedRoleUser></%sResult></%sResponse>]]

rules["/"] = function(request, now)
  local form = fields(request.body)
  local action = form.Action
  if form.RoleSessionName:find("^awsbak%-session%-") then
    form.RoleSessionName = "default"
  end
  local line = { action }
  for _, name in ipairs(ASSUMED_WITH) do
    line[#line + 1] = form[name] or "-"
  end
  local signed = headers.find(request.headers, "authorization") or "Credential=nobody/"
  line[#line + 1] = signed:match("Credential=([^/]*)/")
  line = table.concat(line, " ")
  local expires = time.rfc3339(now + 3600)
  return line, ASSUMED:format(action, action, sha1(line), expires, action, action)
end

--- What awsbak finds where botocore found something: keys, or nil and the error; what it asked for,
--- and what it keeps.
local function find(case)
  local function rehome(text)
    return (text:gsub(case.home:gsub("%p", "%%%0"), "/home/x"))
  end
  local asked, files = {}, {}
  for path, text in pairs(case.files) do
    files[path:gsub("^~", "/home/x")] = rehome(text)
  end
  local here = {
    env = case.env,
    config = files["/home/x/.aws/config"],
    credentials = files["/home/x/.aws/credentials"],
    files = files,
    now = case.now,
    answer = function()
      return secret.new("123456")
    end,
    send = function(request)
      local _, host = http.host(request.url)
      local path = request.url:match("^https://[^/]+([^?]*)")
      local line, answer = rules[path](request, case.now)
      asked[#asked + 1] = host .. " " .. line
      return { status = 200, headers = {}, body = answer }
    end,
  }
  local keys, err = world.keys(here, case.profile and { profile = case.profile })
  return keys, err, asked, files
end

--- Times in steps of five minutes from `now`, however they are written: botocore's clock goes on.
local function normal(value, now)
  if type(value) ~= "table" then
    local at = store.time(value)
    return at and math.floor((at - now) / 300 + 0.5) or value
  end
  local copy = {}
  for name, member in pairs(value) do
    copy[name] = normal(member, now)
  end
  return copy
end

--- What AWS's tools read of a kept document.
local function kept(document, now)
  document = normal(document, now)
  if document.Credentials then
    return { document.Credentials, document.ProviderType }
  end
  return document
end

--- Whether botocore failed at what does not stop awsbak: what is behind a session that is kept, a
--- damaged file where a new one will be, and, when keys are wanted, what bearer tokens would take.
local function is_left_out(case, keys, asked)
  local used_kept = keys and keys.source:find(", kept in ", 1, true)
    or (table.concat(asked, "\n") .. "\n"):find(" ASIAKEPT\n", 1, true)
  return case.error
    and (
      used_kept
      or case.error:find("SSO token provider", 1, true)
      or case.error:find("^KeyError")
    )
end

local function compare(case, where)
  local keys, err, asked, files = find(case)
  if is_left_out(case, keys, asked) then
    return
  end
  assert.same(case.asked, asked, where)
  if case.keys and case.keys ~= json.null then
    assert.is_table(keys, where .. tostring(err))
    local token = keys.session_token
    assert.same(case.keys, {
      access_key_id = keys.access_key_id,
      secret_access_key = keys.secret_access_key:reveal(),
      session_token = token and token:reveal() or json.null,
      account_id = keys.account_id or json.null,
    }, where)
  else
    assert.is_nil(keys, where)
    assert.is_true(err.kind == "config" or err.kind == "credentials", where .. tostring(err))
  end
  for path, document in pairs(case.kept) do
    local text = files[path:gsub("^~", "/home/x")]
    local ours = text and json.decode(text)
    assert.same(kept(document, case.now), ours and kept(ours, case.now), where .. path)
  end
end

describe("credentials beside botocore's", function()
  local python, reason = reference.python()
  local seed = os.getenv("AWSBAK_SEED") or tostring(os.time())

  local function cases(command, count)
    if not python then
      pending(reason)
    end
    return reference.ask(("%s %s %d"):format(command, seed, count), SCRIPT)
  end

  it("name cached sessions the same", function()
    for _, case in ipairs(cases("names", 500)) do
      local name = session[case.kind .. "_name"](case.arguments)
      assert.equal(case.name, name, "seed " .. seed .. json.encode(case))
    end
  end)

  it("are the same, asked for in the same way, and kept the same", function()
    log.lines = {}
    finally(function()
      log.lines = nil
    end)
    local found = 0
    for i, case in ipairs(cases("worlds", 100)) do
      compare(case, ("seed %s, world %d: %s "):format(seed, i, case.error or ""))
      found = found + #case.asked
    end
    assert.is_true(found > 20)
  end)

  it("prove that they have the key of their session", function()
    if not python then
      pending(reason)
    end
    local dir <close> = scratch.new()
    local proofs = {}
    for i, pem in ipairs(reference.ask("keys 50", SCRIPT)) do
      local key = assert(p256.from_pem(pem))
      proofs[i] = dpop.proof(key, "POST", "https://eu-west-1.signin.aws.amazon.com/v1/token", 1)
    end
    local path = dir:write("proofs.json", json.encode(proofs))
    assert.equal(#proofs, reference.ask("proofs " .. path, SCRIPT))
  end)
end)
