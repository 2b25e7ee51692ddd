--- URLs as endpoint rules take them apart (Smithy, parseURL).

local url = {}

---@class aws.Url
---@field scheme string "http" or "https"
---@field authority string host, and port where there is one
---@field path string as written
---@field normalizedPath string begins and ends with a slash
---@field isIp boolean

local function is_ip(authority)
  local host = authority:match("^(.-):?%d*$")
  return authority:find("^%[[%x:.%%]+%]") ~= nil or host:find("^%d+%.%d+%.%d+%.%d+$") ~= nil
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
    isIp = is_ip(authority),
  }
end

return url
