--- Where the bytes of a pipe go.

local argument = require("awsbak.argument")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local options = require("awsbak.stream.options")
local sys = require("awsbak.core.sys")
local task = require("awsbak.task")

local M = {}

---@class awsbak.stream.Sink
---@field name string for messages
---@field path string? of a file that the core writes
---@field options table? of that file
---@field hints table<string, string>? what its options do about the code of a failure
---@field collects boolean? its writer has the method `text`
---@field open (fun(): awsbak.stream.Writer)? of others
local Sink = { __name = "awsbak.stream.sink" }

---@class awsbak.stream.Writer
---@field write fun(self, bytes: string) waits until they are taken
---@field room (fun(self): userdata, integer, integer)? in place of write: a file of file.memory,
---  where in it the next bytes go, and how many at most, at least one
---@field took (fun(self, count: integer))? they are there; waits until more may come
---@field commit (fun(self): any)? waits until all is safe
---@field close fun(self)? what was not committed is gone

local TEXT_MAX = 64 * 1024 * 1024

local function new(fields)
  return setmetatable(fields, Sink)
end

local SAVE = { force = "flag", mode = { "size", 0, 511 } }

--- See awsbak.stream.
function M.save(path, given)
  argument.check(path, "path", "the file that a pipe is saved to")
  return new({
    name = path,
    path = path,
    options = options.check(given, SAVE, "stream.save"),
    hints = { EEXIST = "stream.save(path, { force = true }) replaces it" },
  })
end

local Stdout = {}
Stdout.__index = Stdout

function Stdout:write(bytes)
  task.await(self.file:write(bytes))
end

function Stdout:close()
  self.file:close()
end

--- See awsbak.stream.
function M.stdout(given)
  local text = options.check(given, { text = "flag" }, "stream.stdout").text
  return new({
    name = "standard output",
    open = function()
      if sys.isatty(1) and not text then
        errors.raise({
          kind = "usage",
          code = "terminal",
          message = "what a pipe gives may be binary, and standard output is a terminal",
          hint = "send it to a file or another program",
        })
      end
      io.stdout:flush() -- what was printed before comes before
      return setmetatable({ file = errors.check(file.stdout()) }, Stdout)
    end,
  })
end

local Text = {}
Text.__index = Text

function Text:write(bytes)
  self.size = self.size + #bytes
  if self.size > self.max then
    errors.raise({
      kind = "io",
      code = "too_large",
      message = ("the text has more than %d bytes"):format(self.max),
      hint = "give stream.text() a higher limit, or send it to a file",
    })
  end
  self.parts[#self.parts + 1] = bytes
end

function Text:text()
  return table.concat(self.parts)
end

--- See awsbak.stream.
function M.text(max)
  argument.check(max, "count?", "the limit of stream.text")
  return new({
    name = "a text",
    collects = true,
    open = function()
      return setmetatable({ parts = {}, size = 0, max = max or TEXT_MAX }, Text)
    end,
  })
end

--- What an object's method gave; nil and an error, whatever that is, is a failure, as Lua's own
--- files tell it.
local function accepted(value, err, ...)
  if value == nil and err ~= nil then
    local told = type(err) == "table" and err or { message = err }
    errors.raise(told.kind and told or {
      kind = "io",
      code = "sink",
      message = tostring(told.message),
    })
  elseif type(value) == "userdata" and not io.type(value) then
    return task.await(value)
  end
  return value, err, ...
end

--- A writer of an object that has `write`, and perhaps `commit` and `close`. One of Lua's own files
--- has taken the bytes when they are flushed.
local function of_object(object)
  local is_file = io.type(object) ~= nil
  local writer = {}
  function writer.write(_, bytes)
    accepted(object:write(bytes))
  end
  function writer.close()
    if io.type(object) ~= "closed file" and object.close then
      object:close()
    end
  end
  if is_file then
    function writer.commit()
      accepted(object:flush())
    end
  elseif object.commit then
    function writer.commit()
      return accepted(object:commit())
    end
  end
  return writer
end

--- Whatever can be the sink of a pipe.
---@param value any
---@return awsbak.stream.Sink
--- Raises kind usage, code bad_argument.
function M.of(value)
  if getmetatable(value) == Sink then
    return value
  elseif (type(value) == "table" or type(value) == "userdata") and value.write then
    return new({
      name = type(value) == "table" and value.location or "a writer",
      open = function()
        return value.room and value or of_object(value)
      end,
    })
  end
  errors.raise({
    kind = "usage",
    code = "bad_argument",
    message = ("the sink of a pipe is %s"):format(argument.shown(value)),
    hint = "give stream.save(path), stream.stdout(), stream.text(), or something to write to",
  })
end

return M
