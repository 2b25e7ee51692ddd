--- Input of an operation as people type it: words of a command line, and JSON from a file.
---
---     Key=value    of the member's type; again for more elements of a list of plain values
---     Key=@FILE    what is in the file, as it is
---     Key:=JSON    JSON; bytes in it are base64, as in the JSON that awsbak writes

local config = require("aws.config")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local outside = require("awsbak.outside")
local plain = require("aws.plain")
local scalar = require("aws.protocol.scalar")

local input = {}

local SAMPLE_MAX = 200 -- characters of a sample that a message shows
local STDIN_MAX = 64 * 1024 * 1024

local function usage(message, hint)
  errors.raise({ kind = "usage", code = "bad_input", message = message, hint = hint })
end

local function number(text)
  return scalar.NON_FINITE[text] or tonumber(text)
end

local SCALARS = {
  boolean = function(text)
    return ({ ["true"] = true, ["false"] = false })[text]
  end,
  double = number,
  integer = math.tointeger,
  timestamp = function(text)
    return tonumber(text) or text
  end,
}
SCALARS.float, SCALARS.long = SCALARS.double, SCALARS.integer

--- What a member is that cannot be written as Key=value, or nil: "a list of structures".
local function nested(m, shape)
  if shape.type ~= "list" then
    return not shape.document and (shape.type == "structure" or shape.type == "map") and "a "
        .. shape.type
      or nil
  end
  local element = m:shape(shape.element)
  local is_plain = element.type ~= "list" and nested(m, element) == nil
  return not is_plain and ("a list of %ss"):format(element.type) or nil
end

local function refuse_nested(m, member, key, what)
  local sample = errors.check(json.encode(plain.skeleton(m, member)))
  if #sample > SAMPLE_MAX then
    sample = sample:sub(1, 1) == "[" and "[...]" or "{...}"
  end
  usage(("%s is %s"):format(key, what), ("write it as JSON: %s:='%s'"):format(key, sample))
end

--- The text after "Key=" as a value of the member's type; what does not fit stays text, and the
--- client says what is wrong with it.
local function from_text(shape, text)
  local convert = SCALARS[shape.type]
  local value = convert and convert(text)
  if value == nil then
    return text
  end
  return value
end

--- `what` says where the text comes from, for the message.
local function from_json(what, text)
  local value, err = json.decode(text)
  if value == nil then
    usage(("%s is not JSON: %s"):format(what, err.message))
  end
  return value
end

--- JSON for a shape or member with its bytes as they are, which in JSON are base64 unless
--- cli_binary_format says otherwise (AWS CLI user guide, "Blob").
local function with_bytes(m, shape, value)
  local is_raw = config.load():get("cli_binary_format") == "raw-in-base64-out"
  return plain.input(m, shape, value, is_raw)
end

local function content(key, text)
  if text == "@" then
    usage(("%s=@ is followed by no name of a file"):format(key))
  elseif text:sub(1, 1) == "@" then
    return errors.check(outside.read_file(text:sub(2)))
  end
  return text
end

--- Put one word into the input. "Key=a Key=b" makes a list where the member is one.
local function add(into, m, members, word)
  local key, sign, text = word:match("^([%w_]+)(:?=)(.*)$")
  if not key then
    usage(('"%s" is not input'):format(word), "write Key=value, Key:=JSON or Key=@FILE")
  end
  text = content(key, text)
  local member = members[key]
  local shape = member and m:shape(member)
  local is_list = shape and shape.type == "list"
  local is_more = is_list and sign == "=" and type(into[key]) == "table"
  if into[key] ~= nil and not is_more then
    usage(("%s is given twice"):format(key), "only a list takes more than one value")
  elseif sign == ":=" then
    local value = from_json("what follows " .. key .. ":=", text)
    into[key] = member and with_bytes(m, member, value) or value
    return
  end
  local what = shape and nested(m, shape)
  if what then
    refuse_nested(m, member, key, what)
  elseif is_list then
    into[key] = into[key] or json.array({})
    table.insert(into[key], from_text(m:shape(shape.element), text))
  else
    into[key] = shape and from_text(shape, text) or text
  end
end

--- The text of --cli-input-json, and what it is from.
local function text_of(source)
  if source:find("^%s*[{%[]") then
    return source, "--cli-input-json"
  elseif source == "-" then
    local text = io.stdin:read(STDIN_MAX + 1) or ""
    if #text > STDIN_MAX then
      usage(("standard input has more than %d MiB"):format(STDIN_MAX >> 20))
    end
    return text, "standard input (--cli-input-json)"
  end
  local path = source:gsub("^file://", "")
  return errors.check(outside.read_file(path)), path .. " (--cli-input-json)"
end

--- The members in a text of JSON: the AWS CLI's form.
local function from_source(m, operation, source)
  local text, what = text_of(source)
  local value = from_json(what, text)
  if type(value) ~= "table" or getmetatable(value) == json.array_mt or #value > 0 then
    usage(what .. " is no object of members")
  end
  return operation.input and with_bytes(m, operation.input, value) or value
end

--- The input that words and a text of JSON make; words win.
---@param m aws.Model
---@param operation aws.Operation
---@param words string[] as above
---@param source string? a file of JSON, "-" for standard input, or the JSON itself
---@return table
--- Raises kind usage for what is not of these forms, kind io for files; whether it fits the
--- operation is the client's to say.
function input.read(m, operation, words, source)
  local members = operation.input and m:shape(operation.input).by_name or {}
  local found = {}
  for _, word in ipairs(words) do
    add(found, m, members, word)
  end
  for name, value in pairs(source and from_source(m, operation, source) or {}) do
    if found[name] == nil then
      found[name] = value
    end
  end
  return found
end

return input
