--- An object in S3 as a source: fetched into a file without a name.

local parse_url = require("aws.s3").parse_url
local s3_download = require("backup.transfer.s3_download")

local s3_source = {}

--- Fetch an object into a file, and fill in `source`: version_id, etag.
---@param spool userdata awsbak.core.file to write to
---@param source backup.Source with its location
---@param options { s3: table?, progress: fun(bytes: integer, total: integer)? }
function s3_source.fetch(spool, source, options)
  local bucket, key = parse_url(source.location)
  local s3 = options.s3 or require("aws.s3")
  local came, total = 0, nil
  local function progress(bytes)
    total = total or spool:size()
    came = came + bytes
    options.progress(came, total)
  end
  local from = { s3 = s3, bucket = bucket, key = key, location = source.location }
  local done = s3_download.get(from, spool, { progress = options.progress and progress })
  source.version_id, source.etag = done.version_id, done.etag
end

return s3_source
