--- Make a URL that others can use without keys: awsbak s3 presign s3://vault/x.age --expires 1h

local json = require("awsbak.core.json")
local log = require("awsbak.log")
local output = require("awsbak.output")
local outside = require("awsbak.outside")
local policy = require("awsbak.policy")
local s3 = require("aws.s3")
local settings = require("awsbak.settings")
local time = require("awsbak.time")
local usage = require("backup.s3.usage")

local OPERATIONS =
  { GET = "GetObject", HEAD = "HeadObject", PUT = "PutObject", DELETE = "DeleteObject" }

local WEEK_S = 7 * 86400 -- S3 honours no longer one

--- A Content-Disposition with the name of a file (RFC 6266). S3 refuses a URL whose header has
--- characters beyond ISO-8859-1 (InvalidArgument), and browsers differ about those within: where a
--- name is not ASCII, it is written as RFC 8187 has it, beside one for who does not read that.
local function disposition(filename)
  local name = filename:gsub('[%c"\\]', "_")
  local plain = name:gsub("[\xc2-\xf4][\x80-\xbf]+", "_")
  local said = ('attachment; filename="%s"'):format(plain)
  if plain == name then
    return said
  end
  local encoded = name:gsub("[^%w!#$&+.^_`|~-]", function(byte)
    return ("%%%02X"):format(byte:byte())
  end)
  return ("%s; filename*=UTF-8''%s"):format(said, encoded)
end

--- The input of the operation; refuses what belongs to another method.
local function input_of(o, bucket, key)
  local puts = o.method == "PUT"
  local reads = o.method == "GET" or o.method == "HEAD"
  usage.refuse(puts and o.version_id, "--version-id", "does not go with --method PUT")
  usage.refuse(not puts and o.content_type, "--content-type", "is for --method PUT")
  usage.refuse(not reads and o.filename, "--filename", "is for --method GET")
  usage.refuse(o.filename and not utf8.len(o.filename), "--filename", "is not UTF-8")
  return {
    Bucket = bucket,
    Key = key,
    VersionId = o.version_id,
    ContentType = o.content_type,
    ResponseContentDisposition = o.filename and disposition(o.filename),
  }
end

local function headers_of(request)
  local headers = {}
  for _, pair in ipairs(request.headers) do
    headers[pair[1]] = pair[2]
  end
  return headers
end

return policy({
  name = "s3 presign",
  summary = "Make a URL by which others get, put or delete an object without keys.",
  description = "Nothing is sent, and nobody is asked whether the object exists. Whoever has the"
    .. " URL can use it until it expires, or until the keys that signed it do: those of a role last"
    .. " some hours at most. As a table it is the URL alone.",
  examples = {
    "awsbak s3 presign s3://vault/ssm.age --expires 1h",
    'curl -fo ssm.age "$(awsbak s3 presign s3://vault/ssm.age --output table)"',
    "awsbak s3 presign s3://inbox/report.pdf --method PUT --content-type application/pdf",
  },
  options = {
    { "url", positional = true, required = true, help = "s3://bucket/key" },
    {
      "method",
      kind = "choice",
      choices = { "GET", "HEAD", "PUT", "DELETE" },
      default = "GET",
      help = "what the URL allows",
    },
    { "expires", kind = "duration", default = 3600, min = 1, help = "how long, at most 7d" },
    { "version_id", help = "of this version" },
    { "content_type", help = "PUT: who uploads must send this Content-Type" },
    { "filename", help = "GET: the name that a browser saves it under" },
  },
  run = function(o)
    local bucket, key = s3.parse_url(o.url)
    usage.refuse(o.expires > WEEK_S, "--expires", "cannot be more than 7d, which is S3's limit")
    local is_vain = settings.get("no_sign_request")
    usage.refuse(is_vain, "--no-sign-request", "makes a URL that nobody has signed")
    local seconds = math.floor(o.expires)
    local url, request =
      s3.presign(OPERATIONS[o.method], input_of(o, bucket, key), { expires = seconds })
    if output.mode() == "table" and not settings.get("query") then
      output.text(url, "\n")
      if next(request.headers) then
        log.warn("with it must be sent: %s", json.encode(headers_of(request)))
      end
      return
    end
    output.item({
      url = url,
      method = request.method,
      headers = headers_of(request),
      expires = time.rfc3339(outside.now() + seconds),
    })
  end,
})
