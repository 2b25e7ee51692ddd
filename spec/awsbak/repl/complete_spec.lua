local json = require("awsbak.core.json")
local program = require("spec.support.program")

-- Runs where modules are built in, in a prompt's surroundings: a client, a list of the user's.
local CODE = [==[
local complete = require("awsbak.repl.complete")
local json = require("awsbak.core.json")
local env = setmetatable({
  aws = require("aws"), ssm = require("aws.ssm"), kms = require("aws").client("kms"),
  ec2 = require("aws.ec2"),
  mine = { alpha = 1, beta = function() end, ["not one"] = 2 }, text = "x",
  lazy = setmetatable({}, { __index = function() error("was looked at") end }),
}, {})
for line in io.stdin:lines() do
  local text = line:gsub("\\n", "\n")
  print(json.encode(complete.candidates(text, env, { help = {
    complete = function(word, words) return { "ssm", "ssm backup", #words .. word } end,
  } }) or {}))
end
]==]

--- What complete.candidates gives for each of these lines.
local function candidates(lines)
  local result = program.run({ "-e", CODE }, { stdin = table.concat(lines, "\n") .. "\n" })
  assert.equal("", result.stderr)
  local found, i = {}, 0
  for line in result.stdout:gmatch("[^\n]+") do
    i = i + 1
    found[lines[i]] = json.decode(line)
  end
  return found
end

local CASES = {
  ["ssm.get_parameters_"] = { "get_parameters_by_path" },
  ["aws.ssm.get_parameters_"] = { "get_parameters_by_path" },
  ['require("aws.ssm").get_parameters_'] = { "get_parameters_by_path" },
  ["aws.sec"] = { "secretsmanager" },
  ["aws.SEC"] = { "secretsmanager" },
  ["ssm.dic"] = { "dict" },
  ["ssm.each.describe_par"] = { "describe_parameters" },
  ["ec2.wait.snapshot_c"] = { "snapshot_completed" },
  ['require("aws.secr'] = { "aws.secretsmanager" },
  ['require("awsbak.core.sigv'] = { "awsbak.core.sigv4" },
  ["ssm.put_parameter{ Over"] = { "Overwrite" },
  ["ssm.put_parameter({ over"] = { "Overwrite" },
  ["ssm.put_parameter{ Type = 'String', Ti"] = { "Tier" },
  ["ssm.put_parameter{ Tags = { { "] = { "Key", "Value" },
  ["ssm.put_parameter{ Tier = 'Adv"] = { "Advanced" },
  ["ssm.put_parameter{ Tier = "] = { '"Standard"', '"Advanced"', '"Intelligent-Tiering"' },
  ["ssm.put_parameter{ Overwrite = t"] = { "true" },
  ["ssm.put_parameter{\\n  Tier = 'Adv"] = { "Advanced" },
  ["ec2.run_instances{ BlockDeviceMappings = { { Ebs = { VolumeType = 'st"] = {
    "standard",
    "st1",
  },
  ["ssm.each.describe_parameters{ ParameterFilters = { { "] = { "Key", "Option", "Values" },
  ["ssm.get_parameter({}, { "] = { "attempts", "max_body", "on_retry", "timeout" },
  ["ec2.wait.snapshot_completed({}, { tr"] = { "tries" },
  ["ec2.wait.snapshot_completed{ Snap"] = { "SnapshotIds" },
  ["ssm.new{ prof"] = { "profile" },
  ["aws.client('sso"] = { "sso", "sso-oidc" },
  ["aws.client('kms', { prof"] = { "profile" },
  ["kms.call('Enc"] = { "Encapsulate", "Encrypt" },
  ["kms.call('Encrypt', { Pl"] = { "Plaintext" },
  ["kms.presign('Encrypt', {}, { "] = { "expires" },
  ["mine."] = { "alpha", "beta" },
  ["mine:"] = { "beta" },
  ["text:rev"] = { "reverse" },
  ["string.fo"] = { "format" },
  ["lazy.x"] = {},
  ["lazy.x.y"] = {},
  ["nothing.x"] = {},
  ["ssm.get_paramter{ N"] = { "next", "nil", "not" },
  ["print(colle"] = { "collectgarbage" },
  ["repea"] = { "repeat" },
  [".he"] = { ".help" },
  [".help s"] = { "ssm", "ssm backup" },
  [".help ssm 1"] = { "11" },
  [".nothing x"] = {},
}

describe("awsbak.repl.complete", function()
  it("completes fields, modules, members, values and words of Lua", function()
    local lines = {}
    for line in pairs(CASES) do
      lines[#lines + 1] = line
    end
    local found = candidates(lines)
    for line, expected in pairs(CASES) do
      local list = found[line].list or {}
      assert.same(expected, setmetatable(list, nil), line)
    end
  end)

  it("says which members are required, first, and what follows a word", function()
    local found = candidates({ "ssm.put_parameter{ ", "aws.client('ssm", "ssm.get_p", ".he" })
    local members = found["ssm.put_parameter{ "]
    assert.same({ "Name", "Value" }, { table.unpack(members.list, 1, 2) })
    assert.is_true(members.required.Name and members.required.Value)
    assert.is_nil(members.required.Tier)
    assert.equal(" = ", members.ending)
    assert.equal("'", found["aws.client('ssm"].ending)
    assert.equal("", found["ssm.get_p"].ending)
    assert.equal(5, found["ssm.get_p"].from)
    assert.equal(" ", found[".he"].ending)
  end)
end)
