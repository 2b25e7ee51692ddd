--- The one kind of error: a table that says what failed, on what, and what to do.
---
--- `kind` alone decides the exit code; `code` is a word for programs; `message` is a sentence for
--- people and never holds a secret. Core functions return nil and { kind, code, message };
--- everything in Lua raises.

local M = {}

---@class awsbak.Error
---@field kind string one of M.kinds
---@field code string? a word: an errno name, a service's error code, the name of the fault
---@field message string one sentence: what failed, on what
---@field hint string? what to do about it
---@field service string? "ssm"
---@field operation string? "GetParameter"
---@field status integer? HTTP status
---@field request_id string?
---@field retryable boolean? whether another try may do better, where that is known
---@field throttling boolean? whether AWS's model says that it means: slower
---@field attempts integer? how often it was tried
---@field unsent boolean? true when nothing of what was asked was sent, by no try: it did nothing
---@field fields table? what else the service said
---@field cause any the error behind this one

--- Every kind, with the exit code of a program that ends by it.
M.kinds = {
  bug = 1,
  cancelled = 1,
  config = 2,
  credentials = 1,
  incomplete = 3,
  integrity = 1,
  io = 1,
  memory = 71,
  network = 1,
  reply = 1,
  service = 1,
  timeout = 124,
  usage = 2,
}

--- Codes that end the program in another way than their kind says.
local code_exits = {
  confirmation_needed = 20,
  SIGHUP = 129,
  SIGINT = 130,
  SIGPIPE = 141,
  SIGTERM = 143,
}

local meta = { __name = "awsbak.error" }

--- "ssm GetParameter: no such parameter (ParameterNotFound, request 1-2); check the name"
function meta.__tostring(e)
  local notes = {}
  if e.kind == "service" and e.code then
    notes[#notes + 1] = e.code
  elseif e.kind == "reply" and e.status then
    notes[#notes + 1] = "status " .. e.status
  end
  if e.request_id then
    notes[#notes + 1] = "request " .. e.request_id
  end
  if e.attempts and e.attempts > 1 then
    notes[#notes + 1] = e.attempts .. " attempts"
  end
  local where = e.service and (e.service .. (e.operation and " " .. e.operation or "") .. ": ")
    or ""
  return where
    .. e.message
    .. (#notes > 0 and " (" .. table.concat(notes, ", ") .. ")" or "")
    .. (e.hint and "; " .. e.hint or "")
end

--- Make an error, without raising it.
---@param fields awsbak.Error `kind` and `message` are required; the table becomes the error
---@return awsbak.Error
function M.new(fields)
  assert(M.kinds[fields.kind], "no such kind of error")
  assert(type(fields.message) == "string", "an error needs a message")
  return setmetatable(fields, meta)
end

--- Raise an error: `errors.raise{ kind = "usage", message = "no such file: x" }`.
---@param fields awsbak.Error
function M.raise(fields)
  error(M.new(fields), 0)
end

--- Whether `e` is an error table made here.
---@param e any
---@return boolean
function M.is(e)
  return getmetatable(e) == meta
end

local function sentence_of(e)
  local class = getmetatable(e)
  if type(e) == "string" or type(class) == "table" and class.__tostring then
    return tostring(e)
  end
  return "the error is not text but " .. require("awsbak.pretty").message(e)
end

--- What a script raised, as a sentence; its own code is asked for it, which may fail, too.
local function message_of(e)
  local ok, text = pcall(sentence_of, e)
  return ok and text or ("the error is a %s that cannot be shown"):format(type(e))
end

-- What to do about a core's error, by its code, whatever met it.
local HINTS = {
  EMFILE = "raise the limit of open files (ulimit -n), or do less at once (--concurrency)",
}

--- Anything that was raised, as an error table: core tables get their metatable, and a hint where
--- their code has one; Lua's own errors are kind "bug" (or "memory").
---@param e any
---@return awsbak.Error
function M.from(e)
  if M.is(e) then
    return e
  end
  local is_plain = type(e) == "table" and getmetatable(e) == nil -- a core's; no code runs
  if is_plain and M.kinds[e.kind] and type(e.message) == "string" then
    e.hint = e.hint or HINTS[e.code]
    return setmetatable(e, meta)
  end
  if e == "not enough memory" then
    return M.new({ kind = "memory", code = "memory", message = "out of memory" })
  end
  return M.new({ kind = "bug", code = "lua", message = message_of(e), cause = e })
end

--- Pass the results of a core function on, or raise its error: `local text = errors.check(f(x))`.
---@param v any
---@param err any
---@return any ...
function M.check(v, err, ...)
  if v == nil and err ~= nil then
    error(M.from(err), 0)
  end
  return v, err, ...
end

local function tried(ok, ...)
  if ok then
    return ...
  end
  return nil, M.from((...))
end

--- Call `f`; its results, or nil and the error table.
---@param f function
---@return any ...
function M.try(f, ...)
  return tried(pcall(f, ...))
end

--- The exit code of a program that ends by `e`.
---@param e any
---@return integer
function M.exit_code(e)
  e = M.from(e)
  return code_exits[e.code] or M.kinds[e.kind]
end

--- How many letters must change, move or go to turn `a` into `b` (optimal string alignment).
local function distance(a, b)
  local before, row = nil, {}
  for j = 0, #b do
    row[j] = j
  end
  for i = 1, #a do
    local last = row
    row = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if before and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before = last
  end
  return row[#b]
end

local WORD_MAX = 64 -- longer words are not looked at: the search costs their product

--- The word of `list` that `word` was most likely meant to be, or nil when none is near.
---@param word string
---@param list string[]
---@return string? word
---@return integer? distance letters to change, move, add or leave out, whatever case
function M.nearest(word, list)
  if #word > WORD_MAX then
    return nil
  end
  local function plain(s)
    return (s:lower():gsub("[_%s]", "-"))
  end
  local wanted = plain(word)
  local best, best_distance = nil, math.max(1, #word // 3) + 1
  for _, candidate in ipairs(list) do
    if #candidate <= WORD_MAX then
      local d = distance(wanted, plain(candidate))
      if d < best_distance then
        best, best_distance = candidate, d
      end
    end
  end
  return best, best and best_distance
end

return M
