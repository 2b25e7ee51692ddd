--- The protocol of a service: how requests are written and replies are read.
---
---     local protocol = require("aws.protocol").get(m)
---     local request = protocol.build(m, op, input)    --> aws.Request
---     local output = protocol.parse(m, op, response)  -- or raises kind reply
---     local fault = protocol.fault(m, op, response)   --> { code, message, request_id, fields }
---
--- A response is { status, headers = { { lower-case name, value }, ... }, body }; the body is text,
--- or for an operation that streams a reader, which is handed through. Protocols send nothing and
--- know no endpoint, credentials or retries.

local errors = require("awsbak.errors")

local protocol = {}

---@class aws.Request
---@field method string
---@field path string percent-encoded, from the root; S3's begins with the bucket
---@field query string[][] pairs of name and value, not encoded; in the model's order
---@field headers string[][] pairs of name and value
---@field body any text, or what a script gave as a streaming body; nil for none
---@field host_prefix string? goes before the host of the endpoint

local MODULES = {
  ec2 = "aws.protocol.ec2",
  json = "aws.protocol.json",
  query = "aws.protocol.query",
  ["rest-json"] = "aws.protocol.rest_json",
  ["rest-xml"] = "aws.protocol.rest_xml",
}

--- The protocol to speak with a service: the first of its model's that there is.
---@param m aws.Model
---@return { build: function, parse: function, fault: function }
--- Raises kind usage, code unsupported_protocol.
function protocol.get(m)
  for _, name in ipairs({ m.meta.protocol, table.unpack(m.meta.protocols) }) do
    if MODULES[name] then
      return require(MODULES[name])
    end
  end
  errors.raise({
    kind = "usage",
    code = "unsupported_protocol",
    message = ("%s speaks %s, which is not supported"):format(m.meta.id, tostring(m.meta.protocol)),
  })
end

return protocol
