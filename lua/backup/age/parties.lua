--- Whom an age file is for, and who opens it, where that is more than awsbak.core knows: keys of
--- KMS, and plugins of age. The core makes the header and reads it; here the file key is wrapped
--- for others, and unwrapped.

local age = require("awsbak.core.age")
local argument = require("awsbak.argument")
local errors = require("awsbak.errors")
local kms = require("backup.age.kms")
local plugin = require("backup.age.plugin")
local stream = require("awsbak.core.stream")
local task = require("awsbak.task")

local M = {}

--- Recipients or identities by who handles them.
---@class backup.age.Parties
---@field native (string|userdata)[] the core
---@field arns string[] KMS
---@field names string[] plugins, in the order of their first text
---@field texts table<string, string[]> by plugin

--- Sort them; a text that is mistyped is left to the core, which refuses it.
---@return backup.age.Parties
local function sort(list)
  local found = { native = {}, arns = {}, names = {}, texts = {} }
  for _, party in ipairs(list or {}) do
    local name, bytes = age.plugin(party)
    if type(party) == "string" and party:find("^arn:") then
      table.insert(found.arns, party)
    elseif name == kms.NAME then
      table.insert(found.arns, bytes)
    elseif name then
      if not found.texts[name] then
        found.texts[name] = {}
        table.insert(found.names, name)
      end
      table.insert(found.texts[name], type(party) == "string" and party or party:reveal())
    else
      table.insert(found.native, party)
    end
  end
  return found
end

--- Check a recipient of any kind; of a plugin's, whether it is mistyped.
---@param recipient string
---@return any ok
---@return table? err kind config, code "key"
function M.check(recipient)
  if recipient:find("^arn:") then
    return errors.try(kms.check, recipient)
  end
  local name, bytes = age.plugin(recipient)
  if name == kms.NAME then
    return errors.try(kms.check, bytes)
  elseif name or bytes then
    return name, bytes
  end
  return age.check_recipient(recipient)
end

--- The recipient that an identity opens for; of a plugin's, the identity itself, to which plugins
--- can encrypt.
---@param identity userdata|string
---@return string? recipient
---@return table? err kind config
function M.recipient(identity)
  local name, bytes = age.plugin(identity)
  if not name then
    return age.recipient(identity)
  elseif name ~= kms.NAME then
    return type(identity) == "string" and identity or identity:reveal()
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

--- Raise where a plugin's recipients may not stand beside the file's others, which have no labels:
--- who opens the file as one of these need not break what is special about those.
local function check_labels(name, labels, wanted)
  if labels ~= wanted then
    errors.raise({
      kind = "config",
      code = "recipients",
      message = ("recipients of age-plugin-%s do not go with the others of the file (%s)"):format(
        name,
        labels ~= "" and labels or wanted
      ),
      hint = "encrypt for them alone",
    })
  end
end

--- Options of stream.writer for recipients of all kinds. Asks KMS and plugins to wrap.
---@param recipients string[]
---@return { recipients: string[], file_key: userdata?, stanzas: string[]? } options raises what a
---  recipient is refused for, and what KMS and plugins say
function M.seal(recipients)
  argument.check(recipients, "secrets?", "what parties.seal is given")
  local found = sort(recipients)
  if #found.arns + #found.names == 0 then
    return { recipients = found.native }
  end
  local file_key = errors.check(age.file_key())
  local stanzas = {}
  local common = #found.native + #found.arns > 0 and "" or nil -- labels: only plugins know some
  for _, arn in ipairs(found.arns) do
    stanzas[#stanzas + 1] = kms.wrap(arn, file_key)
  end
  for _, name in ipairs(found.names) do
    local more, labels = plugin.wrap(name, found.texts[name], file_key)
    common = common or labels
    check_labels(name, labels, common)
    table.move(more, 1, #more, #stanzas + 1, stanzas)
  end
  return { recipients = found.native, file_key = file_key, stanzas = stanzas }
end

--- A command that opens it; none with what a shell would act on: the header may be anybody's.
local function kms_hint(stanzas)
  local arns = kms.keys(stanzas)
  return arns[1]
    and arns[1]:find("^[%w:/_-]+$")
    and ("it can be opened with the KMS key %s: `awsbak keygen --kms %s` makes an identity"):format(
      arns[1],
      arns[1]
    )
end

--- Ask the plugins, until one opens it.
---@return userdata? file_key
---@return table? err why the first did not, where one said
local function ask_plugins(found, stanzas)
  local failure
  for _, name in ipairs(found.names) do
    local file_key, why = errors.try(plugin.unwrap, name, found.texts[name], stanzas)
    if file_key then
      return file_key
    elseif type(why) == "table" and why.kind == "cancelled" then
      error(why, 0)
    end
    failure = failure or why
  end
  return nil, failure
end

--- The file key of a file that no identity of the core opens; raises `failure`, or what went wrong
--- meanwhile, when no other opens it.
local function unwrap(header, found, failure)
  local stanzas = errors.check(age.stanzas(header))
  local file_key, refused = errors.try(kms.unwrap, found.arns, stanzas)
  if not file_key and (not refused or refused.kind ~= "cancelled") then
    local why
    file_key, why = ask_plugins(found, stanzas)
    refused = refused or why
  end
  if file_key then
    return file_key
  elseif refused then
    error(refused, 0)
  end
  if #found.arns + #found.names > 0 and stanzas[1][1] ~= "scrypt" then
    failure.message = "none of the identities given can open this archive" -- the core saw fewer
  end
  failure.hint = #found.arns == 0 and kms_hint(stanzas) or failure.hint
  error(failure, 0)
end

--- Options of the core for what it knows of `keys`, and the rest.
local function core_options(keys)
  local found = sort(keys.identities)
  return {
    identities = found.native,
    passphrase = keys.passphrase,
    max_work_factor = keys.max_work_factor,
    file_key = keys.file_key,
  },
    found
end

--- Call the core; when nothing of what it knows opens the file, get the file key from the others.
--- Whether it is there now, in `options` and in `keys`. Other failures are told again later.
local function or_ask_others(keys, options, found, header, f)
  local ok, err = errors.try(task.await, f())
  if ok == nil and err.kind == "cancelled" then
    error(err, 0)
  elseif ok == nil and err.code == "age_no_match" then
    options.file_key = unwrap(header(), found, err)
    keys.file_key = options.file_key
    return true
  end
  return false
end

--- Options of awsbak.stream's `open` for identities of all kinds. KMS and plugins are asked when
--- nothing else opens the file, once its header has come.
---
---     stream.pipe(source, stream.open(parties.open({ identities = keys.identities() })), sink)
---@param keys { identities: (string|userdata)[]?, passphrase: string|userdata|nil,
---  file_key: userdata?, max_work_factor: integer? }
---@return table options
--- In a pipe it fails with kind integrity, code age_no_match, and as KMS and plugins say.
function M.open(keys)
  argument.check(keys, "table", "what parties.open is given")
  argument.check(keys.identities, "secrets?", "option identities of parties.open")
  local options, found = core_options(keys)
  for name, value in pairs(keys) do -- stream.open tells of what it does not know
    options[name] = options[name] == nil and value or options[name]
  end
  function options.unwrap(header, failure)
    return unwrap(header, found, failure)
  end
  return options
end

--- A reader of a file that may be age's, for identities of all kinds. Asks KMS, and then plugins,
--- only when nothing else opens it.
---@param handle userdata an open file
---@param keys table options of stream.reader; gets `file_key` when others unwrapped it
---@return userdata reader of stream.reader; what is wrong with the file, its fill() tells
--- Raises kind integrity, code age_no_match, and what KMS and plugins say.
function M.reader(handle, keys)
  local options, found = core_options(keys)
  local reader = errors.check(stream.reader(handle, options))
  local function header()
    reader:close()
    local probe <close> = errors.check(stream.reader(handle, options))
    task.await(probe:look())
    return probe:header()
  end
  local function fill()
    return reader:fill()
  end
  if or_ask_others(keys, options, found, header, fill) then
    return errors.check(stream.reader(handle, options))
  end
  return reader
end

--- What opens chunks of an age file, for identities of all kinds; asks others as `reader` does.
---@param head string the file's header and the 16 bytes after it
---@param keys table as for reader
---@return userdata chunks of stream.chunks; what is wrong with the header, its open() tells
--- Raises as reader does.
function M.chunks(head, keys)
  local options, found = core_options(keys)
  local chunks = errors.check(stream.chunks(head, options))
  local function header()
    return head:sub(1, age.header_length(head))
  end
  local function begin()
    return chunks:open(0, "")
  end
  if or_ask_others(keys, options, found, header, begin) then
    return errors.check(stream.chunks(head, options))
  end
  return chunks
end

return M
