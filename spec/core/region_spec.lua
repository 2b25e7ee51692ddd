local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local http = require("awsbak.core.http")
local scratch = require("spec.support.scratch")
local server = require("spec.support.server")
local task = require("awsbak.task")

local PIECE = 256 * 1024 -- that are read at once

local function sha256(bytes)
  return codec.hex(digest.digest("sha256", bytes))
end

describe("a region of a file", function()
  local dir, s

  setup(function()
    s = server.start()
  end)

  teardown(function()
    s:close()
  end)

  before_each(function()
    dir = scratch.new()
    s:clear()
  end)

  after_each(function()
    dir:close()
  end)

  --- A file of so many bytes, of which no two neighbours of four are the same.
  local function written(size)
    local parts = {}
    for i = 1, size // 4 + 1 do
      parts[i] = (">I4"):pack(i * 2654435761 & 0xffffffff)
    end
    local bytes = table.concat(parts):sub(1, size)
    return bytes, assert(file.open(dir:write("file", bytes)))
  end

  local function send(body, options)
    local request = { method = "PUT", url = s.url .. "/a", body = body }
    for name, value in pairs(options or {}) do
      request[name] = value
    end
    return errors.try(function()
      return task.await(assert(http.request(request)))
    end)
  end

  it("has the digest of its bytes, wherever it begins and ends", function()
    local bytes, f <close> = written(2 * PIECE + 7)
    for _, at in ipairs({ 0, 1, PIECE - 1, PIECE, 2 * PIECE + 7 }) do
      for _, size in ipairs({ 0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 7 }) do
        if at + size <= #bytes then
          local region = assert(f:region(at, size))
          assert.equal(size, #region)
          for _, name in ipairs({ "sha256", "crc32", "crc64nvme" }) do
            local wanted = digest.digest(name, bytes:sub(at + 1, at + size))
            local got = task.await(region:digest(name))
            local where = ("%s of %d at %d"):format(name, size, at)
            assert.equal(codec.hex(wanted), codec.hex(got), where)
          end
        end
      end
    end
  end)

  it("has several digests of one reading", function()
    local bytes, f <close> = written(2 * PIECE + 7)
    local region = assert(f:region(0, #bytes))
    local names = { "sha256", "crc32", "md5", "crc64nvme" }
    local got = { task.await(region:digest(table.unpack(names))) }
    for i, name in ipairs(names) do
      assert.equal(codec.hex(digest.digest(name, bytes)), codec.hex(got[i]), name)
    end
    for _, wrong in ipairs({ {}, { "" }, { ("x"):rep(40) }, { "a", "b", "c", "d", "e" } }) do
      assert.has_error(function()
        region:digest(table.unpack(wrong))
      end)
    end
    local _, err = errors.try(function()
      return task.await(region:digest("sha256", "md6"))
    end)
    assert.equal("usage", err.kind)
  end)

  it("is sent as the body of a request, and nothing else of the file", function()
    local bytes, f <close> = written(3 * PIECE)
    s:script("*", { { body = "", times = -1 } })
    local sizes = { 0, 1, PIECE, 2 * PIECE + 5 }
    for _, size in ipairs(sizes) do
      assert(send(assert(f:region(11, size))))
    end
    for i, request in ipairs(s:requests()) do
      assert.equal(tostring(sizes[i]), request.headers["content-length"])
      assert.equal(sha256(bytes:sub(12, 11 + sizes[i])), request.sha256)
    end
  end)

  it("outlives the handle that it was made of", function()
    local bytes, f = written(1000)
    local region = assert(f:region(0, 1000))
    f:close()
    collectgarbage()
    s:script("*", { { body = "" } })
    assert(send(region))
    assert.equal(bytes, s:requests()[1].body)
    local sum = task.await(region:digest("sha1"))
    assert.equal(codec.hex(digest.digest("sha1", bytes)), codec.hex(sum))
  end)

  it("is sent again from its beginning when the server had closed the connection", function()
    local bytes, f <close> = written(2 * PIECE)
    local region = assert(f:region(0, 2 * PIECE))
    s:script("*", { { body = "", times = -1 } })
    assert(send("first"))
    s:drop() -- as a server does with connections that nobody uses
    local response, err = send(region)
    if not response then -- some of it was sent before the end was seen: only a new request helps
      assert.same({ "network", true }, { err.kind, err.code == "cut" or err.code == "connect" })
      assert(send(region))
    end
    local requests = s:requests()
    assert.equal(sha256(bytes), requests[#requests].sha256)
  end)

  it("cannot be where the file has no bytes", function()
    local _, f <close> = written(10)
    for _, place in ipairs({ { 0, 11 }, { 10, 1 }, { 11, 0 } }) do
      local region, err = f:region(place[1], place[2])
      assert.is_nil(region)
      assert.same({ "io", "short" }, { err.kind, err.code })
      assert.matches(dir:path("file"), err.message, 1, true)
    end
    for _, place in ipairs({ { -1, 1 }, { 0, -1 }, { math.maxinteger, 1 } }) do
      assert.has_error(function()
        f:region(place[1], place[2])
      end)
    end
  end)

  it("fails, and sends no other bytes, when the file becomes shorter", function()
    local bytes, f <close> = written(2 * PIECE)
    local region = assert(f:region(0, 2 * PIECE))
    dir:write("file", bytes:sub(1, PIECE + 1))
    s:script("*", { { body = "", times = -1 } })
    for _, use in ipairs({
      function()
        return send(region)
      end,
      function()
        return errors.try(function()
          return task.await(region:digest("sha256"))
        end)
      end,
    }) do
      local got, err = use()
      assert.is_nil(got)
      assert.same({ "io", "short" }, { err.kind, err.code })
      local said = ("%s ends before byte %d"):format(dir:path("file"), 2 * PIECE)
      assert.matches(said, err.message, 1, true)
    end
  end)

  it("knows no digest of another name", function()
    local _, f <close> = written(10)
    local region = assert(f:region(0, 10))
    for _, name in ipairs({ "sha3", ("x"):rep(100) }) do
      assert.is_false((pcall(function()
        return task.await(region:digest(name))
      end)))
    end
  end)
end)
