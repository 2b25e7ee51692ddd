--- Save SSM parameters as one encrypted archive: awsbak ssm backup --path /prod --to prod.age

local archive = require("backup.archive")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local log = require("awsbak.log")
local policy = require("awsbak.policy")
local progress = require("awsbak.progress")
local settings = require("awsbak.settings")
local ssm = require("aws.ssm")

local NAMED_MAX = 20 -- refusals that are told one by one; the archive names more

--- Tells what could not be read.
local function report(parameters)
  for i, refusal in ipairs(parameters.unreadable) do
    if i > NAMED_MAX then
      break
    end
    log.warn("%s: %s not saved: %s: %s", refusal.name, refusal.what, refusal.code, refusal.message)
  end
  local more = parameters.refusals - NAMED_MAX
  if more > 0 then
    log.warn("and %d more; the end of the archive names the first 1,000", more)
  end
end

--- An archive without parameters is worth nothing, and must not replace one that has some.
local function check_found(o, parameters, scope)
  local refusal = parameters.unreadable[1]
  if refusal then
    errors.raise({
      kind = "service",
      service = "ssm",
      code = refusal.code,
      message = ("no parameter could be read; %s: %s"):format(refusal.name, refusal.message),
      hint = "nothing was saved; docs/iam.md lists the rights a backup needs",
    })
  elseif not o.allow_empty then
    errors.raise({
      kind = "service",
      service = "ssm",
      code = "nothing_matched",
      message = "there is no parameter to save: nothing matches " .. scope,
      hint = "nothing was saved; look at --path and --region, or add --allow-empty",
    })
  end
end

return policy({
  name = "ssm backup",
  summary = "Save SSM parameters as one encrypted archive.",
  description = "With --path /x: the parameter /x and all below it. Encrypted to --recipient, else"
    .. " to the recipients of the configuration, else to your own key (awsbak keygen makes one).",
  examples = {
    "awsbak ssm backup --to ssm.age",
    "awsbak ssm backup --path /prod --path /shared --to s3://vault/ssm.age",
  },
  options = {
    {
      "to",
      default = "-",
      stream = true,
      help = "file, s3://bucket/key, or - for standard output",
    },
    { "path", many = true, help = "only this parameter and those below it" },
    { "recipient", many = true, help = "age recipient: age1..., ssh-ed25519 ..., ssh-rsa ..." },
    { "passphrase_file", help = "encrypt with the passphrase in this file instead" },
    { "plaintext", kind = "flag", help = "do not encrypt: values will be readable by anyone" },
    { "armor", kind = "flag", help = "write text (age's armor), a third longer" },
    { "force", kind = "flag", help = "replace what is there" },
    { "no_labels", kind = "flag", help = "do not read labels (one call less per parameter)" },
    { "allow_empty", kind = "flag", help = "an archive without parameters is fine" },
  },
  run = function(o)
    local parameters <close> = ssm.snapshot({
      paths = o.path,
      labels = not o.no_labels,
      concurrency = settings.get("concurrency"),
    })
    -- Closed before commit(), an archive leaves nothing behind: no half file, no half upload.
    local out <close> = archive.create(o.to, {
      kind = "ssm",
      recipients = o.recipient,
      passphrase_file = o.passphrase_file,
      plaintext = o.plaintext,
      armor = o.armor,
      force = o.force,
      fields = function()
        local account, region = parameters.account, parameters.region
        return { account = account, region = region, paths = json.array(o.path) }
      end,
    })
    for parameter in progress(parameters, "parameters") do
      if not out:has(parameter.name) then -- a list that changes meanwhile may tell one twice
        out:add(parameter)
      end
    end
    if out.count == 0 then
      check_found(o, parameters, parameters.scope:describe())
    end

    local done = out:commit({
      unreadable = parameters.unreadable,
      incomplete = parameters.incomplete,
      vanished = parameters.vanished,
    })
    report(parameters)
    return {
      ok = done.count,
      failed = parameters.incomplete,
      skipped = parameters.vanished,
      location = done.location,
      bytes = done.bytes,
      version_id = done.version_id,
    }
  end,
})
