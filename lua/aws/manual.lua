--- What the models say of services and operations, as text: `awsbak help ssm.put_parameter`.

local data = require("aws.data")
local errors = require("awsbak.errors")
local layout = require("awsbak.layout")
local model = require("aws.model")
local ordered = require("aws.names").members

local manual = {}

-- AWS's own address for the page of an operation, whatever the service's manual is called; botocore
-- writes the same one (botocore/docs/method.py, AWS_DOC_BASE).
local PAGES = "https://docs.aws.amazon.com/goto/WebAPI/"

local DEPTH_MAX = 3 -- structures in structures; what is deeper has a page of its own
local ENUM_MAX = 24 -- values of an enum on a page that is about something else

local NAMES = {
  blob = "bytes",
  boolean = "true or false",
  character = "string",
  double = "number",
  float = "number",
  integer = "integer",
  long = "integer",
  string = "string",
  timestamp = "time",
}

local SIZES = { blob = "bytes", list = "elements", map = "entries", string = "characters" }

local function usage(code, message, nearest, otherwise)
  errors.raise({
    kind = "usage",
    code = code,
    message = message,
    hint = nearest and ("did you mean %s?"):format(nearest) or otherwise,
  })
end

local function module_name(m)
  return (m.meta.id:gsub("-", "_"))
end

--- How a script gets at the service.
local function way_to(m)
  local module = data.module(m.meta.id)
  return module and ('require("%s")'):format(module) or ('require("aws").%s'):format(module_name(m))
end

--- "1 to 2048 characters", "at least 1", or nil.
local function range(shape)
  local unit = SIZES[shape.type] and " " .. SIZES[shape.type] or ""
  if shape.min and shape.max and shape.min ~= shape.max then
    return ("%s to %s%s"):format(shape.min, shape.max, unit)
  elseif shape.max then
    return ("%s %s%s"):format(shape.min and "just" or "at most", shape.max, unit)
  end
  return shape.min and ("at least %s%s"):format(shape.min, unit)
end

local function enum_text(shape, all)
  local values, count = {}, #shape.enum
  local shown = all and count or math.min(count, ENUM_MAX)
  for i = 1, shown do
    values[i] = ('"%s"'):format(shape.enum[i])
  end
  local more = count > shown and (" | ... (%d values)"):format(count) or ""
  return table.concat(values, " | ") .. more
end

--- The limits of a value in words: "1 to 64 characters, matches [a-z]+"; nil when there are none.
---@param shape aws.Shape
---@return string?
function manual.limits(shape)
  local limits = range(shape)
  local pattern = shape.pattern and "matches " .. shape.pattern
  return limits and pattern and limits .. ", " .. pattern or limits or pattern
end

--- The type of a value in words, with its limits.
local function type_text(m, ref, all)
  local shape = m:shape(ref)
  local kind = NAMES[shape.type]
  if shape.enum then
    kind = enum_text(shape, all)
  elseif shape.type == "list" then
    kind = "list of " .. type_text(m, shape.element, all)
  elseif shape.type == "map" then
    kind = ("map of %s to %s"):format(
      type_text(m, shape.key, all),
      type_text(m, shape.value, all)
    )
  elseif shape.type == "structure" then
    kind = shape.document and "any JSON" or (shape.union and "one of " or "") .. shape.name
  end
  local limits = manual.limits(shape)
  return limits and kind .. ", " .. limits or kind
end

--- The structure that a value is or is made of, or nil.
local function structure_in(m, ref)
  local shape = m:shape(ref)
  if shape.type == "list" then
    return structure_in(m, shape.element)
  elseif shape.type == "map" then
    return structure_in(m, shape.value)
  end
  return shape.type == "structure" and not shape.document and shape or nil
end

local function member_notes(member)
  local notes = {}
  local function add(note, holds)
    notes[#notes + 1] = holds and note or nil
  end
  add("a stream", member.streaming)
  add("secret", member.sensitive)
  add("made up when left out", member.idempotency)
  add("deprecated", member.deprecated)
  return #notes > 0 and (" (%s)"):format(table.concat(notes, "; ")) or ""
end

--- Rows of a structure's members, and below each those of the structure in it.
local function add_members(rows, m, shape, depth, open)
  open[shape.name] = true
  for _, member in ipairs(ordered(shape)) do
    local text = type_text(m, member)
    local inner = structure_in(m, member)
    local is_shown = inner and depth < DEPTH_MAX and not open[inner.name]
    local name = ("  "):rep(depth - 1) .. member.name .. (member.required and "*" or "")
    rows[#rows + 1] = { name, text .. member_notes(member) }
    if is_shown then
      add_members(rows, m, inner, depth + 1, open)
    end
  end
  open[shape.name] = nil
end

local function members_text(m, title, name)
  local rows = {}
  local shape = name and m:shape(name)
  if not shape or #shape.members == 0 then
    return ("%s: nothing\n"):format(title)
  end
  add_members(rows, m, shape, 1, {})
  return title .. ":\n" .. layout.columns(rows)
end

--- "put_parameter{ Name*, Value*, Tier, ... }", as far as a line goes.
local function signature(m, operation)
  local words = {}
  local shape = operation.input and m:shape(operation.input)
  for i, member in ipairs(shape and ordered(shape) or {}) do
    if i > 8 and not member.required then
      words[#words + 1] = "..."
      break
    end
    words[#words + 1] = member.name .. (member.required and "*" or "")
  end
  local inside = #words > 0 and "{ " .. table.concat(words, ", ") .. " }" or "{}"
  return ("%s.%s%s"):format(module_name(m), m:snake(operation.name), inside)
end

local function errors_text(operation)
  local names = table.move(operation.errors, 1, #operation.errors, 1, {})
  table.sort(names)
  return #names > 0 and layout.wrap("Errors: " .. table.concat(names, ", "), "  ") or ""
end

local function listing_text(m, operation)
  local description = m:paginator(operation.name)
  if not description then
    return ""
  end
  local name = ("%s.%%s.%s{}"):format(module_name(m), m:snake(operation.name))
  local main, more = description.result_key[1], ""
  if #description.result_key > 1 then
    more = ", and also " .. table.concat(description.result_key, ", ", 2)
  end
  return layout.wrap(
    ("Listing: %s gives %s one by one; %s whole pages%s"):format(
      name:format("each"),
      main,
      name:format("pages"),
      more
    ),
    "  "
  )
end

local function waiters_text(m, operation)
  local names = {}
  for _, name in ipairs(m:waiters()) do
    if m:waiter(name).operation == operation.name then
      names[#names + 1] = ("%s.wait.%s"):format(module_name(m), m:snake(name))
    end
  end
  return #names > 0 and layout.wrap("Waiters: " .. table.concat(names, ", "), "  ") or ""
end

--- The address of AWS's page about an operation.
---@param m aws.Model
---@param operation aws.Operation
---@return string
function manual.address(m, operation)
  local uid = m.meta.uid or m.meta.endpoint_prefix .. "-" .. m.meta.api_version
  return PAGES .. uid .. "/" .. operation.name
end

--- The page of an operation.
---@param m aws.Model
---@param operation aws.Operation
---@return string
function manual.operation(m, operation)
  local notes = { operation.reads and "only reads" or "changes something" }
  notes[#notes + 1] = operation.streams and "its reply is a stream" or nil
  notes[#notes + 1] = operation.auth == "none" and "is not signed" or nil
  notes[#notes + 1] = operation.deprecated and "deprecated" or nil
  return table.concat({
    layout.wrap(signature(m, operation), "  "),
    ("\n%s of %s; %s\n\n"):format(
      operation.name,
      m.meta.full_name or m.meta.id,
      table.concat(notes, "; ")
    ),
    members_text(m, "Input (* is required)", operation.input),
    "\n",
    members_text(m, "Output", operation.output),
    "\n",
    errors_text(operation),
    listing_text(m, operation),
    waiters_text(m, operation),
    manual.address(m, operation) .. "\n",
  })
end

--- The page of one member of an operation's input or output.
local function member_page(m, operation, path)
  local ref
  local shape = operation.input and m:shape(operation.input)
  local output = operation.output and m:shape(operation.output)
  if not (shape and shape.by_name[path[1]]) and output and output.by_name[path[1]] then
    shape = output
  end
  for i, word in ipairs(path) do
    if not (shape and shape.by_name[word]) then
      local names = {}
      for _, member in ipairs(shape and shape.members or {}) do
        names[#names + 1] = member.name
      end
      local what = i > 1 and table.concat(path, ".", 1, i - 1) or operation.name
      local message = ('%s has no member "%s"'):format(what, word)
      usage("unknown_member", message, errors.nearest(word, names))
    end
    ref = shape.by_name[word]
    shape = structure_in(m, ref)
  end
  local required = ref.required and ", required" or ""
  local title = ("%s of %s%s"):format(table.concat(path, "."), operation.name, required)
  local said = ("%s: %s%s"):format(title, type_text(m, ref, true), member_notes(ref))
  local inner = shape and "\n" .. members_text(m, shape.name, shape.name)
  return layout.wrap(said, "  ") .. (inner or "")
end

local function waiter_page(m, word)
  local waiter, nearest = m:waiter(word)
  if not waiter then
    usage("unknown_waiter", ('%s has no waiter "%s"'):format(m.meta.id, word), nearest)
  end
  local rows = {}
  for i, acceptor in ipairs(waiter.acceptors) do
    local argument = acceptor.argument and acceptor.argument .. " " or ""
    rows[i] = {
      acceptor.state,
      ("%s %s= %s"):format(acceptor.matcher, argument, tostring(acceptor.expected)),
    }
  end
  return ("%s.wait.%s: calls %s every %g s, at most %d times\n\n%s"):format(
    module_name(m),
    m:snake(waiter.name or word),
    m:snake(waiter.operation),
    waiter.delay,
    waiter.max_attempts,
    layout.columns(rows)
  )
end

local function words_text(words)
  return "  " .. layout.wrap(table.concat(words, ", "), "  ")
end

--- The page of a service: its operations.
---@param m aws.Model
---@return string
function manual.service(m)
  local names = {}
  for i, name in ipairs(m:operations()) do
    names[i] = m:snake(name)
  end
  table.sort(names)
  local waits = {}
  for i, name in ipairs(m:waiters()) do
    waits[i] = m:snake(name)
  end
  return table.concat({
    layout.wrap(
      ("%s, API version %s: %s, or awsbak api %s"):format(
        m.meta.full_name or m.meta.id,
        m.meta.api_version,
        way_to(m),
        m.meta.id
      ),
      "  "
    ),
    ("\n%d operations (`awsbak help %s.OPERATION` says more):\n"):format(#names, module_name(m)),
    words_text(names),
    #waits > 0 and "\nWaiters:\n" .. words_text(waits) or "",
  })
end

--- The services, for people.
---@return string
function manual.services()
  return words_text(model.services())
end

local function split(topic)
  local words = {}
  for word in topic:gmatch("[^%.%s]+") do
    words[#words + 1] = word
  end
  if words[1] == "aws" then
    table.remove(words, 1)
  end
  return words
end

--- The page of a topic: "ssm", "aws.ssm.put_parameter", "ssm.each.describe_parameters", and
--- "ssm.put_parameter.Tags", "ec2.wait.snapshot_completed".
---@param topic string
---@return string
--- Raises kind usage for what there is not, with the nearest right one.
function manual.page(topic)
  local words = split(topic)
  if #words == 0 then
    return "Services:\n" .. manual.services()
  end
  local m = model.load(model.service(words[1]) or words[1])
  if #words == 1 then
    return manual.service(m)
  elseif words[2] == "wait" and words[3] then
    return waiter_page(m, words[3])
  elseif (words[2] == "each" or words[2] == "pages") and words[3] then
    table.remove(words, 2)
  end
  local word = words[2]
  local name, nearest = m:find(word)
  if not name then
    local message = ('%s has no operation "%s"'):format(m.meta.id, word)
    usage("unknown_operation", message, nearest, ("`awsbak help %s` lists them"):format(m.meta.id))
  elseif #words > 2 then
    return member_page(m, m:operation(name), { table.unpack(words, 3) })
  end
  return manual.operation(m, m:operation(name))
end

return manual
