--- JMESPath in tokens.
---
--- Grammar: https://jmespath.org/specification.html. Where it leaves something open, the `jmespath`
--- package of Python 1.1.0 is followed, which is what AWS's own tools use.

local json = require("awsbak.core.json")

local lexer = {}

---@class awsbak.jmespath.Token
---@field type string
---@field value any
---@field at integer byte it begins at, from 1

local SIMPLE = {
  ["."] = "dot",
  ["*"] = "star",
  ["]"] = "rbracket",
  [","] = "comma",
  [":"] = "colon",
  ["@"] = "current",
  ["("] = "lparen",
  [")"] = "rparen",
  ["{"] = "lbrace",
  ["}"] = "rbrace",
}

-- The longer of two that begin alike comes first.
local OPERATORS = {
  { "[]", "flatten" },
  { "[?", "filter" },
  { "[", "lbracket" },
  { "||", "or" },
  { "|", "pipe" },
  { "&&", "and" },
  { "&", "expref" },
  { "<=", "lte" },
  { "<", "lt" },
  { ">=", "gte" },
  { ">", "gt" },
  { "!=", "ne" },
  { "!", "not" },
  { "==", "eq" },
}

--- What stands between two delimiters, of which one may be escaped by a backslash inside.
---@return string? text
---@return integer after or where the text begins that has no end
local function delimited(source, at)
  local delimiter, position = source:sub(at, at), at + 1
  while position <= #source do
    local char = source:sub(position, position)
    if char == delimiter then
      return source:sub(at + 1, position - 1), position + 1
    end
    position = position + (char == "\\" and 2 or 1)
  end
  return nil, at
end

local quoted = {}

quoted["'"] = function(text)
  return "literal", (text:gsub("\\'", "'"))
end

quoted['"'] = function(text)
  return "quoted_identifier", json.decode('"' .. text .. '"')
end

-- What is no JSON is taken as text: `foo`, an older form that is still about.
quoted["`"] = function(text)
  text = text:gsub("\\`", "`")
  local value = json.decode(text)
  if value == nil then
    value = json.decode('"' .. text:match("^%s*(.*)$") .. '"')
  end
  return "literal", value
end

--- The token that begins at `at`, and where the next one may begin; or nil, and why.
local function token_at(source, at)
  local char = source:sub(at, at)
  if SIMPLE[char] then
    return { type = SIMPLE[char], value = char, at = at }, at + 1
  elseif quoted[char] then
    local text, after = delimited(source, at)
    if not text then
      return nil, ("%s has no end"):format(char)
    end
    local kind, value = quoted[char](text)
    if value == nil then
      return nil, "it is no JSON"
    end
    return { type = kind, value = value, at = at }, after
  end
  local name = source:match("^[%a_][%w_]*", at)
  if name then
    return { type = "unquoted_identifier", value = name, at = at }, at + #name
  end
  local number = source:match("^%-?%d+", at)
  if number then
    return { type = "number", value = math.tointeger(tonumber(number)), at = at }, at + #number
  end
  for _, operator in ipairs(OPERATORS) do
    if source:sub(at, at + #operator[1] - 1) == operator[1] then
      return { type = operator[2], value = operator[1], at = at }, at + #operator[1]
    end
  end
  return nil, "this begins nothing"
end

--- The tokens of an expression; the last one is of type "eof".
---@param source string
---@return awsbak.jmespath.Token[]? tokens
---@return integer? at where what is not understood begins, when there are none
---@return string? why
function lexer.tokens(source)
  local tokens, at = {}, 1
  while true do
    at = source:find("[^ \t\r\n]", at)
    if not at then
      tokens[#tokens + 1] = { type = "eof", value = "", at = #source + 1 }
      return tokens
    end
    local token, after = token_at(source, at)
    if not token then
      return nil, at, after
    end
    tokens[#tokens + 1] = token
    at = after
  end
end

return lexer
