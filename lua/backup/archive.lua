--- Archives: records that are kept together, encrypted and signed (docs/formats/archive.md).
---
---   local out <close> = archive.create("ssm.age", { kind = "ssm" })
---   out:add({ name = "/app/key", value = "v" })
---   local done = out:commit()            -- without it, close leaves nothing behind
---
---   local a <close> = archive.open("ssm.age")
---   local found = a:verify()             -- all of it, before anything is believed
---   for record in a:records() do ... end

local argument = require("awsbak.argument")
local options = require("aws.options")

local M = {}

-- What create and open take, with the kinds of awsbak.argument.
local CREATE = {
  kind = "text",
  force = "flag",
  account = "text",
  region = "text",
  recipients = "texts",
  passphrase = "secret",
  passphrase_file = "bytes",
  plaintext = "flag",
  armor = "flag",
  work_factor = "count",
  signing_key = "any",
  fields = "any",
  s3 = "table",
}

local OPEN = {
  identities = "secrets",
  identity_files = "list",
  passphrase = "secret",
  passphrase_file = "bytes",
  max_work_factor = "count",
  s3 = "table",
}

---@class backup.ArchiveOptions
---@field kind string what the records are: "ssm"
---@field force boolean? replace what is there
---@field account string? AWS account id, for the header
---@field region string? for the header
---@field recipients string[]? age recipients; default: those of backup.keys
---@field passphrase string|userdata|nil locks the archive instead; `passphrase_file` names its file
---@field passphrase_file string?
---@field plaintext boolean? do not encrypt
---@field armor boolean? as text: age's armor
---@field work_factor integer? scrypt's, as a power of two (default 18), at most 20
---@field signing_key userdata|string|false|nil default: this host's; false: do not sign
---@field fields table|fun():table|nil further members of the header; a function is asked when the
---  first record is added
---@field s3 table? the S3 client to use

--- Begin an archive.
---@param to string a path, s3://bucket/key, or - for standard output
---@param given backup.ArchiveOptions
---@return backup.ArchiveWriter out with add, commit and close; raises kind config without a key to
---  encrypt to, kind usage for options that contradict each other, kind io for the target
function M.create(to, given)
  argument.check(to, "path", "where an archive is to be")
  options.check(given, CREATE, "an archive")
  return require("backup.archive.writer").create(to, given)
end

---@class backup.ArchiveSource
---@field identities (string|userdata)[]? age identities; `identity_files` names files of them
---@field identity_files string[]? default: identity.txt of this host
---@field passphrase string|userdata|nil; `passphrase_file` names its file
---@field passphrase_file string?
---@field max_work_factor integer? highest scrypt work factor to try (default 20)
---@field s3 table? the S3 client to use

--- Open an archive. Standard input and S3 objects are copied first, still encrypted.
---@param from string|backup.Source a path, s3://bucket/key, or - for standard input; or what
---  backup.transfer opened, which then belongs to the archive
---@param given backup.ArchiveSource?
---@return backup.ArchiveReader a with verify, records and close
function M.open(from, given)
  given = given or {}
  argument.check(from, type(from) == "table" and "table" or "path", "the archive to open")
  options.check(given, OPEN, "an archive")
  return require("backup.archive.reader").open(from, given)
end

return M
