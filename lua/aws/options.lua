--- Options of clients and calls: a name that does not exist is an error, not a wish.

local errors = require("awsbak.errors")

local options = {}

--- What a client takes (aws.ClientOptions).
options.CLIENT = {
  "addressing_style",
  "attempts",
  "ca_bundle",
  "config",
  "context_params",
  "credentials",
  "dry_run",
  "endpoint_url",
  "no_sign_request",
  "profile",
  "read_only",
  "region",
  "retry_mode",
  "timeout",
  "use_dualstack_endpoint",
  "use_fips_endpoint",
}

--- What a call takes.
options.CALL = { "attempts", "timeout" }

--- What a wait takes.
options.WAIT = { "attempts", "delay", "timeout", "tries" }

--- What presigning takes.
options.PRESIGN = { "expires" }

--- Raise when `given` has a key that is not in `known`.
---@param given table<string, any>
---@param known string[] sorted
---@param subject string whose options they are, for the message: "a call"
--- Raises kind usage, code unknown_option.
function options.check(given, known, subject)
  local set = {}
  for _, name in ipairs(known) do
    set[name] = true
  end
  for name in pairs(given) do
    if not set[name] then
      local nearest = errors.nearest(tostring(name), known)
      errors.raise({
        kind = "usage",
        code = "unknown_option",
        message = ("%s has no option %q"):format(subject, tostring(name)),
        hint = nearest and ("did you mean %s?"):format(nearest)
          or "there are " .. table.concat(known, ", "),
      })
    end
  end
end

return options
