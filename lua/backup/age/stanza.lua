--- The stanzas of age headers and of its plugin protocol as text (C2SP age.md, "Recipient stanza").
---
---   -> type argument argument
---   base64 of the body, in lines of 64 columns and a shorter one

local codec = require("awsbak.core.codec")

local M = {}

local COLUMNS = 64
local LINES_MAX = 4096 -- of a body in a conversation

--- Base64 without padding.
---@param bytes string
---@return string
function M.base64(bytes)
  return (codec.base64(bytes):gsub("=", ""))
end

--- The bytes that base64 without padding says; nil unless it is the one form of them.
---@param text string
---@return string?
function M.unbase64(text)
  if text:find("=", 1, true) then
    return nil
  end
  return (codec.unbase64(text .. ("="):rep(-#text % 4)))
end

--- A stanza's text.
---@param words string[] its type and arguments: visible ASCII, none empty
---@param body string? bytes; none when absent
---@return string
function M.text(words, body)
  local lines = { "-> " .. table.concat(words, " ") }
  local text = M.base64(body or "")
  for at = 1, #text + 1, COLUMNS do -- after full lines comes a shorter one, which may be empty
    lines[#lines + 1] = text:sub(at, at + COLUMNS - 1)
  end
  return table.concat(lines, "\n") .. "\n"
end

--- The words of a stanza's first line.
---@param line string without its line feed
---@return string[]? words nil when it begins no stanza
function M.words(line)
  local rest = line:match("^%-> ([\33-\126 ]+)$")
  if not rest or rest:find("  ", 1, true) or rest:find("^ ") or rest:find(" $") then
    return nil
  end
  local words = {}
  for word in rest:gmatch("%S+") do
    words[#words + 1] = word
  end
  return words
end

--- Read a stanza of a conversation.
---@param next_line fun(): string the next line without its line feed
---@return string[]? words nil when there is none
---@return string body its bytes; or, in a sentence's half, what is wrong
function M.read(next_line)
  local words = M.words(next_line())
  if not words then
    return nil, "does not speak the protocol of plugins"
  end
  local lines = {}
  repeat
    if #lines == LINES_MAX then
      return nil, ("sent a stanza of more than %d lines"):format(LINES_MAX)
    end
    lines[#lines + 1] = next_line()
  until #lines[#lines] < COLUMNS
  local body = M.unbase64(table.concat(lines))
  return body and words, body or "sent a stanza that is damaged"
end

--- The body of a whole stanza's text.
---@param text string as awsbak.core.age.stanzas gives it, which checked it
---@return string bytes
function M.body(text)
  local lines = text:match("^[^\n]*\n(.*)$")
  return assert(M.unbase64((lines:gsub("\n", ""))))
end

return M
