--- Saved parameters, wherever they lie: an archive of awsbak's, or a dump of aws-ssm-backup.

local archive = require("backup.archive")
local dump = require("backup.aws_ssm_backup")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local policy = require("awsbak.policy")
local settings = require("awsbak.settings")
local task = require("awsbak.task")
local transfer = require("backup.transfer")

local M = {}

local HEAD = 4096
local DUMP_MAX = 256 * 1024 * 1024 -- a dump is one JSON object, held in memory: 100,000 parameters

---@class backup.ParameterSource
---@field location string the user's word
---@field paths string[] what was saved; empty: everything
---@field records fun(): (fun(): aws.ssm.Record|nil) starts the records from the first one
---@field signer string|nil public key; nil when it is not signed
---@field trusted boolean whether a key we trust signed it
local Source = {}
Source.__index = Source

local PIECE = 16 * 1024 * 1024 -- bytes of it that are read at once

local function read_all(opened)
  local pieces = {}
  for at = 0, opened.bytes - 1, PIECE do
    pieces[#pieces + 1] = task.await(opened.handle:read(PIECE, at))
  end
  return table.concat(pieces)
end

local function read_dump(opened, options)
  if options.trust and options.trust ~= "any" then
    errors.raise({
      kind = "usage",
      code = "not_signed",
      message = opened.location .. " is a dump, which nobody signs: no key can be trusted for it",
      hint = "give --trust any to use it",
    })
  end
  if opened.bytes > DUMP_MAX then
    errors.raise({
      kind = "integrity",
      code = "too_large",
      message = opened.location .. " is too large for a dump of aws-ssm-backup",
    })
  end
  local records = dump.parse(read_all(opened), opened.location)
  return {
    location = opened.location,
    paths = {},
    trusted = options.trust == "any",
    records = function()
      local at = 0
      return function()
        at = at + 1
        return records[at]
      end
    end,
  }
end

local TRUSTED = { own = true, listed = true, given = true }

local function read_archive(opened, options)
  local a = archive.open(opened, {
    identity_files = options.identity,
    passphrase_file = options.passphrase_file,
  })
  local found = a:verify(options.trust)
  if found.header.kind ~= "ssm" then
    errors.raise({
      kind = "integrity",
      code = "wrong_kind",
      message = ("%s holds %s, not SSM parameters"):format(opened.location, found.header.kind),
    })
  end
  return {
    location = opened.location,
    paths = found.header.paths or {},
    signer = found.signer,
    trusted = TRUSTED[found.trust] or false,
    records = function()
      return a:records()
    end,
  }
end

--- Opens saved parameters and checks all of them: what is cut, damaged or forged is refused here.
---@param from string a path, s3://bucket/key, or -
---@param options table|nil `identity`, files with age identities; `passphrase_file`; `trust`, the
---  public key of a signer, or `any`
---@return backup.ParameterSource close it
--- Raises what backup.transfer and backup.archive raise; kind usage for a signer of what has none.
function M.open(from, options)
  local opened <const> = transfer.source(from, { fixed = true })
  local ok, self = pcall(function()
    local head = task.await(opened.handle:read(HEAD, 0))
    local read = dump.recognise(head) and read_dump or read_archive
    return read(opened, options or {})
  end)
  if not ok then
    opened:close()
    error(self, 0)
  end
  self.opened = opened
  return setmetatable(self, Source)
end

-- Who could have written it, as a question says it.
local function doubt(self)
  if not self.signer then
    return self.location .. " is not signed: nothing proves who wrote it"
  end
  return ("%s is signed by %s, which is not a key you trust"):format(self.location, self.signer)
end

--- Goes on only when the signer is trusted, or the user says so here. `--yes` does not answer this.
--- Raises kind usage, code confirmation_needed, without a terminal to ask on.
function Source:require_trust()
  if self.trusted then
    return
  end
  local question = doubt(self) .. ". Use it?"
  local _, e = errors.try(settings.with, { yes = false }, policy.confirm, question)
  if e and e.code == "confirmation_needed" then
    e.message = doubt(self)
    e.hint = self.signer and "add --trust KEY or --trust any to use it"
      or "add --trust any to use it"
  end
  if e then
    error(e, 0)
  end
end

--- Says so when nothing proves who wrote it; for what only reads.
function Source:warn_of_doubt()
  if not self.trusted then
    log.warn("%s", doubt(self))
  end
end

--- Closes the file.
function Source:close()
  self.opened:close()
end

Source.__close = Source.close

return M
