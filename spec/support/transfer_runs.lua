--- Many runs of one transfer, in each of which something else fails: `awsbak s3 cp` of a file to a
--- server that keeps objects in memory, or from there, some processes at a time.
---
--- Each run has a home, a key and a target of its own, and is made again with nothing wrong: what
--- the first one left must not be in the way.

local digest = require("awsbak.core.digest")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local transfer_runs = {}
transfer_runs.__index = transfer_runs

local AT_ONCE <const> = 4
local SECONDS_MAX <const> = 60 -- what takes longer hangs

--- Variables for it: a sanitizer that finds something must be told apart from an error of ours.
transfer_runs.SANITIZERS = "ASAN_OPTIONS=exitcode=99:detect_leaks=1 UBSAN_OPTIONS=exitcode=99 "
  .. "LSAN_OPTIONS=suppressions=$PWD/spec/torture/leaks.supp:print_suppressions=0"

-- $1: name of the run, $2: "first" or "again"; the rest: variables that make something fail
local SCRIPT <const> = [[
name=$1 run=$1.$2 dir=%s
shift 2
mkdir -p $dir/$name.home $dir/$name.to
: >$dir/$run.log
timeout -s KILL %d env -i PATH="$PATH" LC_ALL=C.UTF-8 HOME=$dir/$name.home AWS_REGION=us-east-1 \
  AWS_ACCESS_KEY_ID=AKIDSPEC AWS_SECRET_ACCESS_KEY=spec-secret AWS_ENDPOINT_URL=%s \
  AWS_MAX_ATTEMPTS=2 IO_FAULT_LOG=$dir/$run.log %s "$@" %s s3 cp --part-size 5M %s \
  >$dir/$run.out 2>$dir/$run.err </dev/null
echo "$name $?"
]]

local WORDS = { up = "$dir/source s3://vault/$name", down = "s3://vault/source $dir/$name.to/file" }

--- A place for runs of a transfer.
---@param store table of spec.support.s3_store
---@param program string the awsbak that is run
---@param way "up"|"down"
---@param size integer bytes of the file
---@return table runs close it
function transfer_runs.new(store, program, way, size)
  local dir = scratch.new()
  local bytes = digest.digest("sha256", tostring(size)):rep(size // 32 + 1):sub(1, size)
  local self = setmetatable({ store = store, dir = dir, way = way }, transfer_runs)
  self.bytes, self.sum = bytes, digest.digest("sha256", bytes)
  dir:write("source", bytes)
  store:forget("/vault/")
  local function script(words)
    local folder, path = shell.quote(dir:path()), shell.quote(program)
    return SCRIPT:format(folder, SECONDS_MAX, store.url, transfer_runs.SANITIZERS, path, words)
  end
  if way == "down" then
    dir:write("run.sh", script("$dir/source s3://vault/source"))
    assert(self:run({ { name = "setup" } }, "first").setup == 0, dir:read("setup.first.err"))
  end
  dir:write("run.sh", script(WORDS[way]))
  return self
end

--- Run all, and wait for them; their exit codes by name.
---@param list { name: string, variables: string? }[]
---@param which "first"|"again"
---@return table<string, integer>
function transfer_runs:run(list, which)
  local lines = {}
  for i, item in ipairs(list) do
    lines[i] = ("%s %s %s\n"):format(item.name, which, item.variables or "NONE=")
  end
  local input = self.dir:write("runs", table.concat(lines))
  local command = ("xargs -P %d -L 1 sh %s <%s"):format(
    AT_ONCE,
    shell.quote(self.dir:path("run.sh")),
    shell.quote(input)
  )
  local pipe, codes = assert(io.popen(command)), {}
  for line in pipe:lines() do
    local name, code = line:match("^(%S+) (%d+)$")
    codes[name] = math.tointeger(tonumber(code))
  end
  pipe:close()
  return codes
end

--- What a run brought: "whole", "nothing", or "broken".
local function look(self, name, told)
  if self.way == "up" then
    local there = told.objects["/vault/" .. name]
    return not there and "nothing" or there.sha256 == self.sum and "whole" or "broken"
  end
  local bytes = self.dir:read(name .. ".to/file")
  return not bytes and "nothing" or bytes == self.bytes and "whole" or "broken"
end

--- Names in the target's folder that are not the file's.
local function left(self, name)
  local names = scratch.list({ folder = self.dir:path(name .. ".to") })
  for i = #names, 1, -1 do
    if names[i] == "file" then
      table.remove(names, i)
    end
  end
  return names
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  return lines
end

--- The calls that a run makes, in order.
---@param variables string as for rows
---@return string[] names
function transfer_runs:calls(variables)
  self.counts = (self.counts or 0) + 1
  local name = "calls" .. self.counts
  local codes = self:run({ { name = name, variables = variables } }, "first")
  assert(codes[name] == 0, self.dir:read(name .. ".first.err"))
  return lines_of(self.dir:read(name .. ".first.log"))
end

---@class spec.TransferRow a run and its repetition
---@field name string
---@field call string? that failed
---@field status integer
---@field stderr string[] lines
---@field brought "whole"|"nothing"|"broken" by the first run
---@field left string[] beside the target, by the first run
---@field again { status: integer, stderr: string[], brought: string, left: string[] }
---@field is_unfinished boolean whether an upload is there in the end

--- Run all, look, run all again, look.
---@param list { name: string, variables: string }[]
---@return spec.TransferRow[]
function transfer_runs:rows(list)
  local rows = {}
  for _, which in ipairs({ "first", "again" }) do
    local again = {}
    for i, item in ipairs(list) do
      again[i] = { name = item.name, variables = which == "first" and item.variables or nil }
    end
    local codes = self:run(again, which)
    local told = self.store:told("/vault/")
    for i, item in ipairs(list) do
      local log = lines_of(self.dir:read(("%s.%s.log"):format(item.name, which)) or "")
      local row = {
        name = item.name,
        call = log[1],
        status = codes[item.name],
        stderr = lines_of(self.dir:read(("%s.%s.err"):format(item.name, which)) or ""),
        brought = look(self, item.name, told),
        left = left(self, item.name),
      }
      if which == "first" then
        rows[i] = row
      else
        rows[i].again = row
      end
    end
    local unfinished = {}
    for _, path in ipairs(told.uploads) do
      unfinished[path] = true
    end
    for _, row in ipairs(which == "again" and rows or {}) do
      row.is_unfinished = unfinished["/vault/" .. row.name] ~= nil
    end
  end
  return rows
end

--- Remove all of it.
function transfer_runs:close()
  self.dir:close()
end

transfer_runs.__close = transfer_runs.close

return transfer_runs
