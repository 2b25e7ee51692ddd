local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local server = require("spec.support.server")
local shell = require("spec.support.shell")

-- Refuses to watch a socket, the REFUSED-th time that it is asked to.
local REFUSING <const> = [[
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <errno.h>
  #include <stdlib.h>
  #include <sys/epoll.h>
  #include <sys/stat.h>
  int epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
  {
      static int asked;
      int (*real)(int, int, int, struct epoll_event *);
      struct stat st;
      *(void **)&real = dlsym(RTLD_NEXT, "epoll_ctl");
      if (op != EPOLL_CTL_DEL && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) &&
          ++asked == atoi(getenv("REFUSED"))) {
          errno = ENOSPC;
          return -1;
      }
      return real(epoll_fd, op, fd, event);
  }
]]

-- An upload, a download that has to wait for its reader, and an upload.
local REQUESTS <const> = [[
  local errors, http = require("awsbak.errors"), require("awsbak.http")
  local function send(method, body)
    local reply = http.send({
      method = method, url = arg[1], headers = {}, body = body, stream = method == "GET" })
    if body then
      return reply.body
    end
    local reader <close>, size = reply.reader, 0
    for _ = 1, 4 do
      http.send({ method = "PUT", url = arg[1], headers = {}, body = "x" })
    end
    repeat
      local piece = require("awsbak.task").await(reader:read(1 << 20))
      size = size + #(piece or "")
    until not piece
    return size
  end
  for _, method in ipairs({ "PUT", "GET", "PUT" }) do
    local said, err = errors.try(send, method, method == "PUT" and ("x"):rep(1 << 20) or nil)
    print(said or ("%s %s: %s"):format(err.kind, err.code, err.message))
  end
]]

-- As if an event on a socket that is closed and opened again while events are told had been fetched
-- with them: the last one's place is kept for the number of the next socket. The magic number tells
-- whether the events are still there.
local STALE <const> = [[
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <stdio.h>
  #include <sys/epoll.h>
  #define PLACE 0x5741544348000000u
  static struct epoll_event *last;
  int epoll_wait(int epoll_fd, struct epoll_event *events, int room, int ms)
  {
      int (*real)(int, struct epoll_event *, int, int);
      *(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
      int count = real(epoll_fd, events, room - 1, ms);
      if (count <= 0)
          return count;
      last = &events[count];
      last->events = EPOLLERR;
      last->data.u64 = PLACE;
      return count + 1;
  }
  int socket(int domain, int type, int protocol)
  {
      int (*real)(int, int, int);
      *(void **)&real = dlsym(RTLD_NEXT, "socket");
      int fd = real(domain, type, protocol);
      if (last && last->data.u64 == PLACE) {
          last->data.fd = fd;
          fputs("stale", stderr);
      }
      return fd;
  }
]]

local function built(dir, source)
  local library = dir:path("library.so")
  local words = { "cc", "-shared", "-fPIC", "-o", library, dir:write("library.c", source) }
  assert(os.execute(shell.join(words)))
  return library
end

describe("a connection that the system does not watch", function()
  it("ends its request with the system's own reason, and no later one", function()
    if program.is_sanitized() then
      return pending("the sanitizer wants to be the first library")
    end
    local dir <close> = scratch.new()
    local s <close> = server.start()
    local library = built(dir, REFUSING)
    local script = dir:write("requests.lua", REQUESTS)
    s:script("GET /", { { body = ("0123456789abcdef"):rep(1 << 17), times = -1 } })
    s:script("PUT /", { { body = "put", times = -1 } })
    local refused, n = 0, 0
    local reason = "io ENOSPC: cannot wait for 127.0.0.1:%d (epoll): No space left on device"
    local wanted = reason:format(s.port)
    repeat
      n = n + 1
      local env = { LD_PRELOAD = library, REFUSED = n }
      local ran = program.run({ script, s.url }, { env = env })
      assert.equal("", ran.stderr)
      local failed = 0
      for line in ran.stdout:gmatch("[^\n]+") do
        if line ~= "put" and line ~= "2097152" then
          assert.equal(wanted, line)
          failed = failed + 1
        end
      end
      assert.is_true(failed <= 1, ran.stdout)
      refused = refused + failed
    until failed == 0
    assert.is_true(refused > 2)
  end)
end)

-- Fails the WAIT-th time that it waits, or from then on, with REASON.
local DEAF <const> = [[
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <errno.h>
  #include <stdlib.h>
  #include <sys/epoll.h>
  int epoll_wait(int epoll_fd, struct epoll_event *events, int room, int ms)
  {
      static int waits;
      int (*real)(int, struct epoll_event *, int, int);
      *(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
      waits++;
      if (waits == atoi(getenv("WAIT")) || (getenv("LASTS") && waits > atoi(getenv("WAIT")))) {
          errno = atoi(getenv("REASON"));
          return -1;
      }
      return real(epoll_fd, events, room, ms);
  }
]]

-- Two tasks that send, each with something to undo that sends as well.
local UNDOING <const> = [[
  local http, task = require("awsbak.http"), require("awsbak.task")
  local function send(method)
    return http.send({ method = method, url = arg[1], headers = {} }).body
  end
  local function put()
    local undo <close> = setmetatable({}, {
      __close = function(_, err)
        print(send("DELETE"), err and "undone" or "done")
      end,
    })
    print(send("GET"))
  end
  for _ = 1, 2 do
    task.spawn(put)
  end
]]

describe("a wait that fails", function()
  local EINTR <const>, EBADF <const>, ENOMEM <const> = 4, 9, 12

  --- Run it with waits that fail: each one in turn, until there are no more.
  local function each_run(reason, lasts, check)
    local dir <close> = scratch.new()
    local s <close> = server.start()
    local library, script = built(dir, DEAF), dir:write("undoing.lua", UNDOING)
    s:script("GET /", { { body = "got", times = -1 } })
    s:script("DELETE /", { { body = "deleted", times = -1 } })
    local wait, failed = 0, 0
    repeat
      wait = wait + 1
      local env = { LD_PRELOAD = library, WAIT = wait, REASON = reason, LASTS = lasts }
      local ran = program.run({ script, s.url }, { env = env, prefix = { "timeout", "20" } })
      check(ran)
      failed = failed + (ran.status ~= 0 and 1 or 0)
    until wait >= 4 and ran.status == 0
    return failed
  end

  local function count(text, word)
    return select(2, text:gsub(word, ""))
  end

  it("is told with the system's own reason, and what is half done is undone", function()
    if program.is_sanitized() then
      return pending("the sanitizer wants to be the first library")
    end
    local reasons = { [EBADF] = "Bad file descriptor", [ENOMEM] = "Cannot allocate memory" }
    for reason, words in pairs(reasons) do
      local failed = each_run(reason, nil, function(ran)
        if ran.status ~= 0 then
          assert.equal("awsbak: error: cannot wait for the network: " .. words .. "\n", ran.stderr)
          assert.equal(reason == ENOMEM and 71 or 1, ran.status)
        end
        -- A task that had not begun has nothing to undo.
        assert.is_true(count(ran.stdout, "deleted") >= count(ran.stdout, "got"), ran.stdout)
        assert.equal(count(ran.stdout, "deleted"), count(ran.stdout, "done"), ran.stdout)
      end)
      assert.is_true(failed > 2)
    end
  end)

  it("ends the program when it fails again and again", function()
    if program.is_sanitized() then
      return pending("the sanitizer wants to be the first library")
    end
    each_run(EBADF, 1, function(ran)
      if ran.status ~= 0 then
        assert.equal(1, ran.status)
        local sentence = "awsbak: error: cannot wait for the network: Bad file descriptor\n"
        assert.equal(sentence, ran.stderr)
      end
    end)
  end)

  it("is no failure when it was interrupted", function()
    if program.is_sanitized() then
      return pending("the sanitizer wants to be the first library")
    end
    local failed = each_run(EINTR, nil, function(ran)
      assert.equal("", ran.stderr)
      assert.equal(2, count(ran.stdout, "got"))
      assert.equal(2, count(ran.stdout, "deleted\tdone"))
    end)
    assert.equal(0, failed)
  end)
end)

local PAIRS <const> = 4 -- libcurl sends again five times by a handle

describe("a connection with the number of one that was closed", function()
  it("hears nothing of what that one was told", function()
    if program.is_sanitized() then
      return pending("the sanitizer wants to be the first library")
    end
    local dir <close> = scratch.new()
    local s <close> = server.start()
    -- Each second request finds its connection closed, and is sent again by libcurl on another one:
    -- mostly while events are told, but not when it sees the end before it waits.
    local replies = {}
    for _ = 1, PAIRS do
      local pair = { { body = "a" }, { raw = "", delay = 0.01 }, { body = "b" } }
      table.move(pair, 1, #pair, #replies + 1, replies)
    end
    s:script("PUT /", replies)
    local script = dir:write(
      "requests.lua",
      [[
        for _ = 1, 2 * arg[2] do
          local request = { method = "PUT", url = arg[1], headers = {}, body = "x" }
          print(require("awsbak.http").send(request).body)
        end
      ]]
    )
    local env = { LD_PRELOAD = built(dir, STALE) }
    local ran = program.run({ script, s.url, tostring(PAIRS) }, { env = env })
    assert.equal(("a\nb\n"):rep(PAIRS), ran.stdout, ran.stderr)
    assert.matches("^stale", ran.stderr)
  end)
end)
