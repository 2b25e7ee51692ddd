--- All settings of aws.settings, and then those that change nothing here: for `awsbak doctor`,
--- which says of each that is set why it is in vain. `unused` is the reason.

local settings = require("aws.settings")

--- A setting of the SDKs' client-side monitoring.
local function monitoring(name)
  local unused = "no agent is told of requests"
  return { name = name, env = { "AWS_" .. name:upper() }, key = name, unused = unused }
end

local UNUSED = {
  {
    name = "endpoint_discovery_enabled",
    env = { "AWS_ENDPOINT_DISCOVERY_ENABLED", "AWS_ENABLE_ENDPOINT_DISCOVERY" },
    key = "endpoint_discovery_enabled",
    unused = "DynamoDB names the endpoint it is asked at",
  },
  {
    name = "tcp_keepalive",
    env = { "BOTOCORE_TCP_KEEPALIVE" },
    key = "tcp_keepalive",
    unused = "always on",
  },
  monitoring("csm_enabled"),
  monitoring("csm_host"),
  monitoring("csm_port"),
  monitoring("csm_client_id"),
  { name = "api_versions", key = "api_versions", unused = "each service has one version here" },
  { name = "boto_config", env = { "BOTO_CONFIG" }, unused = "files of boto 2 are not read" },
  {
    name = "cli_timestamp_format",
    key = "cli_timestamp_format",
    unused = "times are written by RFC 3339",
  },
  {
    name = "cli_error_format",
    env = { "AWS_CLI_ERROR_FORMAT" },
    key = "cli_error_format",
    unused = "errors are one sentence each",
  },
  {
    name = "default_output",
    env = { "AWS_DEFAULT_OUTPUT" },
    key = "output",
    unused = "see --output and AWSBAK_OUTPUT",
  },
  { name = "pager", env = { "AWS_PAGER" }, key = "cli_pager", unused = "nothing is paged" },
  {
    name = "parameter_validation",
    key = "parameter_validation",
    unused = "input is always checked, as requests are made by it",
  },
}

local all = table.move(settings, 1, #settings, 1, {})
return table.move(UNUSED, 1, #UNUSED, #all + 1, all)
