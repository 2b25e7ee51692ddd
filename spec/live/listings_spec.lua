--- Listings against moto: the same rows, in as many pages, as botocore's paginators give.

local aws = require("aws")
local errors = require("awsbak.errors")
local jmespath = require("awsbak.jmespath")
local json = require("awsbak.core.json")
local listed = require("spec.support.listed")
local model = require("aws.model")
local moto = require("spec.support.moto")
local network = require("spec.support.network")
local outside = require("awsbak.outside")
local plain = require("spec.support.plain")
local reference = require("spec.support.reference")
local scratch = require("spec.support.scratch")

local SERVICES = {}
for service in pairs(listed) do
  SERVICES[#SERVICES + 1] = service
end
table.sort(SERVICES)

--- What botocore makes of the cases.
local function ask(endpoint, cases)
  local dir <close> = scratch.new()
  local path = dir:write("cases.json", json.encode(cases))
  return reference.ask(endpoint:match("%d+$") .. " " .. path, "reference_listings.py")
end

describe("listings beside botocore's", function()
  local python, reason = reference.python()
  local real, clients, cases, theirs = outside.getenv, {}, json.array(), nil

  setup(function()
    local endpoint = moto.fresh()
    outside.getenv = function() end
    for _, service in ipairs(SERVICES) do
      clients[service] = aws.client(service, {
        region = "us-east-1",
        endpoint_url = endpoint,
        credentials = network.KEYS,
      })
      for _, case in ipairs(listed[service](clients[service])) do
        local operation, input = table.unpack(case)
        cases[#cases + 1] = { service = service, operation = operation, input = input }
      end
    end
    theirs = python and ask(endpoint, cases)
  end)

  teardown(function()
    outside.getenv = real
  end)

  --- What awsbak makes of a case, page after page.
  local function pages_of(case)
    local key = model.load(case.service):paginator(case.operation).result_key[1]
    local read, rows, count = jmespath.compile(key), json.array(), 0
    for page in clients[case.service].pages[case.operation](case.input) do
      count = count + 1
      for _, row in ipairs(read(page) or {}) do
        rows[#rows + 1] = plain.write(row)
      end
    end
    return { rows = rows, pages = count }
  end

  for _, service in ipairs(SERVICES) do
    it("of " .. service .. " are the same", function()
      if not python then
        pending(reason)
      end
      for i, case in ipairs(cases) do
        if case.service == service then
          local ours, err = errors.try(pages_of, case)
          assert.same(theirs[i], ours or { failure = tostring(err) }, case.operation)
          assert.is_true(#ours.rows > 0, case.operation .. " lists nothing")
        end
      end
    end)
  end
end)
