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

-- How the transfer is run: with files as its standard input and output, or with pipes.
local WITH_FILES <const> = "transfer <%s >$dir/%s; code=$?"
local WITH_PIPES <const> = "cat %s | { transfer; echo $? >$dir/$run.code; } | cat >$dir/%s\n"
  .. "code=$(cat $dir/$run.code)"

-- $1: name of the run, $2: "first" or "again"; the rest: variables that make something fail
local SCRIPT <const> = [[
name=$1 run=$1.$2 dir=%s
shift 2
variables=$*
mkdir -p $dir/$name.home $dir/$name.to
if [ ${run##*.} = first ]; then
  for what in home to; do
    test ! -d $dir/before.$what || cp -a $dir/before.$what/. $dir/$name.$what/
  done
fi
: >$dir/$run.log
transfer() {
  timeout -s KILL %d env -i PATH="$PATH" LC_ALL=C.UTF-8 HOME=$dir/$name.home \
    AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=AKIDSPEC AWS_SECRET_ACCESS_KEY=spec-secret \
    AWS_ENDPOINT_URL=%s AWS_MAX_ATTEMPTS=2 IO_FAULT_LOG=$dir/$run.log %s $variables %s %s \
    2>$dir/$run.err
}
%s
echo "$name $code"
]]

local SEED <const> = "s3 cp --recursive --force $dir/%s s3://vault/%s/"

--- Write files as old as can be, some in folders.
local function write_files(dir, folder, files)
  for name, bytes in pairs(files) do
    local path = ("%s/%s"):format(folder, name)
    assert(os.execute("mkdir -p " .. shell.quote(dir:path(path:match("^(.*)/")))))
    dir:write(path, bytes)
  end
  local command = "mkdir -p %s && find %s -type f -exec touch -d 2020-01-01 {} +"
  local quoted = shell.quote(dir:path(folder))
  assert(os.execute(command:format(quoted, quoted)))
end

--- A place for runs of a transfer.
---@param store table of spec.support.s3_store
---@param program string the awsbak that is run
---@param way spec.TransferWay
---@return table runs close it
function transfer_runs.new(store, program, way)
  local dir = scratch.new()
  local self = { store = store, dir = dir, way = way, sums = {}, old = {} }
  setmetatable(self, transfer_runs)
  local function script(command, run)
    local folder, path = shell.quote(dir:path()), shell.quote(program)
    local variables = transfer_runs.SANITIZERS
    local output = run.output and "$name.to/" .. run.output or "$run.out"
    local how = (run.is_piped and WITH_PIPES or WITH_FILES):format(run.input or "/dev/null", output)
    return SCRIPT:format(folder, SECONDS_MAX, store.url, variables, path, command, how)
  end
  --- Run something before, whose home is left.
  local function prepare(name, command)
    dir:write("run.sh", script(command, {}))
    assert(self:run({ { name = name } }, "first")[name] == 0, dir:read(name .. ".first.err"))
  end
  store:forget("/vault/")
  write_files(dir, "from", way.files)
  write_files(dir, "before.to", way.before or {})
  prepare("seed", SEED:format("from", "from"))
  prepare("old", SEED:format("before.to", "before"))
  if way.prime then
    prepare("prime", way.prime)
    assert(os.rename(dir:path("prime.home"), dir:path("before.home")))
  end
  for name, bytes in pairs(way.files) do
    self.sums[name] = digest.digest("sha256", bytes)
  end
  for name, bytes in pairs(way.before or {}) do
    self.old[name] = digest.digest("sha256", bytes)
  end
  dir:write("run.sh", script(way.command, way))
  return self
end

--- Run all, and wait for them; their exit codes by name.
---@param list { name: string, variables: string? }[]
---@param which "first"|"again"
---@return table<string, integer>
function transfer_runs:run(list, which)
  local lines = {}
  for i, item in ipairs(list) do
    if which == "first" then
      self.store:seed("/vault/before/", ("/vault/%s/"):format(item.name))
    end
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

local function files_in(path)
  local find = "find %s -type f -printf '%%P\\n' 2>/dev/null"
  local pipe = assert(io.popen(find:format(shell.quote(path))))
  local names = {}
  for name in pipe:lines() do
    names[#names + 1] = name
  end
  pipe:close()
  return names
end

--- The files in the target of a run: their hashes by name.
local function contents(self, name, told)
  local sums = {}
  if self.way.into == "store" then
    local prefix = ("/vault/%s/"):format(name)
    for path, object in pairs(told.objects) do
      if path:sub(1, #prefix) == prefix then
        sums[path:sub(#prefix + 1)] = object.sha256
      end
    end
    return sums
  end
  for _, file in ipairs(files_in(self.dir:path(name .. ".to"))) do
    local bytes = self.dir:read(("%s.to/%s"):format(name, file))
    -- What a pipe has given before it failed is no file.
    local is_begun = self.way.output == file and self.way.files[file]:sub(1, #bytes) == bytes
    if not is_begun or #bytes == #self.way.files[file] then
      sums[file] = digest.digest("sha256", bytes)
    end
  end
  return sums
end

--- Names in the target and in the cache that are of nothing that belongs there.
local function left(self, name, sums)
  local names = {}
  for file in pairs(sums) do
    names[#names + 1] = not self.sums[file] and not self.old[file] and file or nil
  end
  local cache = self.dir:path(name .. ".home/.cache/awsbak/s3")
  for _, file in ipairs(self.way.command:find("--cache", 1, true) and files_in(cache) or {}) do
    local is_known = file == "lock" or #file == 64 and file:find("^%x+$")
    names[#names + 1] = not is_known and "cache: " .. file or nil
  end
  return names
end

--- What a run brought: "whole", "some", "nothing", or "broken"; and what is not as it shall be.
local function look(self, sums)
  local brought, done, missing = nil, 0, {}
  for file, sum in pairs(self.sums) do
    if sums[file] == sum then
      done = done + (self.old[file] ~= sum and 1 or 0)
    else
      missing[#missing + 1] = file
      brought = sums[file] ~= self.old[file] and "broken" or brought
    end
  end
  for file in pairs(self.old) do
    if sums[file] and not self.sums[file] then
      missing[#missing + 1] = file
    end
  end
  brought = brought or #missing == 0 and "whole" or done == 0 and "nothing" or "some"
  return brought, missing
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  return lines
end

--- Files without a row that says why they failed, or why their folder did.
local function untold(stdout, missing)
  local names, rows = {}, {}
  for _, line in ipairs(lines_of(stdout)) do
    local key = line:find('"detail":"..') and line:match('"key":"([^"]*)"')
    if key and line:find('"result":"failed"', 1, true) then
      rows[key] = true
    end
  end
  for _, file in ipairs(missing) do
    local folder = file:match("^(.*/)") or ""
    local is_told = rows[file] or rows[folder] or rows[folder:sub(1, -2)]
    names[#names + 1] = not is_told and file or nil
  end
  return names
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
---@field brought "whole"|"some"|"nothing"|"broken" by the first run
---@field untold string[] files that are not as they shall be, of which no row says why
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
      local sums = contents(self, item.name, told)
      local brought, missing = look(self, sums)
      local row = {
        name = item.name,
        call = log[1],
        status = codes[item.name],
        stderr = lines_of(self.dir:read(("%s.%s.err"):format(item.name, which)) or ""),
        brought = brought,
        left = left(self, item.name, sums),
        untold = untold(self.dir:read(("%s.%s.out"):format(item.name, which)) or "", missing),
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
