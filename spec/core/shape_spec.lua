local json = require("awsbak.core.json")
local program = require("spec.support.program")
local shape = require("awsbak.core.shape")
local shapes = require("spec.support.shapes")
local xml = require("awsbak.core.xml")

local asked

local function new_plan()
  asked = {}
  return shapes.plan(function(value)
    return type(value) == "number" and value or tonumber(value)
  end, asked)
end

local function from_json(text, name)
  return shape.json(new_plan(), text, name or "Node")
end

local function from_xml(text, name)
  return shape.xml(new_plan(), assert(xml.read(text)), name or "Node")
end

local function wrong(read, text, place, message, name)
  local value, err = read(text, name)
  assert.is_nil(value, text)
  assert.equal("misshapen", err.code, text)
  assert.equal(place, err.place, text)
  assert.matches(message, err.message, 1, true)
end

-- Prints by how many KiB the heap grew in 100 reads of a reply of half a megabyte and more.
local GARBAGE = [==[
package.path = "./?.lua;" .. package.path
local shape, shapes = require("awsbak.core.shape"), require("spec.support.shapes")
local items = ('"0123456789012345678901234567890123456789-",'):rep(20000)

local function read(rest, time)
  return shape.json(shapes.plan(time or tonumber), '{"List":[' .. items .. rest, "Node")
end

local function grown(kind, f)
  collectgarbage()
  local before = collectgarbage("count")
  for _ = 1, 100 do
    f()
  end
  print(("%s %.0f"):format(kind, math.max(0, collectgarbage("count") - before)))
end

grown("value", function()
  assert(#read('""]}').List == 20001)
end)
grown("error", function()
  assert(not read("1]}"))
end)
grown("raise", function()
  assert(not pcall(read, '""],"At":5}', error))
end)
]==]

-- Prints the KiB of one reply of many objects, and the most that 20 of them took at a time.
local REPLIES = [==[
package.path = "./?.lua;" .. package.path
local shape, shapes = require("awsbak.core.shape"), require("spec.support.shapes")
local text = '{"Choice":{"l":[' .. ('{"s":"a"},'):rep(20000) .. '{"s":"b"}]},"At":5}'
collectgarbage()
local before, one, most = collectgarbage("count")

local plan = shapes.plan(function() -- called when all else is read
  local now = collectgarbage("count") - before
  one, most = one or now, math.max(most or 0, now)
  return 0
end)
for _ = 1, 20 do
  shape.json(plan, text, "Node")
end
print(("%.0f %.0f"):format(one, most))
]==]

describe("shape.json", function()
  it("gives the values that shapes promise", function()
    local node = from_json([[{"Name":"a\u00e9","Size":9007199254740993,"Ratio":1.5,"On":false,
      "Data":"aGk=","At":"2026-01-02T03:04:05Z","Free":{"x":[1,null]},"List":["a",null],
      "Map":{"k":1,"n":null},"Child":{"Name":""}}]])
    assert.equal("aé", node.Name)
    assert.equal(9007199254740993, node.Size)
    assert.equal("integer", math.type(node.Size))
    assert.equal(1.5, node.Ratio)
    assert.is_false(node.On)
    assert.equal("hi", node.Data)
    assert.equal(1767323045, node.At)
    assert.same({ x = { 1, json.null } }, node.Free)
    assert.same({ "a", json.null }, node.List)
    assert.same({ k = 1, n = json.null }, node.Map)
    assert.same({ Name = "" }, node.Child)
  end)

  it("leaves out nulls and members it does not know, whatever is in them", function()
    local node = from_json('{"x":{"a":[{"b":"}"}]},"Size":null,"Na\\u006de":"n","y":1}')
    assert.same({ Name = "n" }, node)
  end)

  it("keeps empty lists lists", function()
    assert.equal('{"List":[]}', json.encode(from_json('{"List":[]}')))
  end)

  -- In a program of its own: how much garbage there may be goes by how large the heap is.
  it("leaves its garbage to the collector, whether it gives a value, an error or raises", function()
    local result = program.run({ "-e", GARBAGE })
    assert.equal("", result.stderr)
    for kind, grown in result.stdout:gmatch("(%w+) (%d+)") do
      assert.is_true(tonumber(grown) < 20 * 1024, kind .. " grew by " .. grown .. " KiB")
    end
    assert.matches("^value %d+\nerror %d+\nraise %d+\n$", result.stdout)
  end)

  it("lets a reply go before it reads the next one", function()
    local one, most = program.run({ "-e", REPLIES }).stdout:match("^(%d+) (%d+)\n$")
    assert.is_true(tonumber(most) < 1.5 * tonumber(one), most .. " KiB, one reply " .. one)
  end)

  it("asks for a shape when it comes, and once", function()
    from_json('{"Name":"a","Child":{"Name":"b","Child":{"Size":1}}}')
    assert.same({ "Node", "Text", "Int" }, asked)
  end)

  it("takes numbers in all their forms", function()
    assert.equal(2000, from_json('{"Size":2e3}').Size)
    assert.equal("integer", math.type(from_json('{"Size":2e3}').Size))
    assert.equal(math.huge, from_json('{"Ratio":"Infinity"}').Ratio)
    assert.equal(-math.huge, from_json('{"Ratio":"-Infinity"}').Ratio)
    local nan = from_json('{"Ratio":"NaN"}').Ratio
    assert.is_true(nan ~= nan)
    assert.equal(5, from_json('{"At":5}').At)
  end)

  it("insists on one member of a union, and names one it does not know", function()
    assert.same({ s = "x" }, from_json('{"s":"x","l":null}', "Choice"))
    assert.same({ l = { { s = "x" } } }, from_json('{"l":[{"s":"x"}]}', "Choice"))
    assert.same({ SDK_UNKNOWN_MEMBER = { name = "z" } }, from_json('{"z":1}', "Choice"))
    wrong(from_json, '{"s":"x","l":[]}', "", "more than one member", "Choice")
    wrong(from_json, '{"Choice":{}}', "Choice", "no member where a union promises one")
  end)

  it("says where something is of another type, and what was promised", function()
    wrong(from_json, "[]", "", "a list where a structure is promised")
    wrong(from_json, '{"Child":{"List":["a",1]}}', "Child.List[2]", "a number where a string")
    wrong(from_json, '{"Map":{"a b":"1"}}', "Map.a b", "a string where an integer")
    wrong(from_json, '{"Size":1.5}', "Size", "a number where an integer")
    wrong(from_json, '{"Size":9223372036854775808}', "Size", "a number where an integer")
    wrong(from_json, '{"On":"true"}', "On", "a string where a boolean")
    wrong(from_json, '{"Data":"a"}', "Data", "a string where base64 text")
    wrong(from_json, '{"At":"soon"}', "At", "a string where a time")
    wrong(from_json, '{"Ratio":"much"}', "Ratio", "a string where a number")
    wrong(from_json, '{"Choice":{"l":[{"s":1}]}}', "Choice.l[1].s", "a number where a string")
  end)

  it("takes no text that is cut, anywhere", function()
    local text = '{"Name":"a\\n","Free":{"x":[1,2.5]},"List":["a"],"Map":{"k":1},"z":[{}]}'
    assert.is_table(from_json(text))
    for cut = 0, #text - 1 do
      local value, err = from_json(text:sub(1, cut))
      assert.is_nil(value)
      assert.equal("reply", err.kind)
    end
    assert.is_nil((from_json(text .. "x")))
  end)

  it("ends with what is nested too deeply", function()
    for _, open in ipairs({ '{"Child":', '{"x":', '{"Free":[' }) do
      local _, err = from_json(open:rep(100000))
      assert.equal("reply", err.kind)
      assert.matches("nested more than 200 deep", err.message, 1, true)
    end
  end)

  it("raises what the resolver raises, and for shapes that stay unknown", function()
    local _, err = pcall(from_json, "{}", "Nobody")
    assert.matches("the shape Nobody was not defined", err, 1, true)
    local plan = shape.plan(function()
      error("no")
    end, tonumber)
    assert.is_false(pcall(shape.json, plan, "{}", "Node"))
  end)
end)

describe("shape.xml", function()
  it("gives the values that shapes promise", function()
    local node = from_xml([[<Node xmlns:x="u" x:type="T"><Name>a &amp; b</Name><Size> +5 </Size>
      <Ratio>1e3</Ratio><On>TRUE</On><Data>aG
      k=</Data><At>2026-01-02T03:04:05.000Z</At><List><i>a</i><i/></List>
      <Map><entry><value>1</value><key>k</key><more/></entry></Map>
      <Child><Name/></Child></Node>]])
    assert.equal("a & b", node.Name)
    assert.equal(5, node.Size)
    assert.equal(1000, node.Ratio)
    assert.is_true(node.On)
    assert.equal("hi", node.Data)
    assert.equal(1767323045, node.At)
    assert.same({ "a", "" }, node.List)
    assert.same({ k = 1 }, node.Map)
    assert.same({ Name = "" }, node.Child)
    assert.equal("T", node.Kind)
  end)

  it("gathers flattened lists and maps, in a row or not", function()
    local node = from_xml([[<N><Flat>a</Flat><Size>1</Size><Flat>b</Flat><Flat>c</Flat>
      <FlatMap><key>x</key><value>1</value></FlatMap>
      <FlatMap><key>y</key><value>2</value></FlatMap></N>]])
    assert.same({ "a", "b", "c" }, node.Flat)
    assert.same({ x = 1, y = 2 }, node.FlatMap)
  end)

  it("flattens nothing but lists and maps, whatever a model says", function()
    assert.same({ Lone = 1 }, from_xml("<N><Lone>1</Lone><Lone>2</Lone></N>"))
  end)

  it("takes the first of what comes twice, and nothing it does not know", function()
    local node = from_xml("<N><z><Name>x</Name></z><Name>a</Name><Name>b</Name></N>")
    assert.same({ Name = "a" }, node)
  end)

  it("says where something is of another type, and what was promised", function()
    wrong(from_xml, "<N>text</N>", "", "text where a structure is promised")
    wrong(from_xml, "<N><Size>x</Size></N>", "Size", "text that is not integer")
    wrong(from_xml, "<N><Size>9223372036854775808</Size></N>", "Size", "text that is not integer")
    wrong(from_xml, "<N><Ratio>0x10</Ratio></N>", "Ratio", "text that is not float")
    wrong(from_xml, "<N><On>1</On></N>", "On", "text that is not boolean")
    wrong(from_xml, "<N><Data>a</Data></N>", "Data", "text that is not blob")
    wrong(from_xml, "<N><At>soon</At></N>", "At", "text that is not timestamp")
    wrong(from_xml, "<N><Name><b/></Name></N>", "Name", "an element with children")
    wrong(from_xml, "<N><List><i><b/></i></List></N>", "List[1]", "an element with children")
    wrong(from_xml, "<N><Map><e><key>k</key></e></Map></N>", "Map.value", "without value")
  end)
end)
