--- Check a call's input against the model before anything is sent.
---
--- Checked is what botocore checks (botocore/validate.py): unknown members, types, missing required
--- members, lower bounds (`min`) of numbers, strings and lists, and unions with other than one
--- member. Enums, patterns and upper bounds change at AWS's side without a new model, so those are
--- left to the service (and see aws.enums), but for values that only misspell a known one
--- (docs/decisions/enums.md). On top of that strings must be UTF-8, which every protocol demands.

local body = require("aws.body")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local sorted = require("awsbak.sorted")
local timestamp = require("aws.protocol.timestamp")

local validate = {}

local NUMBER_MAX = 24 -- characters of text that may be meant as a number

local DEPTH_MAX = 200 -- steps into an input, which is also what JSON may nest

local PROBLEMS_MAX = 8 -- a message of more is not read

local SLIP_MIN = 6 -- letters of a value in which one may be a slip: "ADD" and "AND" are two words

-- Members of S3 whose model says text while they take the bytes of a key: base64 is made of them
-- later (aws.s3.forms), and what is given with its MD5 is checked as any header is when it is sent.
local KEYS = { SSECustomerKey = true, CopySourceSSECustomerKey = true }

-- Headers of S3 that are percent-encoded later (aws.s3.forms): a key may have line breaks.
local ENCODED = { CopySource = true }

---@class aws.validate.Check one check under way
---@field model table where shapes are looked up
---@field trail (string|integer)[] where in the input we are
---@field depth integer how much of the trail is used
---@field is_endless boolean? whether the input was left for its depth
---@field problems string[]? what was found, in order

--- The path of the value under check as people write it: `Filters[1].Key`.
local function where(check)
  local parts = {}
  for i = 1, check.depth do
    local step = check.trail[i]
    if math.type(step) == "integer" then
      parts[#parts + 1] = "[" .. step .. "]"
    elseif step:match("^[%a_][%w_]*$") then
      parts[#parts + 1] = (i > 1 and "." or "") .. step
    else
      parts[#parts + 1] = ('["%s"]'):format(step)
    end
  end
  return table.concat(parts)
end

---@param check aws.validate.Check
---@param text string the sentence without its subject
---@param ... any values for `text`
local function report(check, text, ...)
  check.problems = check.problems or {}
  local place = where(check)
  local problem = (place == "" and "the input" or place) .. " " .. text:format(...)
  table.insert(check.problems, problem)
end

local function describe(value)
  if value == json.null then
    return "null"
  elseif math.type(value) == "float" then
    return ("the number %.14g"):format(value)
  end
  local name = type(value)
  if name == "number" then
    return "the integer " .. value
  end
  return (name == "table" and "a table") or (name == "nil" and "nothing") or "a " .. name
end

local function wrong_type(check, wanted, value)
  report(check, "must be %s, not %s", wanted, describe(value))
end

--- For numbers, text is shown as it was given; elsewhere it may be a secret in the wrong place.
local function not_number(check, wanted, value)
  if type(value) ~= "string" or #value > NUMBER_MAX then
    return wrong_type(check, wanted, value)
  end
  report(check, 'must be %s, not the text "%s"', wanted, value)
end

local function at_least(check, shape, number, what)
  if shape.min and number < shape.min then
    report(check, "%s at least %s", what, shape.min)
  end
end

local checkers = {}

--- Check `value` against the shape that `ref` points to, one step deeper in the trail; nothing more
--- once a table was found to have no end.
local function descend(check, step, ref, value)
  if check.is_endless then
    return
  elseif check.depth == DEPTH_MAX then
    check.is_endless, check.depth = true, 1
    report(check, "is nested more than %d deep, or contains itself", DEPTH_MAX)
    check.depth = DEPTH_MAX
    return
  end
  local shape = ref.target or check.model:resolve(ref)
  check.depth = check.depth + 1
  check.trail[check.depth] = step
  checkers[shape.type](check, shape, value)
  check.depth = check.depth - 1
end

local function member_names(shape)
  local names = {}
  for _, member in ipairs(shape.members) do
    names[#names + 1] = member.name
  end
  return names
end

local function unknown_member(check, shape, name)
  local nearest = errors.nearest(tostring(name), member_names(shape))
  report(
    check,
    'has no member "%s"%s',
    tostring(name),
    nearest and (' (did you mean "%s"?)'):format(nearest) or ""
  )
end

local function check_union(check, value)
  local first = next(value)
  if first == nil or next(value, first) ~= nil then
    report(check, "must have exactly one member")
  end
end

--- A document is any value that JSON can hold, and only writing it tells.
local function check_document(check, value)
  local ok, text, err = pcall(json.encode, value)
  if not ok or not text then
    report(check, "must be a value of JSON (%s)", ok and err.message or text)
  end
end

--- Report what is wrong with a value some steps further down.
local function report_below(check, steps, text)
  table.move(steps, 1, #steps, check.depth + 1, check.trail)
  check.depth = check.depth + #steps
  report(check, text)
  check.depth = check.depth - #steps
end

local function check_header_value(check, steps, value)
  if type(value) == "string" and value:find("[\r\n\0]") then
    report_below(check, steps, "has a line break or a NUL, which no header can have")
  end
end

--- What a map's entries are called as headers must be a token (RFC 9110, 5.6.2).
local function check_headers(check, member, map)
  for _, key in ipairs(sorted.keys(type(map) == "table" and map or {})) do
    local name = type(key) == "string" and (member.location_name or "") .. key
    if name and not name:find("^[%w!#$%%&'*+%-.^_`|~]+$") then
      report_below(check, { member.name, key }, "has a name that no header can have")
    elseif name then
      check_header_value(check, { member.name, key }, map[key])
    end
  end
end

--- Whether a value is a region of a file where the model says that the body is streamed.
local function is_streamed_region(check, shape, member, value)
  return body.is_region(value)
    and shape.payload == member.name
    and check.model:resolve(member).type == "blob"
    and member.streaming
end

local function check_member(check, shape, member, value)
  if member.json_value or is_streamed_region(check, shape, member, value) then
    return -- the one takes any value JSON can hold, the other is read when it is sent
  elseif KEYS[member.shape] and type(value) == "string" then
    return
  end
  descend(check, member.name, member, value)
  if member.location == "headers" then
    check_headers(check, member, value)
  elseif
    member.location == "header"
    and not ENCODED[member.shape]
    and check.model:resolve(member).type ~= "blob"
  then
    check_header_value(check, { member.name }, value)
  end
end

local function check_named(check, shape, member, value)
  if value ~= nil then
    check_member(check, shape, member, value)
  elseif member.required then
    report(check, "lacks %s, which is required", member.name)
  end
end

function checkers.structure(check, shape, value)
  if shape.document then
    return check_document(check, value)
  end
  if type(value) ~= "table" then
    return wrong_type(check, "a table of members", value)
  end
  local by_name = shape.by_name
  for name in pairs(value) do
    if not by_name[name] then
      for _, key in ipairs(sorted.keys(value)) do
        if not by_name[key] then
          unknown_member(check, shape, key)
        end
      end
      break
    end
  end
  for _, member in ipairs(shape.members) do
    check_named(check, shape, member, value[member.name])
  end
  if shape.union then
    check_union(check, value)
  end
end

--- How many elements, or nil when the table is no list.
local function length(value)
  local count = #value
  local seen = 0
  for key in pairs(value) do
    if math.type(key) ~= "integer" then
      return nil
    end
    seen = seen + 1
  end
  return seen == count and count or nil
end

function checkers.list(check, shape, value)
  local count = type(value) == "table" and length(value)
  if not count then
    return wrong_type(check, "a list", value)
  end
  at_least(check, shape, count, "must have a length of")
  local element = shape.element
  for i = 1, count do
    descend(check, i, element, value[i])
  end
end

function checkers.map(check, shape, value)
  if type(value) ~= "table" then
    return wrong_type(check, "a table of keys and values", value)
  end
  local element = shape.value
  for _, key in ipairs(sorted.keys(value)) do
    if type(key) ~= "string" then
      report(check, "must have strings as keys, not %s", describe(key))
    else
      descend(check, key, element, value[key])
    end
  end
end

--- Whether `value` is `known`, misspelt: in case or separators, or by one letter. A digit is none:
--- AWS adds "TLSv1.3" to "TLSv1.2".
local function is_slip(value, known, distance)
  local is_near = distance == 0 or distance == 1 and #value >= SLIP_MIN
  local digits, known_digits = value:gsub("%D", ""), known:gsub("%D", "")
  return is_near and digits == known_digits
end

local function check_enum(check, enum, value)
  for _, known in ipairs(enum) do
    if value == known then
      return
    end
  end
  local nearest, distance = errors.nearest(value, enum)
  if nearest and is_slip(value, nearest, distance) then
    report(check, 'must be "%s", not "%s"', nearest, value)
  end
end

function checkers.string(check, shape, value)
  if type(value) ~= "string" then
    return wrong_type(check, "a string", value)
  end
  local length_chars, bad = utf8.len(value)
  if not length_chars then
    return report(check, "is not UTF-8 text (byte %d)", bad)
  end
  at_least(check, shape, length_chars, "must have a length of")
  if shape.enum then
    check_enum(check, shape.enum, value)
  end
end

checkers.character = checkers.string

function checkers.blob(check, _, value)
  if type(value) ~= "string" then
    wrong_type(check, "a string of bytes", value)
  end
end

function checkers.boolean(check, _, value)
  if type(value) ~= "boolean" then
    wrong_type(check, "true or false", value)
  end
end

function checkers.integer(check, shape, value)
  if math.type(value) ~= "integer" then
    return not_number(check, "an integer", value)
  end
  at_least(check, shape, value, "must be")
end

checkers.long = checkers.integer

function checkers.double(check, shape, value)
  if type(value) ~= "number" then
    return not_number(check, "a number", value)
  end
  at_least(check, shape, value, "must be")
end

checkers.float = checkers.double

function checkers.timestamp(check, _, value)
  if timestamp.parse(value) then
    return
  elseif type(value) == "string" then
    report(check, 'must be a time (epoch seconds, or text as in RFC 3339), not "%s"', value)
  else
    wrong_type(check, "a time (epoch seconds, or text as in RFC 3339)", value)
  end
end

--- Raise what was found wrong, if anything.
local function conclude(check, subject)
  local problems = check.problems
  if not problems then
    return
  end
  local shown = table.concat(problems, "; ", 1, math.min(#problems, PROBLEMS_MAX))
  if #problems > PROBLEMS_MAX then
    shown = ("%s; and %d more"):format(shown, #problems - PROBLEMS_MAX)
  end
  errors.raise({
    kind = "usage",
    code = "invalid_input",
    message = shown,
    service = subject.service,
    operation = subject.operation,
    fields = { problems = problems },
  })
end

--- Raise unless `input` fits the input shape of `operation`; every problem is named, with its
--- place.
---@param model table
---@param operation table as model:operation() gives it
---@param input table
---@param subject aws.Subject who calls, for the message
--- Raises kind usage, code invalid_input; `fields.problems` lists the problems.
function validate.input(model, operation, input, subject)
  local check = { model = model, trail = {}, depth = 0 }
  if operation.input then
    checkers.structure(check, model:shape(operation.input), input)
  elseif type(input) ~= "table" or next(input) ~= nil then
    report(check, "must be empty, this operation has none")
  end
  conclude(check, subject)
end

--- Whether a member's value is right at the first look, which most are.
local function is_plain(model, member, value)
  local shape = model:resolve(member)
  if value == nil then
    return not member.required
  elseif type(value) ~= "string" then
    return false
  elseif shape.type == "blob" then
    return true
  end
  local length_chars = shape.type == "string" and not shape.enum and utf8.len(value)
  return length_chars
    and length_chars >= (shape.min or 0)
    and not value:find("[\r\n\0]")
end

--- As validate.input, of some members alone.
---@param model table
---@param prepared aws.Prepared
---@param input table
---@param members aws.Ref[]
function validate.members(model, prepared, input, members)
  local check
  for _, member in ipairs(members) do
    local value = input[member.name]
    if not is_plain(model, member, value) then
      check = check or { model = model, trail = {}, depth = 0 }
      check_named(check, model:shape(prepared.operation.input), member, value)
    end
  end
  if check then
    conclude(check, prepared.subject)
  end
end

return validate
