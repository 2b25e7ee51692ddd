--- Options of the parts of a pipe, checked before anything is opened.

local argument = require("awsbak.argument")
local errors = require("awsbak.errors")
local sorted = require("awsbak.sorted")

local M = {}

--- scrypt's work factor, as a power of two, of what is sealed with a passphrase: what we write we
--- also open, unasked.
M.WORK_FACTOR = { "count", 1, 20, "more would not be opened without a higher max_work_factor" }

local function unknown(name, known, subject)
  local nearest = errors.nearest(tostring(name), sorted.keys(known))
  errors.raise({
    kind = "usage",
    code = "unknown_option",
    message = ("%s has no option %s"):format(subject, argument.shown(name)),
    hint = nearest and ('did you mean "%s"?'):format(nearest) or nil,
  })
end

--- Raise for unknown names, wrong kinds and what is out of range.
---@param given table? as the script gave it
---@param known table<string, string|table> kinds of awsbak.argument, or { kind, least, most, hint }
---@param subject string whose options they are, for messages
---@return table given, or an empty one
--- Raises kind usage, code unknown_option or bad_argument.
function M.check(given, known, subject)
  argument.check(given, "table?", "what " .. subject .. " is given")
  for name, value in pairs(given or {}) do
    local kind = known[name] or unknown(name, known, subject)
    local what = ("option %s of %s"):format(name, subject)
    local is_ranged = type(kind) == "table"
    argument.check(value, is_ranged and kind[1] or kind, what)
    if is_ranged and (value < kind[2] or value > kind[3]) then
      errors.raise({
        kind = "usage",
        code = "bad_argument",
        message = ("%s is %s, not from %d to %d"):format(what, value, kind[2], kind[3]),
        hint = kind[4],
      })
    end
  end
  return given or {}
end

return M
