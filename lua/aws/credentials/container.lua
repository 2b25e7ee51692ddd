--- Keys of a container or EKS pod, from an endpoint that the environment names (botocore,
--- ContainerProvider and ContainerMetadataFetcher). Plain http is for this machine and the fixed
--- addresses of ECS and EKS only: another host could hand us its keys, or collect our token.

local credentials = require("aws.credentials")
local errors = require("awsbak.errors")
local http = require("awsbak.http")
local metadata = require("aws.credentials.metadata")
local outside = require("awsbak.outside")

local container = {}

local TIMEOUT = 2 -- seconds
local ATTEMPTS = 3
local PAUSE = 1
local ECS = "http://169.254.170.2"

local hosts = {
  ["169.254.170.2"] = true,
  ["169.254.170.23"] = true,
  ["[fd00:ec2::23]"] = true,
}

local function fail(what, hint)
  errors.raise({
    kind = "credentials",
    code = "container",
    message = "container credentials: " .. what,
    hint = hint,
  })
end

--- Raise unless keys may be fetched from `url`.
---@param url string
function container.check_url(url)
  local scheme, host = http.host(url)
  local is_plain = scheme and not url:match("^%a+://([^/?#]+)"):find("@", 1, true)
  if not (is_plain and (scheme == "https" or hosts[host] or http.is_loopback(host))) then
    fail(
      ("AWS_CONTAINER_CREDENTIALS_FULL_URI names a host that is not allowed: %s"):format(
        url:match("^%a+://([^/?#]+)") or url
      ),
      "use https, a loopback address, or the address of ECS or EKS"
    )
  end
end

local function url_of()
  local relative = outside.getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
  if relative then
    if relative:sub(1, 1) ~= "/" then
      fail("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not start with /", "correct it")
    end
    return ECS .. relative
  end
  local full = outside.getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
  if full then
    container.check_url(full)
  end
  return full
end

--- The token's file is read at every refresh: EKS replaces it.
local function token()
  local path = outside.getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
  local text = outside.getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
  if path then
    local err
    text, err = outside.read_file(path)
    if not text then
      fail(err.message, "check AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    end
  end
  if text and text:find("[\r\n]") then
    fail("the authorization token holds a line break", "write it without one")
  end
  return text
end

local function fetch(url)
  local headers = { { "Accept", "application/json" } }
  local authorization = token()
  if authorization then
    headers[2] = { "Authorization", authorization }
  end
  return metadata.attempts(ATTEMPTS, PAUSE, function()
    local response = metadata.send("GET", url, headers, TIMEOUT)
    local parts, wrong
    if response.status == 200 then
      parts, wrong = metadata.parse(response.body)
    end
    if not parts then
      wrong = wrong or "the answer has status " .. response.status
      return nil, errors.new({ kind = "reply", code = "container", message = wrong })
    end
    return parts
  end)
end

--- Keys from the container's endpoint, if the environment names one.
---@param context table see aws.credentials
---@return aws.Keys?
---@return string? reason why not
--- Raises kind credentials when the endpoint is not allowed or gives none.
function container.load(_, context)
  local url = context.environment and url_of()
  if not url then
    return nil,
      context.environment and "AWS_CONTAINER_CREDENTIALS_* is not set" or "a profile is named"
  end
  local parts, err = fetch(url)
  if not parts then
    fail(err.message, "check AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI")
  end
  return credentials.keys(parts, "container endpoint")
end

return container
