--- Many runs of one transfer (spec.support.transfer_ways), to a server that keeps objects in memory
--- or from there, in each of which something else fails; some processes at a time.
---
--- Each run has a home and a target of its own, and is made again with nothing wrong: what the
--- first one left must not be in the way.

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
  AWS_MAX_ATTEMPTS=2 IO_FAULT_LOG=$dir/$run.log %s "$@" %s %s \
  >$dir/$run.out 2>$dir/$run.err <%s
echo "$name $?"
]]

local SEED <const> = "s3 cp --recursive --force $dir/from s3://vault/from/"

--- A place for runs of a transfer.
---@param store table of spec.support.s3_store
---@param program string the awsbak that is run
---@param way spec.TransferWay
---@return table runs close it
function transfer_runs.new(store, program, way)
  local dir = scratch.new()
  local self = setmetatable({ store = store, dir = dir, way = way, sums = {} }, transfer_runs)
  local function script(command, input)
    local folder, path = shell.quote(dir:path()), shell.quote(program)
    local variables = transfer_runs.SANITIZERS
    input = input or "/dev/null"
    return SCRIPT:format(folder, SECONDS_MAX, store.url, variables, path, command, input)
  end
  store:forget("/vault/")
  assert(os.execute("mkdir " .. shell.quote(dir:path("from"))))
  for name, bytes in pairs(way.files) do
    dir:write("from/" .. name, bytes)
    self.sums[name] = digest.digest("sha256", bytes)
  end
  dir:write("run.sh", script(SEED))
  assert(self:run({ { name = "seed" } }, "first").seed == 0, dir:read("seed.first.err"))
  dir:write("run.sh", script(way.command, way.input))
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

--- The files in the target of a run: their hashes by name, and names of what is no file of ours.
local function contents(self, name, told)
  local sums, left = {}, {}
  if self.way.into == "store" then
    local prefix = ("/vault/%s/"):format(name)
    for path, object in pairs(told.objects) do
      if path:sub(1, #prefix) == prefix then
        sums[path:sub(#prefix + 1)] = object.sha256
      end
    end
    return sums, left
  end
  for _, file in ipairs(scratch.list({ folder = self.dir:path(name .. ".to") })) do
    if self.sums[file] then
      sums[file] = digest.digest("sha256", self.dir:read(("%s.to/%s"):format(name, file)))
    else
      left[#left + 1] = file
    end
  end
  return sums, left
end

--- What a run brought: "whole", "nothing", or "broken"; and what it left.
local function look(self, name, told)
  local sums, left = contents(self, name, told)
  local brought = next(sums) and "whole" or "nothing"
  for file, sum in pairs(self.sums) do
    brought = sums[file] and sums[file] ~= sum and "broken" or brought
  end
  return brought, left
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
      local brought, left = look(self, item.name, told)
      local row = {
        name = item.name,
        call = log[1],
        status = codes[item.name],
        stderr = lines_of(self.dir:read(("%s.%s.err"):format(item.name, which)) or ""),
        brought = brought,
        left = left,
      }
      if which == "first" then
        rows[i] = row
      else
        rows[i].again = row
      end
    end
    local unfinished = {}
    for _, path in ipairs(told.uploads) do
      unfinished[path:match("^/vault/([^/]*)")] = true
    end
    for _, row in ipairs(which == "again" and rows or {}) do
      row.is_unfinished = unfinished[row.name] ~= nil
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
