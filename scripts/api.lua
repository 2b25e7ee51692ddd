--- Call any operation of a service: awsbak api ssm get-parameter Name=/app/key WithDecryption=true

local aws = require("aws")
local errors = require("awsbak.errors")
local full_result = require("aws.full_result")
local input = require("aws.input")
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

--- Raise what would keep a reply from being saved, before anything is asked for.
local function check_target(file, force)
  if file == "-" then
    return output.take_stdout()
  end
  local sink <close>, err = outside.sink(file, { force = force })
  if not sink then
    err.hint = err.code == "EEXIST" and "give --force to replace it" or err.hint
    errors.raise(err)
  end
end

--- Write the streamed part of a reply where it was asked for (`force`: over a file that exists),
--- and take it out of the reply.
local function save(m, operation, reply, file, force)
  local payload = m:shape(operation.output).payload
  local body <close> = reply[payload]
  reply[payload] = nil
  if file == "-" then
    return output.stream(function()
      return body:read()
    end, "the reply is binary", "give --save FILE, or pipe it into another program")
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

--- Write a reply. That of a change is written whole when --query fails on it: the change was made,
--- and nobody can ask for the reply again.
local function show(m, operation, reply)
  local record = operation.output and plain.output(m, operation.output, reply) or reply
  local _, err = errors.try(write, record)
  if not err then
    return
  elseif operation.reads or not (err.code or ""):find("^jmespath") then
    error(err, 0)
  end
  settings.with({ query = "@" }, write, record)
  errors.raise({
    kind = "reply",
    code = err.code,
    message = ("%s was done, but --query failed on its reply, so it is written whole: %s"):format(
      operation.name,
      err.message
    ),
  })
end

--- Write a URL that carries its own proof, and on a terminal what else must be sent with it.
local function presign(client, operation, given, seconds)
  local url, request = client.presign(operation.name, given, { expires = seconds })
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
local function follow(client, m, operation, given)
  local reply = client.call(operation.name, given)
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

--- Refuse what does not go together, before anything is read or sent.
local function check_flags(o)
  local sole = o.skeleton and "--skeleton" or o.presign and "--presign"
  if o.skeleton and (#o.input > 0 or o.cli_input_json) then
    usage("--skeleton takes no input: it writes what input there could be")
  end
  for _, key in ipairs({ "save", "max_items", "page_size", "starting_token", "no_paginate" }) do
    if sole and o[key] then
      usage(("--%s does not go with %s, which sends nothing"):format(key:gsub("_", "-"), sole))
    end
  end
  if o.skeleton and o.presign then
    usage("--presign does not go with --skeleton")
  elseif o.force and not o.save then
    usage("--force is for --save, and there is none")
  end
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

--- Refuse a stream without --save, and --save without a stream.
local function check_save(o, operation)
  local has_bytes = operation.streams and not operation.events
  if has_bytes and not o.save then
    usage(
      ("%s replies with a stream"):format(operation.name),
      "add --save FILE, or --save - for standard output"
    )
  elseif o.save and not has_bytes then
    usage(
      ("%s does not reply with bytes, so there is nothing to --save"):format(operation.name),
      "its reply is written to standard output"
    )
  end
end

--- Write the bytes of a reply where they were asked for, and the rest of it to standard output.
local function download(client, m, operation, given, o)
  check_target(o.save, o.force)
  local reply = client.call(operation.name, given)
  save(m, operation, reply, o.save, o.force)
  if o.save ~= "-" then
    show(m, operation, reply)
  end
end

local function list(client, m, operation, description, given, o)
  if is_streamed(o) then
    for page in client.pages[operation.name](given) do
      show(m, operation, page)
    end
    return
  end
  local from, skip = full_result.input(m, operation, description, given, o)
  local pages = client.pages[operation.name](from)
  show(m, operation, full_result.read(pages, description, o, from, skip))
end

local function call(client, m, operation, given, o)
  local name = operation.name
  if o.presign then
    return presign(client, operation, given, o.presign)
  end
  local description = not o.no_paginate and m:paginator(name)
  check_save(o, operation)
  check_listing(o, name, description)
  if settings.get("dry_run") and not operation.reads then
    client.call(name, given) -- the plan says it; there is no reply to show
  elseif operation.events then
    follow(client, m, operation, given)
  elseif operation.streams then
    download(client, m, operation, given, o)
  elseif description then
    list(client, m, operation, description, given, o)
  else
    show(m, operation, client.call(name, given))
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
repeated. Bytes are as they are in Key=value and in a file, and base64 in all JSON. The reply is
JSON; a listing is followed to its end, and where output is JSON lines there is one line a page.
With --query, --max-items and the like it is one reply.]],
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
      help = "file with input as JSON (- is standard input), bytes in base64; words of the command"
        .. " line win over it",
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
    check_flags(o)
    local m = model.load(o.service)
    local client = aws.client(o.service)
    local operation = client.operation(o.operation)
    if o.skeleton then
      write(plain.skeleton(m, operation.input))
      return
    end
    call(client, m, operation, input.read(m, operation, o.input, o.cli_input_json), o)
  end,
})
