local config = require("aws.config")
local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local secret = require("awsbak.core.secret")
local settings = require("aws.all_settings")

local PAGE = "docs/settings.md"

--- The cells of each row of the page's tables, by the first.
local function documented()
  local rows = {}
  for line in io.lines(PAGE) do
    local cells = {}
    for cell in line:gmatch("|%s*([^|]-)%s*%f[|]") do
      cells[#cells + 1] = cell
    end
    if #cells == 5 and cells[1] ~= "setting" and not cells[1]:find("^-") then
      assert(not rows[cells[1]], cells[1])
      rows[cells[1]] = cells
    end
  end
  return rows
end

local function code(words)
  local list = {}
  for _, word in ipairs(words) do
    list[#list + 1] = "`" .. tostring(word) .. "`"
  end
  return table.concat(list, ", ")
end

--- The keys of a row, without holes.
local function keys(row)
  local list = { row.key }
  list[#list + 1] = row.old_key
  return list
end

--- A value that a row takes, other than its default, and one that it refuses, if it does.
local function samples(row)
  if row.kind == "boolean" then
    return tostring(row.default == false), "maybe"
  elseif row.kind == "choice" then
    return row.choices[1] == row.default and row.choices[2] or row.choices[1], "no such choice"
  elseif row.kind == "integer" or row.kind == "number" then
    local number = math.max(row.min or 0, 1) + 1
    return tostring(row.kind == "number" and number + 0.0 or number), "many"
  end
  return "sample"
end

--- What a row has in a world of these variables, this config file and these options.
local function value_in(row, env, text, options)
  return outside.with({
    getenv = function(name)
      return name == "HOME" and "/home/x" or env[name]
    end,
    environ = function()
      return env
    end,
    read_file = function(path)
      if path == "/home/x/.aws/config" then
        return text
      end
      return nil, { kind = "io", code = "ENOENT", message = "no file" }
    end,
    stat = function()
      return { type = "file" }
    end,
  }, function()
    local cfg = config.load(options)
    for _, entry in ipairs(row.unused and cfg:list() or {}) do
      if entry.name == row.name then
        return tostring(entry.value), entry.source
      end
    end
    local value, source = cfg:get(row.name)
    return secret.is(value) and value:reveal() or tostring(value), source
  end)
end

--- A profile with one key, which may be nested: "s3.x".
local function profile(key, value)
  local outer, inner = key:match("^(.-)%.(.*)$")
  if outer then
    return ("[default]\n%s =\n  %s = %s\n"):format(outer, inner, value)
  end
  return ("[default]\n%s = %s\n"):format(key, value)
end

local IN_FILE = "[default] in ~/.aws/config"

-- Those that say what is read, which config_spec.lua is about.
local OF_FILES = { config_file = true, credentials_file = true, profile = true }

local function rows_and_samples()
  return coroutine.wrap(function()
    for _, row in ipairs(settings) do
      if not OF_FILES[row.name] and row.refused == nil then
        coroutine.yield(row, samples(row))
      end
    end
  end)
end

describe("each setting", function()
  for row, good, bad in rows_and_samples() do
    it("is read where the table says, first found first: " .. row.name, function()
      for i, name in ipairs(row.env or {}) do
        local env = { [name] = good }
        for j = i + 1, #row.env do
          env[row.env[j]] = bad or "another"
        end
        local text = row.key and profile(row.key, bad or "another") or ""
        assert.same({ good, name }, { value_in(row, env, text) })
      end
      for _, key in ipairs(keys(row)) do
        assert.same({ good, IN_FILE }, { value_in(row, {}, profile(key, good)) })
      end
      if row.option then
        local env = row.env and { [row.env[1]] = bad or "another" } or {}
        local value, source = value_in(row, env, "", { [row.option] = good })
        assert.same({ good, "option " .. row.option }, { value, source })
      end
      local default = row.kind == "number" and row.default + 0.0 or row.default
      assert.equal(tostring(default), (value_in(row, {}, "")))
    end)

    if bad and (row.env or row.key) then
      it("is refused with its place when it is wrong: " .. row.name, function()
        local where = row.env and row.env[1] or IN_FILE
        local env = row.env and { [where] = bad } or {}
        local text = not row.env and row.key and profile(row.key, bad) or ""
        local _, err = errors.try(value_in, row, env, text)
        assert.equal("config", err.kind)
        assert.matches(('%s is "%s" (%s)'):format(row.name, bad, where), err.message, 1, true)
      end)
    end
  end
end)

describe("the table of settings", function()
  it("is documented: variables, keys, defaults, and a meaning of each", function()
    local rows = documented()
    for _, row in ipairs(settings) do
      local cells = assert(rows[row.name], row.name .. " is not in " .. PAGE)
      local default = row.default ~= nil and code({ row.default }) or ""
      assert.same({ row.name, code(row.env or {}), code(keys(row)), default, cells[5] }, cells)
      assert.not_equal("", cells[5], row.name)
      local reason = row.unused or row.ignored or row.why
      assert.truthy(not reason or cells[5]:find(reason, 1, true), row.name)
      rows[row.name] = nil
    end
    assert.is_nil(next(rows))
  end)

  it("names each variable and each key of a profile once", function()
    local seen = {}
    for _, row in ipairs(settings) do
      local names = keys(row)
      table.move(row.env or {}, 1, #(row.env or {}), #names + 1, names)
      for _, name in ipairs(names) do
        assert.is_nil(seen[name], name)
        seen[name] = row.name
      end
    end
  end)
end)
