--- Call an operation until a resource is in the state a waiter of the model describes.
---
--- Matchers and their meaning are those of the waiters files, version 2, as botocore/waiter.py
--- reads them: path, pathAll, pathAny, status, error.

local errors = require("awsbak.errors")
local jmespath = require("awsbak.jmespath")
local outside = require("awsbak.outside")

local waiter = {}

---@class aws.waiter.Outcome one call's end
---@field output table? the reply
---@field status integer? of HTTP
---@field err table? the service's error, instead of output

---@alias aws.waiter.Matcher fun(outcome: aws.waiter.Outcome): boolean

local matchers = {}

function matchers.path(acceptor)
  local read = jmespath.compile(acceptor.argument)
  return function(outcome)
    return outcome.output ~= nil and read(outcome.output) == acceptor.expected
  end
end

--- Count how many elements of the list at the path are as expected, and how many there are.
local function list_reader(acceptor)
  local read = jmespath.compile(acceptor.argument)
  return function(outcome)
    local list = outcome.output and read(outcome.output)
    if type(list) ~= "table" then
      return 0, 0
    end
    local equal = 0
    for _, item in ipairs(list) do
      equal = equal + (item == acceptor.expected and 1 or 0)
    end
    return equal, #list
  end
end

function matchers.pathAll(acceptor)
  local count = list_reader(acceptor)
  return function(outcome)
    local equal, all = count(outcome)
    return all > 0 and equal == all
  end
end

function matchers.pathAny(acceptor)
  local count = list_reader(acceptor)
  return function(outcome)
    return count(outcome) > 0
  end
end

function matchers.status(acceptor)
  return function(outcome)
    return outcome.status == acceptor.expected
  end
end

--- `expected` is a code, or true (any error), or false (none).
function matchers.error(acceptor)
  return function(outcome)
    if type(acceptor.expected) == "boolean" then
      return (outcome.err ~= nil) == acceptor.expected
    end
    return outcome.err ~= nil and outcome.err.code == acceptor.expected
  end
end

--- Make a waiter of the model ready for use.
---@param description table as model:waiter() gives it
---@return { operation: string, delay: number, tries: integer, acceptors: table[] }
--- Raises kind usage, code jmespath, when one of its paths is wrong.
function waiter.compile(description)
  local acceptors = {}
  for i, acceptor in ipairs(description.acceptors) do
    acceptors[i] = { matches = matchers[acceptor.matcher](acceptor), state = acceptor.state }
  end
  return {
    operation = description.operation,
    delay = description.delay,
    tries = description.max_attempts,
    acceptors = acceptors,
  }
end

--- The state the first fitting acceptor tells, or nil.
local function judge(compiled, outcome)
  for _, acceptor in ipairs(compiled.acceptors) do
    if acceptor.matches(outcome) then
      return acceptor.state
    end
  end
  return nil
end

--- Errors a waiter may have an opinion on; a network failure or wrong input ends it at once.
local function is_answer(err)
  return err.kind == "service"
end

local function observe(call)
  local outcome, err = errors.try(call)
  if outcome then
    return outcome
  elseif not is_answer(err) then
    error(err, 0)
  end
  return { err = err, status = err.status }
end

--- Wait until the waiter's success state.
---@param call fun(): aws.waiter.Outcome one call of the waiter's operation; raises on failure
---@param compiled table as `waiter.compile` gives it
---@param options { delay: number?, tries: integer? } seconds between calls, how many calls at most
---@param subject aws.Subject who waits, for messages
---@return table? output the reply that ended the wait; nil when that was an error ("not found")
--- Raises kind service, code waiter_failed; kind timeout, code waiter_timeout; what the call
--- raises.
function waiter.wait(call, compiled, options, subject)
  local delay = options.delay or compiled.delay
  local tries = options.tries or compiled.tries
  for try = 1, tries do
    local outcome = observe(call)
    local state = judge(compiled, outcome)
    if state == "success" then
      return outcome.output
    elseif state == "failure" then
      errors.raise({
        kind = "service",
        code = "waiter_failed",
        service = subject.service,
        operation = subject.operation,
        message = "what was waited for is in a state that will not become the wanted one",
        cause = outcome.err,
      })
    elseif not state and outcome.err then
      error(outcome.err, 0)
    end
    if try < tries then
      outside.sleep(delay)
    end
  end
  errors.raise({
    kind = "timeout",
    code = "waiter_timeout",
    service = subject.service,
    operation = subject.operation,
    message = ("what was waited for did not come about in %d tries %g s apart"):format(
      tries,
      delay
    ),
    hint = "give more time with { tries = N, delay = SECONDS } as the second argument",
  })
end

return waiter
