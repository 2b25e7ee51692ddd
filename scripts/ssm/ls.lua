--- List SSM parameters: awsbak ssm ls /prod --values

local errors = require("awsbak.errors")
local log = require("awsbak.log")
local output = require("awsbak.output")
local path = require("aws.ssm.path")
local policy = require("awsbak.policy")
local progress = require("awsbak.progress")
local reader = require("aws.ssm.reader")
local settings = require("awsbak.settings")
local ssm = require("aws.ssm")
local time = require("awsbak.time")

local HIDDEN = "<secret>"

--- The names of a page whose values are wanted; without --reveal no SecureString is even decrypted.
local function readable(metas, reveal)
  local names = {}
  for _, meta in ipairs(metas) do
    if reveal or meta.Type ~= "SecureString" then
      names[#names + 1] = meta.Name
    end
  end
  return names
end

local function row_of(meta, value)
  return {
    name = meta.Name,
    type = meta.Type,
    version = meta.Version,
    modified = meta.LastModifiedDate and time.rfc3339(meta.LastModifiedDate),
    tier = meta.Tier,
    key_id = meta.KeyId,
    description = meta.Description,
    value = value,
  }
end

--- One row a parameter, a page of the service in memory at a time.
local function rows(r, o, shown)
  local pages = r:pages(path.scope(o.path))
  local metas, values, at = {}, {}, 0
  return function()
    at = at + 1
    if not metas[at] then
      metas, at = pages() or {}, 1
      values = o.values and metas[1] and r:values(readable(metas, o.reveal)) or {}
    end
    local meta = metas[at]
    if not meta then
      shown:close()
      return nil
    end
    shown:add()
    local found = values[meta.Name]
    local hidden = o.values and not o.reveal and meta.Type == "SecureString"
    return row_of(meta, found and found.Value or hidden and HIDDEN or nil)
  end
end

return policy({
  name = "ssm ls",
  summary = "List SSM parameters.",
  description = "Shows no values unless asked, and those of SecureStrings only with --reveal.",
  examples = { "awsbak ssm ls", "awsbak ssm ls --path /prod --values --output json" },
  options = {
    { "path", many = true, help = "only this parameter and those below it" },
    { "values", kind = "flag", help = "show values" },
    { "reveal", kind = "flag", help = "show those of SecureStrings too; needs --values" },
  },
  run = function(o)
    if o.reveal and not o.values then
      errors.raise({
        kind = "usage",
        code = "bad_option",
        message = "--reveal shows nothing without --values",
      })
    end
    local r = reader.new(ssm, { decrypt = o.reveal, concurrency = settings.get("concurrency") })
    local columns = { "name", "type", "version", "modified", "tier" }
    if o.values then
      columns[#columns + 1] = "value"
    end
    local shown <close> = progress.start("parameters")
    local count = output.rows(columns, rows(r, o, shown))
    for _, refusal in ipairs(r.unreadable) do
      log.warn("%s: value not read: %s: %s", refusal.name, refusal.code, refusal.message)
    end
    if r.refusals > #r.unreadable then
      log.warn("and %d more", r.refusals - #r.unreadable)
    end
    return { ok = count, failed = r.incomplete }
  end,
})
