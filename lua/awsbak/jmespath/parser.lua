--- JMESPath as a tree, by operator precedence.
---
--- A node is { kind, ... }; the kinds are those that awsbak.jmespath evaluates. A projection
--- ([*], *, [], [?...], a slice) takes all that follows it, up to a pipe or the like, for each of
--- its elements.

local lexer = require("awsbak.jmespath.lexer")

local parser = {}

local DEPTH_MAX = 100 -- of expressions in expressions
local STOPS_PROJECTION = 10

local POWER = {
  pipe = 1,
  ["or"] = 2,
  ["and"] = 3,
  eq = 5,
  gt = 5,
  lt = 5,
  gte = 5,
  lte = 5,
  ne = 5,
  flatten = 9,
  star = 20,
  filter = 21,
  dot = 40,
  ["not"] = 45,
  lbrace = 50,
  lbracket = 55,
  lparen = 60,
}

local IDENTITY = { "current" }

local Parser = {}
Parser.__index = Parser

local function fail(token, why)
  error({ at = token.at, why = why }, 0)
end

function Parser:peek(ahead)
  return self.tokens[self.next + (ahead or 0)] or self.tokens[#self.tokens]
end

function Parser:is(kind, ahead)
  return self:peek(ahead).type == kind
end

function Parser:take()
  local token = self:peek()
  self.next = self.next + 1
  return token
end

local function shown(token)
  return token.type == "eof" and "the end" or ('"%s"'):format(tostring(token.value))
end

function Parser:expect(kind, what)
  if not self:is(kind) then
    fail(self:peek(), ("%s was expected here, not %s"):format(what, shown(self:peek())))
  end
  return self:take()
end

local prefix, infix = {}, {}

--- An expression whose operators bind tighter than `power`.
function Parser:expression(power)
  self.depth = self.depth + 1
  local token = self:take()
  if self.depth > DEPTH_MAX then
    fail(token, "it is nested too deeply")
  end
  local parse = prefix[token.type]
  if not parse then
    fail(token, ("%s cannot stand here"):format(shown(token)))
  end
  local left = parse(self, token)
  while power < (POWER[self:peek().type] or 0) do
    local operator = self:take()
    local continue = infix[operator.type]
    if not continue then
      fail(operator, ("%s cannot stand here"):format(shown(operator)))
    end
    left = continue(self, left, operator)
  end
  self.depth = self.depth - 1
  return left
end

--- What comes after a dot.
function Parser:after_dot(power)
  if self:is("lbracket") then
    self:take()
    return self:list()
  elseif self:is("lbrace") then
    self:take()
    return self:hash()
  elseif
    self:is("star")
    or self:is("quoted_identifier")
    or self:is("unquoted_identifier")
  then
    return self:expression(power)
  end
  return fail(self:peek(), ("a name was expected here, not %s"):format(shown(self:peek())))
end

--- What is done with each element of a projection.
function Parser:projected(power)
  if (POWER[self:peek().type] or 0) < STOPS_PROJECTION then
    return IDENTITY
  elseif self:is("lbracket") or self:is("filter") then
    return self:expression(power)
  elseif self:is("dot") then
    self:take()
    return self:after_dot(power)
  end
  return fail(self:peek(), ("%s cannot stand here"):format(shown(self:peek())))
end

--- [a, b]: the bracket is taken already.
function Parser:list()
  local items = {}
  repeat
    items[#items + 1] = self:expression(0)
    local more = not self:is("rbracket")
    if more then
      self:expect("comma", "a comma or ]")
    end
  until not more
  self:take()
  return { "list", items }
end

--- {a: b}: the brace is taken already.
function Parser:hash()
  local pairs_of = {}
  repeat
    local key = self:take()
    if key.type ~= "quoted_identifier" and key.type ~= "unquoted_identifier" then
      fail(key, ("a name was expected here, not %s"):format(shown(key)))
    end
    self:expect("colon", "a colon")
    pairs_of[#pairs_of + 1] = { key.value, self:expression(0) }
    local more = self:is("comma")
    if more then
      self:take()
    end
  until not more
  self:expect("rbrace", "a comma or }")
  return { "hash", pairs_of }
end

--- [1], [1:2:3]: the bracket is taken already.
function Parser:index()
  if not self:is("colon") and not self:is("colon", 1) then
    local index = self:take().value
    self:expect("rbracket", "]")
    return { "index", index }
  end
  local parts, at = {}, 1
  while not self:is("rbracket") do
    local token = self:take()
    if token.type == "colon" and at < 3 then
      at = at + 1
    elseif token.type == "number" and parts[at] == nil then
      parts[at] = token.value
    else
      fail(token, ("%s cannot stand in a slice"):format(shown(token)))
    end
  end
  local bracket = self:take()
  if parts[3] == 0 then
    fail(bracket, "the step of a slice cannot be 0")
  end
  return { "slice", parts[1], parts[2], parts[3] }
end

function Parser:index_of(left)
  local index = self:index()
  local whole = { "pipe", left, index }
  if index[1] == "slice" then
    return { "projection", whole, self:projected(POWER.star) }
  end
  return whole
end

function prefix.literal(_, token)
  return { "literal", token.value }
end

function prefix.unquoted_identifier(_, token)
  return { "field", token.value }
end

function prefix.quoted_identifier(self, token)
  if self:is("lparen") then
    fail(token, "the name of a function is not quoted")
  end
  return { "field", token.value }
end

function prefix.current()
  return IDENTITY
end

function prefix.star(self)
  local each = self:is("rbracket") and IDENTITY or self:projected(POWER.star)
  return { "values", IDENTITY, each }
end

function prefix.filter(self)
  return infix.filter(self, IDENTITY)
end

function prefix.flatten(self)
  return infix.flatten(self, IDENTITY)
end

function prefix.lbrace(self)
  return self:hash()
end

function prefix.lparen(self)
  local inner = self:expression(0)
  self:expect("rparen", ")")
  return inner
end

prefix["not"] = function(self)
  return { "not", self:expression(POWER["not"]) }
end

function prefix.expref(self)
  return { "expref", self:expression(0) }
end

function prefix.lbracket(self)
  if self:is("number") or self:is("colon") then
    return self:index_of(IDENTITY)
  elseif self:is("star") and self:is("rbracket", 1) then
    self:take()
    self:take()
    return { "projection", IDENTITY, self:projected(POWER.star) }
  end
  return self:list()
end

function infix.dot(self, left)
  if self:is("star") then
    self:take()
    return { "values", left, self:projected(POWER.dot) }
  end
  return { "pipe", left, self:after_dot(POWER.dot) }
end

function infix.lbracket(self, left)
  if self:is("number") or self:is("colon") then
    return self:index_of(left)
  end
  self:expect("star", "a number, a colon or *")
  self:expect("rbracket", "]")
  return { "projection", left, self:projected(POWER.star) }
end

function infix.filter(self, left)
  local condition = self:expression(0)
  self:expect("rbracket", "]")
  local each = self:is("flatten") and IDENTITY or self:projected(POWER.filter)
  return { "filter", left, each, condition }
end

function infix.flatten(self, left)
  return { "projection", { "flatten", left }, self:projected(POWER.flatten) }
end

function infix.lparen(self, left, bracket)
  if left[1] ~= "field" then
    fail(bracket, "only a function can be called")
  end
  local arguments = {}
  while not self:is("rparen") do
    arguments[#arguments + 1] = self:expression(0)
    if not self:is("rparen") then
      self:expect("comma", "a comma or )")
    end
  end
  self:take()
  return { "call", left[2], arguments, bracket.at }
end

for kind in pairs({ pipe = true, ["or"] = true, ["and"] = true }) do
  infix[kind] = function(self, left)
    return { kind, left, self:expression(POWER[kind]) }
  end
end

for kind in pairs({ eq = true, ne = true, lt = true, gt = true, lte = true, gte = true }) do
  infix[kind] = function(self, left)
    return { "compare", kind, left, self:expression(POWER[kind]) }
  end
end

--- The tree of an expression.
---@param source string
---@return table? node
---@return integer? at the byte from which on it is not understood, when there is none
---@return string? why
function parser.parse(source)
  local tokens, at, why = lexer.tokens(source)
  if not tokens then
    return nil, at, why
  end
  local self = setmetatable({ tokens = tokens, next = 1, depth = 0 }, Parser)
  local ok, node = pcall(function()
    local whole = self:expression(0)
    if not self:is("eof") then
      fail(self:peek(), ("%s cannot stand here"):format(shown(self:peek())))
    end
    return whole
  end)
  if ok then
    return node
  elseif type(node) ~= "table" or not node.at then
    error(node, 0)
  end
  return nil, node.at, node.why
end

return parser
