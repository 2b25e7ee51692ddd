--- What the steps of the SSM features do: the awsbak program against a fake AWS on this machine.

local file = require("awsbak.core.file")
local moto = require("spec.support.moto")
local operator = require("spec.support.operator")
local ssm_client = require("aws.ssm")
local steps = require("feature.steps")

local CONFIG = ".config/awsbak"
local RECIPIENTS = CONFIG .. "/recipients.txt"

local Given, When, Then = steps.Given, steps.When, steps.Then

local function client_of(world)
  return ssm_client.new({
    endpoint_url = world.endpoint,
    region = "us-east-1",
    credentials = { access_key_id = "AKIDSPEC", secret_access_key = "spec" },
  })
end

local function s3_client(world)
  return require("aws").client("s3", {
    endpoint_url = world.endpoint,
    region = "us-east-1",
    credentials = { access_key_id = "AKIDSPEC", secret_access_key = "spec" },
  })
end

local function new_operator(world)
  local op = operator.new(world.endpoint)
  world[#world + 1] = op
  return op
end

-- What SSM tells of a parameter, without what a disaster changes: version and time.
local function state_of(world, name)
  local whole = world.ssm.dict({ returns = "table" })[name]
  return whole and { whole.type, whole.value, whole.description }
end

local function saved_file(world, name)
  return name:find("^s3://") and name or world.op:path(name)
end

local function bytes_of(world, name)
  local bucket, key = name:match("^s3://([^/]+)/(.+)$")
  if not bucket then
    return assert(world.op.home:read(name))
  end
  return s3_client(world).get_object({ Bucket = bucket, Key = key }).Body:all(1024 * 1024)
end

-- The words of a command line after `awsbak`.
local function arguments(line)
  local words = {}
  for word in line:gsub("^awsbak ", ""):gmatch("%S+") do
    words[#words + 1] = word
  end
  return words
end

Given("a Parameter Store of my own", function(world)
  world.endpoint = moto.fresh()
  world.ssm = client_of(world)
  world.people, world.before = {}, {}
  world.op = new_operator(world)
end)

Given("I have keys to encrypt and sign with", function(world)
  world.op:keygen()
end)

Given("a bucket {string}", function(world, name)
  s3_client(world).create_bucket({ Bucket = name })
end)

Given("the {text} has a key pair of which I know the public key", function(world, who)
  local person = new_operator(world)
  person:keygen()
  world.people[who] = person
  local known = world.op.home:read(RECIPIENTS) or ""
  assert(file.mkdirs(world.op:path(CONFIG)))
  world.op.home:write(RECIPIENTS, known .. person.recipient .. "\n")
end)

Given("these parameters", function(world, table_of)
  for _, row in ipairs(table_of.records) do
    world.ssm.put_parameter({
      Name = row.name,
      Value = row.value,
      Type = row.type or "SecureString",
      Description = row.description ~= "" and row.description or nil,
    })
    world.before[row.name] = state_of(world, row.name)
  end
end)

Given("{string} becomes {string}", function(world, name, value)
  world.ssm.put_parameter({ Name = name, Value = value, Overwrite = true })
end)

Given("{string} is deleted", function(world, name)
  world.ssm.delete_parameter({ Name = name })
end)

When("I back up {string} to the plain file {string}", function(world, path, name)
  local to = saved_file(world, name)
  world.op:must({ "ssm", "backup", "--path", path, "--to", to, "--plaintext" })
end)

When("I back up {string} to {string}", function(world, path, name)
  world.op:must({ "ssm", "backup", "--path", path, "--to", saved_file(world, name) })
end)

When("I restore {string}", function(world, name)
  world.log = world.op:must({ "-vv", "ssm", "restore", saved_file(world, name) }).stderr
end)

When("I run {string} into {string}", function(world, line, name)
  world.op.home:write(name, world.op:must(arguments(line)).stdout)
end)

When("I run {string} from {string}", function(world, line, name)
  world.op:must(arguments(line), { stdin = world.op.home:read(name) })
end)

When("a disaster deletes every parameter below {string}", function(world, path)
  world.ssm.dict.clear(world.ssm.dict(), path)
end)

When("the {text} restores {string} with the private key", function(world, who, file_name)
  world.people[who]:must({ "ssm", "restore", file_name, "--trust", "any" })
end)

Then("the parameters are as they were", function(world)
  for name, before in pairs(world.before) do
    assert.same(before, state_of(world, name), name)
  end
end)

Then("{string} was never written again", function(world, name)
  local answer = world.ssm.get_parameter({ Name = name })
  assert.equal(1, answer.Parameter.Version)
end)

Then("{string} is {string}", function(world, name, value)
  assert.equal(value, world.ssm.dict()[name])
end)

Then("nobody can read {string} in {string}", function(world, text, name)
  assert.is_nil(bytes_of(world, name):find(text, 1, true))
end)

Then("I cannot restore {string} with my own key", function(world, name)
  world.op:keygen()
  local result = world.op:run({ "ssm", "restore", name, "--trust", "any" })
  assert.equal(1, result.status)
  assert.matches("none of the identities", result.stderr)
end)

local function logged(world, level, name)
  for line in world.log:gmatch("[^\n]+") do
    if line:find("awsbak: " .. level .. ": " .. name, 1, true) then
      return true
    end
  end
  return false
end

Then("the log has a debug line about {string}", function(world, name)
  assert.is_true(logged(world, "debug", name), world.log)
end)

Then("the log has a warning about {string}", function(world, name)
  assert.is_true(logged(world, "warning", name), world.log)
end)

Then("the log has no warning about {string}", function(world, name)
  assert.is_false(logged(world, "warning", name), world.log)
end)
