--- How the names of a model's things are written: GetParameter in the model, get_parameter in
--- scripts, get-parameter in a shell.

local errors = require("awsbak.errors")

local spelling = {}

--- A name as scripts write it: botocore's snake_case (botocore/__init__.py, xform_name) but for its
--- list of exceptions.
---@param name string "GetParameter"
---@return string
function spelling.snake(name)
  local plural = name:match("[A-Z][A-Z]+s$")
  if plural then
    name = name:sub(1, -#plural - 1) .. "_" .. plural:lower()
  end
  name = name:gsub("(.)([A-Z][a-z]+)", "%1_%2")
  return (name:gsub("([a-z0-9])([A-Z])", "%1_%2"):lower())
end

--- The name of a thing that `word` means: as it is, in snake_case or with hyphens.
---@param word string
---@param names string[] as the model has them
---@param snake fun(name: string): string
---@return string? name
---@return string? nearest the name most like it, spelt as `word` is, when it means none
function spelling.match(word, names, snake)
  local wanted = word:gsub("-", "_")
  for _, name in ipairs(names) do
    if name == word or snake(name) == wanted then
      return name
    end
  end
  local candidates = names
  if not word:match("^%u") then
    candidates = {}
    for i, name in ipairs(names) do
      candidates[i] = snake(name)
    end
  end
  return nil, (errors.nearest(word, candidates))
end

return spelling
