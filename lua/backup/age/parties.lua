--- Whom an age file is for, and who opens it, where that is more than awsbak.core knows: keys of
--- KMS. The core makes the header and reads it; here the file key is wrapped for others, and
--- unwrapped.

local age = require("awsbak.core.age")
local errors = require("awsbak.errors")
local kms = require("backup.age.kms")
local stream = require("awsbak.core.stream")
local task = require("awsbak.task")

local M = {}

--- Check a recipient of any kind.
---@param recipient string
---@return boolean? ok
---@return table? err kind config, code "key"
function M.check(recipient)
  if recipient:find("^arn:") then
    return errors.try(kms.check, recipient)
  end
  local name, bytes = age.plugin(recipient)
  if name == kms.NAME then
    return errors.try(kms.check, bytes)
  elseif bytes then
    return nil, bytes
  end
  return age.check_recipient(recipient)
end

--- The recipient that an identity opens for.
---@param identity userdata|string
---@return string? recipient
---@return table? err kind config
function M.recipient(identity)
  local name, bytes = age.plugin(identity)
  if name ~= kms.NAME then
    return age.recipient(identity)
  elseif bytes == "" then
    return nil,
      {
        kind = "config",
        code = "no_recipient",
        message = "an identity for every key of KMS does not say which key to encrypt to",
        hint = "give --recipient, or write recipients.txt",
      }
  end
  return errors.try(kms.recipient, bytes)
end

--- Options of stream.writer for recipients of all kinds. Asks KMS to wrap.
---@param recipients string[]
---@return { recipients: string[], file_key: userdata?, stanzas: string[]? } options raises what a
---  recipient is refused for, and what KMS says
function M.seal(recipients)
  local native, arns = {}, {}
  for _, recipient in ipairs(recipients) do
    local name, bytes = age.plugin(recipient)
    if recipient:find("^arn:") then
      arns[#arns + 1] = recipient
    elseif name == kms.NAME then
      arns[#arns + 1] = bytes
    else
      native[#native + 1] = recipient
    end
  end
  if #arns == 0 then
    return { recipients = native }
  end
  local file_key = errors.check(age.file_key())
  local stanzas = {}
  for i, arn in ipairs(arns) do
    stanzas[i] = kms.wrap(arn, file_key)
  end
  return { recipients = native, file_key = file_key, stanzas = stanzas }
end

--- What there is of identities: those of the core, ARNs of keys of KMS.
local function sort(identities)
  local native, arns = {}, {}
  for _, identity in ipairs(identities or {}) do
    local name, bytes = age.plugin(identity)
    if name == kms.NAME then
      arns[#arns + 1] = bytes
    else
      native[#native + 1] = identity
    end
  end
  return native, arns
end

local function hint(stanzas)
  local arns = kms.keys(stanzas)
  return arns[1]
    and ("it can be opened with the KMS key %s: `awsbak keygen --kms %s` makes an identity"):format(
      arns[1],
      arns[1]
    )
end

--- The file key of a file that no identity of the core opens; raises `failure` when no other does.
local function unwrap(reader, arns, failure)
  task.await(reader:look())
  local stanzas = errors.check(age.stanzas(reader:header()))
  local file_key = kms.unwrap(arns, stanzas)
  if not file_key then
    failure.hint = #arns == 0 and hint(stanzas) or failure.hint
    error(failure, 0)
  end
  return file_key
end

--- A reader of a file that may be age's, for identities of all kinds. Asks KMS only when nothing
--- else opens it.
---@param handle userdata an open file
---@param keys table options of stream.reader; gets `file_key` when KMS unwrapped it
---@return userdata reader of stream.reader; what is wrong with the file, its fill() tells
--- Raises kind integrity, code age_no_match, and what KMS says.
function M.reader(handle, keys)
  local native, arns = sort(keys.identities)
  local options = {
    identities = native,
    passphrase = keys.passphrase,
    max_work_factor = keys.max_work_factor,
    file_key = keys.file_key,
  }
  local reader = errors.check(stream.reader(handle, options))
  local ok, err = errors.try(task.await, reader:fill())
  if ok == nil and err.kind == "cancelled" then
    error(err, 0)
  elseif ok == nil and err.code == "age_no_match" then
    reader:close()
    local probe <close> = errors.check(stream.reader(handle, options))
    options.file_key = unwrap(probe, arns, err)
    keys.file_key = options.file_key
    return errors.check(stream.reader(handle, options))
  end
  return reader
end

return M
