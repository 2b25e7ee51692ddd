--- An object in S3 as a source: fetched in ranges, several at once, each to its place in a file
--- without a name.
---
--- All ranges are of one version of the object: by its version id, or where the bucket keeps no
--- versions by If-Match. An object replaced meanwhile is an error, never a mixture.

local errors = require("awsbak.errors")
local s3_fault = require("backup.transfer.s3_fault")
local task = require("awsbak.task")

local s3_source = {}

local RANGE = 8 * 1024 * 1024
local AT_ONCE = 4
local ATTEMPTS = 3 -- for a body that is cut

local function pin(input, head)
  if head.VersionId and head.VersionId ~= "null" then
    input.VersionId = head.VersionId
  else
    input.IfMatch = head.ETag
  end
  return input
end

--- The bytes from `first` to `last` of the object, whole.
local function get(self, first, last)
  local answer = self.s3.get_object(pin({
    Bucket = self.bucket,
    Key = self.key,
    Range = ("bytes=%d-%d"):format(first, last),
  }, self.head))
  local body <close> = answer.Body
  return body:all(RANGE)
end

--- As get, tried again when the body is cut on the way: the client's retries end where a body
--- begins.
local function get_again(self, first, last)
  for attempt = 1, ATTEMPTS do
    local bytes, err = errors.try(get, self, first, last)
    if bytes then
      return bytes
    elseif err.status == 412 then
      err.hint = "it was replaced while it was read; try again"
    end
    if attempt == ATTEMPTS or (err.kind ~= "network" and err.kind ~= "timeout") or err.attempts then
      error(err, 0)
    end
  end
end

--- Fetch one range into its place.
local function fetch_range(self, first)
  local last = math.min(first + RANGE, self.size) - 1
  local bytes = get_again(self, first, last)
  if #bytes ~= last - first + 1 then
    errors.raise({
      kind = "reply",
      code = "range",
      message = ("%s: asked for %d bytes, got %d"):format(self.location, last - first + 1, #bytes),
    })
  end
  task.await(self.spool:pwrite(bytes, first))
end

local function ranges(size)
  local first = -RANGE
  return function()
    first = first + RANGE
    return first < size and first or nil
  end
end

--- Fetch an object into a file, and fill in `source`: version_id, etag.
---@param spool userdata awsbak.core.file to write to
---@param source backup.Source with its location
---@param options { s3: table?, progress: fun(bytes: integer, total: integer)? }
function s3_source.fetch(spool, source, options)
  local s3 = options.s3 or require("aws.s3")
  local bucket, key = require("aws.s3").parse_url(source.location)
  local head, err = errors.try(s3.head_object, { Bucket = bucket, Key = key })
  if not head then
    if err.status == 404 then
      s3_fault.explain_head(s3, err, bucket, source.location)
    end
    error(err, 0)
  end
  local self = {
    s3 = s3,
    bucket = bucket,
    key = key,
    location = source.location,
    head = head,
    size = head.ContentLength,
    spool = spool,
  }
  local done = 0
  task.each(ranges(self.size), AT_ONCE, function(first)
    fetch_range(self, first)
    done = math.min(done + RANGE, self.size)
    if options.progress then
      options.progress(done, self.size)
    end
  end)
  source.version_id, source.etag = head.VersionId, head.ETag
end

return s3_source
