--- Which of many names a command takes: --exclude and --include of the commands for S3.
---
---     local chosen = filter.of({ exclude = { "*" }, include = { "*.jpg" } }, true)
---     chosen:takes("2024/a.jpg") -- true
---
--- A name is left out when it matches one of --exclude and none of --include; with --include alone,
--- what matches none of these. Their order is not looked at, as options of a policy have none: of
--- the AWS CLI's filters the last that matches decides, and so --exclude '*' --include '*.jpg'
--- means the same there (AWS CLI, s3, "Use of Exclude and Include Filters").
---
--- Patterns are that CLI's: "*" any bytes, also "/"; "?" one byte; "[ab]", "[a-z]" one of these;
--- "[!ab]" another one; nothing else is special. One takes time in proportion to the pattern's
--- length times the name's: between two stars the first place that matches is as good as any.

local usage = require("backup.s3.usage")

local M = {}

local BYTE_MAX <const> = 255

local RECURSIVE <const> = "it goes with --recursive"

--- Options of a policy.
M.options = {
  { "exclude", many = true, help = "leave out names below the folder like '*.tmp', 'old/*'" },
  { "include", many = true, help = "but not those like this; alone: nothing but those" },
}

---@class backup.FilterPiece what is between two stars of a pattern
---@field tokens string[] one for each byte, as Lua's patterns have it
---@field size integer bytes of each text that matches
---@field text string? the one that matches, where nothing in it is special
---@field pattern string Lua's
---@field anchored string the same, at a place

---@class backup.FilterPattern
---@field pieces backup.FilterPiece[] one more than there are stars
---@field size integer bytes of the shortest name that matches

---@class backup.Filter
---@field exclude backup.FilterPattern[]
---@field include backup.FilterPattern[]
local Filter = {}
Filter.__index = Filter

local function literal(byte)
  return (byte:gsub("%W", "%%%0"))
end

--- A set of bytes as Lua has it. Its ranges are written out: what ends one cannot be escaped.
--- None is empty, as an empty range is refused.
local function class(has, is_negated)
  local list = {}
  for byte = 0, BYTE_MAX do
    list[#list + 1] = has[byte] and literal(string.char(byte)) or nil
  end
  return ("[%s%s]"):format(is_negated and "^" or "", table.concat(list))
end

--- The set that is open before `at`, as a token, and where it ends; nil when it does not. Raises
--- for a range that ends before it begins: whoever wrote it meant some bytes, and it takes none.
local function read_set(word, at, flag)
  local is_negated = word:sub(at, at) == "!"
  at = is_negated and at + 1 or at
  local close = word:find("]", at + 1, true) -- as the first in it "]" is one of the set
  if not close then
    return nil
  end
  local has = {}
  while at < close do
    local is_range = at + 2 < close and word:sub(at + 1, at + 1) == "-"
    local last = is_range and at + 2 or at
    local first_byte, last_byte = word:byte(at, at), word:byte(last, last)
    local why = "has the range %s, which ends before it begins: %s"
    usage.refuse(first_byte > last_byte, flag, why:format(word:sub(at, last), word))
    for byte = first_byte, last_byte do
      has[byte] = true
    end
    at = last + 1
  end
  return class(has, is_negated), close
end

local function piece_of(tokens, bytes, is_plain)
  local pattern = table.concat(tokens)
  return {
    tokens = tokens,
    size = #tokens,
    text = is_plain and table.concat(bytes) or nil,
    pattern = pattern,
    anchored = "^" .. pattern,
  }
end

--- A word as a pattern; raises when it is none.
---@return backup.FilterPattern
local function compile(word, flag)
  usage.refuse(word == "", flag, "is empty: it wants a pattern such as '*.jpg'")
  local self = { pieces = {}, size = 0 }
  local tokens, bytes, is_plain = {}, {}, true
  local function close_piece()
    self.pieces[#self.pieces + 1] = piece_of(tokens, bytes, is_plain)
    self.size = self.size + #tokens
    tokens, bytes, is_plain = {}, {}, true
  end
  local at = 1
  while at <= #word do
    local byte = word:sub(at, at)
    if byte == "*" then
      close_piece()
    elseif byte == "?" then
      tokens[#tokens + 1], is_plain = ".", false
    elseif byte == "[" then
      local token, last = read_set(word, at + 1, flag)
      usage.refuse(not token, flag, ("has a [ without its ] (a [ itself is [[]): %s"):format(word))
      tokens[#tokens + 1], is_plain, at = token, false, last
    else
      tokens[#tokens + 1], bytes[#bytes + 1] = literal(byte), byte
    end
    at = at + 1
  end
  close_piece()
  return self
end

local function is_at(piece, name, at)
  if piece.text then
    return name:sub(at, at + piece.size - 1) == piece.text
  end
  return name:find(piece.anchored, at) ~= nil
end

local function matches(pattern, name)
  local pieces = pattern.pieces
  local first, last = pieces[1], pieces[#pieces]
  if #name < pattern.size or not is_at(first, name, 1) then
    return false
  elseif #pieces == 1 then
    return #name == first.size
  end
  local from = first.size + 1
  for i = 2, #pieces - 1 do
    local piece = pieces[i]
    local found = name:find(piece.text or piece.pattern, from, piece.text ~= nil)
    if not found then
      return false
    end
    from = found + piece.size
  end
  local at = #name - last.size + 1
  return at >= from and is_at(last, name, at)
end

--- Whether all names that begin so match for certain.
local function covers(pattern, beginning)
  local pieces = pattern.pieces
  return #pieces > 1 and pieces[#pieces].size == 0 and matches(pattern, beginning)
end

--- Whether a name that begins so may match.
local function may_begin(pattern, beginning)
  local first = pattern.pieces[1]
  local shared = math.min(#beginning, first.size)
  if #beginning > shared and #pattern.pieces == 1 then
    return false
  end
  return beginning:find("^" .. table.concat(first.tokens, "", 1, shared)) ~= nil
end

local function any(patterns, test, name)
  for _, pattern in ipairs(patterns) do
    if test(pattern, name) then
      return true
    end
  end
  return false
end

local function compiled(words, flag)
  local list = {}
  for i, word in ipairs(words) do
    list[i] = compile(word, flag)
  end
  return list
end

--- Raise for a pattern as others write it for the folder's own names.
local function refuse_rooted(words, flag)
  for _, word in ipairs(words) do
    local why = "%s matches nothing: names are relative to the folder, and none begins with /"
    usage.refuse(word:sub(1, 1) == "/", flag, why:format(word))
  end
end

--- The filter that options say.
---@param o { exclude: string[]?, include: string[]? } values of the options above
---@param many boolean? whether the command is of all that is in a folder
---@param of_paths boolean? whether names are paths below a folder, so that none begins with "/"
---@param how string? what makes the command one of all (default: that it goes with --recursive)
---@return backup.Filter? filter nil where none is given
--- Raises kind usage, code bad_option: for a pattern that is none, or begins with "/" where no name
--- does; for options that a command of one object would take in vain; for --include '*', which
--- takes back all that --exclude says.
function M.of(o, many, of_paths, how)
  local exclude, include = o.exclude or {}, o.include or {}
  if not exclude[1] and not include[1] then
    return nil
  end
  local flag = exclude[1] and "--exclude" or "--include"
  usage.refuse(not many, flag, "chooses among what is in a folder: " .. (how or RECURSIVE))
  for _, word in ipairs(include) do
    local is_all = exclude[1] and word:find("^%*+$")
    usage.refuse(is_all, "--include", ("%s takes back all that --exclude leaves out"):format(word))
  end
  if of_paths then
    refuse_rooted(exclude, "--exclude")
    refuse_rooted(include, "--include")
  end
  return setmetatable({
    exclude = compiled(exclude, "--exclude"),
    include = compiled(include, "--include"),
  }, Filter)
end

--- Whether a name is taken.
---@param name string relative to the folder
---@return boolean
function Filter:takes(name)
  local is_left_out = not self.exclude[1] or any(self.exclude, matches, name)
  return not is_left_out or any(self.include, matches, name)
end

--- Whether no name below a folder is taken, whatever there is: it need not be looked into. Of some
--- for which that is so this is not found; never the other way.
---@param folder string with "/" at its end
---@return boolean
function Filter:skips(folder)
  local is_left_out = not self.exclude[1] or any(self.exclude, covers, folder)
  return is_left_out and not any(self.include, may_begin, folder)
end

--- Of a listing what is taken.
---@param entries fun(): backup.S3Entry? iterator
---@param prefix string names are what follows its last "/"
---@return fun(): backup.S3Entry? iterator
function Filter:listed(entries, prefix)
  local first = #(prefix:match("^.*/") or "") + 1
  return function()
    for entry in entries do
      if self:takes(entry.key:sub(first)) then
        return entry
      end
    end
  end
end

--- Of a walk what is taken. A link that is left out may be a folder, with names below it that are
--- not: it comes as an entry with `left_out`, of which nothing is told. A folder that cannot be
--- looked into has no name that could be left out; walk.files passes over what `skips` tells.
---@param entries fun(): backup.File? iterator
---@return fun(): backup.File? iterator
function Filter:files(entries)
  return function()
    for entry in entries do
      if entry.problem and entry.key:sub(-1) == "/" or self:takes(entry.key) then
        return entry
      elseif entry.problem then
        entry.left_out = true
        return entry
      end
    end
  end
end

return M
