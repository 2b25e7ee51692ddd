--- The modules of services: lua/aws/ec2.lua and its like.

local embed = require("awsbak.core.embed")
local errors = require("awsbak.errors")

describe("modules of services", function()
  local names = {}
  for i, name in ipairs(embed.list("lua/aws/models/")) do
    names[i] = name:match("([^/]+)%.txt$")
  end

  it("are there for each service a script may call", function()
    for _, id in ipairs(names) do
      if id ~= "signin" then -- for credentials alone
        local made = require("aws." .. id:gsub("-", "_"))
        assert.equal(id, made.meta.id)
      end
    end
  end)

  it("say what was meant when there is none", function()
    local _, err = errors.try(require("aws").client, "dynamo-db")
    assert.equal('there is no service "dynamo-db"', err.message)
    assert.equal('did you mean "dynamodb"?', err.hint)
  end)
end)
