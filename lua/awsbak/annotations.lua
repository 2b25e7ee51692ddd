--- What is known of a Lua module from its doc comments, as a file of annotations for editors.
---
--- Source of the format: the Lua language server's page on annotations
--- (luals.github.io/wiki/annotations).

local annotations = {}

--- The function that a line begins, as a line of its own: "function M.wait(seconds) end". One that
--- is only assigned has its parameters from the comment.
local function function_line(line, comment)
  local whole = line:match("^function [%w_]+[.:][%w_]+%(.*%)$")
  if whole then
    return whole .. " end"
  end
  local name = line:match("^([%w_]+%.[%w_]+) = ")
  if not (name and comment:find("---@param", 1, true)) then
    return nil
  end
  local parameters = {}
  for parameter in comment:gmatch("%-%-%-@param ([%w_.]+)") do
    parameters[#parameters + 1] = parameter
  end
  return ("function %s(%s) end"):format(name, table.concat(parameters, ", "))
end

local function is_definition(comment)
  return comment:find("---@class", 1, true) or comment:find("---@alias", 1, true)
end

--- The annotations of a module.
---@param name string "awsbak.task"
---@param source string
---@return string text a Lua file that is never run
function annotations.module(name, source)
  local parts, tables, lines = { "---@meta " .. name .. "\n" }, {}, {}
  local function table_line(holder)
    local is_new = not tables[holder]
    tables[holder] = true
    return is_new and ("local %s = {}\n"):format(holder) or ""
  end
  for line in source:gmatch("([^\n]*)\n") do
    local comment = #lines > 0 and table.concat(lines, "\n") .. "\n" or ""
    local declared = line:match("^local ([%w_]+) = ")
    local f = function_line(line, comment)
    if line:find("^%-%-%-") and not line:find("^%-%-%-%-") then
      lines[#lines + 1] = line
    elseif f then
      parts[#parts + 1] = table_line(f:match("^function ([%w_]+)")) .. comment .. f .. "\n"
    elseif is_definition(comment) then
      parts[#parts + 1] = comment .. (declared and table_line(declared) or "")
    end
    if lines[#lines] ~= line then
      lines = {}
    end
  end
  local returned = source:match("\nreturn ([%w_]+)\n$")
  if returned then
    parts[#parts + 1] = table_line(returned) .. "return " .. returned .. "\n"
  end
  return table.concat(parts, "\n")
end

return annotations
