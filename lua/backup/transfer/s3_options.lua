--- What uploads, downloads and copies are told: names and kinds of all their options, so that a
--- mistyped one is refused and not passed over.

local argument = require("awsbak.argument")
local options = require("awsbak.stream.options")

local s3_options = {}

-- Kinds of awsbak.argument. One list: who copies many files gives one table to each of the three.
local KNOWN <const> = {
  at_once = "count",
  checksum = "text",
  facts = "table",
  force = "flag",
  gate = "table",
  get_object = "function",
  head = "table",
  input = "table",
  is_absent = "flag",
  journal = "table",
  mark = "table",
  one_max = "size",
  pace = "any",
  part_size = "count",
  progress = "function",
  put_object = "function",
}

--- Check what a script gives a transfer. Of many files it is called for none: what they have in
--- common is made by backup.s3.copying.
---@param given table? its options
---@param places table<string, table> by what a message calls them: s3, bucket and key
---@param subject string "an upload"
---@return table given, or an empty one
--- Raises kind usage, code unknown_option or bad_argument.
function s3_options.check(given, places, subject)
  for name, place in pairs(places) do
    argument.check(place, "table", name .. " of " .. subject)
    argument.check(place.s3, "table", "the client (s3) of " .. name)
    argument.check(place.bucket, "text", "the bucket of " .. name)
    argument.check(place.key, "text", "the key of " .. name)
  end
  return options.check(given, KNOWN, subject)
end

return s3_options
