--- The text of AWS's config and credentials files, read by the rules of Python's configparser,
--- because botocore does (botocore/configloader.py; Lib/configparser.py of CPython 3.11,
--- RawConfigParser, strict).
---
--- What that means beyond the obvious: keys are case-insensitive and end at the first "=" or ":"; a
--- line indented deeper than its key continues the value; "#" and ";" start a comment only at the
--- start of a line; a value that starts on the next line holds nested keys; keys of [DEFAULT] are
--- in every section; a section or key that comes twice is an error.

local errors = require("awsbak.errors")

local ini = {}

local function fail(name, number, what)
  errors.raise({
    kind = "config",
    code = "ini",
    message = ("%s:%d: %s"):format(name, number, what),
    hint = "correct the file",
  })
end

local function strip(s)
  return s:match("^%s*(.-)%s*$")
end

--- Lines of `text` with their numbers, whatever ends them; a UTF-8 byte order mark is skipped.
local function lines_of(text)
  text = text:gsub("^\239\187\191", ""):gsub("\r\n", "\n"):gsub("\r", "\n")
  local number, at = 0, 1
  return function()
    if at > #text then
      return nil
    end
    local stop = text:find("\n", at, true) or #text + 1
    local line = text:sub(at, stop - 1)
    number, at = number + 1, stop + 1
    return line, number
  end
end

local Reader = {}
Reader.__index = Reader

--- A blank line belongs to the value above it, a comment to nothing.
function Reader:skip(comment)
  if not comment and self.key and self.section then
    local value = self.section[self.key]
    value[#value + 1] = ""
  end
end

function Reader:header(title, number)
  if self.sections[title] and title ~= "DEFAULT" then
    fail(self.name, number, ("section [%s] comes twice"):format(title))
  end
  self.section = self.sections[title] or {}
  self.sections[title] = self.section
  self.key = nil
end

function Reader:option(text, number)
  if text:match("^%[[^%]=:]*$") then
    fail(self.name, number, "a [section] without its closing bracket")
  elseif not self.section then
    fail(self.name, number, "a key before the first [section]")
  end
  local key, value = text:match("^(.-)%s*[=:]%s*(.*)$")
  if not key or key == "" then
    -- The line itself is not shown: it may be a secret on a line of its own.
    fail(self.name, number, "a line that is no key = value")
  end
  key = key:lower()
  if self.section[key] then
    fail(self.name, number, ("key %s comes twice in its section"):format(key))
  end
  self.key = key
  self.section[key] = { value, line = number }
end

function Reader:line(line, number)
  local text = strip(line)
  local comment = text:match("^[#;]") ~= nil
  if text == "" or comment then
    return self:skip(comment)
  end
  local indent = #line:match("^%s*")
  if self.section and self.key and indent > self.indent then
    local value = self.section[self.key]
    value[#value + 1] = text
    return
  end
  self.indent = indent
  local title = text:match("^%[(.+)%]")
  if title then
    self:header(title, number)
  else
    self:option(text, number)
  end
end

--- Nested keys of a value that starts on the line after its key. Their case is kept.
local function nested(text, name, number)
  local keys = {}
  for line in text:gmatch("[^\n]+") do
    if strip(line) ~= "" then
      local key, value = line:match("^([^=]*)=(.*)$")
      if not key then
        fail(name, number, "a nested line below this key that is no key = value")
      end
      keys[strip(key)] = strip(value)
    end
  end
  return keys
end

local function finish(section, name)
  local values = {}
  for key, parts in pairs(section) do
    local text = table.concat(parts, "\n"):gsub("%s+$", "")
    values[key] = text:sub(1, 1) == "\n" and nested(text, name, parts.line) or text
  end
  return values
end

--- Read the text of such a file.
---@param text string
---@param name string the file's name, for messages
---@return table<string, table<string, string|table<string, string>>> sections by title; a nested
---  value is a table
function ini.parse(text, name)
  local reader = setmetatable({ name = name, sections = {}, indent = 0 }, Reader)
  for line, number in lines_of(text) do
    reader:line(line, number)
  end
  local sections = {}
  local defaults = reader.sections.DEFAULT or {}
  reader.sections.DEFAULT = nil
  for title, section in pairs(reader.sections) do
    for key, parts in pairs(defaults) do
      section[key] = section[key] or parts
    end
    sections[title] = finish(section, name)
  end
  return sections
end

--- The words of a section's title or of a command line, split as a POSIX shell would without
--- expanding anything (Python's shlex.split, which botocore uses for both).
---@param text string
---@return string[]? words or nil when a quote is not closed
function ini.split(text)
  local words, word, quote, at = {}, nil, nil, 1
  while at <= #text do
    local c = text:sub(at, at)
    local next_c = text:sub(at + 1, at + 1)
    if quote == "'" and c ~= "'" then
      word = word .. c
    elseif c == "\\" and quote ~= "'" then
      if next_c == "" then
        return nil
      end
      local plain = quote == '"' and not next_c:match('["\\]')
      word = (word or "") .. (plain and c or "") .. next_c
      at = at + 1
    elseif quote then
      if c == quote then
        quote = nil
      else
        word = word .. c
      end
    elseif c == "'" or c == '"' then
      quote, word = c, word or ""
    elseif c:match("[ \t\r\n]") then
      words[#words + 1], word = word, nil
    else
      word = (word or "") .. c
    end
    at = at + 1
  end
  if quote then
    return nil
  end
  words[#words + 1] = word
  return words
end

return ini
