--- What a pipe does to the bytes on their way.

local age = require("awsbak.core.age")
local argument = require("awsbak.argument")
local errors = require("awsbak.errors")
local options = require("awsbak.stream.options")
local sorted = require("awsbak.sorted")

local M = {}

---@class awsbak.stream.Stage
---@field name string for messages
---@field add fun(pipe: userdata) adds it to a pipe of the core; returns as the core does
---@field hints table<string, string>? what its options do about the code of a failure
---@field digest string? the name its digest has in the results
---@field unwrap (fun(header: string, why: awsbak.Error): userdata)? gives the file key of an age
---  file that the core does not open, or raises
local Stage = { __name = "awsbak.stream.stage" }

local ZSTD = {
  level = { "count", 1, 19 },
  long = "flag",
  window_log = { "count", 10, 30 },
  workers = { "size", 0, 16 },
}
local GROWTH = { ratio_max = "size", bytes_max = "size" }
local UNZSTD = { window_log = { "count", 10, 30 }, ratio_max = "size", bytes_max = "size" }
local GZIP = { level = { "count", 1, 9 } }
local SEAL = {
  recipients = "texts",
  passphrase = "secret",
  work_factor = options.WORK_FACTOR,
  armor = "flag",
  file_key = "secret",
  stanzas = "texts",
}
local OPEN = {
  identities = "secrets",
  passphrase = "secret",
  file_key = "secret",
  max_work_factor = { "count", 1, 30 },
  unwrap = "function",
}
local DIGEST = { as = "text", expect = "bytes" }

--- The digests there are, with their sizes in bytes.
local DIGESTS = {
  crc32 = 4,
  crc32c = 4,
  crc64nvme = 8,
  md5 = 16,
  sha1 = 20,
  sha256 = 32,
  sha512 = 64,
}

local function refuse(message, hint)
  errors.raise({ kind = "usage", code = "bad_argument", message = message, hint = hint })
end

--- A constructor of stages whose options the core's method `name` takes as they are; `hints` say
--- what these do about the codes of failures.
local function plain(name, known, hints)
  return function(given)
    local checked = options.check(given, known, "stream." .. name)
    return setmetatable({
      name = name,
      hints = hints,
      add = function(pipe)
        return pipe[name](pipe, checked)
      end,
    }, Stage)
  end
end

-- See awsbak.stream.
M.zstd = plain("zstd", ZSTD)
M.unzstd = plain("unzstd", UNZSTD, {
  zstd_window = "window_log of stream.unzstd sets the limit, up to 30: 1 GiB of memory",
  too_large = "ratio_max and bytes_max of stream.unzstd set the limits",
})
M.gzip = plain("gzip", GZIP)
M.gunzip = plain("gunzip", GROWTH, {
  too_large = "ratio_max and bytes_max of stream.gunzip set the limits",
})

--- What is no key for the core may be one for a plugin, or of KMS.
local function explain_key(err, parties, name)
  for _, party in ipairs(err and err.code == "key" and parties or {}) do
    if age.plugin(party) then
      err.hint = ("stream.%s(require('backup.age.parties').%s(...)) takes it"):format(name, name)
    end
  end
  return err
end

--- See awsbak.stream.
function M.seal(given)
  options.check(given, SEAL, "stream.seal")
  local is_for_keys = given and (#(given.recipients or {}) > 0 or given.stanzas ~= nil) or false
  if is_for_keys == (given ~= nil and given.passphrase ~= nil) then
    refuse(
      is_for_keys and "stream.seal takes recipients or a passphrase, not both"
        or "stream.seal is for nobody",
      "give it recipients, as in stream.seal({ recipients = { text } }), or a passphrase"
    )
  elseif (given.file_key ~= nil) ~= (given.stanzas ~= nil) then
    refuse("the file_key and the stanzas of stream.seal go together", "see backup.age.parties")
  end
  return setmetatable({
    name = "seal",
    add = function(pipe)
      local ok, err = pipe:seal(given)
      return ok, explain_key(err, given.recipients, "seal")
    end,
  }, Stage)
end

--- See awsbak.stream.
function M.open(given)
  local of_core = {}
  for name, value in pairs(options.check(given, OPEN, "stream.open")) do
    of_core[name] = name ~= "unwrap" and value or nil
  end
  return setmetatable({
    name = "open",
    hints = { age_work_factor = "max_work_factor of stream.open sets the limit" },
    unwrap = function(header, why)
      local file_key = given.unwrap(header, why)
      argument.check(file_key, "secret", "what unwrap of stream.open gives")
      return file_key
    end,
    add = function(pipe)
      local ok, err = pipe:open(of_core, given ~= nil and given.unwrap ~= nil)
      return ok, explain_key(err, of_core.identities, "open")
    end,
  }, Stage)
end

--- An expected digest as raw bytes; people have it in hexadecimal.
local function raw(expected, algorithm, size)
  if #expected == 2 * size and not expected:find("%X") then
    return (expected:gsub("%x%x", function(pair)
      return string.char(tonumber(pair, 16))
    end))
  elseif #expected == size then
    return expected
  end
  return refuse(
    ("the expected %s has %d bytes, not %d"):format(algorithm, #expected, size),
    "give it raw or in hexadecimal"
  )
end

--- See awsbak.stream.
function M.digest(algorithm, given)
  local size = DIGESTS[algorithm]
  if not size then
    local names = table.concat(sorted.keys(DIGESTS), ", ")
    refuse(("there is no digest %s"):format(argument.shown(algorithm)), "one of " .. names)
  end
  local checked = options.check(given, DIGEST, "stream.digest")
  local expected = checked.expect and raw(checked.expect, algorithm, size)
  return setmetatable({
    name = "digest " .. algorithm,
    digest = checked.as or algorithm,
    add = function(pipe)
      return pipe:digest(algorithm, expected)
    end,
  }, Stage)
end

--- See awsbak.stream.
function M.progress(tell)
  argument.check(tell, "function", "what stream.progress is to call")
  return setmetatable({ name = "progress", tell = tell }, Stage)
end

--- Raise unless a value is a stage.
---@param value any
---@param number integer its place among the stages
---@return awsbak.stream.Stage
function M.check(value, number)
  if getmetatable(value) == Stage then
    return value
  end
  return refuse(
    ("stage %d of a pipe is %s"):format(number, argument.shown(value)),
    "stages come between source and sink, as stream.zstd() makes them"
  )
end

return M
