--- Every fault the authors of age want noticed, from their own vectors (spec/vectors/age).

local archives = require("spec.support.archives")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local file = require("awsbak.core.file")
local scratch = require("spec.support.scratch")

local FOLDER = "spec/vectors/age"

-- The codes that an expected outcome may have.
local outcomes = {
  ["no match"] = { age_no_match = true },
  ["HMAC failure"] = { age_mac = true },
  -- (a file cut before the nonce of its payload counts as one without a whole header)
  ["header failure"] = {
    age_header = true,
    age_version = true,
    not_age = true,
    age_work_factor = true,
    age_truncated = true,
    empty = true,
  },
  ["payload failure"] = { age_payload = true, age_truncated = true, age_trailing = true },
  ["armor failure"] = { age_armor = true },
}

-- Damage so early that the file is not taken for age at all: nothing is decrypted, and what comes
-- out is the file itself, which no archive reader accepts.
local not_age = {
  armor_garbage_leading = true,
  armor_lowercase = true,
  armor_whitespace_begin = true,
}

local function load_vector(name)
  local text = archives.open(FOLDER .. "/" .. name)
  local head, body = text:match("^(.-)\n\n(.*)$")
  local vector = { body = body, identities = {} }
  for key, value in head:gmatch("([^\n:]+): ([^\n]*)") do
    if key == "identity" then
      table.insert(vector.identities, value)
    else
      vector[key] = value
    end
  end
  return vector
end

local function names()
  local list = {}
  for _, name in ipairs(assert(file.list(FOLDER))) do
    if name ~= "README.md" then
      list[#list + 1] = name
    end
  end
  table.sort(list)
  return list
end

describe("the age vector", function()
  local dir

  setup(function()
    dir = scratch.new()
  end)
  teardown(function()
    dir:close()
  end)

  for _, name in ipairs(names()) do
    it(name, function()
      local vector = load_vector(name)
      local path = dir:write("vector", vector.body)
      local released, failure =
        archives.open(path, { identities = vector.identities, passphrase = vector.passphrase })
      if not_age[name] then
        assert.equal(vector.body, released)
        return
      end
      if vector.expect == "success" then
        assert.is_nil(failure)
      else
        assert.is_truthy(failure, "it opened")
        assert.equal("integrity", failure.kind)
        assert.is_true(
          outcomes[vector.expect][failure.code],
          vector.expect .. ", not " .. failure.code
        )
      end
      if vector.payload then
        assert.equal(vector.payload, codec.hex(digest.digest("sha256", released)))
      else
        assert.equal("", released)
      end
    end)
  end
end)
