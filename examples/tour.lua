--- A tour of the main job, against a fake AWS: awsbak --sandbox examples/tour.lua

local ssm = require("aws.ssm")

local shop = {
  ["/shop/host"] = { value = "db.internal", type = "String", description = "where the data is" },
  ["/shop/zones"] = { value = "a,b,c", type = "StringList", description = "" },
  ["/shop/password"] = { value = "hunter2", type = "SecureString", description = "do not tell" },
}
local store = ssm.dict({ path = "/shop" })
ssm.dict.update(store, shop)
local tags = { { Key = "team", Value = "core" } }
ssm.add_tags_to_resource({ ResourceType = "Parameter", ResourceId = "/shop/host", Tags = tags })
ssm.label_parameter_version({ Name = "/shop/host", Labels = { "live" } })
print("Three parameters, one of each type; a tag and a label on one of them:")
require("scripts.ssm.ls").run({ path = "/shop", values = true })

print("\nKeys to encrypt and sign with, unless you have them already:")
pcall(require("scripts.keygen").run, {})
require("aws").client("s3").create_bucket({ Bucket = "vault" })
local saved = require("scripts.ssm.backup").run({ path = "/shop", to = "s3://vault/shop.age" })
print(("\nSaved, encrypted: %d parameters in %s."):format(saved.ok, saved.location))

local gone = ssm.dict.clear(store, "/shop")
print(("A disaster: %d parameters deleted, %d left. Restoring:"):format(gone, #store))
require("scripts.ssm.restore").run({ from = "s3://vault/shop.age" })

print("\nThe archive, verified:")
require("scripts.verify").run({ from = "s3://vault/shop.age" })
local differing = ssm.dict.differing(store, shop)
assert(#differing == 0, "not as it was: " .. table.concat(differing, ", "))
local host = ssm.snapshot({ paths = { "/shop/host" } })()
assert(host.tags.team == "core" and host.labels[1] == "live", "other tags or labels")
print(("\nAll %d parameters are as they were, with tags and labels."):format(#store))
