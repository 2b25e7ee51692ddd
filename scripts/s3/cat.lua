--- Write objects to standard output: awsbak s3 cat s3://vault/log.txt

local output = require("awsbak.output")
local policy = require("awsbak.policy")
local s3 = require("aws.s3")
local stream = require("backup.s3.stream")
local usage = require("backup.s3.usage")

return policy({
  name = "s3 cat",
  summary = "Write objects to standard output, one after the other.",
  description = "Memory does not grow with an object. A connection that breaks is made again, and"
    .. " reading goes on in the same object. Bytes that a terminal would act on are refused there.",
  examples = {
    "awsbak s3 cat s3://vault/ssm.age | age -d -i identity.txt",
    "awsbak s3 cat s3://vault/log.txt --range -1000",
  },
  options = {
    { "url", positional = true, required = true, many = true, help = "s3://bucket/key" },
    { "version_id", help = "this version of one object" },
    { "range", help = "only these bytes: 0-99, 100- or -100 (the last 100)" },
  },
  run = function(o, context)
    usage.refuse(context.door == "event", "s3 cat", "writes to standard output; an event has none")
    usage.refuse(o.version_id and #o.url > 1, "--version-id", "is of one object: several are named")
    local range = o.range
    local is_range = not range or range:find("^%d+%-%d*$") or range:find("^%-%d+$")
    usage.refuse(not is_range, "--range", "is 0-99, 100- or -100, not " .. tostring(range))
    for _, url in ipairs(o.url) do
      s3.parse_url(url)
    end
    output.take_stdout()
    for _, url in ipairs(o.url) do
      local bucket, key = s3.parse_url(url)
      local object <close> =
        stream.open(s3, bucket, key, { version_id = o.version_id, range = range })
      output.stream(object, ("%s is binary"):format(url))
    end
  end,
})
