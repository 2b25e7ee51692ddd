--- A listing as one reply, or as much of it as is wanted, with a token for the rest.
---
--- As botocore makes it (botocore/paginate.py, PageIterator.__iter__ and build_full_result): what
--- is listed of all pages, added up where it is numbers or text; what is the same on each page
--- (`non_aggregate_keys`), of the first. A token holds the service's own tokens and how many items
--- of that page were given before; the AWS CLI and awsbak read each other's.

local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local jmespath = require("awsbak.jmespath")
local json = require("awsbak.core.json")

local full_result = {}

local SKIP = "boto_truncate_amount" -- botocore's name for how many items were given before
local BYTES = "boto_encoded_keys" -- and for the places of values that are base64

---@class aws.Listing what is wanted of one
---@field max_items integer? this many items at most
---@field page_size integer? items that the service gives at once
---@field starting_token string? where an earlier result ended

local function usage(message, hint)
  errors.raise({ kind = "usage", code = "bad_input", message = message, hint = hint })
end

--- Replace what is no text in nested values by base64; `places` gets where.
local function encode(value, path, places)
  if type(value) == "string" and not utf8.len(value) then
    places[#places + 1] = json.array(path)
    return codec.base64(value)
  elseif type(value) ~= "table" then
    return value
  end
  local is_list = #value > 0
  local copy = is_list and json.array({}) or {}
  for key, part in pairs(value) do
    local step = is_list and key - 1 or key
    copy[key] = encode(part, table.move({ step }, 1, 1, #path + 1, { table.unpack(path) }), places)
  end
  return copy
end

local function encode_token(tokens)
  local places = json.array({})
  local whole = encode(tokens, {}, places)
  whole[BYTES] = #places > 0 and places or nil
  return codec.base64((errors.check(json.encode(whole))))
end

local function decode_place(value, place, at)
  if type(value) ~= "table" then
    return
  end
  local step = math.type(place[at]) == "integer" and place[at] + 1 or place[at]
  if at < #place then
    decode_place(value[step], place, at + 1)
  elseif type(value[step]) == "string" then
    value[step] = codec.unbase64(value[step]) or value[step]
  end
end

local function is_token(tokens, description)
  local known = { [SKIP] = true }
  for _, name in ipairs(description.input_token) do
    known[name] = true
  end
  for key in pairs(tokens) do
    if not known[key] then
      return false
    end
  end
  return true
end

local function refuse_token()
  usage("the starting token is none that a listing of this operation gave")
end

--- The service's tokens in one of ours: { member = token }, and how many items to leave out. A
--- service's own token is taken, too, where it is a single one.
local function decode_token(text, description)
  local decoded = codec.unbase64(text)
  local tokens = decoded and json.decode(decoded)
  if type(tokens) == "table" then
    for _, place in ipairs(type(tokens[BYTES]) == "table" and tokens[BYTES] or {}) do
      decode_place(tokens, place, 1)
    end
    tokens[BYTES] = nil
    if is_token(tokens, description) then
      local skip = tokens[SKIP] or 0
      if math.type(skip) ~= "integer" or skip < 0 then
        refuse_token()
      end
      tokens[SKIP] = nil
      return tokens, skip
    end
  end
  if #description.input_token > 1 or type(tokens) == "table" and tokens[SKIP] ~= nil then
    refuse_token()
  end
  return { [description.input_token[1]] = text }, 0
end

--- The input of the first request.
---@param m aws.Model
---@param operation aws.Operation
---@param description aws.Paginator
---@param input table not changed
---@param wanted aws.Listing
---@return table input
---@return integer skip how many items of the first page were given before
--- Raises kind usage for a token that is none, and for a page size where the service has none.
function full_result.input(m, operation, description, input, wanted)
  local filled, skip = {}, 0
  for name, value in pairs(input) do
    filled[name] = value
  end
  if wanted.starting_token then
    local tokens
    tokens, skip = decode_token(wanted.starting_token, description)
    for name, token in pairs(tokens) do
      filled[name] = token ~= json.null and token or nil
    end
  end
  if wanted.page_size then
    local key = description.limit_key
    if not key then
      usage(("pages of %s have no size to be chosen"):format(operation.name))
    end
    local shape = m:shape(m:shape(operation.input).by_name[key])
    filled[key] = shape.type == "string" and tostring(wanted.page_size) or wanted.page_size
  end
  return filled, skip
end

--- Put `value` at a path of members: "Distributions.Items".
local function put(record, path, value)
  local outer, rest = path:match("^([^.]+)%.(.+)$")
  if outer then
    record[outer] = record[outer] or {}
    put(record[outer], rest, value)
  else
    record[path] = value
  end
end

local function get(record, path)
  return jmespath.compile(path)(record)
end

--- Add what one page lists to the result.
local function add(result, path, found)
  local before = get(result, path)
  if found == nil then
    return
  elseif before == nil then
    put(result, path, type(found) == "table" and table.move(found, 1, #found, 1, json.array({}))
      or found)
  elseif type(found) == "table" then
    table.move(found, 1, #found, #before + 1, before)
  elseif type(found) == "number" then
    put(result, path, before + found)
  elseif type(found) == "string" then
    put(result, path, before .. found)
  end
end

--- Lists of the first page from item `skip` + 1 on; other lists were given whole the last time.
local function leave_out(page, keys, skip)
  for i, key in ipairs(keys) do
    local found = get(page, key)
    if i == 1 then
      put(page, key, type(found) == "table" and table.move(found, skip + 1, #found, 1, {}) or nil)
    elseif type(found) == "table" then
      put(page, key, json.array({}))
    elseif type(found) == "string" then
      put(page, key, "")
    end
  end
end

--- The first `count` items of a list.
local function first(list, count)
  return table.move(list, 1, count, 1, json.array({}))
end

--- All pages as one reply.
---@param pages fun(): table?, table? pages, each with the tokens of the one after it
---@param description aws.Paginator
---@param wanted aws.Listing
---@param input table of the first request, whose tokens are those of the first page
---@param skip integer
---@return table
function full_result.read(pages, description, wanted, input, skip)
  local keys, result, total = description.result_key, {}, 0
  local most = wanted.max_items or math.huge
  local tokens, is_first = {}, true
  for _, name in ipairs(description.input_token) do
    tokens[name] = input[name] ~= nil and input[name] or json.null
  end
  for page, after in pages do
    if is_first and wanted.starting_token then
      leave_out(page, keys, skip)
    end
    for _, key in ipairs(is_first and description.non_aggregate_keys or {}) do
      local found = get(page, key)
      if found ~= nil then
        put(result, key, found)
      end
    end
    local items = get(page, keys[1])
    local count = type(items) == "table" and #items or 0
    local is_cut = total + count > most
    if is_cut then
      put(page, keys[1], first(items, most - total))
      tokens[SKIP] = most - total + (is_first and skip or 0)
    end
    for _, key in ipairs(keys) do
      add(result, key, get(page, key))
    end
    total, is_first = total + count, false
    if is_cut or (after and total == most) then
      result.NextToken = encode_token(is_cut and tokens or after)
      break
    end
    tokens = after
  end
  return result
end

return full_result
