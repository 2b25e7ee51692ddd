--- Where awsbak keeps the user's files (XDG Base Directory Specification 0.8).

local outside = require("awsbak.outside")

local M = {}

--- $VARIABLE when it is an absolute path (the specification says to ignore others), else below
--- HOME.
local function folder(variable, below_home)
  local base = outside.getenv(variable)
  if not base or base:sub(1, 1) ~= "/" then
    local home = require("awsbak.core.sys").home()
    base = home and home .. below_home
  end
  return base and base .. "/awsbak"
end

--- Keys, recipients and the user's own scripts: $XDG_CONFIG_HOME/awsbak.
---@return string? path nil when there is no home folder
function M.config()
  return folder("XDG_CONFIG_HOME", "/.config")
end

--- What a run leaves for the next: $XDG_STATE_HOME/awsbak.
---@return string?
function M.state()
  return folder("XDG_STATE_HOME", "/.local/state")
end

--- What can be had again, and may be deleted at any time: $XDG_CACHE_HOME/awsbak.
---@return string?
function M.cache()
  return folder("XDG_CACHE_HOME", "/.cache")
end

return M
