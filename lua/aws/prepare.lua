--- Calls of an operation that are alike but for some members: what their requests have in common is
--- made once, which is most of the work where objects are small.
---
---     local put = s3.prepare("put_object", { "Key", "Body", "ChecksumCRC64NVME" })
---     put({ Bucket = b, Key = k, Body = bytes, ChecksumCRC64NVME = sum })
---
--- The function does what `s3.put_object(...)` does, and takes the same whole input. With a list of
--- members of the output, the others of a reply are not read. Where a member
--- that was not named is another than the last time, all is made anew. Of what is kept the first
--- attempt is made; unless it succeeds, an ordinary call goes on from there (aws.exchange).

local auth = require("aws.auth")
local checksum = require("aws.checksum")
local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local exchange = require("aws.exchange")
local guard = require("aws.guard")
local http = require("awsbak.http")
local reply = require("aws.protocol.reply")
local validate = require("aws.validate")

local prepare = {}

local INVOCATION <const> = "amz-sdk-invocation-id"

---@class aws.Alike the calls of one prepared function
---@field service aws.Service
---@field prepared aws.Prepared
---@field begin fun(input: table): aws.Call checks the input, and makes an ordinary call of it
---@field varying aws.Varying
---@field operation aws.Operation the one whose output is read
---@field wanted string[]? names of the headers that are read of it; nil: all
---@field kept aws.Kept?

---@class aws.Varying where the members travel that may change
---@field members aws.Ref[]
---@field set table<string, boolean>
---@field headers aws.Ref[]
---@field sums aws.Ref[] the checksums among them
---@field query aws.Ref[]
---@field label aws.Ref? the one in the path
---@field keeps_slashes boolean? whether those in the label are the path's own
---@field payload string?

---@class aws.Kept what is the same of all requests
---@field fixed table<string, any> members of the input, in copies
---@field count integer how many
---@field has_sum boolean whether a checksum came with the body
---@field call aws.Call the one it was made of
---@field request { way: table, prepared: userdata } what each request is made of
---@field before string the URL up to the label
---@field after string and behind it
---@field scheme aws.Scheme
---@field region string? where the bucket was found to be

local function unfit(word, name)
  errors.raise({
    kind = "usage",
    code = "prepare",
    message = ("%s of %s cannot vary between prepared calls"):format(name, word),
    hint = "what can is one label of the path, texts in the query and headers, and the body",
  })
end

--- Whether a header is a checksum of the body.
local function is_sum(name)
  return name:find("^x%-amz%-checksum%-%l+%d") ~= nil or name == "content-md5"
end

--- Where the members travel. Raises kind usage, code prepare.
local function places(model, operation, names)
  local shape = operation.input and model:shape(operation.input)
  local varying = { members = {}, set = {}, headers = {}, query = {}, sums = {} }
  for _, name in ipairs(names) do
    local member = shape and shape.by_name[name]
    local is_text = member and model:resolve(member).type == "string"
    if is_text and member.location == "uri" and not varying.label then
      varying.label = member
      local greedy = "{" .. member.location_name .. "+}"
      varying.keeps_slashes = operation.uri:find(greedy, 1, true) ~= nil
    elseif is_text and member.location == "header" then
      table.insert(varying.headers, member)
      if is_sum(member.location_name:lower()) then
        table.insert(varying.sums, member)
      end
    elseif is_text and member.location == "query" then
      table.insert(varying.query, member)
    elseif member and shape.payload == name then
      varying.payload = name
    else
      unfit(operation.name, name)
    end
    varying.set[name] = true
    table.insert(varying.members, member)
  end
  return varying
end

--- The operation with those members alone in its output. Raises kind usage, code prepare, for
--- members of a body: it is read as a whole.
local function reading(model, operation, wanted)
  local shape = operation.output and model:shape(operation.output)
  local output = { members = {} }
  for _, name in ipairs(wanted) do
    local member = shape and shape.by_name[name]
    if not member or not member.location and shape.payload ~= name then
      errors.raise({
        kind = "usage",
        code = "prepare",
        message = ("%s of %s is not read by itself"):format(name, operation.name),
        hint = "name members of the output that are in headers, or its body",
      })
    end
    table.insert(output.members, member)
  end
  local ref = { target = setmetatable(output, { __index = shape }) }
  return setmetatable({ output = ref }, { __index = operation })
end

--- Names of the headers that are read of a reply: of members, of its checksum, its kind and its
--- id; nil for all.
local function wanted_headers(model, operation, wanted)
  local names = checksum.headers(operation)
  names[#names + 1] = "content-type"
  table.move(reply.REQUEST_ID_HEADERS, 1, #reply.REQUEST_ID_HEADERS, #names + 1, names)
  local shape = model:shape(operation.output)
  for _, name in ipairs(wanted) do
    local member = shape.by_name[name]
    if member.location == "headers" then
      return nil -- a map of all that begin alike
    elseif member.location == "header" then
      names[#names + 1] = member.location_name:lower()
    end
  end
  return names
end

--- A value that stays as it is when the caller changes his.
local function copied(value)
  if type(value) ~= "table" then
    return value
  end
  local copy = {}
  for name, part in next, value do
    copy[name] = copied(part)
  end
  return copy
end

--- Whether a value is what was copied.
local function is_same(copy, value)
  if copy == value or type(copy) ~= "table" or type(value) ~= "table" then
    return copy == value
  end
  for name, part in next, value do
    if not is_same(copy[name], part) then
      return false
    end
  end
  for name in next, copy do
    if value[name] == nil then
      return false
    end
  end
  return true
end

--- Whether a checksum comes with the body.
local function has_sum(self, input)
  for _, member in ipairs(self.varying.sums) do
    if input[member.name] ~= nil then
      return true
    end
  end
  return false
end

--- Members that do not vary, and how many.
local function fixed_of(self, input)
  local fixed, count = {}, 0
  for name, value in pairs(input) do
    if not self.varying.set[name] then
      fixed[name], count = copied(value), count + 1
    end
  end
  return fixed, count
end

--- The headers of a request but those that vary.
local function fixed_headers(self, list)
  local varies, fixed = { [INVOCATION] = true }, {}
  for _, member in ipairs(self.varying.headers) do
    varies[member.location_name:lower()] = true
  end
  for _, pair in ipairs(list) do
    if not varies[pair[1]:lower()] then
      fixed[#fixed + 1] = pair
    end
  end
  return fixed
end

--- Names of the headers that vary, in the order of their values.
local function varying_headers(varying)
  local names = { INVOCATION }
  for _, member in ipairs(varying.headers) do
    names[#names + 1] = member.location_name
  end
  return names
end

--- Whether a request's headers tell something of its body that was not given with it.
local function tells_body(list)
  for _, pair in ipairs(list) do
    local name = pair[1]:lower()
    if is_sum(name) or name == "content-length" or name == "content-encoding" then
      return true
    end
  end
  return false
end

--- The URL up to the mark that stands for the label, and behind it; nil when it is not there.
local function split(url, mark)
  local first, last = url:find(mark, 1, true)
  if first then
    return url:sub(1, first - 1), url:sub(last + 1)
  end
end

--- The input with a mark for the label, and without what varies in the query.
local function marked(self, input, mark)
  local changed = {}
  for name, value in pairs(input) do
    changed[name] = value
  end
  for _, member in ipairs(self.varying.query) do
    changed[member.name] = nil
  end
  if self.varying.label then
    changed[self.varying.label.name] = mark
  end
  return changed
end

local function bucket_region(self, input)
  local known = self.service.bucket_regions
  return known and known[input.Bucket]
end

--- Make what calls like this one have in common; nil where nothing can be kept.
---@return aws.Kept?
local function keep(self, input)
  local service, varying = self.service, self.varying
  local mark = exchange.uuid()
  local call = self.begin(marked(self, input, mark))
  if service.retry.rate or #self.prepared.tokens > 0 then
    return nil -- adaptive mode asks before each attempt, and tokens are of one call
  end
  local request, target = exchange.unsigned(call, 1)
  local fixed_ones, is_given = fixed_headers(self, request.headers), has_sum(self, input)
  if varying.payload and tells_body(is_given and fixed_ones or request.headers) then
    return nil
  end
  request.headers = fixed_ones
  local before, after = request.url, ""
  if varying.label then
    before, after = split(request.url, mark)
  end
  if not before then
    return nil
  end
  local scheme = auth.scheme(call, target)
  if scheme.name == "httpBearerAuth" then
    return nil
  end
  if service.hooks.sign then
    service.hooks.sign(call, request) -- it looks at the host and at what does not vary
  end
  local fixed, count = fixed_of(self, input)
  request.way = http.way(request)
  call.operation = self.operation
  local alike = { varying = varying_headers(varying), wanted = self.wanted }
  alike.sign = auth.manner(call, scheme)
  return {
    fixed = fixed,
    count = count,
    has_sum = is_given,
    call = call,
    request = { way = request.way, prepared = http.prepare(request, alike) },
    before = before,
    after = after,
    scheme = scheme,
    region = bucket_region(self, input),
  }
end

--- Whether what was kept is of calls like this one.
local function is_alike(self, kept, input)
  local count, set = 0, self.varying.set
  for name, value in next, input do
    if not set[name] then
      if not is_same(kept.fixed[name], value) then
        return false
      end
      count = count + 1
    end
  end
  return count == kept.count
    and kept.has_sum == has_sum(self, input)
    and kept.region == bucket_region(self, input)
end

--- What was kept for such a call, made when there is nothing; nil where nothing can be.
local function kept_for(self, input)
  local kept, label = self.kept, self.varying.label
  if label and input[label.name] == "" then
    return nil -- it would name another resource
  elseif kept and is_alike(self, kept, input) then
    validate.members(self.service.model, self.prepared, input, self.varying.members)
    return kept
  end
  self.kept = keep(self, input)
  return self.kept
end

local function url_of(self, kept, input)
  local label, url = self.varying.label, kept.before
  if label then
    url = url .. codec.uri(input[label.name], self.varying.keeps_slashes) .. kept.after
  end
  for _, member in ipairs(self.varying.query) do
    local value = input[member.name]
    if value ~= nil then
      local mark = url:find("?", 1, true) and "&" or "?"
      url = ("%s%s%s=%s"):format(url, mark, member.location_name, codec.uri(value))
    end
  end
  return url
end

--- The request of one call.
local function request_of(self, kept, input, invocation)
  local varying, values = self.varying, { invocation }
  for i, member in ipairs(varying.headers) do
    values[i + 1] = input[member.name] or false
  end
  local request = {
    way = kept.request.way,
    prepared = kept.request.prepared,
    url = url_of(self, kept, input),
    body = varying.payload and input[varying.payload],
    values = values,
  }
  request.proof = auth.proof(kept.call, request, kept.scheme)
  return request
end

local function run(self, input)
  local kept = type(input) == "table" and kept_for(self, input)
  local withheld = guard.withhold(self.service, self.prepared, input)
  if withheld then
    return withheld.output
  end
  local sent
  if kept then
    local invocation = exchange.uuid()
    sent = exchange.send(kept.call, 1, request_of(self, kept, input, invocation))
    sent.invocation = invocation
    if sent.output then
      self.service.retry:give()
      return sent.output
    end
  end
  return exchange.run(self.begin(input), sent).output
end

--- A function that calls an operation as the client's own does.
---@param service aws.Service opened
---@param prepared aws.Prepared
---@param names string[] members that may differ from call to call: one in the path, texts in the
---  query and in headers, the body
---@param wanted string[]? members of the output that are read; nil: all
---@param begin fun(input: table): aws.Call checks an input, and makes an ordinary call of it
---@return fun(input: table): table
--- Raises kind usage, code prepare, for a member that cannot vary, or is not read by itself.
function prepare.new(service, prepared, names, wanted, begin)
  local operation = prepared.operation
  local self = {
    service = service,
    prepared = prepared,
    begin = begin,
    varying = places(service.model, operation, names),
    operation = wanted and reading(service.model, operation, wanted) or operation,
    wanted = wanted and wanted_headers(service.model, operation, wanted),
  }
  return function(input)
    return run(self, input)
  end
end

return prepare
