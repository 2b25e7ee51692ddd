--- Parameter Store as a table: awsbak --sandbox examples/dict.lua

local dict = require("aws.ssm").dict

local settings = dict({ path = "/app", overwrite = true })

settings["/app/token"] = "a text is stored as a SecureString"
settings["/app/limit"] = { value = "10", type = "String", description = "requests a second" }
settings["/app/limit"] = { value = "20", type = "String", description = "requests a second" }
settings["/app/old/url"] = "http://example.com"

print(#settings .. " parameters")
for name, value in pairs(settings) do
  print(name, value)
end

assert(settings["/app/none"] == nil, "what does not exist is nil")
settings["/app/token"] = nil
print(dict.clear(settings, "/app/old") .. " cleared, " .. #settings .. " left")
