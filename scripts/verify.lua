--- Check that an archive is whole, opens, and is signed: awsbak verify ssm.age

local archive = require("backup.archive")
local log = require("awsbak.log")
local output = require("awsbak.output")
local policy = require("awsbak.policy")

local WARNINGS = {
  unsigned = "is not signed: whoever could write it could have forged it",
  unknown = "is signed by a signer that is neither you nor listed in signers.txt",
}

-- The signature ends before the closing record; encryption protects that one too.
local OPEN_END = "is not encrypted: its records are signed, but what could not be read when it was"
  .. " made is told after them, where anyone could have altered it"

--- What could not be read when the archive was made.
local function warn_of_gaps(location, closing)
  local missing = closing.incomplete
  if math.type(missing) == "integer" and missing > 0 then
    log.warn("%s is whole, but %d items could not be read when it was made", location, missing)
  end
end

return policy({
  name = "verify",
  summary = "Check that an archive is whole, opens, and is signed.",
  description = "Reads all of it: encryption, compression, each record, count, digest, signature."
    .. " trust says whose signature it is: own, listed (signers.txt), given (--trust), unknown, or"
    .. " unsigned.",
  examples = { "awsbak verify ssm.age", "awsbak verify s3://vault/ssm.age --identity key.txt" },
  options = {
    {
      "from",
      positional = true,
      required = true,
      stream = true,
      help = "file, s3://bucket/key, or - for standard input",
    },
    { "identity", many = true, help = "file with the age identity that opens the archive" },
    { "passphrase_file", help = "file with the passphrase that opens the archive" },
    { "trust", help = "public key of a signer to trust, or `any`" },
  },
  run = function(o)
    local a <close> =
      archive.open(o.from, { identity_files = o.identity, passphrase_file = o.passphrase_file })
    local found = a:verify(o.trust)
    output.item({
      location = o.from,
      kind = found.header.kind,
      account = found.header.account,
      region = found.header.region,
      time = found.header.time,
      count = found.count,
      bytes = found.bytes,
      sha256 = found.sha256,
      encrypted = found.form.encrypted,
      signer = found.signer,
      signer_name = found.signer_name,
      trust = found.trust,
    })
    if WARNINGS[found.trust] then
      log.warn("%s %s", a.location, WARNINGS[found.trust])
    end
    if found.signed and not found.form.encrypted then
      log.warn("%s %s", a.location, OPEN_END)
    end
    warn_of_gaps(a.location, found.closing)
    return { ok = found.count }
  end,
})
