--- Where the bytes of a pipe come from.

local argument = require("awsbak.argument")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local task = require("awsbak.task")

local M = {}

---@class awsbak.stream.Source
---@field name string for messages
---@field open fun(): awsbak.stream.Opened
local Source = { __name = "awsbak.stream.source" }

---@class awsbak.stream.Opened an open source: a file for the core to read, or a way to read
---@field handle userdata? of awsbak.core.file
---@field read (fun(): string?)? the next bytes, nil at the end
---@field close fun()

local PIECE = 256 * 1024 -- bytes asked for at once

local function nothing() end

local function new(name, open)
  return setmetatable({ name = name, open = open }, Source)
end

--- See awsbak.stream.
function M.file(place)
  if type(place) == "userdata" and place.path then
    return new(place:path(), function()
      return { handle = place, close = nothing }
    end)
  end
  argument.check(place, "path", "the file of a pipe")
  return new(place, function()
    local handle, err = file.open(place)
    if err and err.code == "not_regular" and (file.stat(place) or {}).type ~= "folder" then
      err.hint = "stream.stdin() reads standard input, an object with read(n) all else"
    end
    errors.check(handle, err)
    return {
      handle = handle,
      close = function()
        handle:close()
      end,
    }
  end)
end

--- See awsbak.stream.
function M.bytes(bytes)
  if type(bytes) ~= "string" then
    argument.check(bytes, "function", "the bytes of a pipe")
  end
  return new("bytes", function()
    local all = bytes
    local function once()
      local given = all
      all = nil
      return given
    end
    return { read = type(bytes) == "string" and once or bytes, close = nothing }
  end)
end

--- What an object's method gave: bytes, nil, or an operation of the core to wait for.
local function awaited(value, err)
  if value == nil and type(err) == "string" then -- as Lua's own files tell it
    errors.raise({ kind = "io", code = "source", message = err })
  elseif type(value) == "userdata" or value == nil and err ~= nil then
    return task.await(value, err)
  end
  return value
end

--- A pipe's source of an object that has `read`, and perhaps `close`.
local function of_reader(reader, name)
  return new(name, function()
    return {
      read = function()
        return awaited(reader:read(PIECE))
      end,
      close = function()
        if reader.close then
          reader:close()
        end
      end,
    }
  end)
end

--- See awsbak.stream.
function M.stdin()
  return new("standard input", function()
    return of_reader(errors.check(file.stdin()), "").open()
  end)
end

--- Whatever can be the source of a pipe.
---@param value any
---@return awsbak.stream.Source
--- Raises kind usage, code bad_argument.
function M.of(value)
  if getmetatable(value) == Source then
    return value
  elseif (type(value) == "table" or type(value) == "userdata") and value.read then
    return of_reader(value, type(value) == "table" and value.location or "a reader")
  end
  errors.raise({
    kind = "usage",
    code = "bad_argument",
    message = ("the source of a pipe is %s"):format(argument.shown(value)),
    hint = "give stream.file(path), stream.bytes(text), stream.stdin(), or something to read from",
  })
end

return M
