--- Read a reply of each format, its shapes told anew, while each memory request in turn is refused:
--- the value or an error comes out, and nothing stays behind (which the sanitizer says at the end).
---
--- usage: AWSBAK_PROGRAM spec/torture/replies.lua; prints how many points there were.

local json = require("awsbak.core.json")
local shape = require("awsbak.core.shape")
local sys = require("awsbak.core.sys")
local xml = require("awsbak.core.xml")

local shapes = dofile("spec/support/shapes.lua") -- the program requires nothing from a folder

local EXPECTED = {
  Name = 'a "name" of some length, which is no short string of Lua, and has an end',
  Data = "hi",
  At = 1767323045,
  List = { "a", "b" },
  Flat = { "c", "d" },
  Map = { k = 1 },
  Child = { Child = { Name = "n" } },
}

local TEXTS = {
  json = [[{"Name":"a \"name\" of some length, which is no short string of Lua, and has an end",
    "Data":"aGk=","At":"2026-01-02T03:04:05Z","List":["a","b"],"Flat":["c","d"],"Map":{"k":1},
    "Unknown":[{}],"Child":{"Child":{"Name":"n"}}}]],
  xml = [[<N><Name>a "name" of some length, which is no short string of Lua, and has an end</Name>
    <Data>aGk=</Data><At>2026-01-02T03:04:05Z</At><List><m>a</m><m>b</m></List><Flat>c</Flat>
    <Map><entry><key>k</key><value>1</value></entry></Map><Flat>d</Flat>
    <Unknown a="1"><b/></Unknown><Child><Child><Name>n</Name></Child></Child></N>]],
}

local readers = {}

function readers.json()
  return shape.json(shapes.plan(tonumber), TEXTS.json, "Node")
end

function readers.xml()
  local document, err = xml.read(TEXTS.xml)
  if not document then
    return nil, err
  end
  return shape.xml(shapes.plan(tonumber), document, "Node")
end

-- What all of it comes to, in one text: keys are written sorted.
local function is_expected(value)
  return json.encode(value) == json.encode(EXPECTED)
end

local function check(ok, value, err)
  if not ok then
    assert(tostring(value):find("not enough memory", 1, true), value)
  elseif value == nil then
    assert(err.kind == "memory", err.message)
  else
    assert(is_expected(value), "another value was read")
  end
end

--- Refuse each request that reading makes; how many there are.
local function torture(read, forever)
  local n = 0
  repeat
    n = n + 1
    local before = sys.alloc_count()
    sys.alloc_fail(n, forever)
    local ok, value, err = pcall(read)
    sys.alloc_fail(0)
    local made = sys.alloc_count() - before
    check(ok, value, err)
  until made < n
  check(true, read())
  return n - 1
end

for _, format in ipairs({ "json", "xml" }) do
  assert(is_expected(readers[format]()), json.encode(readers[format]()))
  print(("%s once: %d points"):format(format, torture(readers[format], false)))
  print(("%s forever: %d points"):format(format, torture(readers[format], true)))
end
