--- So many bytes a second at most, sent and received, by all requests together that are made at a
--- pace.
---
---     local slow = pace.new(1024 * 1024)
---     pace.run(slow, s3.put_object, { Bucket = "vault", Key = "k", Body = bytes })
---
--- Bodies flow at that rate, and each request is held back while others have their turns
--- (src/net/http_pace.h).

local errors = require("awsbak.errors")
local http = require("awsbak.core.http")
local scoped = require("awsbak.scoped")

local M = {}

--- Make one.
---@param bytes_per_s number at least 1
---@return userdata pace
function M.new(bytes_per_s)
  return errors.check(http.pace(bytes_per_s))
end

--- Call `f`; the requests that it makes share a pace with all others that do, also while replies of
--- theirs are read later.
---@param pace userdata? of M.new; nil: as fast as can be
---@param f function
---@param ... any its arguments
---@return any ... what `f` returns
function M.run(pace, f, ...)
  if not pace then
    return f(...)
  end
  return scoped.with("pace", pace, f, ...)
end

--- The pace that holds now: for awsbak.http.
---@return userdata? pace
function M.current()
  return scoped.get("pace")
end

return M
