--- Which operations only read: those that `--dry-run` and `--read-only` let through.
---
--- An operation reads when its name begins with one of the words below, unless the list of
--- exceptions says otherwise or its HTTP method is one that changes things. Everything else counts
--- as a change: what is not known could be one. GET and POST say nothing (S3's CreateSession is a
--- GET, most reads of JSON protocols are POSTs). Nor does the trait `readonly`: of the built-in
--- models one operation has it that its name does not tell, and in models that users bring it would
--- open the guards for whatever has it.
---
--- All operations of the services that are built in were looked through, one by one; a new model
--- changes the counts in spec/aws/model/reads_spec.lua: what is new is to be looked through, too.

local reads = {}

-- First words of names, also after "Batch": GetItem, BatchGetItem. The likes of Check, Detect,
-- Test, Verify and Generate are not among them: some start something or leave it behind.
local WORDS = {
  Describe = true,
  Estimate = true,
  Filter = true,
  Get = true,
  Head = true,
  List = true,
  Lookup = true,
  Query = true,
  Scan = true,
  Search = true,
  Select = true,
  Simulate = true,
  Validate = true,
}

-- By service id, what reads although its name does not say so, and why.
local READS = {
  ["CloudWatch Logs"] = {
    StartLiveTail = "sends log events as they come, and keeps nothing",
    TestMetricFilter = "matches a pattern against messages in the request",
    TestTransformer = "transforms messages in the request",
  },
  DynamoDB = {
    TransactGetItems = "reads items at one moment",
  },
  EventBridge = {
    TestEventPattern = "matches a pattern against an event in the request",
  },
  KMS = {
    Decrypt = "without it nothing encrypted could be looked at; KMS keeps nothing of it",
    Verify = "checks a signature in the request",
    VerifyMac = "checks a MAC in the request",
  },
  S3 = {
    CreateSession = "keys for some minutes; no object of a directory bucket is read without",
  },
  Signin = {
    IntrospectOAuth2TokenWithIAM = "looks a token up; AWS's model calls it readonly",
  },
  SNS = {
    CheckIfPhoneNumberIsOptedOut = "looks a number up",
  },
  STS = {
    AssumeRole = "keys for a while; no other account is looked at without",
    AssumeRoleWithSAML = "as AssumeRole",
    AssumeRoleWithWebIdentity = "as AssumeRole",
    DecodeAuthorizationMessage = "decodes a message in the request",
  },
}

-- What changes something although its name, or the model, says otherwise, and why.
local CHANGES = {
  EC2 = {
    GetConsoleScreenshot = "WakeUp presses a key of the instance",
    GetFlowLogsIntegrationTemplate = "writes a template into a bucket",
  },
  SFN = {
    GetActivityTask = "takes a task from the queue",
  },
  SSM = {
    GetDeployablePatchSnapshotForInstance = "makes the snapshot when there is none",
  },
  STS = {
    GetDelegatedAccessToken = "uses up the token it is given",
  },
}

-- Methods that change a resource by their meaning (RFC 9110, 9.3; RFC 5789). No operation that is
-- built in and reads has one; a model that users bring may give any name to any request.
local CHANGING_METHODS = { DELETE = true, PATCH = true, PUT = true }

--- Whether an operation only reads.
---@param service_id string of the model's metadata: "SSM"
---@param operation aws.Operation
---@return boolean
function reads.of(service_id, operation)
  local name = operation.name
  if (CHANGES[service_id] or {})[name] then
    return false
  elseif CHANGING_METHODS[operation.method] then
    return false
  elseif (READS[service_id] or {})[name] then
    return true
  end
  local word = name:match("^Batch(%u%l+)") or name:match("^%u%l+")
  return WORDS[word] or false
end

--- The exceptions from the rule, as { [service_id] = { [operation] = reason } }.
reads.exceptions = { changes = CHANGES, reads = READS }

return reads
