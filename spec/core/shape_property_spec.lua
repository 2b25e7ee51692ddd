local codec = require("awsbak.core.codec")
local json = require("awsbak.core.json")
local shape = require("awsbak.core.shape")
local xml = require("awsbak.core.xml")

local CASES = 25
local CUTS = 60
local MUTATIONS = 60
local DEPTH_MAX = 3

local random = math.random

local function maybe(chance)
  return random() < chance
end

local function pick(list)
  return list[random(#list)]
end

local function random_text(alphabet, least, most)
  local parts = {}
  for i = 1, random(least, most) do
    parts[i] = pick(alphabet)
  end
  return table.concat(parts)
end

local LETTERS = { "a", "Z", "0", " ", "é", "😀", "&", "<", ">", '"', "'", "\\", "/", "]]>", "\n" }
local NAMES = { "a", "b", "c", "d", "e", "f", "g", "h" }

-- Random shapes -------------------------------------------------------------------------------

local SCALARS = { "string", "boolean", "integer", "float", "blob", "timestamp" }

--- Add a random shape to `shapes`, and those it is made of; its name.
local function new_shape(shapes, depth)
  local kinds = { "list", "map", "structure", "structure" }
  local kind = (depth >= DEPTH_MAX or depth > 0 and maybe(0.4)) and pick(SCALARS) or pick(kinds)
  if depth == 0 then
    kind = "structure"
  end
  local name = ("%s%d"):format(kind, #shapes + 1)
  local row = { kind = kind, refs = {} }
  shapes[#shapes + 1], shapes[name] = name, row
  if kind == "list" then
    row.refs[1] = { name = "element", wire = "", shape = new_shape(shapes, depth + 1) }
  elseif kind == "map" then
    shapes.Key = { kind = "string", refs = {} }
    row.refs[1] = { name = "key", wire = "key", shape = "Key" }
    row.refs[2] = { name = "value", wire = "value", shape = new_shape(shapes, depth + 1) }
  elseif kind == "structure" then
    row.is_union = depth > 0 and maybe(0.2)
    for i = 1, random(1, #NAMES) do
      local target = new_shape(shapes, depth + 1)
      row.refs[i] = { name = NAMES[i]:upper(), wire = NAMES[i], shape = target }
      row.refs[i].flattened = maybe(0.3)
    end
  end
  return name
end

local function new_plan(shapes)
  local plan
  plan = shape.plan(function(name)
    local row = shapes[name]
    plan:define(name, row.kind, row.refs, row.is_union)
  end, function(value)
    return math.type(value) == "integer" and value or nil
  end)
  return plan
end

-- Random values: what is to come out, in JSON, and what an XML element holds ------------------

local function json_text(text)
  if maybe(0.8) then
    return json.encode(text)
  end
  return '"' .. text:gsub('[%z\1-\127]', function(byte)
    return ("\\u%04X"):format(byte:byte())
  end) .. '"'
end

local XML_ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }

local function xml_text(text)
  return (text:gsub("[&<>]", XML_ESCAPES))
end

local function blank()
  return maybe(0.2) and pick({ " ", "\n\t", "  " }) or ""
end

local makers = {}

function makers.string()
  local text = random_text(LETTERS, 0, 12)
  return text, json_text(text), xml_text(text)
end

function makers.boolean()
  local value = maybe(0.5)
  return value, tostring(value), tostring(value)
end

function makers.integer()
  local value = pick({ 0, -1, math.maxinteger, math.mininteger, random(0) })
  return value, ("%d"):format(value), (" %d\n"):format(value)
end

function makers.float()
  local value = pick({ 0.5, -1e300, 2.2250738585072014e-308, random() })
  local text = ("%.17g"):format(value)
  return value, text, text
end

function makers.blob()
  local bytes = random_text({ "\0", "\255", "a", "\n" }, 0, 9)
  local text = codec.base64(bytes)
  return bytes, json.encode(text), text
end

function makers.timestamp()
  local seconds = random(-30610224000, 253402300799) -- years of four digits
  seconds = seconds - seconds % 86400
  if tonumber(os.date("!%d", seconds)) > 28 then -- read in Lua, which is another's spec
    seconds = seconds - 4 * 86400
  end
  local text = os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)
  return seconds, maybe(0.5) and ("%d"):format(seconds) or ('"%s"'):format(text), text
end

local function make(shapes, name)
  local row = shapes[name]
  return makers[row.kind](shapes, row)
end

--- Values of a list or of a map, and their texts.
local function make_items(shapes, ref, least)
  local values, jsons, xmls = {}, {}, {}
  for i = 1, random(least, 3) do
    values[i], jsons[i], xmls[i] = make(shapes, ref.shape)
  end
  return values, jsons, xmls
end

function makers.list(shapes, row, wire)
  local values, jsons, xmls = make_items(shapes, row.refs[1], wire and 1 or 0)
  local tag = wire or pick({ "member", "item" })
  for i, text in ipairs(xmls) do
    xmls[i] = ("<%s>%s</%s>%s"):format(tag, text, tag, blank())
  end
  return values, "[" .. blank() .. table.concat(jsons, ",") .. "]", table.concat(xmls)
end

function makers.map(shapes, row, wire)
  local values, jsons, xmls = make_items(shapes, row.refs[2], wire and 1 or 0)
  local tag = wire or "entry"
  local map = {}
  for i, value in ipairs(values) do
    local key = ("k%d<%s"):format(i, pick(LETTERS))
    map[key] = value
    jsons[i] = json_text(key) .. ":" .. jsons[i]
    local parts = { ("<key>%s</key>"):format(xml_text(key)), ("<value>%s</value>"):format(xmls[i]) }
    local at = random(2) -- the key comes first or last
    xmls[i] = ("<%s>%s%s</%s>"):format(tag, parts[at], parts[3 - at], tag)
  end
  return map, "{" .. table.concat(jsons, "," .. blank()) .. "}", table.concat(xmls)
end

--- A member that no model has, or null.
local function add_noise(row, jsons, xmls)
  if not row.is_union and maybe(0.3) then
    jsons[#jsons + 1] = pick({ '"zz":{"a":[{"b":"}"}],"c":null}', '"zz":-0.0', '"zz":"\\""' })
    xmls[#xmls + 1] = pick({ "<zz><a>1</a><a/></zz>", "<zz/>", "<!-- <a> --><zz a='1'>x</zz>" })
  end
end

function makers.structure(shapes, row)
  local value, jsons, xmls = {}, {}, {}
  local only = row.is_union and random(#row.refs)
  for i, ref in ipairs(row.refs) do
    if only and i == only or not only and maybe(0.6) then
      local target = shapes[ref.shape]
      local flat = ref.flattened and (target.kind == "list" or target.kind == "map")
      local made, json_of, xml_of = makers[target.kind](shapes, target, flat and ref.wire or nil)
      value[ref.name] = made
      jsons[#jsons + 1] = json_text(ref.wire) .. blank() .. ":" .. blank() .. json_of
      xmls[#xmls + 1] = flat and xml_of or ("<%s>%s</%s>"):format(ref.wire, xml_of, ref.wire)
    end
    add_noise(row, jsons, xmls)
  end
  return value, "{" .. table.concat(jsons, ",") .. "}", table.concat(xmls, blank())
end

-- Damage --------------------------------------------------------------------------------------

local function mutate(text)
  local at = random(#text)
  local change = pick({ "byte", "gone", "twice", "moved" })
  if change == "byte" then
    local byte = pick({ string.char(random(0, 255)), "<", ">", "&", '"', "{", "}", "[", "\\" })
    return text:sub(1, at - 1) .. byte .. text:sub(at + 1)
  end
  local stop = math.min(#text, at + random(0, 20))
  local piece = text:sub(at, stop)
  if change == "gone" then
    return text:sub(1, at - 1) .. text:sub(stop + 1)
  elseif change == "twice" then
    return text:sub(1, stop) .. piece .. text:sub(stop + 1)
  end
  local rest = text:sub(1, at - 1) .. text:sub(stop + 1)
  local to = random(0, #rest)
  return rest:sub(1, to) .. piece .. rest:sub(to + 1)
end

-- What a reply of so many bytes may at most take: a table for an empty element of four bytes is
-- made as large as the last one of its shape.
local BYTES_PER_BYTE, BYTES_MORE = 200, 64 * 1024

--- Read a damaged text: a value or an error of ours, in memory that it is worth.
local function survive(read, text, where)
  collectgarbage("stop")
  local before = collectgarbage("count")
  local value, err = read(text)
  local used = (collectgarbage("count") - before) * 1024
  collectgarbage("restart")
  local is_ours = value ~= nil or err.kind == "reply" or err.code == "misshapen"
  local is_short = value ~= nil or #err.message < 1000
  if used > BYTES_PER_BYTE * #text + BYTES_MORE or not is_ours or not is_short then
    error(("%s\nread as %s: %d bytes, %s"):format(where, text, used, err and err.message))
  end
  return value
end

describe("replies by random shapes", function()
  local cases, seed

  setup(function()
    seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    cases = {}
    for i = 1, CASES do
      local shapes = {}
      local name = new_shape(shapes, 0)
      local value, json_of, xml_of = make(shapes, name)
      local plan = new_plan(shapes)
      cases[i] = {
        value = value,
        json = json_of,
        xml = "<Root>" .. xml_of .. "</Root>",
        read_json = function(text)
          return shape.json(plan, text, name)
        end,
        read_xml = function(text)
          local document, err = xml.read(text)
          if not document then
            return nil, err
          end
          return shape.xml(plan, document, name)
        end,
      }
    end
  end)

  local function each(f)
    for i, case in ipairs(cases) do
      local told = "seed %d, case %d: %s"
      f(case.read_json, case.json, told:format(seed, i, case.json), case.value)
      f(case.read_xml, case.xml, told:format(seed, i, case.xml), case.value)
    end
  end

  it("come out as what went in", function()
    each(function(read, text, where, value)
      for _ = 1, 2 do -- the second time with all shapes known
        assert.same(value, assert(read(text), where), where)
      end
    end)
  end)

  it("are errors when they are cut, anywhere", function()
    each(function(read, text, where)
      for cut = 0, #text - 1, math.max(1, #text // CUTS) do
        assert.is_nil(survive(read, text:sub(1, cut), where), where)
      end
    end)
  end)

  it("are values or errors when they are damaged, and never more than they are worth", function()
    each(function(read, text, where)
      for _ = 1, MUTATIONS do
        survive(read, mutate(text), where)
      end
    end)
  end)
end)
