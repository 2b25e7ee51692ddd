--- Sessions of S3 Express: keys for one directory bucket, for five minutes.
---
--- Requests to objects of a directory bucket are signed with the keys of a session, which
--- CreateSession gives (S3 user guide, "CreateSession"; botocore/utils.py, S3ExpressIdentityCache).
--- Each client keeps those of the buckets it used last; tasks that want the same at one time share
--- one request.

local credentials = require("aws.credentials")

local express = {}

local BUCKETS_MAX = 100 -- botocore's, too

-- Sessions live for five minutes: renewed in their last one, must be in the last half.
local TIMES = { advisory = 60, mandatory = 30 }

--- The keys that CreateSession gives for a bucket. It writes nothing: no guard withholds it.
local function create(service, bucket)
  local exchange = require("aws.exchange")
  local prepared = {
    operation = service.model:operation("CreateSession"),
    subject = { service = service.name, operation = "CreateSession" },
  }
  local call = exchange.new(service, prepared, { Bucket = bucket }, {})
  local answer = exchange.run(call).output.Credentials
  return credentials.keys({
    access_key_id = answer.AccessKeyId,
    secret_access_key = answer.SecretAccessKey,
    session_token = answer.SessionToken,
    expires = answer.Expiration,
  }, "session of " .. bucket)
end

--- The keys for the bucket of a call.
---@param call aws.Call
---@return aws.Keys
--- Raises what CreateSession raises.
function express.keys(call)
  local service, bucket = call.service, call.input.Bucket
  if not service.sessions or service.sessions.count >= BUCKETS_MAX then
    service.sessions = { count = 0, by_bucket = {} }
  end
  local sessions = service.sessions
  local provider = sessions.by_bucket[bucket]
  if not provider then
    provider = credentials.renewed(function()
      return create(service, bucket)
    end, TIMES)
    sessions.by_bucket[bucket] = provider
    sessions.count = sessions.count + 1
  end
  return provider:get()
end

return express
