--- URLs as endpoint rules take them apart (Smithy, parseURL).

local url = {}

---@class aws.Url
---@field scheme string "http" or "https"
---@field authority string host, and port where there is one
---@field path string as written
---@field normalizedPath string begins and ends with a slash
---@field isIp boolean

local BYTE <const> = "%d%d?%d?"
local IPV4 <const> = "^" .. BYTE .. "%." .. BYTE .. "%." .. BYTE .. "%." .. BYTE .. "$"

--- Whether a host, with or without a port, is an IP address: nothing can be put before it.
---@param authority string
---@return boolean
function url.is_ip(authority)
  local host = authority:gsub(":%d*$", "")
  return authority:find("^%[[%x:.%%]+%]") ~= nil or host:find(IPV4) ~= nil
end

--- Take a URL apart; nil for what is none, has a query, or is of another scheme.
---@param text string?
---@return aws.Url?
function url.parse(text)
  if not text then
    return nil
  end
  local scheme, authority, path = text:match("^(%a+)://([^/?#%s]+)([^?#%s]*)$")
  scheme = scheme and scheme:lower()
  if scheme ~= "http" and scheme ~= "https" then
    return nil
  elseif authority:find(":[^%]:]*$") and not authority:find(":%d*$") then
    return nil
  end
  return {
    scheme = scheme,
    authority = authority,
    path = path,
    normalizedPath = path:find("/$") and path or path .. "/",
    isIp = url.is_ip(authority),
  }
end

return url
