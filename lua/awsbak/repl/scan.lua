--- Where in Lua code the cursor stands: after which dot, in which string, in which call's table.
---
--- The code is half written, so it is not parsed: its tokens are read, and the brackets that are
--- still open are kept, each with what it is the argument of.

local scan = {}

local KEYWORDS = {}
local WORDS = [[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]
for word in WORDS:gmatch("%a+") do
  KEYWORDS[word] = true
end

--- Lua's reserved words.
---@type table<string, boolean>
scan.keywords = KEYWORDS

local CLOSERS = { [")"] = true, ["]"] = true, ["}"] = true }
local ENDS_ELEMENT = { ["{"] = true, [","] = true, [";"] = true }

---@class awsbak.repl.Place where a word is being written
---@field kind "field"|"name"|"string"
---@field word string what there is of it
---@field from integer where it begins
---@field chain (string|table)[]? of a field: what stands before the dot: { "aws", "ssm" }; what
---  require was called with is { module = "aws.ssm" }
---@field is_method boolean? a field after a colon
---@field quote string? of a string
---@field call awsbak.repl.Call? the call that the word is an argument of
---@field is_key boolean? a name that may be a key of the call's table
---@field is_value boolean? a name where a value of the call's table begins

---@class awsbak.repl.Call
---@field chain (string|table)[] what is called
---@field index integer which argument
---@field path (string|integer)[] keys of tables in it; an element of a list is 0
---@field first string? the first argument, when it is a string
---@field given table<string, boolean>? keys that the table has already

--- The token at `at`: kind, text, and where the next one begins. Kind nil is the end, false
--- something that does not end: a comment or a string.
local function token(text, at)
  at = text:find("%S", at)
  if not at then
    return nil
  end
  local comment = text:match("^%-%-()", at)
  local level = text:match("^%[(=*)%[", comment or at)
  if level then
    local content = (comment or at) + #level + 2
    local first, last = text:find("]" .. level .. "]", content, true)
    if not first then
      return false
    end
    return comment and "comment" or "string", text:sub(content, first - 1), last + 1, at
  elseif comment then
    local stop = text:find("\n", at, true)
    return stop and "comment" or false, "", stop
  end
  local name = text:match("^[%a_][%w_]*", at)
  if name then
    return KEYWORDS[name] and "keyword" or "name", name, at + #name, at
  end
  local number = text:match("^%.?%d[%w.]*", at)
  if number then
    return "number", number, at + #number, at
  end
  local operator = text:match("^%.%.%.?", at) or text:match("^[=~<>]=", at) or text:sub(at, at)
  return "operator", operator, at + #operator, at
end

--- The end of a string in quotes that opens at `at`, or nil: its last byte.
local function quoted_end(text, at)
  local quote = text:sub(at, at)
  local i = at + 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == quote then
      return i
    elseif c == "\\" then
      i = i + 1
    end
    i = i + 1
  end
  return nil
end

--- All tokens; and where a string opens that does not end. nil within a comment or long string.
local function tokens(text)
  local list, at = {}, 1
  while true do
    local kind, word, after, start = token(text, at)
    if kind == nil then
      return list
    elseif kind == false then
      return nil
    elseif kind == "operator" and (word == '"' or word == "'") then
      local last = quoted_end(text, start)
      if not last then
        return list, start
      end
      list[#list + 1] = { kind = "string", text = text:sub(start + 1, last - 1), at = start }
      after = last + 1
    elseif kind ~= "comment" then
      list[#list + 1] = { kind = kind, text = word, at = start, stop = after }
    end
    at = after
  end
end

local function is(t, text)
  return t ~= nil and t.kind == "operator" and t.text == text
end

--- `require("x")` or `require "x"` that ends at token `i`: the module, and where what is before it
--- ends.
local function required(list, i)
  local has_brackets = is(list[i], ")") and is(list[i - 2], "(")
  local word = list[has_brackets and i - 3 or i - 1]
  local argument = list[has_brackets and i - 1 or i]
  if word and word.text == "require" and argument and argument.kind == "string" then
    return argument.text, has_brackets and i - 4 or i - 2
  end
end

--- The chain of fields that ends with token `i`; nil when it begins with something else.
local function chain_to(list, i)
  local chain = {}
  while true do
    local module, before = required(list, i)
    if module then
      table.insert(chain, 1, { module = module })
      return not is(list[before], ".") and chain or nil
    elseif not list[i] or list[i].kind ~= "name" then
      return nil
    end
    table.insert(chain, 1, list[i].text)
    if not (is(list[i - 1], ".") or is(list[i - 1], ":")) then
      return chain
    end
    i = i - 2
  end
end

local function extended(path, step)
  local longer = table.move(path, 1, #path, 1, {})
  longer[#longer + 1] = step
  return longer
end

--- The place in a call that a value after token `i` has, within `frame`; nil when in none.
local function place_in_call(list, i, frame)
  local before = list[i]
  if not before then
    return nil
  elseif before.kind == "name" then
    local chain = chain_to(list, i)
    return chain and { chain = chain, index = 1, path = {} }
  elseif not (frame and frame.call) then
    return nil
  end
  local call, path = frame.call, frame.call.path
  if frame.open == "{" then
    if is(before, "=") and frame.key then
      path = extended(path, frame.key)
    elseif ENDS_ELEMENT[before.text] then
      path = extended(path, 0)
    else
      return nil
    end
  elseif not (is(before, "(") or is(before, ",")) then
    return nil
  end
  return { chain = call.chain, index = call.index, path = path, first = call.first }
end

--- The frame that a bracket, token `i`, opens.
local function open_frame(list, i, frame)
  local bracket, call = list[i].text, nil
  if bracket == "(" then
    local chain = chain_to(list, i - 1)
    call = chain and { chain = chain, index = 1, path = {} }
  elseif bracket == "{" then
    call = place_in_call(list, i - 1, frame)
  end
  return { open = bracket, call = call, given = {} }
end

--- The key before "=", token `i`: `Name =` or `["Name"] =`.
local function key_before(list, i)
  local word = list[i - 1]
  if word and word.kind == "name" and ENDS_ELEMENT[list[i - 2] and list[i - 2].text] then
    return word.text
  elseif is(word, "]") and is(list[i - 3], "[") and list[i - 2].kind == "string" then
    return list[i - 2].text
  end
end

--- The innermost bracket that is open after all tokens, or nil.
local function innermost(list)
  local frames = {}
  for i, t in ipairs(list) do
    local frame = frames[#frames]
    if t.kind == "operator" and (t.text == "(" or t.text == "{" or t.text == "[") then
      frames[#frames + 1] = open_frame(list, i, frame)
    elseif t.kind == "operator" and CLOSERS[t.text] then
      frames[#frames] = nil
    elseif frame and is(t, "=") and frame.open == "{" then
      frame.key = key_before(list, i)
      frame.given[frame.key or ""] = true
    elseif frame and t.kind == "operator" and (t.text == "," or t.text == ";") then
      frame.key = nil
      if frame.open == "(" and frame.call then
        local first = is(list[i - 2], "(") and list[i - 1].kind == "string" and list[i - 1].text
        frame.call.first = frame.call.first or first or nil
        frame.call.index = frame.call.index + 1
      end
    end
  end
  return frames[#frames]
end

local function string_place(text, list, at)
  return {
    kind = "string",
    word = text:sub(at + 1),
    from = at + 1,
    quote = text:sub(at, at),
    call = place_in_call(list, #list, innermost(list)),
  }
end

local function name_place(place, list)
  local frame = innermost(list)
  local last = list[#list]
  place.kind = "name"
  if frame and frame.open == "{" and frame.call and ENDS_ELEMENT[last.text] then
    local call = frame.call
    place.is_key = true
    place.call = {
      chain = call.chain,
      index = call.index,
      path = call.path,
      first = call.first,
      given = frame.given,
    }
  elseif last and last.kind == "operator" then
    place.call = place_in_call(list, #list, frame)
    place.is_value = place.call ~= nil
  end
  return place
end

--- What is being written at the end of `text`; nil where nothing can be said of it.
---@param text string Lua code up to the cursor
---@return awsbak.repl.Place?
function scan.place(text)
  local list, open = tokens(text)
  if not list then
    return nil
  elseif open then
    return string_place(text, list, open)
  end
  local last = list[#list]
  local is_begun = last and last.stop == #text + 1
  if is_begun and last.kind == "number" then
    return nil
  end
  local place = { word = "", from = #text + 1 }
  if is_begun and (last.kind == "name" or last.kind == "keyword") then
    place.word, place.from = last.text, last.at
    list[#list] = nil
    last = list[#list]
  end
  if is(last, ".") or is(last, ":") then
    place.kind, place.is_method = "field", is(last, ":")
    place.chain = chain_to(list, #list - 1)
    return place.chain and place
  end
  return name_place(place, list)
end

return scan
