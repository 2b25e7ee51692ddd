--- The keys of this host, in the configuration folder, and files of keys anywhere.
---
---   identity.txt    opens archives (age's own format; secret)
---   signing.key     signs archives (secret)
---   recipients.txt  whom archives are for; a backup host with it needs no identity
---   signers.txt     whose archives are trusted besides our own
---
--- One key a line; blank lines and lines that begin with # are passed over. In signers.txt a name
--- may follow the key, and an SSH key may be followed by its comment. A file of identities may also
--- be a private SSH key.

local age = require("awsbak.core.age")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local folders = require("awsbak.folders")
local key = require("awsbak.core.key")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local parties = require("backup.age.parties")
local secret = require("awsbak.core.secret")
local sys = require("awsbak.core.sys")
local time = require("awsbak.time")

local M = {}

local PASSPHRASE_MAX = 64 * 1024 -- bytes
local OTHERS = 63 -- permission bits of group and others, octal 077
local OTHERS_WRITE = 18 -- octal 022

--- Where one of the four files is, or would be.
---@param name string
---@return string path raises kind config without a home folder
function M.path(name)
  local folder = folders.config()
  if not folder then
    errors.raise({
      kind = "config",
      code = "no_home",
      message = "there is no configuration folder: neither XDG_CONFIG_HOME nor HOME is set",
      hint = "set HOME",
    })
  end
  return folder .. "/" .. name
end

--- A file's text, or nil when there is no such file.
local function read_optional(path)
  local text, err = outside.read_file(path)
  if not text and err.code == "ENOENT" then
    return nil
  end
  return errors.check(text, err)
end

--- Secrets that others can read are no secrets. What is no file (a pipe) has no such permissions.
local function check_private(path)
  local st = file.stat(path)
  if st and st.type == "file" and st.mode & OTHERS ~= 0 then
    errors.raise({
      kind = "config",
      code = "permissions",
      message = ("%s can be read by others (mode %04o)"):format(path, st.mode),
      hint = "chmod 600 " .. path,
    })
  end
end

--- The secrets in a file, read by `parse`; raises kind config with the file's name.
local function read_secrets(path, parse)
  check_private(path)
  local text <close> = errors.check(file.read_secret(path))
  local list, err = parse(text)
  if not list then
    err.message = path .. (err.message:find("^line ") and " " or ": ") .. err.message
    error(errors.from(err), 0)
  elseif #list == 0 then
    errors.raise({ kind = "config", code = "key", message = path .. " holds no key" })
  end
  return list
end

local function exists(path)
  local st, err = file.stat(path)
  if not st and err.code ~= "ENOENT" then
    errors.check(st, err)
  end
  return st ~= nil
end

--- Who can change a file of public keys decides who reads our archives, or whom we trust.
local function check_ours_to_change(path)
  for _, at in ipairs({ path, path:match("^(.*)/") }) do
    local st = file.stat(at)
    if st and st.uid ~= sys.uid() and st.uid ~= 0 then
      errors.raise({
        kind = "config",
        code = "permissions",
        message = ("%s belongs to another user (uid %d)"):format(at, st.uid),
        hint = "chown it, once you have looked at what it says",
      })
    elseif st and st.mode & OTHERS_WRITE ~= 0 then
      errors.raise({
        kind = "config",
        code = "permissions",
        message = ("%s can be changed by others (mode %04o)"):format(at, st.mode),
        hint = "chmod go-w " .. at,
      })
    end
  end
end

--- The key of a line, and what follows it; nil for a blank line or a comment. An SSH key is two
--- words, and its comment is nothing to us.
local function split_line(line)
  local word, name = line:match("^%s*([^#%s]%S*)%s*(.-)%s*$")
  if word and word:find("^ssh%-") then
    return word .. " " .. (name:match("^%S+") or ""), ""
  end
  return word, name
end

--- Each entry of a file of public keys: key, what follows it. Nil when there is no such file.
local function read_public(path, check, with_name)
  local entries = {}
  local number = 0
  local text = read_optional(path)
  if not text then
    return nil
  end
  check_ours_to_change(path)
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    local word, name = split_line(line)
    if word then
      local ok, err = check(word)
      if ok and name ~= "" and not with_name then
        ok, err = nil, { kind = "config", code = "key", message = "one key a line" }
      end
      if not ok then
        err.message = ("%s:%d: %s"):format(path, number, err.message)
        error(errors.from(err), 0)
      end
      entries[#entries + 1] = { key = word, name = name ~= "" and name or nil }
    end
  end
  return entries
end

--- The identities that may open an archive.
---@param paths string[]? files of them; absent or empty: identity.txt, when there is one
---@return userdata[] secrets raises kind config or io when a file is wrong
function M.identities(paths)
  if not paths or #paths == 0 then
    local own = folders.config() and M.path("identity.txt")
    paths = own and exists(own) and { own } or {}
  end
  local list = {}
  for _, path in ipairs(paths) do
    if path == "" then
      errors.raise({
        kind = "usage",
        code = "bad_option",
        message = "the name of an identity file is empty",
      })
    end
    local found = read_secrets(path, age.identities)
    table.move(found, 1, #found, #list + 1, list)
  end
  return list
end

local function own_recipients()
  local list = {}
  for i, identity in ipairs(M.identities()) do
    list[i] = errors.check(parties.recipient(identity))
  end
  return list
end

local function listed_recipients()
  local path = folders.config() and M.path("recipients.txt")
  local entries = path and read_public(path, parties.check)
  if entries and #entries == 0 then
    errors.raise({
      kind = "config",
      code = "no_recipient",
      message = path .. " holds no recipient",
      hint = "write recipients (age1...) into it, or remove it to encrypt to this host's own key",
    })
  end
  local list = {}
  for i, entry in ipairs(entries or {}) do
    list[i] = entry.key
  end
  return entries and list
end

--- Whom archives are for unless told otherwise: recipients.txt, else our own identity.
---@return string[] recipients raises kind config, code "no_recipient", when there is neither, or
---  recipients.txt is empty
function M.recipients()
  local list = listed_recipients() or own_recipients()
  if #list == 0 then
    errors.raise({
      kind = "config",
      code = "no_recipient",
      message = "there is no key to encrypt the archive to",
      hint = "run `awsbak keygen` once, or give --recipient age1...",
    })
  end
  return list
end

--- The key that signs archives of this host.
---@return userdata? signing_key a secret; nil when there is none
---@return string? signer its public key
function M.signing()
  local path = folders.config() and M.path("signing.key")
  if not path or not exists(path) then
    return nil
  end
  local list = read_secrets(path, key.signing_keys)
  if #list > 1 then
    errors.raise({ kind = "config", code = "key", message = path .. " holds more than one key" })
  end
  return list[1], errors.check(key.signer(list[1]))
end

--- What we think of a signer.
---@param signer string
---@return "own"|"listed"|"unknown" trust
---@return string? name what signers.txt calls it
function M.trust(signer)
  local _, own = M.signing()
  if own == signer then
    return "own"
  end
  if folders.config() then
    for _, entry in ipairs(read_public(M.path("signers.txt"), key.check_signer, true) or {}) do
      if entry.key == signer then
        return "listed", entry.name
      end
    end
  end
  return "unknown"
end

--- The passphrase in a file: all of it but one line end.
---@param path string
---@return userdata passphrase a secret; raises kind config when it is empty
function M.passphrase(path)
  local st = file.stat(path)
  if st and st.type == "file" and st.mode & OTHERS ~= 0 then
    log.warn("%s can be read by others (mode %04o); chmod 600 %s", path, st.mode, path)
  end
  local whole <close> = errors.check(file.read_secret(path, PASSPHRASE_MAX))
  local text = whole:reveal():gsub("\r?\n$", "")
  if text == "" then
    errors.raise({ kind = "config", code = "passphrase", message = path .. " is empty" })
  end
  return secret.new(text)
end

--- A key file's text: when it was made, the public half, the secret half.
local function key_file(private, public)
  return ("# created: %s\n# public key: %s\n%s\n"):format(
    time.rfc3339(outside.now()),
    public,
    private:reveal()
  )
end

local function create(path, private, public)
  local ok, err = file.create_exclusive(path, key_file(private, public))
  if not ok and err.code == "EEXIST" then
    err.message = path .. " exists already, and keys are never replaced"
  end
  errors.check(ok, err)
end

--- Which files of this host's keys generate() would make.
---@return string[] paths at least one
--- Raises kind config, code EEXIST, when there is nothing to make.
function M.missing()
  local paths = {}
  for _, name in ipairs({ "identity.txt", "signing.key" }) do
    if not exists(M.path(name)) then
      paths[#paths + 1] = M.path(name)
    end
  end
  if #paths == 0 then
    errors.raise({
      kind = "config",
      code = "EEXIST",
      message = ("%s and signing.key exist already, and keys are never replaced"):format(
        M.path("identity.txt")
      ),
      hint = "archives made so far open with these keys only; move both away to start anew",
    })
  end
  return paths
end

--- Make the keys of this host that are missing: identity.txt and signing.key, mode 0600.
---@return { recipient: string, signer: string, made: string[] } keys public halves, and files
---  written; raises kind config, code EEXIST, when there is nothing to make
function M.generate()
  M.missing()
  local identity_path, signing_path = M.path("identity.txt"), M.path("signing.key")
  local has_identity, has_signing = exists(identity_path), exists(signing_path)
  local recipient = has_identity and own_recipients()[1] -- a bad file is told before any is made
  local signer = has_signing and select(2, M.signing())
  errors.check(file.mkdirs(folders.config()))
  local made = {}
  local identity, private
  if not has_identity then
    identity, recipient = age.keygen()
    create(identity_path, errors.check(identity, recipient), recipient)
    made[#made + 1] = identity_path
  end
  if not has_signing then
    private, signer = key.generate()
    create(signing_path, errors.check(private, signer), signer)
    made[#made + 1] = signing_path
  end
  return { recipient = recipient, signer = signer, made = made }
end

return M
