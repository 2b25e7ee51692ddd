--- Call any operation of a service: awsbak api ssm get-parameter Name=/app/key WithDecryption=true

local aws = require("aws")
local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local jmespath = require("awsbak.jmespath")
local json = require("awsbak.core.json")
local log = require("awsbak.log")
local model = require("aws.model")
local output = require("awsbak.output")
local outside = require("awsbak.outside")
local policy = require("awsbak.policy")
local pretty = require("awsbak.pretty")
local settings = require("awsbak.settings")
local timestamp = require("aws.protocol.timestamp")

local function usage(message, hint)
  errors.raise({ kind = "usage", code = "bad_input", message = message, hint = hint })
end

local SCALARS = {
  boolean = function(text)
    return ({ ["true"] = true, ["false"] = false })[text]
  end,
  double = tonumber,
  integer = math.tointeger,
  timestamp = function(text)
    return tonumber(text) or text
  end,
}
SCALARS.float, SCALARS.long = SCALARS.double, SCALARS.integer

--- The text after "Key=" as a value of the member's type; what does not fit stays text, and the
--- client says what is wrong with it.
local function from_text(shape, key, text)
  if shape.type == "structure" or shape.type == "map" then
    usage(("%s is a %s"):format(key, shape.type), ("write it as JSON: %s:='{...}'"):format(key))
  end
  local convert = SCALARS[shape.type]
  local value = convert and convert(text)
  if value == nil then
    return text
  end
  return value
end

local function from_json(key, text)
  local value, err = json.decode(text)
  if value == nil then
    usage(("%s:= is followed by something that is not JSON: %s"):format(key, err.message))
  end
  return value
end

--- Put one word into the input. "Key=a Key=b" makes a list where the member is one.
local function add(input, m, members, word)
  local key, sign, text = word:match("^([%w_]+)(:?=)(.*)$")
  if not key then
    usage(("%q is not input"):format(word), "write Key=value, Key:=JSON or Key=@FILE")
  end
  if text == "@" then
    usage(("%s=@ is followed by no name of a file"):format(key))
  elseif text:sub(1, 1) == "@" then
    text = errors.check(outside.read_file(text:sub(2)))
  end
  local member = members[key]
  local shape = member and m:shape(member)
  local is_list = shape and shape.type == "list"
  local is_more = is_list and sign == "=" and type(input[key]) == "table"
  if input[key] ~= nil and not is_more then
    usage(("%s is given twice"):format(key), "only a list takes more than one value")
  elseif sign == ":=" then
    input[key] = from_json(key, text)
  elseif is_list then
    input[key] = input[key] or json.array({})
    table.insert(input[key], from_text(m:shape(shape.element), key, text))
  else
    input[key] = shape and from_text(shape, key, text) or text
  end
end

local function read_input(m, operation, words)
  local members = operation.input and m:shape(operation.input).by_name or {}
  local input = {}
  for _, word in ipairs(words) do
    add(input, m, members, word)
  end
  return input
end

local as_json = {}

--- A value of a reply as JSON can hold it: bytes as base64, times as RFC 3339.
local function plain(m, shape, value)
  local convert = as_json[shape.type]
  return convert and convert(m, shape, value) or value
end

function as_json.blob(_, _, value)
  return codec.base64(value)
end

function as_json.timestamp(_, _, value)
  return timestamp.iso8601(value)
end

function as_json.structure(m, shape, value)
  if shape.document then
    return value
  end
  local object = {}
  for name, part in pairs(value) do
    local member = shape.by_name[name]
    object[name] = member and plain(m, m:shape(member), part) or part
  end
  return object
end

function as_json.list(m, shape, value)
  local list = json.array({})
  for i, part in ipairs(value) do
    list[i] = plain(m, m:shape(shape.element), part)
  end
  return list
end

function as_json.map(m, shape, value)
  local object = {}
  for key, part in pairs(value) do
    object[key] = plain(m, m:shape(shape.value), part)
  end
  return object
end

--- Put `value` at a path of members: "Distributions.Items".
local function put(record, members, value)
  local outer, rest = members:match("^([^.]+)%.(.+)$")
  if outer then
    record[outer] = record[outer] or {}
    put(record[outer], rest, value)
  else
    record[members] = value
  end
end

--- All pages as one reply: the last one, with the items of all.
local function merged(pages, keys)
  local lists, last = {}, {}
  for page in pages do
    for _, key in ipairs(keys) do
      local items = jmespath.compile(key)(page)
      if type(items) == "table" then
        lists[key] = lists[key] or json.array({})
        table.move(items, 1, #items, #lists[key] + 1, lists[key])
      end
    end
    last = page
  end
  for key, items in pairs(lists) do
    put(last, key, items)
  end
  return last
end

--- Write the streamed part of a reply where it was asked for (`force`: over a file that exists),
--- and take it out of the reply.
local function save(m, operation, reply, file, force)
  local payload = m:shape(operation.output).payload
  local body <close> = reply[payload]
  reply[payload] = nil
  if file == "-" then
    output.take_stdout()
    for bytes in
      function()
        return body:read()
      end
    do
      output.text(bytes)
    end
    return
  end
  body:save(file, { force = force })
end

local function show(m, operation, reply)
  local shape = operation.output and m:shape(operation.output)
  local record = shape and plain(m, shape, reply) or reply
  if output.mode() == "table" then
    output.text(pretty.json(record), "\n") -- replies are trees: no table would show them
  else
    output.item(record)
  end
end

--- Write a URL that carries its own proof, and on a terminal what else must be sent with it.
local function presign(client, operation, input, seconds)
  local url, request = client.presign(operation.name, input, { expires = seconds })
  local headers = {}
  for _, pair in ipairs(request.headers) do
    headers[pair[1]] = pair[2]
  end
  if output.mode() ~= "table" then
    output.item({ url = url, method = request.method, headers = headers })
    return
  end
  output.text(url, "\n")
  if request.method ~= "GET" or next(headers) then
    log.warn("it is for %s with these headers: %s", request.method, json.encode(headers))
  end
end

--- Write what a stream of events brings, as it comes.
local function follow(client, m, operation, input)
  local reply = client.call(operation.name, input)
  local events <close> = reply[operation.events]
  local stream = m:shape(m:shape(operation.output).by_name[operation.events])
  for event in events do
    output.item(plain(m, stream, event))
  end
end

local function call(client, m, operation, input, o)
  local name = operation.name
  if o.presign then
    return presign(client, operation, input, o.presign)
  elseif settings.get("dry_run") and not operation.reads then
    client.call(name, input) -- the plan says it; there is no reply to show
    return
  end
  if operation.events and not o.save then
    return follow(client, m, operation, input)
  elseif operation.streams and not operation.events then
    if not o.save then
      usage(
        ("%s replies with a stream"):format(name),
        "add --save FILE, or --save - for standard output"
      )
    end
    local reply = client.call(name, input)
    save(m, operation, reply, o.save, o.force)
    if o.save ~= "-" then
      show(m, operation, reply)
    end
    return
  elseif o.save then
    usage(
      ("%s does not reply with a stream, so there is nothing to --save"):format(name),
      "its reply is written to standard output"
    )
  end
  local description = not o.no_paginate and m:paginator(name)
  if not description then
    show(m, operation, client.call(name, input))
  elseif output.mode() == "jsonl" then
    for page in client.pages[name](input) do
      show(m, operation, page)
    end
  else
    show(m, operation, merged(client.pages[name](input), description.result_key or {}))
  end
end

return policy({
  name = "api",
  summary = "Call any operation of a service.",
  description = [[
The operation is written as AWS does (GetParameter), or get-parameter or get_parameter. Input is
Key=value, Key:=JSON, or Key=@FILE for what is in a file; for a list of plain values, Key=value is
repeated. The reply is JSON, bytes in base64; a listing is followed to its end, and where output is
JSON lines there is one line a page.]],
  examples = {
    "awsbak api ssm get-parameter Name=/app/key WithDecryption=true",
    "awsbak api ssm get-parameters Names=/app/a Names=/app/b",
    "awsbak api ssm put-parameter Name=/app/cert Value=@cert.pem Type=String",
    [[awsbak api ssm describe-parameters ParameterFilters:='[{"Key":"Type","Values":["String"]}]']],
    "awsbak api s3 get-object Bucket=vault Key=ssm.age --save ssm.age",
    "awsbak api s3 get-object Bucket=vault Key=ssm.age --presign 1h",
  },
  options = {
    { "service", positional = true, required = true, help = "name of the service, such as ssm" },
    { "operation", positional = true, required = true, help = "name of the operation" },
    { "input", positional = true, many = true, help = "Key=value, Key:=JSON or Key=@FILE" },
    { "no_paginate", kind = "flag", help = "only the first page of a listing" },
    { "save", help = "file for the bytes of a reply that is a stream; - is standard output" },
    {
      "presign",
      kind = "duration",
      min = 1,
      help = "send nothing, and write a URL that others can use for so long",
    },
    { "force", kind = "flag", help = "let --save replace a file that exists" },
  },
  run = function(o)
    local m = model.load(o.service)
    local client = aws.client(o.service)
    local operation = client.operation(o.operation)
    call(client, m, operation, read_input(m, operation, o.input), o)
  end,
})
