--- Call any operation of a service: awsbak api ssm get-parameter Name=/app/key WithDecryption=true

local aws = require("aws")
local config = require("aws.config")
local errors = require("awsbak.errors")
local full_result = require("aws.full_result")
local json = require("awsbak.core.json")
local log = require("awsbak.log")
local model = require("aws.model")
local names = require("aws.names")
local output = require("awsbak.output")
local outside = require("awsbak.outside")
local plain = require("aws.plain")
local policy = require("awsbak.policy")
local pretty = require("awsbak.pretty")
local settings = require("awsbak.settings")

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
    usage(("%s is followed by something that is not JSON: %s"):format(key, err.message))
  end
  return value
end

--- Put one word into the input. "Key=a Key=b" makes a list where the member is one.
local function add(input, m, members, word)
  local key, sign, text = word:match("^([%w_]+)(:?=)(.*)$")
  if not key then
    usage(('"%s" is not input'):format(word), "write Key=value, Key:=JSON or Key=@FILE")
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
    input[key] = from_json(key .. ":=", text)
  elseif is_list then
    input[key] = input[key] or json.array({})
    table.insert(input[key], from_text(m:shape(shape.element), key, text))
  else
    input[key] = shape and from_text(shape, key, text) or text
  end
end

--- The members in a file of JSON: the AWS CLI's form, bytes in base64 unless cli_binary_format says
--- that they are as they are.
local function from_file(m, operation, name)
  local text = name:find("^%s*{") and name
    or errors.check(outside.read_file((name:gsub("^file://", ""))))
  local input = from_json("--cli-input-json", text)
  if type(input) ~= "table" or #input > 0 then
    usage("--cli-input-json is no object of members")
  end
  local is_raw = config.load():get("cli_binary_format") == "raw-in-base64-out"
  return is_raw and input or plain.input(m, operation.input, input)
end

local function read_input(m, operation, o)
  local members = operation.input and m:shape(operation.input).by_name or {}
  local input = {}
  for _, word in ipairs(o.input) do
    add(input, m, members, word)
  end
  for name, value in pairs(o.cli_input_json and from_file(m, operation, o.cli_input_json) or {}) do
    if input[name] == nil then
      input[name] = value
    end
  end
  return input
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

local function write(record)
  if output.mode() == "table" and not settings.get("query") then
    output.text(pretty.json(record), "\n") -- replies are trees: no table would show them
  else
    output.item(record)
  end
end

local function show(m, operation, reply)
  local record = operation.output and plain.output(m, operation.output, reply) or reply
  write(record)
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
  local stream = m:shape(operation.output).by_name[operation.events]
  for event in events do
    output.item(plain.output(m, stream, event))
  end
end

--- Whether pages are written as they come.
local function is_streamed(o)
  local is_part = o.max_items or o.page_size or o.starting_token
  return output.mode() == "jsonl" and not is_part and not settings.get("query")
end

--- Refuse what is said about pages where there are none.
local function check_listing(o, name, description)
  for _, key in ipairs({ "max_items", "page_size", "starting_token" }) do
    if o[key] and not description then
      local flag = "--" .. key:gsub("_", "-")
      usage(
        o.no_paginate and flag .. " does not go with --no-paginate"
          or ("%s is for listings, and %s is none"):format(flag, name)
      )
    end
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
  check_listing(o, name, description)
  if not description then
    show(m, operation, client.call(name, input))
  elseif is_streamed(o) then
    for page in client.pages[name](input) do
      show(m, operation, page)
    end
  else
    local from, skip = full_result.input(m, operation, description, input, o)
    local pages = client.pages[name](from)
    show(m, operation, full_result.read(pages, description, o, from, skip))
  end
end

local function complete_input(word, words)
  local m = model.load(words[1])
  local name = m:find(words[2])
  return name and names.input(m, m:operation(name), word, { table.unpack(words, 3) }) or {}
end

return policy({
  name = "api",
  summary = "Call any operation of a service.",
  description = [[
The operation is written as AWS does (GetParameter), or get-parameter or get_parameter. Input is
Key=value, Key:=JSON, or Key=@FILE for what is in a file; for a list of plain values, Key=value is
repeated. The reply is JSON, bytes in base64; a listing is followed to its end, and where output is
JSON lines there is one line a page. With --query, --max-items and the like it is one reply.]],
  examples = {
    "awsbak api ssm get-parameter Name=/app/key WithDecryption=true",
    "awsbak api ssm get-parameters Names=/app/a Names=/app/b",
    "awsbak api ssm put-parameter Name=/app/cert Value=@cert.pem Type=String",
    [[awsbak api ssm describe-parameters ParameterFilters:='[{"Key":"Type","Values":["String"]}]']],
    "awsbak api s3 get-object Bucket=vault Key=ssm.age --save ssm.age",
    "awsbak api s3 get-object Bucket=vault Key=ssm.age --presign 1h",
    "awsbak api ssm describe-parameters --query 'Parameters[].Name' --max-items 100",
    "awsbak api ssm put-parameter --skeleton > p.json",
    "awsbak api ssm put-parameter --cli-input-json p.json Overwrite=true",
  },
  options = {
    {
      "service",
      positional = true,
      required = true,
      help = "name of the service, such as ssm",
      complete = function()
        return model.services()
      end,
    },
    {
      "operation",
      positional = true,
      required = true,
      help = "name of the operation",
      complete = function(word, words)
        return names.operations(model.load(words[1]), word)
      end,
    },
    {
      "input",
      positional = true,
      many = true,
      help = "Key=value, Key:=JSON or Key=@FILE",
      complete = complete_input,
    },
    {
      "cli_input_json",
      help = "file with input as JSON, bytes in base64; words of the command line win over it",
    },
    { "skeleton", kind = "flag", help = "send nothing, and write such a file to be filled in" },
    { "no_paginate", kind = "flag", help = "only the first page of a listing" },
    { "max_items", kind = "integer", min = 1, help = "end a listing after so many items" },
    { "page_size", kind = "integer", min = 1, help = "how many items the service gives at once" },
    { "starting_token", help = "go on where --max-items ended: the NextToken it gave" },
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
    if o.skeleton then
      write(plain.skeleton(m, operation.input))
      return
    end
    call(client, m, operation, read_input(m, operation, o), o)
  end,
})
