--- Everything in lua/ that needs the time, luck, the environment, files or the network asks here,
--- so that a spec or a simulation can put something else in its place.

local sys = require("awsbak.core.sys")

local M = {}

local FILE_MAX = 32 * 1024 * 1024

--- Epoch seconds, with fraction.
---@return number
function M.now()
  return sys.now()
end

--- Seconds of a clock that never goes back.
---@return number
function M.monotonic()
  return sys.monotonic()
end

--- Suspend the task.
---@param seconds number
function M.sleep(seconds)
  return require("awsbak.task").sleep(seconds)
end

--- A number in [0, 1).
---@return number
function M.random()
  return math.random()
end

--- Bytes of the system's generator.
---@param n integer
---@return string
function M.random_bytes(n)
  return sys.random(n)
end

--- A variable of the environment; nil when it is unset or empty.
---@param name string
---@return string?
function M.getenv(name)
  return sys.getenv(name)
end

--- The whole environment: { NAME = value }, for programs we start.
---@return table<string, string>
function M.environ()
  return sys.environ()
end

--- The effective user id.
---@return integer
function M.uid()
  return sys.uid()
end

--- A whole file of at most 32 MiB. A pipe that nobody writes into ends with a signal.
---@param path string
---@return string? text
---@return table? err kind "io"
function M.read_file(path)
  local text, err = require("awsbak.core.file").read_file(path, FILE_MAX)
  if err and err.code == "too_large" then
    err = { kind = "io", code = "EFBIG", message = path .. " is larger than 32 MiB" }
  end
  return text, err
end

--- What a path names: { type = "file", mode = 384, ... } of core.file.
---@param path string
---@param link boolean? of a link itself, not of where it leads
---@return table? stat
---@return table? err kind "io"
function M.stat(path, link)
  return require("awsbak.core.file").stat(path, link)
end

--- The names in a folder, in no order.
---@param path string
---@return string[]? names
---@return table? err kind "io"
function M.list(path)
  return require("awsbak.core.file").list(path)
end

--- An output file that appears under its name whole or not at all.
---@param path string
---@param options table `force`, `mode`
---@return userdata? sink see core.file
---@return table? err kind "io"
function M.sink(path, options)
  return require("awsbak.core.file").sink(path, options)
end

--- Write a small file that only its owner may read, in folders that only he may enter: it appears
--- whole, in place of an older one, or not at all.
---@param path string
---@param text string
---@return boolean true
--- Raises kind "io".
function M.write_private(path, text)
  local errors = require("awsbak.errors")
  local await = require("awsbak.task").await
  errors.check(require("awsbak.core.file").mkdirs(path:match("^(.*)/")))
  local sink <close> = errors.check(M.sink(path, { force = true }))
  await(sink:write(text))
  await(sink:commit())
  return true
end

--- Ask on the terminal, without showing what is typed.
---@param prompt string what of it would act on a terminal is escaped here
---@return userdata? answer secret
---@return table? err code "no_terminal", "no_answer", ...
function M.ask_hidden(prompt)
  return sys.read_password(require("awsbak.text").escape(prompt))
end

--- Send a request, as awsbak.http does.
---@param request table
---@return table response
function M.send(request)
  return require("awsbak.http").send(request)
end

--- Call `f` while `overrides` replace functions of this table; put the old ones back whatever
--- happens: `outside.with({ now = function() return 0 end }, f)`. There is one outside: they hold
--- for all tasks, and calls may be nested but not overlap in time.
---@param overrides table<string, function>
---@param f function
---@param ... any its arguments
---@return any ... what `f` returns
function M.with(overrides, f, ...)
  local saved = {}
  for name, replacement in pairs(overrides) do
    assert(M[name], "outside has no such function")
    saved[name], M[name] = M[name], replacement
  end
  local _restore <close> = setmetatable({}, {
    __close = function()
      for name, original in pairs(saved) do
        assert(M[name] == overrides[name], "calls of outside.with overlap")
        M[name] = original
      end
    end,
  })
  local results = table.pack(f(...))
  return table.unpack(results, 1, results.n)
end

return M
