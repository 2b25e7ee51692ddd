--- XML for request bodies, guided by shapes.
---
--- Semantics: botocore/serialize.py (RestXMLSerializer). Line ends are escaped, because parsers
--- turn "\r\n" and "\r" into "\n" (botocore/handlers.py, escape_xml_payload).

local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local scalar = require("aws.protocol.scalar")
local sorted = require("awsbak.sorted")

local xml_write = {}

local ESCAPES = {
  ["&"] = "&amp;",
  ["<"] = "&lt;",
  [">"] = "&gt;",
  ['"'] = "&quot;",
  ["\n"] = "&#10;",
  ["\r"] = "&#13;",
  ["\t"] = "&#9;",
}

local function escape(text)
  if text:find("[\0-\8\11\12\14-\31]") or text:find("\xef\xbf[\xbe\xbf]") or not utf8.len(text) then
    errors.raise({
      kind = "usage",
      code = "not_xml",
      message = ("a text of %d bytes cannot be sent: it has characters unknown to XML"):format(
        #text
      ),
    })
  end
  return (text:gsub('[&<>"\n\r\t]', ESCAPES))
end

local function add(out, ...)
  for _, part in ipairs({ ... }) do
    out[#out + 1] = part
  end
end

local function namespace(ref)
  local ns = ref.xml_namespace
  if not ns then
    return ""
  end
  return (' xmlns%s="%s"'):format(ns.prefix and ":" .. ns.prefix or "", escape(ns.uri))
end

local writers = {}

local function write(m, out, ref, value, name)
  local shape = ref.target or m:resolve(ref)
  local writer = writers[shape.type]
  if writer then
    writer(m, out, shape, value, ref, name)
  else
    local text = escape(scalar.write(m, ref, value, "iso8601"))
    add(out, "<", name, namespace(ref), ">", text, "</", name, ">")
  end
end

local function attributes(m, shape, value)
  local text = ""
  for _, member in ipairs(shape.members) do
    local found = member.xml_attribute and value[member.name]
    if found and found ~= json.null then
      text = ('%s %s="%s"'):format(
        text,
        member.location_name,
        escape(scalar.write(m, member, found, "iso8601"))
      )
    end
  end
  return text
end

function writers.structure(m, out, shape, value, ref, name)
  add(out, "<", name, namespace(ref), attributes(m, shape, value), ">")
  for _, member in ipairs(shape.members) do
    local found = value[member.name]
    if found ~= nil and found ~= json.null and not member.location and not member.xml_attribute then
      m:resolve(member)
      write(m, out, member, found, member.location_name or member.name)
    end
  end
  add(out, "</", name, ">")
end

function writers.list(m, out, shape, value, ref, name)
  m:resolve(shape.element)
  local item_name = ref.flattened and name or shape.element.location_name or "member"
  if not ref.flattened then
    add(out, "<", name, namespace(ref), ">")
  end
  for _, item in ipairs(value) do
    write(m, out, shape.element, item, item_name)
  end
  if not ref.flattened then
    add(out, "</", name, ">")
  end
end

function writers.map(m, out, shape, value, ref, name)
  m:resolve(shape.key)
  m:resolve(shape.value)
  local entry = ref.flattened and name or "entry"
  if not ref.flattened then
    add(out, "<", name, namespace(ref), ">")
  end
  for _, key in ipairs(sorted.keys(value)) do
    add(out, "<", entry, ">")
    write(m, out, shape.key, key, shape.key.location_name or "key")
    write(m, out, shape.value, value[key], shape.value.location_name or "value")
    add(out, "</", entry, ">")
  end
  if not ref.flattened then
    add(out, "</", name, ">")
  end
end

--- A value as an XML document.
---@param m aws.Model
---@param ref aws.Ref whose namespace the root gets
---@param value any checked against the model
---@param name string of the root
---@return string
--- Raises kind usage, code not_xml, for text with characters that XML does not have.
function xml_write.document(m, ref, value, name)
  local out = {}
  m:resolve(ref)
  write(m, out, ref, value, name)
  return table.concat(out)
end

return xml_write
