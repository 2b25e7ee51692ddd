--- Proofs that who asks for a token has the key that the session began with (RFC 9449, DPoP): a
--- header of requests to the sign-in service, made anew for each attempt.

local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local exchange = require("aws.exchange")
local json = require("awsbak.core.json")
local outside = require("awsbak.outside")

local dpop = {}

local URL_SAFE = { ["+"] = "-", ["/"] = "_", ["="] = "" }

--- Base64 as JSON web tokens have it (RFC 7515).
local function part(bytes)
  return (codec.base64(bytes):gsub("[+/=]", URL_SAFE))
end

--- The header's value: a JSON web token, signed with ES256.
---@param key userdata of awsbak.core.p256
---@param method string
---@param url string
---@param now number epoch seconds
---@return string
function dpop.proof(key, method, url, now)
  local x, y = key:public()
  local header = {
    typ = "dpop+jwt",
    alg = "ES256",
    jwk = { kty = "EC", crv = "P-256", x = part(x), y = part(y) },
  }
  local claims = { htm = method, htu = url, iat = math.floor(now), jti = exchange.uuid() }
  local text = part(json.encode(header)) .. "." .. part(json.encode(claims))
  return text .. "." .. part(errors.check(key:sign(text)))
end

--- What a client of the sign-in service takes as its `credentials`, to send proofs.
---@param key userdata of awsbak.core.p256
---@return table provider that has a key of this kind, but no access keys
function dpop.credentials(key)
  return {
    dpop_key = key,
    get = function()
      return {}
    end,
    refresh = function()
      return false
    end,
  }
end

--- Add the proof to a request, if its client has the key for it; see aws.hooks.
---@param call aws.Call
---@param request table
function dpop.sign(call, request)
  local service = call.service
  local key = service.credentials.dpop_key
  if key then
    local now = outside.now() + service.retry.skew
    table.insert(request.headers, { "DPoP", dpop.proof(key, request.method, request.url, now) })
  end
end

return dpop
