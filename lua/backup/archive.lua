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
local errors = require("awsbak.errors")
local sorted = require("awsbak.sorted")

local M = {}

local CREATE = {
  kind = true,
  force = true,
  account = true,
  region = true,
  recipients = true,
  passphrase = true,
  passphrase_file = true,
  plaintext = true,
  work_factor = true,
  signing_key = true,
  fields = true,
  s3 = true,
}

local OPEN = {
  identities = true,
  identity_files = true,
  passphrase = true,
  passphrase_file = true,
  max_work_factor = true,
  s3 = true,
}

local function check_options(options, known)
  argument.check(options, "table", "what is given for the options of an archive")
  for name in pairs(options) do
    if not known[name] then
      errors.raise({
        kind = "usage",
        code = "unknown_option",
        message = ("an archive has no option %s"):format(argument.shown(name)),
        hint = "there are " .. table.concat(sorted.keys(known), ", "),
      })
    end
  end
end

---@class backup.ArchiveOptions
---@field kind string what the records are: "ssm"
---@field force boolean? replace what is there
---@field account string? AWS account id, for the header
---@field region string? for the header
---@field recipients string[]? age recipients; default: those of backup.keys
---@field passphrase string|userdata|nil locks the archive instead; `passphrase_file` names its file
---@field passphrase_file string?
---@field plaintext boolean? do not encrypt
---@field work_factor integer? scrypt's, as a power of two (default 18)
---@field signing_key userdata|string|false|nil default: this host's; false: do not sign
---@field fields table|fun():table|nil further members of the header; a function is asked when the
---  first record is added
---@field s3 table? the S3 client to use

--- Begin an archive.
---@param to string a path, s3://bucket/key, or - for standard output
---@param options backup.ArchiveOptions
---@return backup.ArchiveWriter out with add, commit and close; raises kind config without a key to
---  encrypt to, kind usage for options that contradict each other, kind io for the target
function M.create(to, options)
  argument.check(to, "text", "where an archive is to be")
  check_options(options, CREATE)
  return require("backup.archive.writer").create(to, options)
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
---@param options backup.ArchiveSource?
---@return backup.ArchiveReader a with verify, records and close
function M.open(from, options)
  options = options or {}
  argument.check(from, type(from) == "table" and "table" or "text", "the archive to open")
  check_options(options, OPEN)
  return require("backup.archive.reader").open(from, options)
end

return M
