--- Keys of AWS KMS as recipients of age files: the file key is wrapped by KMS, and opened by it
--- (docs/formats/age-awskms.md).
---
---   age1awskms1...          recipient: the ARN of a key, in Bech32
---   AGE-PLUGIN-AWSKMS-1...  identity: the same ARN; or nothing, for whatever key a file names
---
--- API: KMS API reference, Encrypt and Decrypt; KMS developer guide, "Encryption context" and
--- "Multi-Region keys".

local age = require("awsbak.core.age")
local arns = require("aws.endpoint.arn")
local errors = require("awsbak.errors")
local guard = require("aws.guard")
local secret = require("awsbak.core.secret")
local stanza = require("backup.age.stanza")

local M = {}

--- The plugin's name, in recipients, identities and programs.
M.NAME = "awskms"

local TYPE = "aws-kms"
local FILE_KEY = 16 -- bytes
local TRIES_MAX = 16 -- stanzas of a file that KMS is asked about
local CONTEXT = { ["age-file-key"] = "v1" } -- so that no other ciphertext of the key is opened

local function fail(kind, code, message, hint)
  errors.raise({ kind = kind, code = code, message = message, hint = hint })
end

--- The parts of a key's or an alias's ARN; nil when it is none.
local function parse(arn)
  local parts = #arn <= 2048 and arn:find("^[!-~]+$") and arns.parse(arn)
  local kind = parts and parts.resourceId[1]
  if
    parts
    and parts.service == "kms"
    and parts.region ~= ""
    and #parts.resourceId >= 2
    and parts.resourceId[2] ~= ""
    and (kind == "key" or kind == "alias")
  then
    parts.kind = kind
    return parts
  end
  return nil
end

--- Raise unless `arn` names a key of KMS.
---@param arn string
---@return table parts raises kind config, code "key"
function M.check(arn)
  return parse(arn)
    or fail(
      "config",
      "key",
      ('"%s" is not the ARN of a key of KMS'):format(arn),
      "it looks like arn:aws:kms:REGION:ACCOUNT:key/ID, or ...:alias/NAME"
    )
end

--- The recipient of a key.
---@param arn string of a key or an alias
---@return string recipient raises kind config, code "key"
function M.recipient(arn)
  M.check(arn)
  return age.bech32("age1" .. M.NAME, arn)
end

--- The identity of a key.
---@param arn string "" for whatever key a file names
---@return string identity raises kind config, code "key"
function M.identity(arn)
  if arn ~= "" then
    M.check(arn)
  end
  return age.bech32("AGE-PLUGIN-" .. M.NAME:upper() .. "-", arn)
end

local function client(parts)
  return require("aws.kms").new({ region = parts.region })
end

--- Wrap a file key.
---@param arn string
---@param file_key userdata secret
---@return string stanza its text; raises what KMS says, told with the key
function M.wrap(arn, file_key)
  local kms = client(M.check(arn))
  -- A dry run needs it, too: it changes nothing, and what is not encrypted must not be written.
  local reply, err = errors.try(guard.lift, kms.encrypt, {
    KeyId = arn,
    Plaintext = file_key:reveal(),
    EncryptionContext = CONTEXT,
  })
  if not reply then
    err.message = ("cannot encrypt to %s: %s"):format(arn, err.message)
    error(err, 0)
  end
  local key = parse(reply.KeyId or "")
  if not key or key.kind ~= "key" or (reply.CiphertextBlob or "") == "" then
    fail("reply", "kms", ("KMS did not say with which key it encrypted to %s"):format(arn))
  end
  return stanza.text({ TYPE, reply.KeyId }, reply.CiphertextBlob)
end

--- The key's id in all regions, when it is one of several.
local function multi_region(parts)
  local id = parts.resourceId[2]
  return parts.kind == "key" and id:find("^mrk%-") and parts.partition .. parts.accountId .. id
end

--- With which ARN an identity may open what `arn` wrapped: its own, for the same key, for a replica
--- of it in another region, or for an alias, of which KMS knows what it stands for. Nil: with none.
local function arn_to_try(identity, arn, parts)
  if identity == "" or identity == arn then
    return arn
  end
  local own = parse(identity)
  local same_place = own.region == parts.region and own.accountId == parts.accountId
  if own.kind == "alias" and same_place then
    return identity
  elseif multi_region(parts) and multi_region(own) == multi_region(parts) then
    return identity
  end
  return nil
end

local NOT_THIS_KEY = { IncorrectKeyException = true, InvalidCiphertextException = true }

--- Ask KMS: the file key; or nil, and why not unless it is another key.
local function decrypt(arn, blob)
  local reply, err = errors.try(guard.lift, client(parse(arn)).decrypt, {
    KeyId = arn,
    CiphertextBlob = blob,
    EncryptionContext = CONTEXT,
  })
  if reply and #(reply.Plaintext or "") == FILE_KEY then
    return secret.new(reply.Plaintext)
  elseif reply then
    return nil, errors.from({ kind = "integrity", code = "age_header", message = "no file key" })
  elseif err.kind == "cancelled" then
    error(err, 0)
  end
  return nil, not NOT_THIS_KEY[err.code] and err or nil
end

--- The stanzas of our type, checked: { arn, parts, body }.
local function ours(stanzas)
  local list = {}
  for _, s in ipairs(stanzas) do
    if s[1] == TYPE then
      local parts = #s == 2 and parse(s[2])
      if not parts or parts.kind ~= "key" then
        fail("integrity", "age_header", "the age header is damaged: an aws-kms stanza is malformed")
      end
      list[#list + 1] = { arn = s[2], parts = parts, body = stanza.body(s.text) }
    end
  end
  if #list > TRIES_MAX then
    fail(
      "integrity",
      "age_header",
      ("the age header has more than %d keys of KMS"):format(TRIES_MAX)
    )
  end
  return list
end

--- The keys of KMS that a file is for.
---@param stanzas table[] of awsbak.core.age.stanzas
---@return string[] arns raises kind integrity when one is malformed
function M.keys(stanzas)
  local list = {}
  for i, s in ipairs(ours(stanzas)) do
    list[i] = s.arn
  end
  return list
end

--- Unwrap the file key with the first key that can.
---@param identities string[] ARNs, or "" for whatever key a stanza names
---@param stanzas table[] of awsbak.core.age.stanzas
---@return userdata? file_key a secret; nil when the file is for none of the keys
--- Raises what KMS says when it refuses, and none of the others opens it; kind integrity when a
--- stanza is malformed.
function M.unwrap(identities, stanzas)
  local refused
  for _, s in ipairs(ours(stanzas)) do
    local tried = {}
    for _, identity in ipairs(identities) do
      local arn = arn_to_try(identity, s.arn, s.parts)
      if arn and not tried[arn] then
        tried[arn] = true
        local file_key, err = decrypt(arn, s.body)
        if file_key then
          return file_key
        elseif err then
          err.message = ("cannot decrypt with %s: %s"):format(arn, err.message)
          refused = refused or err
        end
      end
    end
  end
  if refused then
    error(refused, 0)
  end
  return nil
end

return M
