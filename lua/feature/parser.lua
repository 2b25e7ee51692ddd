--- Reads a .feature file: Gherkin as the reference at cucumber.io/docs/gherkin has it, in English.
---
--- Known: Feature, Background, Scenario (Example), Scenario Outline (Scenario Template), Examples
--- (Scenarios), steps with Given, When, Then, And, But and *, data tables, doc strings, tags,
--- comments.

local M = {}

---@class feature.Step
---@field keyword string "Given", "When", "Then", "And", "But" or "*"
---@field text string
---@field line integer
---@field rows string[][]? its data table
---@field doc string? its doc string

---@class feature.Scenario
---@field name string
---@field tags string[] without "@"
---@field line integer
---@field steps feature.Step[] the background's first
---@field values table<string, string>? of an outline's row

---@class feature.Feature
---@field name string
---@field tags string[]
---@field scenarios feature.Scenario[]

local STEPS = { "Given", "When", "Then", "And", "But", "*" }

local SECTIONS = {
  ["Feature"] = "feature",
  ["Background"] = "background",
  ["Scenario"] = "scenario",
  ["Example"] = "scenario",
  ["Scenario Outline"] = "outline",
  ["Scenario Template"] = "outline",
  ["Examples"] = "examples",
  ["Scenarios"] = "examples",
}

local Reader = {}
Reader.__index = Reader

function Reader:fail(message, ...)
  error(("%s:%d: %s"):format(self.path, self.line, message:format(...)), 0)
end

local function trim(s)
  return s:match("^%s*(.-)%s*$")
end

local ESCAPES = { n = "\n", ["|"] = "|", ["\\"] = "\\" }

--- The cells of "| a | b \| c |".
local function cells_of(line)
  local cells, cell, i = {}, {}, 2
  while i <= #line do
    local c = line:sub(i, i)
    if c == "\\" and ESCAPES[line:sub(i + 1, i + 1)] then
      i = i + 1
      cell[#cell + 1] = ESCAPES[line:sub(i, i)]
    elseif c == "|" then
      cells[#cells + 1] = trim(table.concat(cell))
      cell = {}
    else
      cell[#cell + 1] = c
    end
    i = i + 1
  end
  return cells
end

--- A doc string's lines up to its closing marks, without the indentation of its first mark.
function Reader:doc_string(first)
  local indent, mark = first:match('^(%s*)(""")')
  if not mark then
    indent, mark = first:match("^(%s*)(```)")
  end
  local lines, begins = {}, self.line
  for line in self.next_line do
    self.line = self.line + 1
    if trim(line) == mark then
      return table.concat(lines, "\n")
    end
    local lead = line:match("^%s*")
    lines[#lines + 1] = line:sub(math.min(#indent, #lead) + 1)
  end
  self.line = begins
  self:fail("the doc string that begins here has no end")
end

function Reader:table_row(line)
  local cells = cells_of(line)
  local rows = self.examples or (self.step and self.step.rows)
  if not rows then
    if not self.step then
      self:fail("a table must follow a step or Examples")
    end
    rows = {}
    self.step.rows = rows
  end
  if rows[1] and #rows[1] ~= #cells then
    self:fail("this row has %d cells, the first one %d", #cells, #rows[1])
  end
  rows[#rows + 1] = cells
end

function Reader:add_step(keyword, text)
  if not self.steps or self.examples then
    self:fail("a step must be in a Background or a Scenario")
  end
  self.step = { keyword = keyword, text = text, line = self.line }
  self.steps[#self.steps + 1] = self.step
end

function Reader:take_tags()
  local tags = self.tags
  self.tags = {}
  return tags
end

local begin = {}

function begin.feature(self, name)
  if self.feature then
    self:fail("a file holds one Feature")
  end
  self.feature = { name = name, tags = self:take_tags(), outlines = {} }
end

function begin.background(self)
  if #self.feature.outlines > 0 then
    self:fail("the Background must come before the scenarios")
  end
  self.background = {}
  self.steps, self.examples = self.background, nil
end

function begin.scenario(self, name)
  self.steps, self.examples = {}, nil
  self.outline = {
    name = name,
    tags = self:take_tags(),
    line = self.line,
    steps = self.steps,
    blocks = {},
  }
  table.insert(self.feature.outlines, self.outline)
end

function begin.outline(self, name)
  begin.scenario(self, name)
  self.outline.is_outline = true
end

function begin.examples(self)
  if not (self.outline and self.outline.is_outline) then
    self:fail("Examples belong to a Scenario Outline")
  end
  self.examples = {}
  table.insert(self.outline.blocks, { rows = self.examples, tags = self:take_tags() })
end

function Reader:section(keyword, name)
  local kind = SECTIONS[keyword]
  if kind ~= "feature" and not self.feature then
    self:fail("a file begins with Feature:")
  end
  self.step, self.in_description = nil, true
  begin[kind](self, name)
end

local function step_keyword(line)
  for _, keyword in ipairs(STEPS) do
    if line:sub(1, #keyword + 1) == keyword .. " " then
      return keyword, trim(line:sub(#keyword + 2))
    end
  end
end

--- One line that is neither empty nor a comment nor part of a doc string.
function Reader:read(raw)
  local line = trim(raw)
  local keyword, rest = line:match("^(%u[%a ]*):%s*(.*)$")
  local step, text = step_keyword(line)
  if line:find("^@") then
    for tag in line:gmatch("@(%S+)") do
      table.insert(self.tags, tag)
    end
  elseif SECTIONS[keyword] then
    self:section(keyword, rest)
  elseif step and self.steps then
    self.in_description = false
    self:add_step(step, text)
  elseif line:find("^|") then
    self:table_row(line)
  elseif self.step and (line:find('^"""') or line:find("^```")) then
    self.step.doc = self:doc_string(raw)
  elseif not self.in_description then
    self:fail("this is neither a step nor a section: %s", line)
  end
end

local function with_values(text, values)
  return text and (text:gsub("<([^<>]+)>", values))
end

--- A copy of an outline's step with the values of one row.
local function fill_step(step, values)
  local rows = step.rows and {}
  for r, row in ipairs(step.rows or {}) do
    rows[r] = {}
    for c, cell in ipairs(row) do
      rows[r][c] = with_values(cell, values)
    end
  end
  return {
    keyword = step.keyword,
    text = with_values(step.text, values),
    line = step.line,
    rows = rows,
    doc = with_values(step.doc, values),
  }
end

local function concat(...)
  local all = {}
  for _, list in ipairs({ ... }) do
    table.move(list, 1, #list, #all + 1, all)
  end
  return all
end

local function shown(head, row)
  local parts = {}
  for i, name in ipairs(head) do
    parts[i] = name .. "=" .. row[i]
  end
  return table.concat(parts, ", ")
end

--- The scenarios an outline stands for, one for each row of its examples.
local function expand(outline, background, scenarios)
  for _, block in ipairs(outline.blocks) do
    local head = block.rows[1] or {}
    for r = 2, #block.rows do
      local row, values, steps = block.rows[r], {}, {}
      for i, name in ipairs(head) do
        values[name] = row[i]
      end
      for i, step in ipairs(outline.steps) do
        steps[i] = fill_step(step, values)
      end
      local name = with_values(outline.name, values)
      scenarios[#scenarios + 1] = {
        name = name ~= outline.name and name or ("%s (%s)"):format(name, shown(head, row)),
        tags = concat(outline.tags, block.tags),
        line = outline.line,
        steps = concat(background, steps),
        values = values,
      }
    end
  end
end

local function finish(self)
  if not self.feature then
    self:fail("there is no Feature: in this file")
  end
  local feature = { name = self.feature.name, tags = self.feature.tags, scenarios = {} }
  local background = self.background or {}
  for _, outline in ipairs(self.feature.outlines) do
    if outline.is_outline then
      expand(outline, background, feature.scenarios)
    else
      table.insert(feature.scenarios, {
        name = outline.name,
        tags = outline.tags,
        line = outline.line,
        steps = concat(background, outline.steps),
      })
    end
  end
  return feature
end

--- Parse the text of a feature file.
---@param text string
---@param path string for messages
---@return feature.Feature feature raises "path:line: what is wrong"
function M.parse(text, path)
  local self = setmetatable({ path = path, line = 0, tags = {} }, Reader)
  self.next_line = (text:gsub("\r\n", "\n") .. "\n"):gmatch("(.-)\n")
  for line in self.next_line do
    self.line = self.line + 1
    if line:find("%S") and not line:find("^%s*#") then
      self:read(line)
    end
  end
  return finish(self)
end

return M
