-- Whole calls beside botocore: settings of all kinds, buckets and ARNs in; host, path, scope out.

local aws = require("aws")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local reference = require("spec.support.reference")
local world = require("spec.support.world")

local CLIENTS = tonumber(os.getenv("AWSBAK_CASES")) or 200

-- botocore also asks its older list of endpoints, which knows less of the newest partitions.
local OLDER_LIST <const> = "Unable to construct a modeled endpoint with the following variant(s)"

local function headers_of(found)
  local headers = {}
  for _, pair in ipairs(found.headers) do
    headers[pair[1]] = pair[2]
  end
  return headers
end

local function compare_error(expected, found, err, where)
  if not expected:find(OLDER_LIST, 1, true) then
    assert.is_nil(found, where .. "\nbotocore says " .. expected)
    assert.is_true(err.kind == "config" or err.kind == "usage", where .. "\n" .. tostring(err))
  end
end

local function compare(call, found, err, where)
  if call.error then
    return compare_error(call.error, found, err, where)
  end
  assert.is_nil(err, where .. "\n" .. tostring(err))
  assert.equal(call.url, found.url .. found.path, where)
  assert.same(call.headers, headers_of(found), where)
  assert.equal(call.name, found.signing_name, where)
  local scheme = found.auth_schemes and found.auth_schemes[1] or {}
  assert.equal(call.scheme, scheme.name and scheme.name:gsub("^sig", "") or nil, where)
  local regions = scheme.signingRegionSet and table.concat(scheme.signingRegionSet, ",")
  if call.signed_region then -- without, botocore could not sign
    assert.equal(call.signed_region, regions or found.signing_region, where)
  end
end

local function without_nulls(map)
  for key, value in pairs(map) do
    map[key] = value ~= json.null and value or nil
  end
  return map
end

local function client_of(case)
  return aws.client(case.service, {
    region = case.region,
    endpoint_url = case.endpoint_url,
    credentials = {
      access_key_id = "AKIDEXAMPLE",
      secret_access_key = "k",
      account_id = case.account and "111122223333" or nil,
    },
  })
end

--- Compare the calls of one client, then the first again, which it may remember.
---@return integer how many had an endpoint
local function compare_client(case, seed)
  local with_endpoint, client = 0, client_of(case)
  table.insert(case.calls, case.calls[1])
  for _, call in ipairs(case.calls) do
    without_nulls(call)
    with_endpoint = with_endpoint + (call.url and 1 or 0)
    local where = ("seed %s, %s of %s"):format(seed, json.encode(call), json.encode(case))
    local found, err = errors.try(client.endpoint, call.operation, call.input)
    compare(call, found, err, where)
  end
  return with_endpoint
end

describe("endpoints of whole calls", function()
  it("are those of botocore's clients, whatever the settings", function()
    local python, reason = reference.python()
    if not python then
      pending(reason)
    end
    local seed = os.getenv("AWSBAK_SEED") or tostring(os.time())
    local cases = reference.ask(("calls %s %d"):format(seed, CLIENTS), "reference_calls.py")
    assert.equal(CLIENTS, #cases)
    local with_endpoint = 0
    for _, case in ipairs(cases) do
      without_nulls(case)
      world.with({ config = case.config, env = case.env }, function()
        with_endpoint = with_endpoint + compare_client(case, seed)
      end)
    end
    assert.is_true(with_endpoint > 2 * CLIENTS)
  end)
end)
