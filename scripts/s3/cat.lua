--- Write objects to standard output: awsbak s3 cat s3://vault/log.txt

local cache = require("backup.s3.cache")
local members = require("backup.s3.members")
local output = require("awsbak.output")
local policy = require("awsbak.policy")
local s3 = require("aws.s3")
local s3_fault = require("backup.transfer.s3_fault")
local stream = require("backup.s3.stream")
local usage = require("backup.s3.usage")

local options = {
  { "url", positional = true, required = true, many = true, help = "s3://bucket/key" },
  { "version_id", help = "this version of one object" },
  { "sse_c_key", help = "they are encrypted with the key in this file, 32 bytes (SSE-C)" },
  { "range", help = "only these bytes: 0-99, 100- or -100 (the last 100)" },
}
table.move(cache.options, 1, #cache.options, #options + 1, options)

--- First and last byte of an object that a range means; nil when the object has none of them.
local function bounds(range, size)
  local first, last = (range or "0-"):match("^(%d*)%-(%d*)$")
  first, last = tonumber(first), tonumber(last)
  if not first then
    first, last = math.max(0, size - last), nil
  end
  last = math.min(last or size - 1, size - 1)
  if not range or first <= last then
    return first, last
  end
end

local function check_range(range)
  local first, last = (range or "0-"):match("^(%d*)%-(%d*)$")
  local from, to = tonumber(first), tonumber(last)
  local is_range = (from or to) and not (from and to and to < from)
  usage.refuse(not is_range, "--range", "is 0-99, 100- or -100, not " .. tostring(range))
end

--- An object that is or comes into the cache, and its bytes; nil where it has no place there, or
--- the range has no bytes.
local function cached(kept, object, range)
  if not kept then
    return nil
  end
  local head = s3_fault.head(s3, object)
  local first, last = bounds(range, head.ContentLength)
  local source = { s3 = s3, bucket = object.bucket, key = object.key }
  local entry = first and kept:entry(source, { head = head }) or nil
  return entry, entry and entry:each(first, last)
end

--- Write an object to standard output.
local function write(kept, url, wanted)
  local bucket, key = s3.parse_url(url)
  local subject = ("%s is binary"):format(url)
  local object = { bucket = bucket, key = key, version_id = wanted.version_id }
  local entry <close>, bytes = cached(kept, object, wanted.range)
  if entry then
    return output.stream(bytes, subject)
  end
  local direct <close> = stream.open(s3, bucket, key, wanted)
  return output.stream(direct, subject)
end

return policy({
  name = "s3 cat",
  summary = "Write objects to standard output, one after the other.",
  description = "Memory does not grow with an object. A connection that breaks is made again, and"
    .. " reading goes on in the same object. Bytes that a terminal would act on are refused there."
    .. " With --cache, objects that were read before are only asked for their version.",
  examples = {
    "awsbak s3 cat s3://vault/ssm.age | age -d -i identity.txt",
    "awsbak s3 cat s3://vault/log.txt --range -1000",
  },
  options = options,
  run = function(o, context)
    usage.refuse(context.door == "event", "s3 cat", "writes to standard output; an event has none")
    usage.refuse(o.version_id and #o.url > 1, "--version-id", "is of one object: several are named")
    check_range(o.range)
    for _, url in ipairs(o.url) do
      s3.parse_url(url)
    end
    usage.refuse(o.cache and o.sse_c_key, "--cache", "does not go with --sse-c-key")
    local wanted = { version_id = o.version_id, range = o.range }
    wanted.members = members.customer_key(o.sse_c_key)
    local kept <close> = cache.asked(o)
    output.take_stdout()
    for _, url in ipairs(o.url) do
      write(kept, url, wanted)
    end
  end,
})
