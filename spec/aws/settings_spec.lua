local settings = require("aws.settings")

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
