--- What some operations put before the host: "stream-", or a member's value.

local errors = require("awsbak.errors")

local host_prefix = {}

--- The prefix of an operation's host, with the values of its labels; nil when it has none.
---@param m aws.Model
---@param op aws.Operation
---@param input table
---@return string?
--- Raises kind usage, code bad_host_label: a value must not be able to name another host.
function host_prefix.expand(m, op, input)
  if not op.host_prefix then
    return nil
  end
  return (
    op.host_prefix:gsub("{(.-)}", function(name)
      local value = input[name]
      if type(value) ~= "string" or not value:match("^[%w.%-]+$") then
        errors.raise({
          kind = "usage",
          code = "bad_host_label",
          message = ("%s.%s becomes part of a host name: letters, digits, - and . only"):format(
            op.input,
            name
          ),
        })
      end
      assert(m:shape(op.input).by_name[name].host_label, "the model lacks the label")
      return value
    end)
  )
end

return host_prefix
