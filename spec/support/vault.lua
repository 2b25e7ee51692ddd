--- A folder of archives with keys of its own; the user's configuration is out of sight.

local age = require("awsbak.core.age")
local archive = require("backup.archive")
local archives = require("spec.support.archives")
local key = require("awsbak.core.key")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local scratch = require("spec.support.scratch")

local vault = {}
vault.__index = vault

--- Make one. Until it is closed, warnings go to its `warnings`, and the configuration folder is in
--- `dir`/config.
---@return table vault with dir, identity, recipient, signing_key, signer, warnings
function vault.new()
  local self = setmetatable({ dir = scratch.new(), warnings = {} }, vault)
  self.identity, self.recipient = age.keygen()
  self.signing_key, self.signer = key.generate()
  self.getenv = outside.getenv
  outside.getenv = function(name)
    return name == "XDG_CONFIG_HOME" and self.dir:path("config") or nil
  end
  log.lines = self.warnings
  return self
end

--- Options of archive.create: for our recipient and signed by us, unless `more` says otherwise.
---@param more table|nil
---@return table
function vault:options(more)
  local all = { kind = "test", recipients = { self.recipient }, signing_key = self.signing_key }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return all
end

--- Write an archive of these records.
---@param records table[]
---@param more table|nil options
---@param closing table|nil members of the closing record
---@return string path
---@return table done what commit() says
function vault:save(records, more, closing)
  local path = self.dir:path("a.age")
  os.remove(path)
  local out <close> = archive.create(path, self:options(more))
  for _, record in ipairs(records) do
    out:add(record)
  end
  return path, out:commit(closing)
end

--- The lines of an archive, opened with our identity.
---@param path string
---@return string[]
function vault:lines(path)
  local text = archives.open(path, { identities = { self.identity } })
  local lines = {}
  for line in text:gmatch("([^\n]*)\n") do
    lines[#lines + 1] = line
  end
  return lines
end

--- Verify an archive with our identity and read its records.
---@param path string
---@param wanted string|nil whose signature to accept
---@return table[] records
---@return backup.Verified found
function vault:read(path, wanted)
  local a <close> = archive.open(path, { identities = { self.identity } })
  local found = a:verify(wanted)
  local records = {}
  for record in a:records() do
    records[#records + 1] = record
  end
  return records, found
end

--- Put everything back as it was.
function vault:close()
  outside.getenv = self.getenv
  log.lines = nil
  self.dir:close()
end

return vault
