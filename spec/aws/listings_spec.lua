--- Every paginator and every waiter of every service: each can be made, and names operations and
--- members that are there.

local data = require("aws.data")
local model = require("aws.model")
local paginator = require("aws.paginator")
local paths = require("spec.support.paths")
local waiter = require("aws.waiter")

--- Add what is wrong with the paths, if anything, to `faults`.
local function check_paths(m, where, shape, expressions, faults)
  for _, expression in ipairs(expressions or {}) do
    local fault = paths.fault(m, shape, expression)
    if fault then
      faults[#faults + 1] = ("%s: %s: %s"):format(where, expression, fault)
    end
  end
end

local function check_members(where, shape, names, faults)
  for _, name in ipairs(names) do
    if not shape.by_name[name] then
      faults[#faults + 1] = ("%s: there is no %s"):format(where, name)
    end
  end
end

local function check_paginator(m, op, description, faults)
  local input, output = m:shape(op.input), m:shape(op.output)
  check_members(op.name, input, description.input_token, faults)
  check_members(op.name, input, { description.limit_key }, faults)
  for _, part in ipairs({ "output_token", "result_key", "non_aggregate_keys" }) do
    check_paths(m, op.name, output, description[part], faults)
  end
  check_paths(m, op.name, output, { description.more_results }, faults)
  if not pcall(paginator.compile, description) then
    faults[#faults + 1] = op.name .. ": cannot be made"
  end
end

local function check_waiter(m, name, faults)
  local description = m:waiter(name)
  local op = m:operation(description.operation)
  for _, acceptor in ipairs(description.acceptors) do
    check_paths(m, name, op.output and m:shape(op.output), { acceptor.argument }, faults)
  end
  if not pcall(waiter.compile, description) then
    faults[#faults + 1] = name .. ": cannot be made"
  end
end

describe("paginators and waiters of", function()
  local paginators, waiters = 0, 0

  for _, id in ipairs(data.services()) do
    it(id .. " name what the model has", function()
      local m, faults = model.load(id), {}
      for _, name in ipairs(m:operations()) do
        local description = m:paginator(name)
        if description then
          paginators = paginators + 1
          check_paginator(m, m:operation(name), description, faults)
        end
      end
      for _, name in ipairs(m:waiters()) do
        waiters = waiters + 1
        check_waiter(m, name, faults)
      end
      assert.equal("", table.concat(faults, "\n"))
    end)
  end

  it("all services together are many", function()
    assert.is_true(paginators > 300, paginators .. " paginators")
    assert.is_true(waiters > 70, waiters .. " waiters")
  end)

  it("a path that names what is not there is found", function()
    local m = model.load("ec2")
    local output = m:shape(m:operation("DescribeInstances").output)
    local function fault(expression)
      return paths.fault(m, output, expression)
    end
    assert.is_nil(fault("Reservations[].Instances[?State.Name=='running'].InstanceId"))
    assert.equal("Instance has no Stat", fault("Reservations[].Instances[?Stat=='a']"))
    assert.equal("String is no list", fault("NextToken[0]"))
    assert.match("^at 13: a number, a colon or %* was expected", fault("Reservation["))
  end)
end)
