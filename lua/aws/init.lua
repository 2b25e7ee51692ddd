--- Clients of AWS services.
---
---     local aws = require("aws")
---     local kms = aws.client("kms", { region = "eu-west-1" })
---     local reply, err = aws.try(kms.describe_key, { KeyId = id })

local client = require("aws.client")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")

local aws = {}

--- The null of JSON replies; it is never in the output of an operation whose model has no
--- documents.
aws.null = json.null

--- Call a function: its results, or nil and the error table it raised.
aws.try = errors.try

--- Make a client of a service.
---@param service string|table "ssm", or a model in botocore's format (service-2.json as a table)
---@param options aws.ClientOptions?
---@return table
--- Raises kind usage when the service or an option is unknown.
function aws.client(service, options)
  local made = client.new(service, options)
  assert(made.meta) -- a wrong name is told here and not at the first call
  return made
end

return aws
