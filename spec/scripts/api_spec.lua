local api = require("scripts.api")
local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local events = require("spec.support.events")
local network = require("spec.support.network")
local output = require("awsbak.output")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local server = require("spec.support.server")
local settings = require("awsbak.settings")

local VARIABLES = {
  AWS_ACCESS_KEY_ID = "AKID",
  AWS_REGION = "eu-west-1",
  AWS_SECRET_ACCESS_KEY = "secret",
}

local FILES = {
  ["cert.pem"] = "-----BEGIN\n",
  ["cert.json"] = "[1]",
  ["in.json"] = '{"KeyId":"k","Plaintext":"AP8=","EncryptionContext":{"a":"b"}}',
}

--- The files, with a config file.
local function files_with(config)
  local files = { ["~/.aws/config"] = config }
  for name, text in pairs(FILES) do
    files[name] = text
  end
  return files
end

--- Run `awsbak api` with these words and replies; returns what it wrote, and the bodies it sent.
local function run(words, replies, options)
  options = options or {}
  local o = {
    service = words[1],
    operation = words[2],
    input = { table.unpack(words, 3) },
    no_paginate = options.no_paginate,
    save = options.save,
    force = options.force,
    presign = options.presign,
    max_items = options.max_items,
    page_size = options.page_size,
    starting_token = options.starting_token,
    cli_input_json = options.cli_input_json,
    skeleton = options.skeleton,
  }
  local collected, failure
  local sent = network.with(replies or {}, function()
    collected, failure = errors.try(output.collect, function()
      settings.with({ output = options.output or "jsonl" }, api.run, o)
    end)
  end, { variables = VARIABLES, files = files_with(options.config) })
  local bodies = {}
  for i, request in ipairs(sent) do
    bodies[i] = request.body
  end
  return collected and collected.items, bodies, failure
end

describe("awsbak api", function()
  it("turns words into input of the members' types", function()
    local _, bodies = run({
      "ssm",
      "get-parameters-by-path",
      "Path=/a",
      "Recursive=true",
      "MaxResults=3",
      'ParameterFilters:=[{"Key":"Type","Values":["String"]}]',
    }, { {} })
    assert.equal(
      '{"MaxResults":3,"ParameterFilters":[{"Key":"Type","Values":["String"]}],'
        .. '"Path":"/a","Recursive":true}',
      bodies[1]
    )
  end)

  it("makes a list of a member that is given more than once", function()
    local _, bodies = run({ "ssm", "GetParameters", "Names=/a", "Names=/b=c" }, { {} })
    assert.equal('{"Names":["/a","/b=c"]}', bodies[1])
  end)

  it("takes bytes as they are in words and files, and as base64 in JSON", function()
    local words = { "kms", "encrypt", "KeyId=k" }
    for word, sent in pairs({
      ["Plaintext=AP8="] = "QVA4PQ==",
      ["Plaintext:=\"AP8=\""] = "AP8=",
      ["Plaintext=@cert.pem"] = "LS0tLS1CRUdJTgo=",
    }) do
      local _, bodies = run({ words[1], words[2], words[3], word }, { {} })
      assert.equal(('{"KeyId":"k","Plaintext":"%s"}'):format(sent), bodies[1])
    end
    local raw = { config = "[default]\ncli_binary_format = raw-in-base64-out\n" }
    local _, bodies = run({ "kms", "encrypt", "KeyId=k", 'Plaintext:="x"' }, { {} }, raw)
    assert.equal('{"KeyId":"k","Plaintext":"eA=="}', bodies[1])
  end)

  it("reads input from standard input", function()
    local peer <close> = server.start()
    peer:script("GetParameter", { { body = "{}" } })
    local env = { AWS_ENDPOINT_URL = peer.url }
    for name, value in pairs(VARIABLES) do
      env[name] = value
    end
    local words = { "api", "ssm", "get-parameter", "--cli-input-json", "-" }
    local result = program.run(words, { env = env, stdin = '{"Name":"/a"}' })
    assert.equal(0, result.status, result.stderr)
    assert.equal('{"Name":"/a"}', peer:requests()[1].body)
    result = program.run(words, { env = env, stdin = "{" })
    assert.equal(2, result.status)
    assert.matches("standard input (--cli-input-json) is not JSON", result.stderr, 1, true)
  end)

  it("reads a value from a file", function()
    local _, bodies = run({ "ssm", "get-parameter", "Name=@cert.pem" }, { {} })
    assert.equal('{"Name":"-----BEGIN\\n"}', bodies[1])
    local _, none, failure = run({ "ssm", "get-parameter", "Name=@no-such-file" })
    assert.same({}, none)
    assert.equal("io", failure.kind)
  end)

  it("gives all pages as one reply, and one a line for JSON lines", function()
    local pages = {
      { body = '{"Parameters":[{"Name":"/a","LastModifiedDate":1.5}],"NextToken":"t"}' },
      { body = '{"Parameters":[{"Name":"/b"}]}' },
    }
    local items = run({ "ssm", "describe-parameters" }, pages, { output = "json" })
    assert.same({
      {
        Parameters = {
          { Name = "/a", LastModifiedDate = "1970-01-01T00:00:01.500000Z" },
          { Name = "/b" },
        },
      },
    }, items)
    items = run({ "ssm", "describe-parameters" }, pages)
    assert.equal(2, #items)
    items = run({ "ssm", "describe-parameters" }, { pages[1] }, { no_paginate = true })
    assert.equal("t", items[1].NextToken)
  end)

  it("ends a listing where it is told to, and goes on from there", function()
    local pages = {
      { body = '{"Parameters":[{"Name":"/a"},{"Name":"/b"}],"NextToken":"t"}' },
      { body = '{"Parameters":[{"Name":"/c"}]}' },
    }
    local words = { "ssm", "describe-parameters" }
    local items, bodies = run(words, pages, { max_items = 1, page_size = 2 })
    assert.same({ { Name = "/a" } }, items[1].Parameters)
    assert.same({ '{"MaxResults":2}' }, bodies)
    items, bodies = run(words, pages, { starting_token = items[1].NextToken })
    assert.same({ { Parameters = { { Name = "/b" }, { Name = "/c" } } } }, items)
    assert.same({ "{}", '{"NextToken":"t"}' }, bodies)
  end)

  it("keeps what is the same on each page", function()
    local page = "<ListBucketResult><Name>b</Name><Prefix>p</Prefix>"
      .. "<Contents><Key>k</Key></Contents></ListBucketResult>"
    local words = { "s3", "list-objects-v2", "Bucket=b" }
    assert.same(
      { { Contents = { { Key = "k" } }, Prefix = "p" } },
      run(words, { { body = page } }, { output = "json" })
    )
  end)

  it("takes input from a file, under what the words say", function()
    local words = { "kms", "encrypt", "KeyId=other" }
    local _, bodies = run(words, { {} }, { cli_input_json = "file://in.json" })
    assert.equal(
      '{"EncryptionContext":{"a":"b"},"KeyId":"other","Plaintext":"AP8="}',
      bodies[1]
    )
  end)

  it("takes bytes in a file as they are where cli_binary_format says so", function()
    local words = { "kms", "encrypt" }
    local input = '{"KeyId":"k","Plaintext":"AP8="}'
    local profile = "[default]\ncli_binary_format = raw-in-base64-out"
    local _, bodies = run(words, { {} }, { cli_input_json = input, config = profile })
    assert.equal('{"KeyId":"k","Plaintext":"QVA4PQ=="}', bodies[1])
    _, bodies = run(words, { {} }, { cli_input_json = input })
    assert.equal(input, bodies[1])
  end)

  it("writes an outline of the input, which it takes again", function()
    local items, bodies = run({ "kms", "encrypt" }, {}, { skeleton = true })
    assert.same({}, bodies)
    assert.same({ Key = "" }, items[1].EncryptionContext)
    assert.equal("", items[1].Plaintext)
    items = run({ "dynamodb", "put-item" }, {}, { skeleton = true })
    assert.equal("", items[1].Item.Key.L[1].M.Key.S)
  end)

  it("presigns instead of sending", function()
    local words = { "s3", "put-object", "Bucket=vault", "Key=k", "ContentType=a/b" }
    local items, bodies = run(words, {}, { presign = 60 })
    assert.same({}, bodies)
    assert.equal("PUT", items[1].method)
    assert.same({ ["Content-Type"] = "a/b" }, items[1].headers)
    assert.matches("X%-Amz%-Expires=60&.*X%-Amz%-Signature=", items[1].url)
  end)

  it("shows bytes as base64", function()
    local items = run(
      { "kms", "encrypt", "KeyId=k", "Plaintext=a" },
      { { body = '{"CiphertextBlob":"AP8="}' } }
    )
    assert.same({ { CiphertextBlob = "AP8=" } }, items)
  end)

  it("takes and shows numbers that are not finite, as their names", function()
    local listing = { "cloudwatch", "get-metric-statistics", "Namespace=n", "MetricName=m" }
    table.move({ "StartTime=0", "EndTime=1", "Period=60" }, 1, 3, #listing + 1, listing)
    local body = '{"Datapoints":[{"Average":"NaN","Sum":"Infinity","Minimum":"-Infinity"}]}'
    assert.same(
      { { Datapoints = { { Average = "NaN", Sum = "Infinity", Minimum = "-Infinity" } } } },
      (run(listing, { { body = body } }))
    )
    local data = 'MetricData:=[{"MetricName":"m","Value":"NaN","Counts":["-Infinity",1.5]}]'
    for _, config in ipairs({ "", "[default]\ncli_binary_format = raw-in-base64-out\n" }) do
      local words = { "cloudwatch", "put-metric-data", "Namespace=n", data }
      local _, bodies = run(words, { {} }, { config = config })
      assert.matches('"Counts":["-Infinity",1.5]', bodies[1], 1, true)
      assert.matches('"Value":"NaN"', bodies[1], 1, true)
    end
    local alarm = { "cloudwatch", "put-metric-alarm", "AlarmName=a", "EvaluationPeriods=1" }
    table.move({ "ComparisonOperator=GreaterThanThreshold", "Threshold=Infinity" }, 1, 2, 5, alarm)
    local _, bodies = run(alarm, { {} })
    assert.matches('"Threshold":"Infinity"', bodies[1], 1, true)
  end)

  it("saves a stream, over a file only with --force", function()
    local dir <close> = scratch.new()
    local peer <close> = server.start()
    peer:script("GET /vault/k", { { body = "new", times = -1 } })
    local env = { AWS_ENDPOINT_URL = peer.url }
    for name, value in pairs(VARIABLES) do
      env[name] = value
    end
    local words = { "api", "s3", "get-object", "Bucket=vault", "Key=k" }
    table.move({ "--save", dir:write("o.out", "old") }, 1, 2, #words + 1, words)
    local refused = program.run(words, { env = env })
    assert.matches("exists already; give --force to replace it", refused.stderr, 1, true)
    assert.equal("old", dir:read("o.out"))
    assert.same({}, peer:requests(), "asked for in vain")
    words[#words + 1] = "--force"
    local result = program.run(words, { env = env })
    assert.equal(0, result.status, result.stderr)
    assert.equal("new", dir:read("o.out"))
  end)

  local function fails(words, expected, options)
    local _, bodies, failure = run(words, {}, options)
    assert.same({}, bodies)
    assert.equal("usage", failure.kind)
    assert.matches(expected, tostring(failure), 1, true)
  end

  it("names the nearest service, operation and member for a wrong one", function()
    fails({ "ssmm", "get-parameter" }, 'did you mean "ssm"?')
    fails({ "quicksight", "list-users" }, "the services are application-autoscaling, ")
    fails({ "ssm", "get-paramter" }, "did you mean get_parameter?")
    fails({ "ssm", "get-parameter", "Nmae=/a" }, 'did you mean "Name"?')
  end)

  it("takes one value for what is no list", function()
    fails({ "ssm", "get-parameter", "Name=/a", "Name=/b" }, "Name is given twice")
    fails({ "ssm", "get-parameters", "Names=/a", 'Names:=["/b"]' }, "Names is given twice")
  end)

  it("refuses to save what is no stream", function()
    fails({ "ssm", "get-parameter", "Name=/a" }, "nothing to --save", { save = "x" })
    local tail = { "logs", "start-live-tail", "logGroupIdentifiers=arn" }
    fails(tail, "StartLiveTail does not reply with bytes", { save = "x" })
    local get = { "s3", "get-object", "Bucket=b", "Key=k" }
    fails(get, "--max-items is for listings", { save = "x", max_items = 1 })
  end)

  it("says what does not go together", function()
    local listing = { "ssm", "describe-parameters" }
    fails(listing, "does not go with --no-paginate", { no_paginate = true, max_items = 1 })
    fails({ "ssm", "get-parameter", "Name=/a" }, "--max-items is for listings", { max_items = 1 })
    fails(listing, "not JSON", { cli_input_json = "{" })
    fails(listing, "no object of members", { cli_input_json = "cert.json" })
    fails({ "kms", "encrypt" }, "Plaintext is not base64", {
      cli_input_json = '{"Plaintext":"!"}',
    })
    local item = 'Item:={"a":{"L":[{"B":"!"}]}}'
    fails({ "dynamodb", "put-item", item }, "B is not base64, which bytes are in JSON")
  end)

  it("says what does not go with flags that send nothing", function()
    local words = { "s3", "get-object", "Bucket=b", "Key=k" }
    fails(words, "--skeleton takes no input", { skeleton = true })
    fails(words, "--save does not go with --presign", { presign = 60, save = "x" })
    fails({ "s3", "list-buckets" }, "--max-items does not go with --skeleton", {
      max_items = 1,
      skeleton = true,
    })
    fails({ "s3", "list-buckets" }, "--presign does not go with --skeleton", {
      presign = 60,
      skeleton = true,
    })
    fails({ "ssm", "get-parameter", "Name=/a" }, "--force is for --save", { force = true })
  end)

  it("shows how to write what is nested", function()
    local words = { "ssm", "describe-parameters" }
    fails(
      { words[1], words[2], "ParameterFilters=foo" },
      "ParameterFilters is a list of structures; write it as JSON: "
        .. [[ParameterFilters:='[{"Key":"","Option":"","Values":[""]}]']]
    )
    fails(
      { "s3", "put-object", "Bucket=b", "Key=k", "Metadata=x" },
      [[Metadata is a map; write it as JSON: Metadata:='{"Key":""}']]
    )
    fails({ "ec2", "run-instances", "NetworkInterfaces=x" }, "NetworkInterfaces:='[...]'")
  end)

  it("refuses a damaged starting token", function()
    for _, token in ipairs({
      '{"NextToken":"t","boto_truncate_amount":-1}',
      '{"NextToken":"t","boto_truncate_amount":"x"}',
      '{"NextToken":"t","boto_truncate_amount":1.5}',
      '{"Other":"t","boto_truncate_amount":1}',
    }) do
      fails({ "ssm", "describe-parameters" }, "the starting token is none that a listing", {
        starting_token = codec.base64(token),
      })
    end
  end)

  it("says which file of input is damaged, and where", function()
    local words = { "ssm", "put-parameter" }
    fails(words, "cert.pem (--cli-input-json) is not JSON: ", { cli_input_json = "cert.pem" })
    fails(words, "cert.json (--cli-input-json) is no object", { cli_input_json = "cert.json" })
    fails(words, "--cli-input-json is no object", { cli_input_json = "[]" })
    fails({ words[1], words[2], "Name:={" }, "what follows Name:= is not JSON: ")
  end)

  it("says what is wrong with a word", function()
    fails({ "ssm", "get-parameter", "Name" }, "Key=value")
    fails({ "ssm", "get-parameter", "Name=@" }, "Name=@ is followed by no name of a file")
    fails({ "ssm", "get-parameter", "Name:={" }, "not JSON")
    fails(
      { "ssm", "get-parameter", "Name=a", "WithDecryption=maybe" },
      "WithDecryption must be true or false"
    )
    fails({ "s3", "put-object", "Tagging=a", "Metadata=b" }, "write it as JSON")
    fails({ "s3", "get-object", "Bucket=b", "Key=k" }, "--save")
  end)
end)

describe("awsbak api under a guard", function()
  local ENV = {
    AWS_ACCESS_KEY_ID = "AKID",
    AWS_REGION = "eu-west-1",
    AWS_SECRET_ACCESS_KEY = "secret",
    AWS_ENDPOINT_URL = "http://127.0.0.1:1", -- nobody is there
  }
  local WORDS = { "ssm", "put-parameter", "Name=/a", "Value=hunter2", "Type=String" }

  local function guarded(flag)
    return program.run({ flag, "api", table.unpack(WORDS) }, { env = ENV })
  end

  it("says what a dry run would have done, and no reply", function()
    local said = guarded("-n")
    assert.same({ 0, "" }, { said.status, said.stderr })
    assert.equal(
      '{"input":{"Name":"/a","Type":"String","Value":"<secret>"},'
        .. '"operation":"PutParameter","region":"eu-west-1","service":"ssm","type":"plan"}\n'
        .. '{"dry_run":true,"type":"summary","withheld":1}\n',
      said.stdout
    )
  end)

  it("refuses in a dry run what it refuses in any", function()
    local put = { "--dry-run", "api", "ssm", "put-parameter", "Name=/a", "Value=v" }
    for flags, said in pairs({
      ["--save=x"] = "nothing to --save",
      ["--max-items=3"] = "--max-items is for listings",
    }) do
      local words = table.move(put, 1, #put, 1, {})
      words[#words + 1] = flags
      local result = program.run(words, { env = ENV })
      assert.equal(2, result.status, flags)
      assert.matches(said, result.stderr, 1, true)
      assert.equal("", result.stdout)
    end
  end)

  it("fails where only reads are allowed", function()
    local said = guarded("--read-only")
    assert.same({ 2, "" }, { said.status, said.stdout })
    assert.matches("ssm PutParameter: this may change something", said.stderr, 1, true)
  end)

  it("obeys the variables", function()
    local env = { AWSBAK_READ_ONLY = "true" }
    for name, value in pairs(ENV) do
      env[name] = value
    end
    assert.equal(2, program.run({ "api", table.unpack(WORDS) }, { env = env }).status)
  end)
end)

describe("awsbak api of a stream of events", function()
  local SELECT = {
    "s3",
    "select-object-content",
    "Bucket=b",
    "Key=k",
    "ExpressionType=SQL",
    "Expression=select 1",
    "InputSerialization:={}",
    "OutputSerialization:={}",
  }

  --- What the program says to a reply of these bytes.
  local function select(bytes)
    local peer <close> = server.start()
    peer:script("*", { { body = bytes } })
    local env = { AWS_ENDPOINT_URL = peer.url, AWSBAK_MAX_ATTEMPTS = "1" }
    for name, value in pairs(VARIABLES) do
      env[name] = value
    end
    return program.run({ "api", table.unpack(SELECT) }, { env = env })
  end

  it("writes a line for each, bytes in base64", function()
    local result = select(events.event("Records", "a,b\n") .. events.event("End"))
    assert.equal(0, result.status, result.stderr)
    assert.equal('{"Records":{"Payload":"YSxiCg=="}}\n{"End":{}}\n', result.stdout)
  end)

  it("says so when it is cut short, after what came", function()
    local bytes = events.event("Records", "a") .. events.event("End")
    local result = select(bytes:sub(1, -6))
    assert.equal(1, result.status)
    assert.equal('{"Records":{"Payload":"YQ=="}}\n', result.stdout)
    assert.matches("^awsbak: error: s3 SelectObjectContent: [^\n]+\n$", result.stderr)
  end)
end)
