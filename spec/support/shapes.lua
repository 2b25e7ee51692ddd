--- Shapes of every kind, one of them of all the others, for what tests the decoders of core.shape.

local shape = require("awsbak.core.shape")

local shapes = {}

local function ref(name, target, more)
  local made = { name = name, wire = name, shape = target }
  for key, value in pairs(more or {}) do
    made[key] = value
  end
  return made
end

-- By name: kind, references, whether it is a union.
local ALL = {
  Text = { "string" },
  Int = { "integer" },
  Float = { "float" },
  Flag = { "boolean" },
  Blob = { "blob" },
  Time = { "timestamp" },
  Any = { "document" },
  Texts = { "list", { ref("element", "Text", { wire = "" }) } },
  Ints = { "map", { ref("key", "Text"), ref("value", "Int") } },
  Choice = { "structure", { ref("s", "Text"), ref("l", "Choices") }, true },
  Choices = { "list", { ref("element", "Choice", { wire = "" }) } },
  Node = {
    "structure",
    {
      ref("Name", "Text"),
      ref("Size", "Int"),
      ref("Ratio", "Float"),
      ref("On", "Flag"),
      ref("Data", "Blob"),
      ref("At", "Time"),
      ref("Free", "Any"),
      ref("List", "Texts"),
      ref("Flat", "Texts", { flattened = true }),
      ref("Map", "Ints"),
      ref("FlatMap", "Ints", { flattened = true }),
      ref("Kind", "Text", { wire = "type", attribute = true }),
      ref("Child", "Node"),
      ref("Choice", "Choice"),
      ref("Lone", "Int", { flattened = true }),
    },
  },
}

--- A plan of these shapes, each defined when it is asked for.
---@param time fun(text: any): number? reads a time
---@param asked string[]? gets the names that are asked for, in order
---@return userdata plan of core.shape
function shapes.plan(time, asked)
  local plan
  plan = shape.plan(function(name)
    if asked then
      asked[#asked + 1] = name
    end
    local row = ALL[name]
    if row then
      plan:define(name, row[1], row[2] or {}, row[3])
    end
  end, time)
  return plan
end

return shapes
