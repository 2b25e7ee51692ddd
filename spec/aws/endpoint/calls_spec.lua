-- Whole calls beside botocore: settings of all kinds, buckets and ARNs in; host, path, scope out.

local aws = require("aws")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local reference = require("spec.support.reference")
local world = require("spec.support.world")

local CASES = tonumber(os.getenv("AWSBAK_CASES")) or 300

local function find(case)
  local found, err
  world.with({ config = case.config, env = case.env }, function()
    local client = aws.client(case.service, {
      region = case.region,
      endpoint_url = case.endpoint_url,
      credentials = {
        access_key_id = "AKIDEXAMPLE",
        secret_access_key = "k",
        account_id = case.account and "111122223333" or nil,
      },
    })
    found, err = errors.try(client.endpoint, case.operation, case.input)
  end)
  return found, err
end

local function headers_of(found)
  local headers = {}
  for _, pair in ipairs(found.headers) do
    headers[pair[1]] = pair[2]
  end
  return headers
end

-- botocore also asks its older list of endpoints, which knows less of the newest partitions.
local OLDER_LIST <const> = "Unable to construct a modeled endpoint with the following variant(s)"

local function compare(case, where)
  local found, err = find(case)
  if case.error and case.error:find(OLDER_LIST, 1, true) then
    return
  elseif case.error then
    assert.is_nil(found, where .. "\nbotocore says " .. case.error)
    assert.is_true(err.kind == "config" or err.kind == "usage", where .. "\n" .. tostring(err))
    return
  end
  assert.is_nil(err, where .. "\n" .. tostring(err))
  assert.equal(case.url, found.url .. found.path, where)
  assert.same(case.headers, headers_of(found), where)
  assert.equal(case.name, found.signing_name, where)
  local scheme = found.auth_schemes and found.auth_schemes[1] or {}
  assert.equal(case.scheme, scheme.name and scheme.name:gsub("^sig", "") or nil, where)
  local regions = scheme.signingRegionSet and table.concat(scheme.signingRegionSet, ",")
  if case.signed_region then -- without, botocore could not sign
    assert.equal(case.signed_region, regions or found.signing_region, where)
  end
end

describe("endpoints of whole calls", function()
  it("are those of botocore's clients, whatever the settings", function()
    local python, reason = reference.python()
    if not python then
      pending(reason)
    end
    local seed = os.getenv("AWSBAK_SEED") or tostring(os.time())
    local cases = reference.ask(("%s %d"):format(seed, CASES), "reference_calls.py")
    assert.equal(CASES, #cases)
    local found = 0
    for _, case in ipairs(cases) do
      for key, value in pairs(case) do
        case[key] = value ~= json.null and value or nil
      end
      found = found + (case.url and 1 or 0)
      compare(case, ("seed %s, %s"):format(seed, json.encode(case)))
    end
    assert.is_true(found > CASES / 2)
  end)
end)
