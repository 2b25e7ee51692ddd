--- Options of clients and calls: a name that does not exist is an error, not a wish, and so is a
--- value of the wrong kind.

local argument = require("awsbak.argument")
local errors = require("awsbak.errors")
local sorted = require("awsbak.sorted")

local options = {}

--- What a client takes (aws.ClientOptions), with the kinds of awsbak.argument. What a text says is
--- checked with the settings (aws.config), which it is one of.
options.CLIENT = {
  addressing_style = "text",
  attempts = "count",
  ca_bundle = "text",
  config = "settings",
  context_params = "table",
  credentials = "table",
  dry_run = "flag",
  endpoint_url = "text",
  max_body = "size",
  no_sign_request = "flag",
  profile = "text",
  read_only = "flag",
  region = "text",
  retry_mode = "text",
  timeout = "seconds",
  use_dualstack_endpoint = "flag",
  use_fips_endpoint = "flag",
}

--- What a call takes.
options.CALL = { attempts = "count", max_body = "size", on_retry = "function", timeout = "seconds" }

--- What a wait takes.
options.WAIT = { attempts = "count", delay = "pause", timeout = "seconds", tries = "count" }

--- What presigning takes; how long is checked there.
options.PRESIGN = { expires = "any" }

--- What the option `credentials` of a client takes. What is in them is checked with all others
--- (aws.credentials).
options.CREDENTIALS = {
  access_key_id = "any",
  account_id = "any",
  expires = "any",
  secret_access_key = "any",
  session_token = "any",
  source = "text",
  times = "table",
}

--- Whether these credentials are a provider (aws.credentials.provider), and no keys.
local function is_provider(credentials)
  return credentials.get ~= nil
end

local function unknown(name, known, subject)
  local names = sorted.keys(known)
  local nearest = errors.nearest(tostring(name), names)
  errors.raise({
    kind = "usage",
    code = "unknown_option",
    message = ("%s has no option %s"):format(subject, argument.shown(name)),
    hint = nearest and ("did you mean %s?"):format(nearest)
      or "there are " .. table.concat(names, ", "),
  })
end

--- Raise when `given` has a key that is not in `known`, or a value that is not of its kind.
---@param given table<string, any>
---@param known table<string, string> kinds of awsbak.argument by name
---@param subject string whose options they are, for the message: "a call"
--- Raises kind usage, codes unknown_option and bad_argument.
function options.check(given, known, subject)
  argument.check(given, "table", "what is given for the options of " .. subject)
  for name, value in pairs(given) do
    if not known[name] then
      unknown(name, known, subject)
    end
    argument.check(value, known[name], ("the option %s of %s"):format(name, subject))
  end
end

--- Raise as check does for options that are no client's.
---@param given aws.ClientOptions
function options.check_client(given)
  options.check(given, options.CLIENT, "a client")
  if given.credentials and not is_provider(given.credentials) then
    options.check(given.credentials, options.CREDENTIALS, "credentials of a client")
  end
end

return options
