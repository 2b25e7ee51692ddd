--- Put saved SSM parameters back: awsbak ssm restore prod.age --rename /prod=/staging

local errors = require("awsbak.errors")
local log = require("awsbak.log")
local output = require("awsbak.output")
local parameter_restore = require("backup.parameter_restore")
local parameter_source = require("backup.parameter_source")
local path = require("aws.ssm.path")
local plan = require("backup.parameter_plan")
local policy = require("awsbak.policy")
local progress = require("awsbak.progress")
local settings = require("awsbak.settings")
local ssm = require("aws.ssm")

local WRITES = { create = true, change = true, recreate = true }

--- The plan as rows, without what would stay as it is; `counts`, `shown` and `seen` follow.
local function plan_rows(restore, counts, shown, seen)
  local steps = restore:steps()
  return function()
    for step in steps do
      shown:add()
      counts[step.action] = (counts[step.action] or 0) + 1
      seen(step)
      if step.action ~= "equal" then
        return { name = step.name, action = step.action, detail = plan.explain(step) }
      end
    end
    shown:close()
  end
end

--- Shows what would be done and asks, unless --yes answers. What is not agreed to is not written.
local function ask(restore, count)
  local counts = {}
  local shown <close> = progress.start("parameters compared", count)
  output.rows(
    { "name", "action", "detail" },
    plan_rows(restore, counts, shown, function(step)
      restore:confirm(step)
    end)
  )
  local writes = 0
  for action in pairs(WRITES) do
    writes = writes + (counts[action] or 0)
  end
  if writes > 0 then
    local what = writes == 1 and "parameter" or "parameters"
    policy.confirm(("Write %d %s as planned?"):format(writes, what))
  end
end

local function dry_run(restore, count)
  local counts = {}
  local shown <close> = progress.start("parameters compared", count)
  output.rows({ "name", "action", "detail" }, plan_rows(restore, counts, shown, function() end))
  return {
    dry_run = true,
    from = restore.location,
    compared = count,
    to_create = counts.create,
    to_change = counts.change,
    to_recreate = counts.recreate,
    to_keep = counts.keep,
    equal = counts.equal,
  }
end

local function result_of(counts)
  return {
    ok = (counts.created or 0) + (counts.changed or 0) + (counts.recreated or 0),
    failed = (counts.failed or 0) + (counts.lost or 0),
    lost = counts.lost,
    skipped = counts.kept or 0,
    created = counts.created,
    changed = counts.changed,
    recreated = counts.recreated,
    kept = counts.kept,
    equal = counts.equal,
  }
end

local function show_results(restore, count)
  local shown <close> = progress.start("parameters", count)
  local results = restore:run()
  output.rows({ "name", "result", "detail" }, function()
    for result in results do
      shown:add()
      if result.result ~= "equal" then
        return result
      end
    end
    shown:close()
  end)
end

local function go_on(counts)
  local lost = counts.lost and (", and %d deleted but not created again"):format(counts.lost)
  return ("stopped after %d were written%s; run it again to go on"):format(
    result_of(counts).ok,
    lost or ""
  )
end

--- Writes `count` parameters; the results as rows, without what was equal. A run that is ended by a
--- signal or by --timeout still says how far it came.
local function write(restore, count)
  local finished, e = pcall(show_results, restore, count)
  if not finished then
    e = errors.from(e)
    if e.kind == "cancelled" then
      log.warn("%s", go_on(restore.counts))
    end
    error(e, 0)
  elseif restore.stopped then
    e = errors.from(restore.stopped)
    e.hint = go_on(restore.counts)
    error(e, 0)
  end
  return result_of(restore.counts)
end

return policy({
  name = "ssm restore",
  summary = "Put saved SSM parameters back.",
  description = "The whole archive is read and checked before anything is written. What exists is"
    .. " kept unless --overwrite says otherwise. Also reads the JSON files of aws-ssm-backup.",
  examples = {
    "awsbak ssm restore ssm.age",
    "awsbak ssm restore s3://vault/ssm.age --path /prod --rename /prod=/staging --dry-run",
  },
  options = {
    {
      "from",
      positional = true,
      required = true,
      stream = true,
      help = "file, s3://bucket/key, or - for standard input",
    },
    { "path", many = true, help = "only this parameter and those below it, as saved" },
    { "rename", many = true, help = "OLD=NEW: put what is below OLD below NEW" },
    {
      "key_id",
      help = "encrypt SecureStrings with this KMS key, or `default` for the account's own",
    },
    {
      "overwrite",
      kind = "choice",
      choices = { "never", "changed", "always" },
      default = "never",
      help = "what to do with parameters that exist",
    },
    { "dry_run", kind = "flag", help = "show what would be done and change nothing" },
    { "identity", many = true, help = "file with the age identity that opens the archive" },
    { "passphrase_file", help = "file with the passphrase that opens the archive" },
    { "trust", help = "public key of a signer to trust, or `any`" },
  },
  run = function(o)
    local renames = path.renames(o.rename)
    local source <close> = parameter_source.open(o.from, o)
    source:require_trust()

    local restore = parameter_restore.new({
      client = ssm,
      records = source.records,
      location = source.location,
      paths = o.path,
      renames = renames,
      key_id = o.key_id,
      overwrite = o.overwrite,
      concurrency = settings.get("concurrency"),
    })
    local count = restore:check()
    if o.dry_run then
      return dry_run(restore, count)
    elseif o.overwrite ~= "never" then
      ask(restore, count)
    end
    return write(restore, count)
  end,
})
