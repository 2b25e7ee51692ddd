--- A tour of the main job, against a fake AWS: awsbak --sandbox examples/tour.lua

local ssm = require("aws.ssm")

local shop = {
  ["/shop/host"] = { value = "db.internal", type = "String", description = "where the data is" },
  ["/shop/zones"] = { value = "a,b,c", type = "StringList", description = "" },
  ["/shop/password"] = { value = "hunter2", type = "SecureString", description = "do not tell" },
}
local store = ssm.dict({ path = "/shop" })
ssm.dict.update(store, shop)
print("Three parameters, one of each type:")
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
print(("\nAll %d parameters are as they were."):format(#store))
