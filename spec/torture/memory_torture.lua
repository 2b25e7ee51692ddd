--- The program survives running out of memory anywhere: each seventh allocation of a run, and each
--- one of reading a reply, is made to fail, once alone and once with all that follow. Needs a build
--- with AB_FAULTS (the asan preset). Of a run with SSH keys, most of which is libcrypto's, each
--- 71st; of one with files in folders each 19th, and of a pipe each 37th.

local scratch = require("spec.support.scratch")
local server = require("spec.support.server")
local shell = require("spec.support.shell")

local PROGRAM = assert(os.getenv("AWSBAK_PROGRAM"), "AWSBAK_PROGRAM names the build with AB_FAULTS")
local STEP = 7
local RARE = 71
local FEW = 19
local FEWER = 37

-- A sanitizer that finds something must be told apart from an error of ours.
local SANITIZERS = "ASAN_OPTIONS=exitcode=99:detect_leaks=1 UBSAN_OPTIONS=exitcode=99 "
  .. "LSAN_OPTIONS=suppressions=spec/torture/leaks.supp:print_suppressions=0"

local COUNT = [[
io.stderr:write(require("awsbak.core.sys").alloc_count())]]

local function shell_lines(command)
  local pipe = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do
    lines[#lines + 1] = line
  end
  pipe:close()
  return lines
end

-- How many allocations a run of `code` makes when none fails.
local function allocations(code)
  local words = shell.quote(code .. COUNT)
  local lines = shell_lines(("%s -e %s 2>&1 >/dev/null"):format(PROGRAM, words))
  return assert(tonumber(lines[#lines]), table.concat(lines, "\n"))
end

-- Run `code` once for each point in steps from `first` on; rows { at, status, stdout, stderr }.
local function runs(code, first, more, step)
  local dir <close> = scratch.new()
  local script = dir:write(
    "run.sh",
    ([[
AWSBAK_FAIL_ALLOC=$1 %s %s timeout 20 %s -e %s >%s/$1.out 2>%s/$1.err </dev/null
echo "$1 $?"
]]):format(more, SANITIZERS, PROGRAM, shell.quote(code), dir:path(), dir:path())
  )
  local points = ("seq %d %d %d"):format(first, step or STEP, allocations(code))
  local rows = {}
  for _, line in ipairs(shell_lines(points .. " | xargs -P 2 -n 1 sh " .. script)) do
    local at, status = line:match("^(%d+) (%d+)$")
    rows[#rows + 1] = {
      at = at,
      status = math.tointeger(tonumber(status)),
      stdout = dir:read(at .. ".out"),
      stderr = dir:read(at .. ".err"),
    }
  end
  return rows
end

-- Either the run was right in spite of the failure, or it ended with one sentence that says why.
local function check(code, expected, first, more, step)
  local rows = runs(code, first, more, step)
  assert.is_true(#rows > 100)
  for _, row in ipairs(rows) do
    local said = ("allocation %s failed, exit %d\n%s"):format(row.at, row.status, row.stderr)
    assert.is_nil(row.stderr:find("Sanitizer") or row.stderr:find("runtime error:"), said)
    if row.status == 0 then
      assert.equal(expected, row.stdout, said)
    else
      assert.is_true(row.status == 1 or row.status == 71, said)
      assert.matches("^awsbak: error: [^\n]+\n$", row.stderr, nil, nil, said)
    end
  end
end

describe("out of memory", function()
  local START <const> = "print(1)"
  local SIGN <const> = [[
    local signed, err = require("awsbak.core.sigv4").sign({
      method = "GET", host = "example.com", path = "/", query = "", headers = {},
      payload_hash = ("0"):rep(64), access_key = "A", secret_key = "S", region = "r",
      service = "s", time = 0 })
    if not signed then
      error(err.message, 0)
    end
    print("signed")
  ]]
  -- An archive for keys of every kind, opened with each.
  local AGE <const> = [[
    local age = require("awsbak.core.age")
    local archives = dofile("spec/support/archives.lua")
    local function check(value, err)
      if value == nil then
        error(err.message, 0)
      end
      return value
    end
    local function read(name)
      local file <close> = assert(io.open("spec/fuzz/seeds/ssh_key/" .. name))
      return file:read("a")
    end
    local identities, recipients = {}, {}
    for i, name in ipairs({ "file", "pem", "pkcs8" }) do
      identities[i] = check(age.identities(read(name)))[1]
      recipients[i] = check(age.recipient(identities[i]))
    end
    local path = os.tmpname()
    local gone <close> = setmetatable({}, { __close = function() os.remove(path) end })
    local file <close> = assert(io.open(path, "wb"))
    file:write(archives.seal("whole", { recipients = recipients }))
    file:flush()
    for _, identity in ipairs(identities) do
      local text, failure = archives.open(path, { identities = { identity } })
      if failure then
        error(failure.message, 0)
      end
      print(text)
    end
  ]]
  -- A file made, read, listed and removed in a folder that is new, too.
  local FOLDER <const> = [[
    local errors, task = require("awsbak.errors"), require("awsbak.task")
    local file, path = require("awsbak.core.file"), os.tmpname()
    local gone <close> = setmetatable({}, { __close = function()
      os.execute("rm -rf " .. path)
    end })
    os.remove(path)
    errors.check(file.mkdirs(path))
    local folder <close> = errors.check(file.folder(path))
    for _ = 1, 2 do
      local sink <close> = errors.check(folder:sink("a/b/c", { force = true }))
      task.await(sink:write("text"))
      task.await(sink:commit())
      errors.check(folder:stat("a/b/c"))
      local handle <close> = errors.check(folder:open("a/b/c"))
      print(errors.check(folder:list("a/b"))[1], task.await(handle:read(9, 0)))
      errors.check(folder:remove("a/b/c"))
    end
  ]]
  local PIPE <const> = [[
    local stream, n = require("awsbak.stream"), 0
    local plain = dofile("spec/support/noise.lua")(200000)
    local pieces = stream.bytes(function()
      n = n + 1
      return n < 3 and plain:sub(n * 100000 - 99999, n * 100000) or nil
    end)
    local identity, recipient = require("awsbak.core.age").keygen()
    if not identity then
      error(recipient, 0)
    end
    local errors = require("awsbak.errors")
    local file_key = errors.check(require("awsbak.core.age").file_key())
    local function unwrap()
      return file_key
    end
    local done = stream.pipe(pieces, stream.zstd(), stream.digest("md5"), stream.unzstd(),
      stream.gzip(), stream.seal({ recipients = { recipient } }),
      stream.open({ identities = { identity } }), stream.gunzip(),
      stream.seal({ file_key = file_key, stanzas = { "-> other\n\n" }, armor = true }),
      stream.open({ identities = { identity }, unwrap = unwrap }), stream.text())
    assert(done.text == plain)
    print("piped")
  ]]
  -- Each memory request of sending one is refused, on a connection that is kept.
  local QUERY <const> = [[
    local errors, http = require("awsbak.errors"), require("awsbak.http")
    local sys = require("awsbak.core.sys")
    local function send()
      return http.send({ method = "PUT", url = "%s/kept?partNumber=1", headers = {}, body = "x" })
    end
    send()
    local n, made = 0, nil
    repeat
      n = n + 1
      local before = sys.alloc_count()
      sys.alloc_fail(n)
      errors.try(send)
      sys.alloc_fail(0)
      made = sys.alloc_count() - before
    until made < n
    print(n > 50)
  ]]
  -- Each memory request is refused of a read that lets a reply go on, which has waited for its
  -- reader: libcurl notes again what the socket waits for. The next request works.
  local RESUME <const> = [[
    local errors, http = require("awsbak.errors"), require("awsbak.http")
    local sys, task = require("awsbak.core.sys"), require("awsbak.task")
    local function get(path, is_stream)
      return http.send({ method = "GET", url = "%s" .. path, headers = {}, stream = is_stream })
    end
    local function read(reader)
      return #(task.await(reader:read(1 << 20)) or "")
    end
    local function drain(reader, size)
      repeat
        local more = read(reader)
        size = size + more
      until more == 0
      return size
    end
    local n, made, failed = 0, nil, 0
    repeat
      n = n + 1
      local reader <close> = get("/large", true).reader
      for _ = 1, 8 do -- while it fills what waits for the reader
        assert(get("/hello").body == "whole")
      end
      local before = sys.alloc_count()
      sys.alloc_fail(n)
      local size, err = errors.try(read, reader)
      sys.alloc_fail(0)
      made = sys.alloc_count() - before
      local whole, later = errors.try(drain, reader, size or 0) -- does not wait for ever
      err = err or later
      assert(err and err.kind == "memory" or whole == 4 << 20, tostring(err or whole))
      failed = failed + (err and 1 or 0)
    until made < n
    print(n > 5 and failed > 3)
  ]]
  local request, running, started, loaded

  setup(function()
    started = allocations(START)
    loaded = allocations('require("awsbak.stream") print(1)\n')
    running = server.start()
    running:script("GET /hello", { { body = "whole", times = -1 } })
    running:script("GET /large", { { body = ("x"):rep(4 << 20), times = -1 } })
    running:script("PUT /kept", { { body = "whole", times = -1 } })
    request = ([[
      local http, task = require("awsbak.http"), require("awsbak.task")
      task.run(function()
        print(http.send({ method = "GET", url = "%s/hello", headers = {} }).body)
      end)
    ]]):format(running.url)
  end)

  teardown(function()
    running:close()
  end)

  it("once, while the program starts", function()
    check(START, "1\n", 1, "")
  end)

  it("for good, while the program starts", function()
    check(START, "1\n", 1, "AWSBAK_FAIL_FOREVER=1")
  end)

  it("once, during a request", function()
    check(request, "whole\n", started, "")
  end)

  it("for good, during a request", function()
    check(request, "whole\n", started, "AWSBAK_FAIL_FOREVER=1")
  end)

  it("once, anywhere in a request, and it never arrives without its query", function()
    local code = QUERY:format(running.url)
    assert.equal("true", shell_lines(("%s -e %s 2>&1"):format(PROGRAM, shell.quote(code)))[1])
    local arrived = 0
    for _, seen in ipairs(running:requests()) do
      if seen.target:find("/kept", 1, true) then
        assert.equal("/kept?partNumber=1", seen.target)
        arrived = arrived + 1
      end
    end
    assert.is_true(arrived > 10)
  end)

  it("once, anywhere in letting a reply go on, and later requests work", function()
    local code = shell.quote(RESUME:format(running.url))
    local command = ("%s timeout 60 %s -e %s 2>&1"):format(SANITIZERS, PROGRAM, code)
    assert.same({ "true" }, shell_lines(command))
  end)

  it("once, while a request is signed", function()
    check(SIGN, "signed\n", started, "")
  end)

  it("once, while a file is made and opened beneath a folder", function()
    check(FOLDER, "c\ttext\nc\ttext\n", started, "", FEW)
  end)

  it("once, while an archive for SSH keys is made and opened", function()
    check(AGE, "whole\nwhole\nwhole\n", started, "", RARE)
  end)

  it("once, while bytes go through a pipe", function()
    check(PIPE, "piped\n", loaded, "", FEWER)
  end)

  it("for good, while bytes go through a pipe", function()
    check(PIPE, "piped\n", loaded, "AWSBAK_FAIL_FOREVER=1", FEWER)
  end)

  it("once and for good, anywhere in reading a reply", function()
    local command = ("%s %s spec/torture/replies.lua 2>&1; echo $?"):format(SANITIZERS, PROGRAM)
    local lines = shell_lines(command)
    local said = table.concat(lines, "\n")
    assert.equal("0", lines[#lines], said)
    for i = 1, #lines - 1 do
      local points = tonumber(lines[i]:match("^%a+ %a+: (%d+) points$"))
      assert.is_true(points ~= nil and points > 50, said)
    end
    assert.equal(5, #lines, said)
  end)
end)
