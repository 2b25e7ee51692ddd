--- What a service said in an error, as it may be shown: not longer than anybody reads, and without
--- the secrets of the request, which services repeat ("The Canonical String for this request should
--- have been ... x-amz-security-token:...").

local codec = require("awsbak.core.codec")
local secret = require("awsbak.core.secret")

local quoted = {}

-- Bytes of a message. Its end may say most: DynamoDB repeats a value, then what is wrong with it.
local HEAD, TAIL = 1400, 600
local SECRET_MIN = 8 -- bytes: what is shorter is in many a word
local MARK = "<secret>"

--- The secrets among keys, as they are and as they stand in a URL.
local function secrets_of(keys)
  local found = {}
  for _, name in ipairs({ "secret_access_key", "session_token" }) do
    local value = keys[name]
    local text = secret.is(value) and value:reveal() or value
    if type(text) == "string" and #text >= SECRET_MIN then
      found[#found + 1] = text
      found[#found + 1] = codec.uri(text)
    end
  end
  return found
end

local function without(text, hidden)
  return (text:gsub(hidden:gsub("%p", "%%%0"), MARK))
end

--- Where the character begins that has the byte at `at`.
local function character(text, at)
  while at > 1 and text:byte(at) & 0xc0 == 0x80 do
    at = at - 1
  end
  return at
end

--- A text without its middle, cut between characters.
local function cut(text)
  if #text <= HEAD + TAIL then
    return text
  end
  local first, last = character(text, HEAD + 1), character(text, #text - TAIL)
  return ("%s... (%d bytes) ...%s"):format(text:sub(1, first - 1), last - first, text:sub(last))
end

local function clean(value, secrets, shorten)
  if type(value) == "string" then
    for _, hidden in ipairs(secrets) do
      value = without(value, hidden)
    end
    return shorten and cut(value) or value
  elseif type(value) == "table" then
    for key, part in pairs(value) do
      value[key] = clean(part, secrets, shorten)
    end
  end
  return value
end

--- Take secrets out of what an error says, and the middle out of a long message.
---@param err awsbak.Error its `message` and the texts in `fields` are replaced
---@param keys aws.Keys? what the request was signed with; also a bearer token as `session_token`
function quoted.fault(err, keys)
  local secrets = secrets_of(keys or {})
  err.message = clean(err.message, secrets, true)
  clean(err.fields, secrets, false)
end

return quoted
