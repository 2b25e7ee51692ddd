--- A client of one service: a table of functions made from the service's model.
---
---     local ssm = require("aws").client("ssm", { region = "eu-west-1" })
---     ssm.get_parameter({ Name = "/a" }, { timeout = 5 })
---     for parameter in ssm.each.describe_parameters({}) do ... end
---     for page in ssm.pages.describe_parameters({}) do ... end
---     ssm.wait.command_executed({ CommandId = id, InstanceId = instance })
---     ssm.call("GetParameter", { Name = "/a" })      -- the operation's name as a string
---     ssm.build("GetParameter", { Name = "/a" })     -- the signed request, not sent
---     s3.prepare("GetObject", { "Key" })             -- a function for many calls that are alike
---     s3.presign("GetObject", { Bucket = b, Key = k }, { expires = 600 })  -- a URL for others
---     ssm.operation("get-parameter").name            -- what the model says of it
---     ssm.endpoint("GetParameter", { Name = "/a" })  -- where its request would go
---     ssm.meta.api_version
---
--- Functions are made when first used; making a client reads and sends nothing. The first look at
--- its operations opens the model, for which the user's folders are looked at (aws.model.folders).

local argument = require("awsbak.argument")
local errors = require("awsbak.errors")
local exchange = require("aws.exchange")
local guard = require("aws.guard")
local optional = require("aws.options")
local service = require("aws.service")
local validate = require("aws.validate")

local client = {}

---@class aws.Client
---@field call fun(operation: string, input?: table, options?: aws.CallOptions): table
---@field build fun(operation: string, input?: table, options?: aws.CallOptions): table
---@field presign fun(operation: string, input?: table, options?: table): string, table
---@field endpoint fun(operation: string, input?: table): table
---@field prepare fun(operation: string, varying: string[], wanted?: string[]): function
---@field operation fun(name: string): aws.Operation a copy
---@field meta table

---@class aws.WaitOptions: aws.CallOptions
---@field delay number? seconds between two looks
---@field tries integer? how often it looks at most

-- Seconds that a presigned URL is good for; S3's limit (S3 user guide, "Sharing objects with
-- presigned URLs").
local PRESIGN_DEFAULT, PRESIGN_MAX = 3600, 604800

local check = optional.check

local function unknown(self, what, word, nearest)
  errors.raise({
    kind = "usage",
    code = "unknown_" .. what,
    message = ('%s has no %s "%s"'):format(self.name, what, word),
    hint = nearest and ("did you mean %s?"):format(nearest)
      or what == "operation" and ("`awsbak help %s` lists them"):format(self.name)
      or nil,
  })
end

---@class aws.Prepared what is the same for all calls of an operation
---@field operation table of the model
---@field subject aws.Subject
---@field tokens string[] members that get a UUID when the caller gives none
---@field reads boolean what the guards go by

local function idempotency_members(model, operation)
  local members = {}
  if operation.input then
    for _, member in ipairs(model:shape(operation.input).members) do
      if member.idempotency then
        members[#members + 1] = member.name
      end
    end
  end
  return members
end

--- The operation of that name, in any of its spellings. Raises kind usage when there is none.
---@return aws.Prepared
local function prepare(self, word)
  argument.check(word, "text", "the name of an operation")
  local known = self.prepared[word]
  if known then
    return known
  end
  local model = self:open().model
  local name, nearest = model:find(word)
  if not name then
    unknown(self, "operation", word, nearest)
  end
  local operation = model:operation(name)
  known = {
    operation = operation,
    subject = { service = self.name, operation = name },
    tokens = idempotency_members(model, operation),
    reads = operation.reads,
  }
  self.prepared[word] = known
  return known
end

--- The input with idempotency tokens filled in, so that a retry is not a second order.
local function with_tokens(prepared, input)
  if #prepared.tokens == 0 then
    return input
  end
  local filled = {}
  for name, value in pairs(input) do
    filled[name] = value
  end
  for _, name in ipairs(prepared.tokens) do
    if filled[name] == nil then
      filled[name] = exchange.uuid()
    end
  end
  return filled
end

--- Check the input and make a call of it.
---@return aws.Call
local function new_call(self, prepared, input, options)
  input = input or {}
  if type(input) == "table" then
    input = with_tokens(prepared, input)
  end
  validate.input(self.model, prepared.operation, input, prepared.subject)
  return exchange.new(self, prepared, input, options or {})
end

local function invoke(self, prepared, input, options)
  if options then
    check(options, optional.CALL, "a call")
  end
  local call = new_call(self, prepared, input, options)
  return guard.withhold(self, prepared, input) or exchange.run(call)
end

--- A URL that is good for a while and needs no keys; and the request it is of, whose `headers` must
--- be sent with it.
local function presign(self, word, input, options)
  check(options, optional.PRESIGN, "a presigned URL")
  local seconds = math.tointeger(options.expires or PRESIGN_DEFAULT) or options.expires
  if math.type(seconds) ~= "integer" or seconds < 1 or seconds > PRESIGN_MAX then
    errors.raise({
      kind = "usage",
      code = "presign",
      message = ("a URL cannot be good for %s seconds"):format(tostring(seconds)),
      hint = ("from 1 to %d (a week) it can"):format(PRESIGN_MAX),
    })
  end
  local call = new_call(self, prepare(self, word), input, { presign = seconds })
  local request = exchange.presigned(call)
  return request.url, request
end

--- The operation with a paginator whose name is most like `word`.
local function nearest_listing(model, word)
  local names = {}
  for i, name in ipairs(model:paginators()) do
    names[i] = model:snake(name)
  end
  return (errors.nearest(word, names))
end

local function pager(self, word)
  local prepared = prepare(self, word)
  local compiled = self.pagers[prepared.operation.name]
  if not compiled then
    local description = self.model:paginator(prepared.operation.name)
    if not description then
      unknown(self, "paginator", word, nearest_listing(self.model, word))
    end
    compiled = require("aws.paginator").compile(description)
    self.pagers[prepared.operation.name] = compiled
  end
  return prepared, compiled
end

--- A metatable for a table whose functions are made when first asked for: how the prompt learns of
--- them (awsbak.repl.complete).
---@param kind aws.Offering
local function offering(self, kind)
  return {
    __fields = function()
      return require("aws.offers").fields(self:open().model, kind)
    end,
    __argument = function(_, ...)
      return require("aws.offers").argument(self:open().model, kind, ...)
    end,
  }
end

--- A table whose functions are made by `make(name)` when first asked for.
local function lazy(self, kind, make)
  local meta = offering(self, kind)
  function meta.__index(functions, name)
    local made = make(name)
    rawset(functions, name, made)
    return made
  end
  return setmetatable({}, meta)
end

--- Functions that iterate: `each` over items, `pages` over pages.
local function listings(self, how)
  return lazy(self, "paginators", function(word)
    return function(input, options)
      local prepared, compiled = pager(self, word)
      argument.check(input, "table?", "the input of " .. prepared.operation.name)
      local function call(page_input)
        return invoke(self, prepared, page_input, options).output
      end
      return require("aws.paginator")[how](call, compiled, input or {}, prepared.subject)
    end
  end)
end

local function split_wait_options(options)
  check(options, optional.WAIT, "a wait")
  return { timeout = options.timeout, attempts = options.attempts }
end

local function waits(self)
  return lazy(self, "waiters", function(name)
    local waiter = require("aws.waiter")
    argument.check(name, "text", "the name of a waiter")
    local description, nearest = self:open().model:waiter(name)
    if not description then
      unknown(self, "waiter", name, nearest)
    end
    local compiled = waiter.compile(description)
    local prepared = prepare(self, compiled.operation)
    return function(input, options)
      local call_options = split_wait_options(options or {})
      if guard.is_idle(self) then
        return nil
      end
      return waiter.wait(function()
        return invoke(self, prepared, input, call_options)
      end, compiled, options or {}, prepared.subject)
    end
  end)
end

--- A copy of what the model says: what a script does to it changes no call, and no guard.
local function copy(value)
  if type(value) ~= "table" then
    return value
  end
  local made = {}
  for key, part in pairs(value) do
    made[key] = copy(part)
  end
  return made
end

local function operation_function(self, word)
  local prepared = prepare(self, word)
  return function(input, options)
    return invoke(self, prepared, input, options).output
  end
end

--- Make a client.
---@param name string|table a service, like "ssm"; or a model in botocore's format
---@param options aws.ClientOptions?
---@param extend fun(client: table)? adds the service's conveniences to each client made
---@return table client see the top of this file
--- Raises kind usage for an unknown option; for an unknown service when first used.
function client.new(name, options, extend)
  local self = service.new(name, options or {})
  local made = {
    call = function(word, input, call_options)
      return invoke(self, prepare(self, word), input, call_options).output
    end,
    build = function(word, input, call_options)
      check(call_options or {}, optional.CALL, "a call")
      return exchange.request(new_call(self, prepare(self, word), input, call_options), 1)
    end,
    presign = function(word, input, presign_options)
      return presign(self, word, input, presign_options or {})
    end,
    endpoint = function(word, input)
      return self:endpoint(new_call(self, prepare(self, word), input))
    end,
    prepare = function(word, names, wanted)
      argument.check(names, "texts", "the members that vary between prepared calls")
      argument.check(wanted, "texts?", "the members that are read of prepared calls' replies")
      local prepared = prepare(self, word)
      return require("aws.prepare").new(self, prepared, names, wanted, function(input)
        return new_call(self, prepared, input)
      end)
    end,
    operation = function(word)
      return copy(prepare(self, word).operation)
    end,
    new = function(other_options)
      return client.new(name, other_options, extend)
    end,
    each = listings(self, "each"),
    pages = listings(self, "pages"),
    wait = waits(self),
  }
  local meta = offering(self, "operations")
  meta.__name = "aws." .. self.name
  function meta.__index(functions, word)
    if word == "meta" then
      return self:open().model.meta
    elseif type(word) ~= "string" then
      return nil
    end
    local f = operation_function(self, word)
    rawset(functions, word, f)
    return f
  end
  setmetatable(made, meta)
  if extend then
    extend(made)
  end
  return made
end

return client
