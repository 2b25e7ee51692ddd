--- One HTTP exchange, for everything in lua/ that talks to a network: proxies and trust from the
--- environment, the reply whole or an error.

local errors = require("awsbak.errors")
local http = require("awsbak.core.http")
local outside = require("awsbak.outside")
local pace = require("awsbak.pace")
local task = require("awsbak.task")

local M = {}

---@class awsbak.Request
---@field method string
---@field url string http or https; the path is sent as it is
---@field headers string[][]? pairs { name, value }; a content-length here is replaced
---@field body string|userdata|nil bytes, or a region of a file (awsbak.core.file, f:region)
---@field stream boolean? the response has `reader` in place of `body`
---@field timeout number? seconds of silence until the first byte of the reply (default 60)
---@field timeout_connect number? seconds for name, connection and TLS (default 3.1)
---@field timeout_total number? seconds in all (default 60 + 1 a 16 KiB, from the first byte)
---@field timeout_slow number? seconds below 1 KiB/s that end a reply that began (default 20)
---@field proxy string? URL; "" for none; absent: from the environment
---@field ca_file string? PEM file of the issuers to trust; absent: AWS_CA_BUNDLE, the system's
---@field proxy_ca_file string? PEM file of the issuers to trust for an https proxy; absent: as for
---  servers
---@field proxy_cert_file string? PEM file with the certificate and key to show such a proxy
---@field max_body integer? bytes of a reply that are taken (default 32 MiB); not for `stream`
---@field way awsbak.Way? what http.way says of such a request, when somebody has asked before
---@field prepared userdata? of http.prepare: all but url, body, and the two that follow
---@field values (string|false)[]? of a prepared request's headers that vary
---@field proof { keys: table, payload_hash: string, time: integer }? what a prepared request is
---  signed with

---@class awsbak.Way how a request gets to its server, by the environment
---@field proxy string?
---@field no_proxy string?
---@field variable string? the variable that the proxy is from
---@field ca_file string?
---@field ca_path string?

---@class awsbak.Response
---@field status integer
---@field headers string[][] pairs { name in lower case, value }, in the order they came
---@field body string?
---@field reader userdata? `reader:read(n)` is an operation: 1 to n bytes, nothing at the end
---@field version "1.0"|"1.1"|"2"
---@field remote string "ip:port"
---@field repeated boolean? whether it was sent twice: a kept connection broke before it answered

--- Codes of failures that another try may not meet.
local RETRYABLE = {
  connect = true,
  cut = true,
  dns = true,
  timeout_connect = true,
  timeout_first_byte = true,
  timeout_slow = true,
  timeout_total = true,
}

--- Codes of failures before anything of a request was sent.
local UNSENT = { connect = true, dns = true, timeout_connect = true, tls = true }

--- A variable in lower or upper case, lower first, as curl and Python read them.
local function variable(name)
  return outside.getenv(name) or outside.getenv(name:upper())
end

--- The scheme and the host of an http or https URL, both in lower case; nil for any other text.
--- The host is what a request goes to: without user and port, an IPv6 address in its brackets.
---@param url string
---@return "http"|"https"|nil scheme
---@return string? host
function M.host(url)
  local scheme, authority = url:match("^(%a+)://([^/?#]*)")
  scheme = scheme and scheme:lower()
  if scheme ~= "http" and scheme ~= "https" then
    return nil
  end
  local place = authority:match("[^@]*$"):lower()
  local host, rest = place:match("^(%[[^%]]*%])(.*)$")
  if not host then
    host, rest = place:match("^([^:]*)(.*)$")
  end
  if host == "" or rest:find("^:?%d*$") == nil then
    return nil
  end
  return scheme, host
end

local function is_https(url)
  return url:sub(1, 6) == "https:"
end

--- Whether a host is this machine by its very name: no resolver is asked, and none can lie.
---@param host string as http.host gives it
---@return boolean
function M.is_loopback(host)
  return host == "localhost" or host == "[::1]" or host:find("^127%.%d+%.%d+%.%d+$") ~= nil
end

--- Hosts that are always asked directly: this machine, and the link-local addresses that hand out
--- keys.
local function is_near(host)
  return M.is_loopback(host)
    or host:find("^169%.254%.%d+%.%d+$") ~= nil
    or host:find("^%[fd00:ec2::") ~= nil
end

--- The proxy for a URL by the environment, or nil: https_proxy, http_proxy, all_proxy, in both
--- cases; and the variable. A CGI program takes no HTTP_PROXY, which is there the header "Proxy:"
--- of the request.
local function proxy_for(url)
  local name = is_https(url) and "https_proxy" or "http_proxy"
  local proxy
  if name == "http_proxy" and outside.getenv("REQUEST_METHOD") then
    proxy = outside.getenv(name)
  else
    proxy = variable(name)
  end
  if not proxy then
    name, proxy = "all_proxy", variable("all_proxy")
  end
  if proxy then
    local scheme, host = M.host(url)
    return scheme and not is_near(host) and proxy or nil, name
  end
end

local system_trust

--- Whom to trust: the caller's file, AWS_CA_BUNDLE, or the system's folder.
local function trust(request, proxy)
  if not is_https(request.url) and not is_https(proxy or "") then
    return nil
  end
  local ca_file = request.ca_file or outside.getenv("AWS_CA_BUNDLE")
  if ca_file then
    return ca_file
  end
  system_trust = system_trust or http.system_trust()
  return system_trust.ca_file, system_trust.ca_path
end

--- How a request gets to its server: the same for all requests to a host with the same settings,
--- while the environment stays as it is.
---@param request awsbak.Request
---@return awsbak.Way
function M.way(request)
  local proxy, name = request.proxy, nil
  if not proxy then
    proxy, name = proxy_for(request.url)
  end
  local ca_file, ca_path = trust(request, proxy)
  return {
    proxy = proxy,
    no_proxy = proxy and variable("no_proxy"),
    variable = name,
    ca_file = ca_file,
    ca_path = ca_path,
  }
end

--- How a request is sent, as the core takes it.
local function options_of(request, way)
  local proxy = way.proxy
  return {
    method = request.method,
    headers = request.headers,
    stream = request.stream,
    max_body = request.max_body,
    timeout_first_byte = request.timeout,
    timeout_connect = request.timeout_connect,
    timeout_slow = request.timeout_slow,
    timeout_total = request.timeout_total,
    proxy = proxy,
    no_proxy = way.no_proxy,
    proxy_ca_file = proxy and request.proxy_ca_file,
    proxy_cert_file = proxy and request.proxy_cert_file,
    ca_file = way.ca_file,
    ca_path = way.ca_path,
  }
end

--- Read once what many requests have in common.
---@param request awsbak.Request without url and body; `way` says how all of them are sent
---@param alike { varying: string[], wanted: string[]?, sign: table? } names of headers that each
---  request has a value of its own for; of those told of a reply of success (nil: all); how they
---  are signed (core.http.prepare)
---@return userdata prepared for `prepared` of requests
function M.prepare(request, alike)
  local options = options_of(request, request.way)
  options.varying, options.wanted, options.sign = alike.varying, alike.wanted, alike.sign
  return http.prepare(options)
end

local function prepared_arguments(request)
  local proof = request.proof or {}
  return request.url,
    request.body,
    pace.current(),
    proof.keys,
    proof.payload_hash,
    proof.time,
    table.unpack(request.values)
end

--- A request as one that was not prepared: for whoever stands in for `send`.
---@param request awsbak.Request
---@return awsbak.Request
function M.plain(request)
  if not request.prepared then
    return request
  end
  local method, stream, headers =
    errors.check(request.prepared:shown(prepared_arguments(request)))
  local plain = { method = method, url = request.url, headers = headers, body = request.body }
  plain.stream = stream or nil
  return plain
end

local function start(request, way)
  if request.prepared then
    return request.prepared:start(prepared_arguments(request))
  end
  local options = options_of(request, way)
  options.url, options.body, options.pace = request.url, request.body, pace.current()
  return http.request(options)
end

local function perform(request, way)
  local op <close> = errors.check(start(request, way))
  return task.await(op)
end

--- Send a request and wait for its reply.
--- `http.send({ method = "GET", url = "https://example.com/" }).status`
--- Raises error tables with code `dns`, `connect`, `tls`, `cut`, `protocol`, `too_large`,
--- `timeout_connect`, `timeout_first_byte`, `timeout_slow`, `timeout_total`, `sandbox_host`; their
--- `retryable` says whether another try may do better, `unsent` whether nothing was sent, their
--- `head` (a response without body) what a reply told that is not whole. A status of 400 or more is
--- a reply.
---@param request awsbak.Request
---@return awsbak.Response
function M.send(request)
  local way = request.way or M.way(request)
  local response, e = errors.try(perform, request, way)
  if not response then
    if e.retryable == nil and (e.kind == "network" or e.kind == "timeout" or e.kind == "reply") then
      e.retryable = RETRYABLE[e.code] or false
    end
    -- What was sent through a proxy is not known.
    e.unsent = (way.proxy or "") == "" and UNSENT[e.code] or nil
    if e.code == "proxy_url" and way.variable then
      e.hint = ("look at the variable %s, or %s"):format(way.variable, way.variable:upper())
    end
    error(e, 0)
  end
  return response
end

--- Refuse any other host than this machine from now on, for as long as the program runs.
function M.loopback_only()
  http.loopback_only(true)
end

return M
