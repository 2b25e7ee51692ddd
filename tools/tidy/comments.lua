--- Every file says what it is, every public function what it does, and @param names are real.

local function words(list)
  local set = {}
  for word in list:gmatch("[%w_.]+") do
    set[word] = true
  end
  return set
end

-- The comment that ends just above line `number`: how many lines, and the names of its @params.
local function comment_above(lines, number)
  local params, size = {}, 0
  local at = number - 1
  while at > 0 and lines[at]:find("^%s*%-%-%-") do
    local name = lines[at]:match("^%s*%-%-%-@param%s+([%w_.]+)")
    if name then
      params[#params + 1] = name
    end
    size = size + 1
    at = at - 1
  end
  return size, params
end

-- The name of the table that a file returns, as it is or with a metatable.
local function module_of(lines)
  for at = #lines, 1, -1 do
    local rest = lines[at]:match("^return (.*)$")
    if rest then
      return rest:match("^([%w_]+)$") or rest:match("^setmetatable%(([%w_]+)")
    end
  end
end

local function check_lua(path, lines, report)
  local first = lines[1] and lines[1]:find("^#!") and 2 or 1
  if not (lines[first] or ""):find("^%-%-%-%s?%S") then
    report(path, first, "the file does not begin with a --- sentence that says what it is")
  end
  local module = module_of(lines)
  for number, line in ipairs(lines) do
    local name, arguments = line:match("^function ([%w_]+[.:][%w_.:]+)%((.-)%)")
    if name and name:match("^[%w_]+") == module and path:find("^lua/") then
      local size, params = comment_above(lines, number)
      if size == 0 then
        report(path, number, ("public function %s has no --- comment"):format(name))
      end
      local known = words(arguments)
      for _, param in ipairs(params) do
        if not known[param] then
          report(path, number, ("@param %s is not an argument of %s"):format(param, name))
        end
      end
    end
  end
end

-- A header is paragraphs between empty lines; one with prototypes begins with a comment.
local function check_header(path, lines, report)
  local paragraph, commented = true, false
  for number, line in ipairs(lines) do
    if line == "" then
      paragraph, commented = true, false
    else
      if paragraph then
        commented = line:find("^/%*") ~= nil
        paragraph = false
      end
      local name = line:match("^[%a][%w_ *]-[ *](ab_[%w_]+)%(")
        or line:match("^AB_MUST_USE .-[ *](ab_[%w_]+)%(")
      if name and not commented then
        report(path, number, ("%s has no comment above it"):format(name))
      end
    end
  end
end

local function check_c(path, lines, report)
  local name = path:match("^src/(.*)")
  local expected = "/* " .. (name or path) .. " - "
  if path:find("%.h$") and (lines[1] or ""):sub(1, #expected) ~= expected then
    report(path, 1, ("the first line is not '%s...'"):format(expected))
  end
  for number, line in ipairs(lines) do
    -- A comment of C++, unless it stands in a string or is part of a URL.
    if line:find("^%s*//") or line:gsub('"[^"]*"', ""):find("[;{})]%s*//") then
      report(path, number, "comments are /* */")
    end
  end
  if path:find("%.h$") then
    check_header(path, lines, report)
  end
end

--- Report missing or wrong comments.
---@param path string
---@param lines string[]
---@param report fun(path: string, line: integer, text: string)
return function(path, lines, report)
  if path:find("^src/.*%.[ch]$") then
    check_c(path, lines, report)
  elseif path:find("%.lua$") and not path:find("^spec/") then
    check_lua(path, lines, report)
  end
end
