--- Everything in lua/ that needs the time, luck, the environment, files or the network asks here, so
--- that a spec or a simulation can put something else in its place.

local M = {}

---@class awsbak.Outside
---@field now fun(): number epoch seconds, with fraction
---@field monotonic fun(): number seconds of a clock that never goes back
---@field sleep fun(seconds: number) suspends the task
---@field random fun(): number in [0, 1)
---@field random_bytes fun(n: integer): string from the system's generator
---@field getenv fun(name: string): string? nil when unset or empty
---@field read_file fun(path: string): string?, table? the whole file, or nil and an error
---@field send fun(request: table): table see awsbak.http
---@field uid fun(): integer

local FILE_MAX = 32 * 1024 * 1024

local CODES = { [2] = "ENOENT", [13] = "EACCES", [20] = "ENOTDIR", [21] = "EISDIR" } -- errno(3), Linux

local function io_error(path, message, number)
  local text = message:sub(1, #path) == path and message:sub(#path + 3) or message
  return {
    kind = "io",
    code = CODES[number] or "EIO",
    message = ("cannot read %s: %s"):format(path, text),
  }
end

local function sys()
  return require("awsbak.core.sys")
end

function M.now()
  return sys().now()
end

function M.monotonic()
  return sys().monotonic()
end

function M.sleep(seconds)
  return require("awsbak.task").sleep(seconds)
end

function M.random()
  return math.random()
end

function M.random_bytes(n)
  return sys().random(n)
end

function M.getenv(name)
  return sys().getenv(name)
end

function M.uid()
  return sys().uid()
end

function M.read_file(path)
  local file, message, number = io.open(path, "rb")
  if not file then
    return nil, io_error(path, message, number)
  end
  local handle <close> = file
  local text, failure, code = handle:read(FILE_MAX + 1)
  if failure then
    return nil, io_error(path, failure, code)
  end
  if text and #text > FILE_MAX then
    return nil, { kind = "io", code = "EFBIG", message = path .. " is larger than 32 MiB" }
  end
  return text or ""
end

function M.send(request)
  return require("awsbak.http").send(request)
end

--- Call `f` while `overrides` replace functions of this table; put the old ones back whatever
--- happens: `outside.with({ now = function() return 0 end }, f)`.
---@param overrides table<string, function>
---@param f function
---@return any ... what `f` returns
function M.with(overrides, f, ...)
  local saved = {}
  for name, replacement in pairs(overrides) do
    assert(M[name], "outside has no such function")
    saved[name], M[name] = M[name], replacement
  end
  local restore <close> = setmetatable({}, {
    __close = function()
      for name, original in pairs(saved) do
        M[name] = original
      end
    end,
  })
  local results = table.pack(f(...))
  return table.unpack(results, 1, results.n)
end

return M
