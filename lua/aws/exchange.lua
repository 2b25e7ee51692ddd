--- One call of an operation: built once, then signed and sent anew on every attempt (or presigned).
---
--- An attempt that fails for a reason that can be put right (keys expired, clock off, a bucket in
--- another region) is repeated at once and not counted, once per reason. Everything else is left to
--- the retry rules of aws.retry.

local agent = require("aws.agent")
local auth = require("aws.auth")
local checksum = require("aws.checksum")
local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local headers = require("awsbak.headers")
local http = require("awsbak.http")
local journal = require("aws.journal")
local outside = require("awsbak.outside")
local patience = require("aws.patience")
local reply = require("aws.protocol.reply")
local retry = require("aws.retry")
local route = require("aws.route")

local exchange = {}

local EVENTS_SECONDS = 86400
local FAULT_MAX = 64 * 1024 -- bytes kept of an error's body when the reply is a stream

---@class aws.Call one call under way
---@field service aws.Service
---@field operation table of the model
---@field subject aws.Subject
---@field input table
---@field options aws.CallOptions
---@field request table what the protocol built: method, path, query, headers, body
---@field region string? where it goes when not the client's own (a bucket elsewhere)
---@field invocation string the same for all attempts
---@field corrected table<string, boolean> what was put right already
---@field checksummed boolean? whether a header protects the body
---@field keys aws.Keys? what the last request was signed with

---@class aws.CallOptions
---@field timeout number? seconds of silence until a reply begins
---@field attempts integer? how often it is tried at most
---@field max_body integer? bytes of a reply that are taken (default 32 MiB); not of streams
---@field on_retry (fun(e: awsbak.Error))? told why an attempt failed, before the next one; and that
---  libcurl repeated one by itself, once that was answered
---@field presign integer? seconds that a URL is good for, instead of being sent
---@field region string? another one than the client's

--- A random UUID (RFC 9562, version 4).
---@return string
function exchange.uuid()
  local a, b, c, d = (">I4I4I4I4"):unpack(outside.random_bytes(16))
  return ("%08x-%04x-4%03x-%04x-%04x%08x"):format(
    a,
    b >> 16,
    b & 0x0fff,
    c >> 16 & 0x3fff | 0x8000, -- the variant
    c & 0xffff,
    d
  )
end

--- Compress the body where the model says that the service reads it so, and it is large enough
--- (botocore 1.44.5, compress.py; gzip is the one encoding there is).
local function compress(call)
  local request, cfg = call.request, call.service.config
  if
    not call.operation.compression
    or cfg:get("disable_request_compression")
    or #(request.body or "") < cfg:get("request_min_compression_size_bytes")
  then
    return
  end
  request.body = errors.check(codec.gzip(request.body))
  table.insert(request.headers, { "Content-Encoding", "gzip" })
end

--- What to do about an error: keys and rights first, then a value that the service may not know.
local function advise(call, err)
  local said = require("aws.advice").on(err)
  if not said and err.kind == "service" and err.status == 400 then
    said = require("aws.enums").advice(call.service.model, call.operation, call.input)
  end
  return said
end

--- Say in an error which call it ended, what its reply told, and what to do, unless it does.
local function name_call(call, err)
  local head = err.head
  if head then
    err.status, err.request_id, err.head = head.status, reply.request_id(head), nil
  end
  if err.kind == "service" then
    require("aws.quoted").fault(err, call.keys)
  end
  err.hint = err.hint or advise(call, err)
  err.service = err.service or call.subject.service
  err.operation = err.operation or call.subject.operation
  return err
end

--- Begin a call: everything that is the same for all attempts.
---@param service aws.Service
---@param prepared aws.Prepared
---@param input table checked before
---@param options aws.CallOptions
---@return aws.Call
function exchange.new(service, prepared, input, options)
  service:connect()
  if not options.presign then
    local mode = service.config:get("response_checksum_validation")
    input = checksum.asking(prepared.operation, input, mode)
  end
  local call = {
    service = service,
    operation = prepared.operation,
    subject = prepared.subject,
    input = input,
    options = options,
    region = options.region,
    invocation = exchange.uuid(),
    corrected = {},
  }
  if service.hooks.input then
    call.input = service.hooks.input(call)
  end
  call.request = service.protocol.build(service.model, call.operation, call.input)
  if call.operation.endpoint_operation then -- of endpoint discovery (botocore/handlers.py)
    table.insert(call.request.headers, { "x-amz-api-version", service.model.meta.api_version })
  end
  if service.hooks.build then
    service.hooks.build(call)
  end
  compress(call)
  local traits = call.operation.checksum
  if (service.s3 or traits.required or traits.member) and not options.presign then
    local mode = service.config:get("request_checksum_calculation")
    local is_added, err =
      errors.try(checksum.add, service.model, call.operation, call.input, call.request, mode)
    if err then
      error(name_call(call, err), 0)
    end
    call.checksummed = is_added
  end
  return call
end

---@return table error the service's answer as an error table
local function fault(call, response)
  local told = call.service.protocol.fault(call.service.model, call.operation, response)
  local code = told.code or tostring(response.status)
  return errors.new({
    kind = "service",
    code = code,
    message = told.message or ("the service answered with status " .. response.status),
    status = response.status,
    request_id = told.request_id,
    retryable = told.retryable,
    throttling = told.throttling,
    fields = told.fields,
  })
end

local function query_string(query)
  if not query or #query == 0 then
    return ""
  end
  local parts = {}
  for i, pair in ipairs(query) do
    parts[i] = codec.uri(pair[1]) .. "=" .. codec.uri(pair[2])
  end
  return "?" .. table.concat(parts, "&")
end

--- The seconds that this call's reply may be late; nil for the usual ones.
local function silence(call)
  return patience.seconds(call.service.model.meta.service_id, call.operation.name, call.input)
end

--- The request of one attempt, without its signature.
---@param call aws.Call
---@param attempt integer
---@return table request `method`, `url`, `headers` (a list of pairs), `body`, and how to send it
---@return aws.Endpoint target where it goes
function exchange.unsigned(call, attempt)
  local service, built = call.service, call.request
  local target = service:endpoint(call)
  local attempts = call.options.attempts or service.retry.attempts
  local list = {
    { "User-Agent", service:agent() },
    { "amz-sdk-invocation-id", call.invocation },
    { "amz-sdk-request", ("attempt=%d; max=%d"):format(attempt, attempts) },
    table.unpack(built.headers),
  }
  for _, pair in ipairs(target.headers or {}) do
    table.insert(list, pair)
  end
  local trace = agent.trace()
  if trace and not headers.find(list, "x-amzn-trace-id") then
    table.insert(list, { "X-Amzn-Trace-Id", trace })
  end
  local request = {
    method = built.method,
    url = target.url .. target.path .. query_string(built.query),
    headers = list,
    body = built.body,
    stream = call.operation.streams or nil,
    max_body = call.options.max_body or service.options.max_body,
    timeout = call.options.timeout or service.options.timeout or silence(call),
    -- Events come when there are some, for hours: only the connection's end ends them.
    timeout_slow = call.operation.events and EVENTS_SECONDS,
    timeout_total = call.operation.events and EVENTS_SECONDS,
  }
  return route.add(service.config, request), target
end

--- The request of one attempt, ready to send.
---@param call aws.Call
---@param attempt integer
---@return table request as exchange.unsigned makes it, and signed
function exchange.request(call, attempt)
  local request, target = exchange.unsigned(call, attempt)
  auth.sign(call, request, auth.scheme(call, target))
  if call.service.hooks.sign then
    call.service.hooks.sign(call, request)
  end
  return request
end

local function decoded(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

--- The input of a query protocol goes from the body into the URL; other bodies cannot.
local function body_as_query(call)
  local built = call.request
  local form = built.body
  local kind = headers.find(built.headers, "content-type") or ""
  if form == nil or form == "" or call.service.s3 then
    return built.method, built.query, built.headers
  elseif not kind:find("^application/x%-www%-form%-urlencoded") then
    errors.raise({
      kind = "usage",
      code = "presign",
      message = ("%s %s cannot be presigned: its input travels in the body"):format(
        call.subject.service,
        call.subject.operation
      ),
    })
  end
  local query = {}
  for name, value in form:gmatch("([^&=]+)=([^&]*)") do
    query[#query + 1] = { decoded(name), decoded(value) }
  end
  return "GET", query, {}
end

--- The request of a call as a URL that proves by itself who sends it.
---@param call aws.Call begun with the option `presign`
---@return table request `method`, `url`, and `headers` that must be sent with it
--- Raises kind usage, code presign, for what no URL can carry.
function exchange.presigned(call)
  local target = call.service:endpoint(call)
  local method, query, list = body_as_query(call)
  local request = { method = method, headers = list }
  request.url = target.url .. target.path .. query_string(query)
  request.url = auth.presign(call, request, target, call.options.presign)
  return request
end

local function parse(call, response)
  if not response.reader then
    checksum.check(call, response)
  end
  local service = call.service
  local output = service.protocol.parse(service.model, call.operation, response)
  if service.hooks.output then
    service.hooks.output(call, output)
  end
  return output
end

--- The body of a reply as a stream.
local function open(call, response, promise)
  return require("aws.reader").new(response, call.subject, promise)
end

--- The output in a reply, or nil and the error it is.
local function read(call, response)
  if response.status >= 300 then
    if response.reader then
      local body <close> = open(call, response)
      response.body = errors.try(body.all, body, FAULT_MAX) or "" -- the status alone says enough
    end
    return nil, fault(call, response)
  end
  if response.reader then
    response.body = open(call, response, checksum.promise(call, response))
  end
  local output, err = errors.try(parse, call, response)
  if err and err.kind == "service" then
    err.retryable = true -- S3 promised success before it failed: a 500, but for the status
  end
  return output, err
end

local EXPIRY_CODES = {
  ExpiredToken = true,
  ExpiredTokenException = true,
  RequestExpired = true,
}

--- Whether the Date of an answer from `url` may be believed: nobody can have changed it on the way.
local function is_trusted(url)
  local scheme, host = http.host(url)
  return scheme == "https" or (scheme == "http" and http.is_loopback(host))
end

--- Sign with the service's time from now on when it is far from ours.
local function correct_clock(call, err, response, sent)
  local date = headers.find(response.headers, "date")
  return call.service.retry:learn_skew(err, date, is_trusted(sent.request.url), sent.skew)
end

--- Get new keys when the service says that those sent have expired.
local function correct_keys(call, err)
  return EXPIRY_CODES[err.code] and call.service.credentials:refresh() or false
end

local function correct_by_hook(call, err, response)
  local correct = call.service.hooks.correct
  return correct ~= nil and correct(call, err, response)
end

local CORRECTIONS = {
  { "clock", correct_clock },
  { "keys", correct_keys },
  { "hook", correct_by_hook },
}

--- Whether something was put right, so that the request is worth sending again.
local function correct(call, err, response, sent)
  for _, correction in ipairs(CORRECTIONS) do
    local name, try = correction[1], correction[2]
    if not call.corrected[name] and try(call, err, response, sent) then
      call.corrected[name] = true
      return true
    end
  end
  return false
end

---@class aws.Sent a request, and what became of it
---@field request table
---@field keys aws.Keys? what it was signed with
---@field skew number the difference of clocks that it was signed with
---@field invocation string? when it was not the call's own
---@field response table? nil when none came
---@field output table?
---@field err awsbak.Error? when there is no output

--- Send a request and read its reply.
---@param call aws.Call
---@param number integer of the attempt
---@param request table signed just now
---@return aws.Sent
function exchange.send(call, number, request)
  local sent = { request = request, keys = call.keys, skew = call.service.retry.skew }
  sent.response, sent.err = errors.try(journal.send, call, number, request)
  if sent.response then
    sent.output, sent.err = read(call, sent.response)
  end
  return sent
end

--- Tell who wants to know of it that libcurl has sent the request twice, by itself.
local function tell_repeated(call, response)
  if response and response.repeated and call.options.on_retry then
    local message = "a connection broke before it answered"
    call.options.on_retry(errors.new({ kind = "network", code = "cut", message = message }))
  end
end

--- Send and read the reply once, or once more after each thing put right.
---@param sent aws.Sent? what was sent already
---@return table outcome `output` and `status`
local function attempt(call, number, sent)
  while true do
    sent = sent or exchange.send(call, number, exchange.request(call, number))
    local response, err = sent.response, sent.err
    tell_repeated(call, response)
    if sent.output then
      return { output = sent.output, status = response.status }
    elseif not response or not correct(call, err, response, sent) then
      err.retry_after = response and retry.after(response.headers)
      error(err, 0)
    end
    sent = nil
  end
end

--- Make the call, as often as the retry rules say.
---@param call aws.Call
---@param first aws.Sent? the first attempt, when it was made already
---@return { output: table, status: integer } outcome
--- Raises an error table with service, operation and attempts.
function exchange.run(call, first)
  if first then -- its error must not repeat its keys, and later attempts are of the same invocation
    call.keys, call.invocation = first.keys, first.invocation or call.invocation
  end
  local options = call.options
  return call.service.retry:run(function(number)
    local outcome, err = errors.try(attempt, call, number, number == 1 and first or nil)
    if not outcome then
      error(name_call(call, err), 0)
    end
    return outcome
  end, {
    operation = call.operation.name,
    attempts = options.attempts,
    on_retry = options.on_retry,
  })
end

return exchange
