local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local model = require("aws.model")
local protocol = require("aws.protocol")
local reference = require("spec.support.reference")
local support = require("spec.support.events")

--- A reader of `bytes` that gives a few at a time.
local function reader(bytes, subject)
  local at = 1
  return {
    subject = subject or { service = "s3", operation = "SelectObjectContent" },
    read = function(self, count)
      assert(not self.closed, "it reads what is closed")
      if at > #bytes then
        return nil
      end
      local piece = bytes:sub(at, at + math.min(count, 7) - 1)
      at = at + #piece
      return piece
    end,
    close = function(self)
      self.closed = true
    end,
  }
end

local function parse(service, operation, bytes)
  local m = model.load(service)
  local body = reader(bytes, { service = service, operation = operation })
  local output = protocol.get(m).parse(m, m:operation(operation), {
    status = 200,
    headers = { { "x-amzn-requestid", "r-1" } },
    body = body,
  })
  return output[m:operation(operation).events], body
end

local function read_all(events)
  local list = json.array()
  for event in events do
    list[#list + 1] = event
  end
  return list
end

local message, event = support.message, support.event

local function select_events(bytes)
  return parse("s3", "SelectObjectContent", bytes)
end

describe("a stream of events", function()
  it("is iterated over, and closed at its end", function()
    local stats = event("Stats", "<x><BytesScanned>5</BytesScanned></x>")
    local events, body = select_events(event("Records", "a,b\n") .. stats .. event("End"))
    assert.same({
      { Records = { Payload = "a,b\n" } },
      { Stats = { Details = { BytesScanned = 5 } } },
      { End = {} },
    }, read_all(events))
    assert.is_true(body.closed)
    assert.is_nil(events())
  end)

  it("names kinds of events that are newer than the model", function()
    local events = select_events(event("Novelty", "x") .. event("End"))
    assert.same({ SDK_UNKNOWN_MEMBER = { name = "Novelty" } }, events())
  end)

  it("can be given up before its end", function()
    local events, body = select_events(event("Records", "x"):rep(3))
    do
      local held <close> = events
      held()
    end
    assert.is_true(body.closed)
  end)

  it("that S3 does not end is an error", function()
    local events = select_events(event("Records", "x"))
    events()
    local _, err = errors.try(events.next, events)
    assert.equal("reply", err.kind)
    assert.equal("SelectObjectContent", err.operation)
    assert.matches("it ends before the last event", err.message, 1, true)
  end)

  it("that is cut or altered anywhere is an error, never an end", function()
    local whole = event("Records", "hello") .. event("End")
    for cut = 1, #whole - 1 do
      local _, err = errors.try(read_all, (select_events(whole:sub(1, cut))))
      assert.equal("reply", err.kind, cut)
      local byte = string.char(whole:byte(cut) ~ 0x55)
      local altered = whole:sub(1, cut - 1) .. byte .. whole:sub(cut + 1)
      _, err = errors.try(read_all, (select_events(altered)))
      assert.equal("reply", err.kind, cut)
    end
  end)

  it("takes no message larger than the specification allows", function()
    for _, sizes in ipairs({ { 1 << 31, 0 }, { 1 << 20, (128 << 10) + 1 } }) do
      local prelude = (">I4I4"):pack(table.unpack(sizes))
      local events = select_events(prelude .. digest.digest("crc32", prelude))
      local _, err = errors.try(events.next, events)
      local said = ("a message of %d bytes with headers of %d"):format(table.unpack(sizes))
      assert.matches(said, err.message, 1, true)
    end
  end)

  it("raises what an event says went wrong", function()
    local fault = { [":message-type"] = "error", [":error-code"] = "InternalError" }
    fault[":error-message"] = "we are sorry"
    local events = select_events(message(fault, ""))
    local _, err = errors.try(events.next, events)
    assert.equal("service", err.kind)
    assert.equal("InternalError", err.code)
    assert.equal("r-1", err.request_id)
  end)

  it("says the same as botocore's", function()
    local python, reason = reference.python()
    if not python then
      pending(reason)
    end
    local seed = os.getenv("AWSBAK_SEED") or tostring(os.time())
    for _, case in ipairs(reference.ask(seed .. " 200", "reference_events.py")) do
      local where = ("seed %s, %s"):format(seed, json.encode(case))
      local events = parse(case.service, case.operation, codec.unbase64(case.bytes))
      for _, expected in ipairs(case.events) do
        local found = events()
        for _, value in pairs(found) do
          for name, bytes in pairs(value) do
            if type(bytes) == "string" and not utf8.len(bytes) then
              value[name] = { ["$bytes"] = codec.base64(bytes) }
            end
          end
        end
        assert.same(expected, found, where)
      end
      local last, err = errors.try(events.next, events)
      assert.is_nil(last, where)
      if case.error then
        assert.equal("service", err.kind, where)
        assert.equal(case.error.message, err.message, where)
      else
        assert.is_nil(err, where)
      end
    end
  end)
end)
