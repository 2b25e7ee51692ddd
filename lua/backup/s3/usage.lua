--- What the commands for S3 refuse in one way.

local errors = require("awsbak.errors")

local M = {}

--- Refuse an option where it has no meaning.
---@param given any its value; nothing happens when it is nil or false
---@param flag string "--recursive"
---@param why string the rest of the sentence: "does not go with --version-id"
--- Raises kind usage, code bad_option.
function M.refuse(given, flag, why)
  if given then
    errors.raise({ kind = "usage", code = "bad_option", message = ("%s %s"):format(flag, why) })
  end
end

return M
