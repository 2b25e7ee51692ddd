--- Whose signature a request carries and how it is made: the one place that chooses an auth scheme.
---
--- Offered are those of the endpoint's rules, else of the operation, else of the service, in their
--- order or in that of auth_scheme_preference (botocore 1.44.5, regions.py,
--- auth_schemes_to_signing_ctx; client.py, _resolve_signature_version). Payloads: botocore/auth.py.

local bodies = require("aws.body")
local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local sigv4 = require("awsbak.core.sigv4")

local auth = {}

local UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
local EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

---@class aws.Scheme
---@field name string "sigv4", "sigv4a", "sigv4-s3express", "httpBearerAuth" or "noAuth"
---@field signing_name string
---@field region string of sigv4a a set of them, or "*"

local SUPPORTED = {
  ["sigv4"] = true,
  ["sigv4-s3express"] = true,
  ["sigv4a"] = true,
  httpBearerAuth = true,
  noAuth = true,
}

-- Names of the rule sets that are other than the models'.
local OTHER_NAMES = { bearer = "httpBearerAuth", none = "noAuth" }

--- "aws.auth#sigv4" is "sigv4".
local function bare(name)
  name = name:match("[^#]*$")
  return OTHER_NAMES[name] or name
end

--- The variable that holds a service's bearer token (botocore/utils.py,
--- get_token_from_environment).
---@param signing_name string
---@return string
function auth.token_variable(signing_name)
  return "AWS_BEARER_TOKEN_" .. signing_name:gsub("[%s%-]", "_"):upper()
end

local function offered(call, target)
  if target.auth_schemes then
    return target.auth_schemes
  end
  local names = call.operation.auth_schemes or call.service.model.meta.auth
  local list = {}
  for i, name in ipairs(#names > 0 and names or { "sigv4" }) do
    list[i] = { name = name }
  end
  return list
end

--- Put those that somebody prefers in front: a bearer token that is set, then the setting.
local function preferred(call, list)
  local order = {}
  if outside.getenv(auth.token_variable(call.service.model.meta.signing_name)) then
    order[1] = "httpBearerAuth"
  end
  for word in (call.service.config:get("auth_scheme_preference") or ""):gmatch("[^,%s]+") do
    order[#order + 1] = bare(word)
  end
  for _, name in ipairs(order) do
    for _, scheme in ipairs(list) do
      if bare(scheme.name) == name then
        return scheme
      end
    end
  end
end

local function first_supported(call, list)
  local names = {}
  for i, scheme in ipairs(list) do
    if SUPPORTED[bare(scheme.name)] then
      return scheme
    end
    names[i] = scheme.name
  end
  errors.raise({
    kind = "config",
    code = "auth_scheme",
    message = ("%s is signed with %s, which awsbak does not know"):format(
      call.subject.service,
      table.concat(names, ", ")
    ),
  })
end

--- The regions a signature is for: one, or with SigV4A a set.
local function region_of(call, target, name, scheme)
  if name ~= "sigv4a" then
    return scheme.signingRegion or target.signing_region
  end
  local set = call.service.config:get("sigv4a_signing_region_set")
  return set
    or (scheme.signingRegionSet and table.concat(scheme.signingRegionSet, ","))
    or target.signing_region
end

--- The scheme for a call.
---@param call aws.Call
---@param target aws.Endpoint
---@return aws.Scheme
--- Raises kind config, code auth_scheme, when none that is offered is known.
function auth.scheme(call, target)
  if call.operation.auth == "none" or call.service.config:get("no_sign_request") then
    return { name = "noAuth" }
  end
  local list = offered(call, target)
  local scheme = preferred(call, list) or first_supported(call, list)
  local name = bare(scheme.name)
  return {
    name = name,
    signing_name = scheme.signingName or target.signing_name,
    region = region_of(call, target, name, scheme),
  }
end

local function body_hash(body)
  return body and codec.hex(bodies.digest("sha256", body)) or EMPTY_SHA256
end

--- What is signed for the body. Over https the transport and a checksum protect what S3 is sent,
--- and hashing every part a second time costs more than all else; without one of the two the
--- signature must cover it (botocore/auth.py, S3SigV4Auth).
local function payload_hash(call, request)
  local body, operation, service = request.body, call.operation, call.service
  local is_open
  if operation.auth == "v4-unsigned-body" or operation.unsigned_payload then
    is_open = true
  elseif service.s3 then
    local asked = service.config:get("s3_payload_signing_enabled")
    if asked ~= nil then
      return asked and body_hash(body) or UNSIGNED_PAYLOAD
    end
    is_open = body and call.checksummed
  end
  if is_open and request.url:sub(1, 6) == "https:" then
    return UNSIGNED_PAYLOAD
  end
  return body_hash(body)
end

--- The keys for a call, which remembers them: its error must not repeat them (aws.quoted).
local function keys_of(call, scheme)
  if scheme.name == "sigv4-s3express" then
    call.keys = require("aws.s3.express").keys(call)
  else
    call.keys = call.service.credentials:get()
  end
  return call.keys
end

--- What proves who sends one request: the keys, the (corrected) time of now, what is signed for the
--- body.
---@param call aws.Call
---@param request table `url`, `body`
---@param scheme aws.Scheme of auth.scheme
---@return { keys: aws.Keys, time: integer, payload_hash: string }? proof nil where none is needed
--- Raises what getting keys raises.
function auth.proof(call, request, scheme)
  if scheme.name == "noAuth" then
    return nil
  end
  local hash = payload_hash(call, request)
  return {
    keys = keys_of(call, scheme),
    time = math.floor(outside.now() + call.service.retry.skew),
    payload_hash = hash,
  }
end

--- How all requests of a scheme are signed, as http.prepare takes it.
---@param call aws.Call
---@param scheme aws.Scheme
---@return table?
function auth.manner(call, scheme)
  return scheme.name ~= "noAuth"
      and {
        region = scheme.region,
        service = scheme.signing_name,
        s3 = call.service.s3,
        express = scheme.name == "sigv4-s3express",
        asymmetric = scheme.name == "sigv4a",
      }
    or nil
end

--- The request as awsbak.core.sigv4 takes it.
local function to_sign(call, request, scheme, proof)
  local keys, described = proof.keys, auth.manner(call, scheme)
  described.method, described.url = request.method, request.url
  described.headers = request.headers
  described.payload_hash, described.time = proof.payload_hash, proof.time
  described.access_key, described.secret_key = keys.access_key_id, keys.secret_access_key
  described.session_token = keys.session_token
  return described
end

--- Add what proves who sends a request.
---@param call aws.Call
---@param request table `method`, `url`, `headers`, `body`; its headers get more
---@param scheme aws.Scheme of auth.scheme
--- Raises what getting keys raises.
function auth.sign(call, request, scheme)
  if scheme.name == "noAuth" then
    return
  elseif scheme.name == "httpBearerAuth" then
    local token = outside.getenv(auth.token_variable(call.service.model.meta.signing_name))
    call.keys = { session_token = token }
    table.insert(request.headers, { "Authorization", "Bearer " .. (token or "") })
    return
  end
  local proof = auth.proof(call, request, scheme)
  local added = errors.check(sigv4.sign(to_sign(call, request, scheme, proof)))
  table.move(added, 1, #added, #request.headers + 1, request.headers)
end

--- A URL that carries its own proof.
---@param call aws.Call
---@param request table `method`, `url`, `headers`: those are signed, and must be sent with the URL
---@param target aws.Endpoint
---@param seconds integer how long it is good for
---@return string url
--- Raises kind usage, code presign, for a call that is not signed with a key.
function auth.presign(call, request, target, seconds)
  local scheme = auth.scheme(call, target)
  if scheme.name == "noAuth" then
    return request.url
  elseif scheme.name == "httpBearerAuth" then
    errors.raise({
      kind = "usage",
      code = "presign",
      message = ("%s is called with a bearer token, which no URL can carry"):format(
        call.subject.service
      ),
    })
  end
  local described = to_sign(call, request, scheme, auth.proof(call, request, scheme))
  described.payload_hash = call.service.s3 and UNSIGNED_PAYLOAD or EMPTY_SHA256
  return request.url:match("^[^?]*")
    .. "?"
    .. errors.check(sigv4.presign(described, seconds))
end

return auth
