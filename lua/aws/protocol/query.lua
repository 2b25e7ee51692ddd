--- The protocol query: a form out, XML in. ec2 is a dialect of it.
---
--- Source: botocore/serialize.py (QuerySerializer), botocore/parsers.py (QueryParser).

local codec = require("awsbak.core.codec")
local decode = require("aws.protocol.decode")
local fault = require("aws.protocol.fault")
local host_prefix = require("aws.protocol.host_prefix")
local json = require("awsbak.core.json")
local reply = require("aws.protocol.reply")
local scalar = require("aws.protocol.scalar")
local sorted = require("awsbak.sorted")

local query = {}

---@class aws.QueryDialect where the protocols of this family differ
---@field member_name fun(member: aws.Ref): string name of a member in a form
---@field list_prefix fun(prefix: string, ref: aws.Ref, element: aws.Ref): string before an index
---@field empty_lists boolean whether an empty list is sent

local function join(prefix, name)
  return prefix == "" and name or prefix .. "." .. name
end

local writers = {}

--- Add the pairs that a value becomes, under names that begin with `prefix`.
local function write(form, ref, value, prefix)
  local shape = ref.target or form.model:resolve(ref)
  local writer = writers[shape.type]
  if writer then
    writer(form, shape, value, prefix, ref)
  else
    local text = scalar.write(form.model, ref, value, "iso8601")
    form.pairs[#form.pairs + 1] = codec.uri(prefix) .. "=" .. codec.uri(text)
  end
end

function writers.structure(form, shape, value, prefix)
  for _, member in ipairs(shape.members) do
    local found = value[member.name]
    if found ~= nil and found ~= json.null then
      form.model:resolve(member)
      write(form, member, found, join(prefix, form.dialect.member_name(member)))
    end
  end
end

function writers.list(form, shape, value, prefix, ref)
  if #value == 0 then
    if form.dialect.empty_lists then
      form.pairs[#form.pairs + 1] = codec.uri(prefix) .. "="
    end
    return
  end
  form.model:resolve(shape.element)
  local list_prefix = form.dialect.list_prefix(prefix, ref, shape.element)
  for i, item in ipairs(value) do
    write(form, shape.element, item, list_prefix .. "." .. i)
  end
end

function writers.map(form, shape, value, prefix, ref)
  form.model:resolve(shape.key)
  form.model:resolve(shape.value)
  local entry = ref.flattened and prefix or prefix .. ".entry"
  for i, key in ipairs(sorted.keys(value)) do
    local numbered = entry .. "." .. i .. "."
    write(form, shape.key, key, numbered .. (shape.key.location_name or "key"))
    write(form, shape.value, value[key], numbered .. (shape.value.location_name or "value"))
  end
end

local function build(dialect, m, op, input)
  local form = {
    dialect = dialect,
    model = m,
    pairs = { "Action=" .. op.name, "Version=" .. m.meta.api_version },
  }
  if op.input then
    writers.structure(form, m:shape(op.input), input, "")
  end
  return {
    method = op.method,
    path = "/",
    query = {},
    headers = { { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" } },
    body = table.concat(form.pairs, "&"),
    host_prefix = host_prefix.expand(m, op, input),
  }
end

--- The output in a reply with a status of success.
local function parse(m, op, response)
  local walk = reply.walk(m, response)
  local document = decode.document(walk)
  if document:name() ~= op.name .. "Response" then
    reply.foreign(response, op.name .. "Response", ("its root is %s"):format(document:name()))
  end
  if not op.output then
    return {}
  end
  local wrapper = op.result_wrapper
  local node = wrapper and document:child(wrapper)
  if wrapper and not node then
    if #m:shape(op.output).members > 0 then
      reply.misshapen(walk, ("no %s in %s"):format(wrapper, document:name()))
    end
    return {}
  end
  return decode.xml(walk, op.output, document, node)
end

--- The protocol for one dialect.
---@param dialect aws.QueryDialect
---@return { build: function, parse: function, fault: function }
function query.dialect(dialect)
  return {
    build = function(m, op, input)
      return build(dialect, m, op, input)
    end,
    parse = parse,
    fault = fault.from_xml,
  }
end

local plain = query.dialect({
  empty_lists = true,
  member_name = function(member)
    return member.location_name or member.name
  end,
  list_prefix = function(prefix, ref, element)
    if not ref.flattened then
      return prefix .. "." .. (element.location_name or "member")
    elseif element.location_name then
      return (prefix:gsub("[^.]*$", "", 1)) .. element.location_name
    end
    return prefix
  end,
})

query.build, query.parse, query.fault = plain.build, plain.parse, plain.fault

return query
