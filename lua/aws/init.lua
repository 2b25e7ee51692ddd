--- Clients of AWS services.
---
---     local aws = require("aws")
---     aws.ssm.get_parameter({ Name = "/a" })     -- aws.ssm is require("aws.ssm")
---     local kms = aws.client("kms", { region = "eu-west-1" })
---     local reply, err = aws.try(kms.describe_key, { KeyId = id })

local client = require("aws.client")
local data = require("aws.data")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local model = require("aws.model")
local optional = require("aws.options")
local sorted = require("awsbak.sorted")

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

--- The services as scripts write them.
local function services()
  local names = {}
  for i, id in ipairs(model.services()) do
    names[i] = id:gsub("-", "_")
  end
  return names
end

--- What is nearest to `word`: a service, or a function of this module.
local function nearest(word)
  local names = services()
  table.move(sorted.keys(aws), 1, 99, #names + 1, names)
  return (errors.nearest(word, names))
end

--- The default client of a service, made when it is first asked for; those that are no modules, as
--- a user's own model, have one, too.
local function default_client(_, word)
  local id = type(word) == "string" and model.service(word)
  if not id then
    local near = nearest(tostring(word))
    errors.raise({
      kind = "usage",
      code = "unknown_service",
      message = ('aws has no service or function "%s"'):format(tostring(word)),
      hint = near and ("did you mean %s?"):format(near) or "`awsbak help aws` lists the services",
    })
  end
  local module = data.module(id)
  local made = module and require(module) or client.new(id)
  rawset(aws, word, made)
  return made
end

--- What the prompt offers (awsbak.repl.complete): the services in aws.client("...").
local function argument(_, name, index)
  if name == "client" then
    return index == 1 and { values = model.services() } or { names = sorted.keys(optional.CLIENT) }
  end
end

return setmetatable(aws, { __index = default_client, __fields = services, __argument = argument })
