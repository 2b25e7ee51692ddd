-- Keys that differ in the case of letters alone, or in the form of an accent, brought to a file
-- system on which that makes no other name.

local operator = require("spec.support.operator")
local program = require("spec.support.program")
local s3_store = require("spec.support.s3_store")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

describe("keys that meet where case and forms of accents make no other name", function()
  local store, op, dir, env

  setup(function()
    store, dir = s3_store.start(), scratch.new()
    op = operator.new(store.url)
    env = { LD_PRELOAD = dir:path("case_folding.so") }
    local words = { "cc", "-shared", "-fPIC", "-o", env.LD_PRELOAD, "spec/support/case_folding.c" }
    assert(os.execute(shell.join(words)))
  end)

  teardown(function()
    op:close()
    dir:close()
    store:close()
  end)

  local KEYS <const> = {
    "A",
    "Folder/x",
    "a",
    "cafe\u{301}", -- é as two characters
    "cafe\u{301}s/x",
    "caf\u{e9}", -- as one
    "caf\u{e9}s/x",
    "folder/X",
    "folder/x",
    "folder/y",
    "other",
  }
  local NAMES <const> = 6 -- that they are there

  local BODIES <const> = {}
  for i, key in ipairs(KEYS) do
    BODIES[key] = "body " .. i -- of one size
  end

  --- Names and bytes of the files in a folder.
  local function files(path)
    local pipe <close> = assert(io.popen(("cd %s && find . -type f"):format(shell.quote(path))))
    local found = {}
    for name in pipe:lines() do
      local handle <close> = assert(io.open(path .. "/" .. name, "rb"))
      found[name:sub(3)] = handle:read("a")
    end
    return found
  end

  --- What the names that are the same there have in common.
  local function fold(name)
    return (name:lower():gsub("e\u{301}", "\u{e9}"))
  end

  --- Check the rows of a run against what is there; how many are of files that were copied.
  local function check(rows, found)
    local there, copied = {}, 0
    for name, bytes in pairs(found) do
      there[fold(name)] = bytes
    end
    for _, row in ipairs(rows) do
      if row.result == "copied" then
        copied = copied + 1
        assert.equal(BODIES[row.key], there[fold(row.key)], row.key)
      else
        assert.equal("failed", row.result)
        local said = row.detail:gsub("appeared while it was being written", "exists already")
        assert.matches("exists already", said, 1, true)
      end
    end
    return copied
  end

  for _, words in ipairs({ "sync", "cp --recursive", "cp --recursive --force" }) do
    it("come once each, and the others are reported: " .. words, function()
      if program.is_sanitized() then
        return pending("the sanitizer wants to be the first library")
      end
      store:forget("/vault/")
      for _, key in ipairs(KEYS) do
        op:must({ "s3", "cp", "-", "s3://vault/" .. key }, { stdin = BODIES[key] })
      end
      local to, command = dir:path("to"), { "s3" }
      for word in (words .. " s3://vault/"):gmatch("%S+") do
        command[#command + 1] = word
      end
      command[#command + 1] = to
      local first = op:run(command, { env = env })
      local found, rows = files(to), op.rows(first)
      assert.equal(3, first.status, first.stderr)
      assert.same({ #KEYS, NAMES }, { #rows, check(rows, found) }, first.stdout)
      local second = op:run(command, { env = env })
      assert.equal(3, second.status, second.stderr)
      check(op.rows(second), found)
      assert.same(found, files(to))
      os.execute("rm -rf " .. shell.quote(to))
    end)
  end
end)
