--- The guards below all scripts: `--dry-run` withholds changes and notes them in a plan,
--- `--read-only` raises on them. Both let what only reads through (aws.model.reads).
---
--- A script that goes on after a withheld call gets a reply with nothing in it (aws.stub).

local errors = require("awsbak.errors")
local plan = require("awsbak.plan")
local scoped = require("awsbak.scoped")
local settings = require("awsbak.settings")

local guard = {}

local SCOPE = "aws.guard" -- in awsbak.scoped: whether the guards are lifted

--- Call `f` without guards: for getting the keys that reads, too, are signed with.
---@param f function
---@param ... any its arguments
---@return any ... what `f` returns
function guard.lift(f, ...)
  return scoped.with(SCOPE, true, f, ...)
end

--- Whether a guard is on: the client asks for it, or the run does; neither can ask for less.
local function is_on(service, name)
  return service.options[name] or settings.get(name) or false
end

local function refuse(subject)
  errors.raise({
    kind = "usage",
    code = "read_only",
    service = subject.service,
    operation = subject.operation,
    message = "this may change something, and only reads are allowed",
    hint = "--read-only, AWSBAK_READ_ONLY or the client's option read_only says so",
  })
end

local function note(service, prepared, input)
  local operation = prepared.operation
  plan.add({
    service = prepared.subject.service,
    operation = prepared.subject.operation,
    region = service.config and service.config.region,
    input = require("aws.stub").shown(service.model, operation.input, input),
  })
end

--- Stop a call that may change something, if a guard is on.
---@param service aws.Service
---@param prepared aws.Prepared
---@param input table? checked before
---@return { output: table, status: integer }? outcome instead of the call's; nil: it may be made
--- Raises kind usage, code read_only.
function guard.withhold(service, prepared, input)
  if prepared.reads or scoped.get(SCOPE) then
    return nil
  elseif is_on(service, "read_only") then
    refuse(prepared.subject)
  elseif is_on(service, "dry_run") then
    note(service, prepared, input or {})
    return { output = require("aws.stub").output(service.model, prepared.operation), status = 200 }
  end
end

--- Whether waiting is idle: a dry run has withheld what would bring about what is waited for.
---@param service aws.Service
---@return boolean
function guard.is_idle(service)
  return plan.count() > 0 and is_on(service, "dry_run")
end

return guard
