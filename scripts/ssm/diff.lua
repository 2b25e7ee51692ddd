--- Compare saved SSM parameters with those that exist: awsbak ssm diff prod.age

local names = require("backup.archive.names")
local output = require("awsbak.output")
local parameter_restore = require("backup.parameter_restore")
local parameter_source = require("backup.parameter_source")
local path = require("aws.ssm.path")
local plan = require("backup.parameter_plan")
local policy = require("awsbak.policy")
local progress = require("awsbak.progress")
local reader = require("aws.ssm.reader")
local settings = require("awsbak.settings")
local ssm = require("aws.ssm")

local CHANGES = { create = "missing", keep = "differs", equal = "equal" }

--- Where to look for parameters that were not saved: below the paths of the comparison, renamed.
local function scope_of(paths, renames)
  local list = {}
  for i, saved in ipairs(paths) do
    list[i] = path.rename(path.normalise(saved, "--path"), renames)
  end
  if #list == 0 then
    for i, rename in ipairs(renames) do
      list[i] = rename.new
    end
  end
  return path.scope(list)
end

--- A row for each saved parameter that is missing or differs, then for each that was not saved.
local function rows(steps, pages, counts, shown)
  local saved, metas, at = names.new(), {}, 0
  local function next_saved()
    for step in steps do
      shown:add()
      saved:add(step.name)
      local change = CHANGES[step.action]
      counts[change] = (counts[change] or 0) + 1
      if change ~= "equal" then
        return { name = step.name, change = change, detail = plan.explain(step) }
      end
    end
  end
  local function next_added()
    while metas do
      at = at + 1
      if not metas[at] then
        metas, at = pages(), 0
      elseif not saved:get(metas[at].Name) then
        counts.added = (counts.added or 0) + 1
        return { name = metas[at].Name, change = "added" }
      end
    end
  end
  return function()
    local row = next_saved() or next_added()
    if not row then
      shown:close()
    end
    return row
  end
end

return policy({
  name = "ssm diff",
  summary = "Compare saved SSM parameters with those that exist.",
  description = "missing: saved, but does not exist. differs: the detail says in which respects,"
    .. " never with a value. added: exists, but was not saved.",
  examples = { "awsbak ssm diff ssm.age --exit-code", "awsbak ssm diff ssm.age --path /prod" },
  options = {
    {
      "from",
      positional = true,
      required = true,
      stream = true,
      help = "file, s3://bucket/key, or - for standard input",
    },
    { "path", many = true, help = "only this parameter and those below it, as saved" },
    { "rename", many = true, help = "OLD=NEW: compare what was below OLD with what is below NEW" },
    { "identity", many = true, help = "file with the age identity that opens the archive" },
    { "passphrase_file", help = "file with the passphrase that opens the archive" },
    { "exit_code", kind = "flag", help = "end with code 4 when there are differences" },
  },
  run = function(o)
    local renames = path.renames(o.rename)
    local source <close> = parameter_source.open(o.from, o)
    source:warn_of_doubt()

    local comparison = parameter_restore.new({
      client = ssm,
      records = source.records,
      location = source.location,
      paths = o.path,
      renames = renames,
      concurrency = settings.get("concurrency"),
    })
    local counts = { compared = comparison:check() }
    local scope = scope_of(#o.path > 0 and o.path or source.paths, renames)
    local shown <close> = progress.start("parameters compared", counts.compared)
    local found = output.rows(
      { "name", "change", "detail" },
      rows(comparison:steps(), reader.new(ssm):pages(scope), counts, shown)
    )
    counts.exit_code = o.exit_code and found > 0 and 4 or nil
    return counts
  end,
})
