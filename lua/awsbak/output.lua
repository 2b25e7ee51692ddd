--- What a command says on standard output: a table on a terminal, JSON lines elsewhere, or what
--- --output asks for; with --query, only what that picks: of the list of rows, of the record, or
--- where a command writes neither of its result, as the AWS CLI's --query picks of the one reply.
--- Everything else a program has to say goes to standard error.

local errors = require("awsbak.errors")
local scoped = require("awsbak.scoped")
local settings = require("awsbak.settings")
local tables = require("awsbak.table")
local text = require("awsbak.text")

local M = {}

local FIRST_ROWS = 1000 -- looked at for the width of columns; later rows are cut to fit

local ITEMS_MAX = 10000 -- of an event's answer, which has to fit into memory and a reply

local SCOPE = "output" -- in awsbak.scoped: the state of a call of M.collect

-- What this run has said so far, to standard output.
local run = { taken = false, open = false, picked = false, items = nil }

--- Where output goes: what this run has said so far, or what a call collects.
local function state()
  return scoped.get(SCOPE) or run
end

local function sys()
  return require("awsbak.core.sys")
end

local json -- awsbak.core.json, once something is written

local function encode(value)
  json = json or require("awsbak.core.json")
  local said, err = json.encode(value)
  if err and err.code == "utf8" then
    said, err = json.encode(text.for_json(value))
  end
  errors.check(said, err)
  return sys().isatty(1) and text.escape_json(said) or said
end

--- How data is written now.
---@return "table"|"json"|"jsonl"
function M.mode()
  return settings.get("output") or (sys().isatty(1) and "table" or "jsonl")
end

-- A reader that went away (`| head`) ends the run; the program turns it into a quiet end.
local function check(ok, message, number)
  if not ok then
    errors.raise({
      kind = "io",
      code = number == 32 and "EPIPE" or "stdout",
      message = "cannot write standard output: " .. message,
    })
  end
end

--- A progress line makes room.
local function make_room()
  local log = package.loaded["awsbak.log"]
  if log and log.before then
    log.before()
  end
end

local function write(...)
  make_room()
  check(io.stdout:write(...))
end

--- Await bytes on their way to standard output, past its buffer.
local function await_written(...)
  local _, err = errors.try(require("awsbak.task").await, ...)
  if err and err.kind == "io" and err.code ~= "EPIPE" then
    err.code = "stdout"
  end
  if err then
    error(err, 0)
  end
end

--- Write lines of text as they are (help, a version, a file).
---@param ... string
function M.text(...)
  write(...)
end

--- Say that standard output carries something else (an archive): the summary goes to standard
--- error. To be called before anything is done.
--- Raises kind usage, code bad_option, for --query, which would pick nothing; its variable stands
--- for whatever command has something.
function M.take_stdout()
  local _, source = settings.get("query")
  if source == "--query" then
    errors.raise({
      kind = "usage",
      code = "bad_option",
      message = "--query picks of rows or of a result, and standard output carries something else",
      hint = "leave it out",
    })
  end
  state().taken = true
end

--- Raise for bytes that a terminal would act on; `before` is the end of those that came before.
local function check_readable(bytes, before, subject, hint)
  local acts = bytes:find("[^\t\n\r\32-\126\128-\255]")
  if acts or (before .. bytes):find("\xc2[\x80-\x9f]") then
    errors.raise({
      kind = "usage",
      code = "terminal",
      message = subject .. ", and standard output is a terminal",
      hint = hint,
    })
  end
end

--- Write bytes as they come; standard output is theirs from then on (take_stdout). A reader that
--- does not read holds up neither other tasks nor a signal.
---@param read fun(): string? the next bytes, nil at the end
---@param subject string what to say of them when they are not text, and a terminal would act on
---  them: "the reply is binary"
---@param hint string? what to do then
--- Raises kind usage, code terminal, for such; kind io, code EPIPE, when nobody reads any more,
--- code stdout when it cannot be written; what `read` raises.
function M.stream(read, subject, hint)
  M.take_stdout()
  check(io.stdout:flush()) -- what was said before comes before
  local is_terminal, before = sys().isatty(1), ""
  local stdout <close> = errors.check(require("awsbak.core.file").stdout())
  for bytes in read do
    if is_terminal then
      check_readable(bytes, before, subject, hint or "pipe it into another program, or a file")
      before = bytes:sub(-1)
    end
    make_room()
    await_written(stdout:write(bytes))
  end
end

--- Whether standard output carries something else.
---@return boolean
function M.is_taken()
  return state().taken
end

--- Add to what is collected, as long as there is room.
local function keep(into, record)
  into.total = into.total + 1
  if into.total <= ITEMS_MAX then
    into.items[into.total] = record
  end
end

--- Collect rows in a list instead of writing them (the event door's answer): those of `f` and of
--- the tasks it starts.
---@param f function
---@param ... any its arguments
---@return { items: any[], total: integer } collected the first 10,000, and how many there were
---@return any ... what f returns
function M.collect(f, ...)
  local collected = { items = {}, total = 0, taken = false, open = false, picked = false }
  return collected, scoped.with(SCOPE, collected, f, ...)
end

--- Write what --query picks out of `value`; false when nothing is asked.
local function write_picked(value)
  local query = settings.get("query")
  if not query then
    return false
  end
  state().picked = true
  local picked, err = errors.try(require("awsbak.jmespath").compile(query), value)
  if err then
    err.hint = err.hint or ('--query is "%s"'):format(query)
    error(err, 0)
  end
  write(require("awsbak.picked").text(picked, M.mode(), sys().columns(1)))
  return true
end

local function iterate(rows)
  if type(rows) == "function" then
    return rows
  end
  local i = 0
  return function()
    i = i + 1
    return rows[i]
  end
end

local function write_json_row(row, mode)
  if mode == "jsonl" then
    write(encode(row), "\n")
    return
  end
  write(state().open and ",\n  " or '{"items": [\n  ', encode(row))
  state().open = true
end

local function write_table(columns, each)
  local first = {}
  while #first < FIRST_ROWS do
    local row = each()
    if not row then
      break
    end
    first[#first + 1] = row
  end
  if #first == 0 then
    return 0
  end
  local lines, more = tables.start(tables.columns(columns), first, sys().columns(1))
  write(table.concat(lines, "\n"), "\n")
  local count = #first
  if count == FIRST_ROWS then
    for row in each do
      write(more(row), "\n")
      count = count + 1
    end
  end
  return count
end

local function all(each)
  local rows = require("awsbak.core.json").array({})
  for row in each do
    rows[#rows + 1] = row
  end
  return rows
end

--- Write rows as they come; with --query, what that picks out of the list of all of them.
---@param columns (string|awsbak.Column)[] what a table shows of them, in this order
---@param rows table[]|fun(): table? a list, or an iterator
---@return integer count
function M.rows(columns, rows)
  local each, count = iterate(rows), 0
  local into = state()
  local mode = not into.items and M.mode() -- asked once: it asks the system
  if mode and settings.get("query") then
    local list = all(each)
    write_picked(list)
    return #list
  elseif mode == "table" then
    return write_table(columns, each)
  end
  for row in each do
    count = count + 1
    if mode then
      write_json_row(row, mode)
    else
      keep(into, row)
    end
  end
  return count
end

--- Write one record: names and values on a terminal, one JSON object elsewhere; with --query, what
--- that picks out of it.
---@param record table
function M.item(record)
  local into = state()
  if into.items then
    keep(into, record)
  elseif write_picked(record) then
    return
  elseif M.mode() == "table" then
    write(table.concat(tables.record(record), "\n"), "\n")
  elseif M.mode() == "json" then
    write(require("awsbak.pretty").json(text.for_json(record)), "\n")
  else
    write(encode(record), "\n")
  end
end

local FIRST = { "ok", "failed", "skipped" } -- the counts everybody looks for

--- "12 ok, 1 failed, 0 skipped, bytes 1234, location x.age"
local function sentence(result)
  local parts, said = {}, {}
  for _, key in ipairs(FIRST) do
    if result[key] then
      parts[#parts + 1] = ("%s %s"):format(result[key], key)
    end
    said[key] = true
  end
  local others = {}
  for key, value in pairs(result) do
    if not said[key] and type(key) == "string" and type(value) ~= "table" then
      others[#others + 1] = key
    end
  end
  table.sort(others)
  for _, key in ipairs(others) do
    parts[#parts + 1] = key:gsub("_", " ") .. " " .. tostring(result[key])
  end
  return table.concat(parts, ", ")
end

local function nothing_done(result)
  for key, value in pairs(result) do
    if type(key) == "string" and key:find("^to_") and value ~= 0 then
      return false -- a dry run has done nothing, but there is something to do
    end
  end
  return result.ok == 0 and (result.failed or 0) == 0 and (result.skipped or 0) == 0
end

--- End the one document of --output json where rows came and no summary follows.
function M.finish()
  if state().open then
    write("\n]}\n")
    state().open = false
  end
end

--- Of a run that wrote nothing to pick of, what --query picks of its summary; the error where it
--- fails on that. What was done is done, so that is no error of the command line any more.
local function pick_of_summary(name, shown)
  if state().picked or state().taken or shown.location == "-" or not settings.get("query") then
    return nil
  end
  shown.type = "summary"
  local _, err = errors.try(write_picked, shown)
  if err and err.kind ~= "io" then
    err.message = ("%s has ended, but --query failed on its result: %s"):format(name, err.message)
    err.kind = "reply"
  end
  shown.type = nil
  return err
end

--- Write how a run ended: a sentence on standard error when people look on (or standard output is
--- taken, or holds what --query picked), else the last JSON line, { "type": "summary", ... }. Where
--- --query has picked nothing of it yet, it does of this.
---@param name string of the policy
---@param result table? what it returned
--- Raises kind reply, code jmespath_..., after the sentence, when --query fails on it.
function M.summary(name, result)
  local shown = {}
  for key, value in pairs(type(result) == "table" and result or {}) do
    if key ~= "exit_code" then
      shown[key] = value
    end
  end
  if next(shown) == nil then
    local _, source = settings.get("query")
    if source == "--query" and not state().picked then
      require("awsbak.log").warn("%s has no rows and no result that --query could pick of", name)
    end
    return
  end
  local mode = M.mode()
  if mode == "table" or state().taken or result.location == "-" or settings.get("query") then
    local err = pick_of_summary(name, shown)
    check(io.stdout:flush())
    local said = nothing_done(shown) and "nothing to do" or sentence(shown)
    require("awsbak.log").note("%s: %s", name, said)
    if err then
      error(err, 0)
    end
    return
  end
  shown.type = "summary"
  if mode == "json" then
    write(state().open and "\n], " or '{"items": [], ', '"summary": ', encode(shown), "}\n")
  else
    write(encode(shown), "\n")
  end
  state().open = false
end

return M
