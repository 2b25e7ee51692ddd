--- Make the keys of this host: awsbak keygen

local keys = require("backup.keys")
local kms = require("backup.age.kms")
local log = require("awsbak.log")
local output = require("awsbak.output")
local policy = require("awsbak.policy")
local settings = require("awsbak.settings")

return policy({
  name = "keygen",
  summary = "Make the key that opens this host's archives and the key that signs them.",
  description = "Writes identity.txt and signing.key to the configuration folder, readable by you"
    .. " alone, and never replaces either. Keep a copy of identity.txt elsewhere: without it the"
    .. " archives cannot be opened. Give the recipient to hosts that shall make archives for you"
    .. " (recipients.txt), and the signer to hosts that shall trust yours (signers.txt).",
  examples = {
    "awsbak keygen",
    "awsbak keygen --kms arn:aws:kms:eu-west-1:111122223333:alias/backup",
  },
  options = {
    { "kms", help = "ARN of a key of KMS: print its age recipient and identity, make no files" },
  },
  run = function(o, context)
    if o.kms then
      output.item({ recipient = kms.recipient(o.kms), identity = kms.identity(o.kms) })
      return
    end
    if settings.get("dry_run") then
      return { files = #keys.missing(), location = keys.path("") }
    end
    local made = keys.generate()
    if context.door == "command" and settings.get("sandbox") then
      log.warn("these keys are the sandbox's and end with it; encrypt nothing to them")
    end
    output.item({
      recipient = made.recipient,
      signer = made.signer,
      identity_file = keys.path("identity.txt"),
      signing_key_file = keys.path("signing.key"),
    })
  end,
})
