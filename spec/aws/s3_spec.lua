local errors = require("awsbak.errors")
local s3 = require("aws.s3")

describe("aws.s3.parse_url and parse_prefix", function()
  it("take bucket and key apart", function()
    for url, parts in pairs({
      ["s3://vault/a"] = { "vault", "a" },
      ["s3://vault/a/b c?d#e/"] = { "vault", "a/b c?d#e/" },
      ["s3://vault//a"] = { "vault", "/a" },
      ["s3://arn:aws:s3:eu-west-1:1:accesspoint/ap/a/b"] = {
        "arn:aws:s3:eu-west-1:1:accesspoint/ap",
        "a/b",
      },
      ["s3://arn:aws:s3:eu-west-1:1:accesspoint:ap/a"] = {
        "arn:aws:s3:eu-west-1:1:accesspoint:ap",
        "a",
      },
      ["s3://arn:aws:s3-outposts:us-west-2:1:outpost/op-1/accesspoint/ap/a"] = {
        "arn:aws:s3-outposts:us-west-2:1:outpost/op-1/accesspoint/ap",
        "a",
      },
    }) do
      assert.same(parts, { s3.parse_url(url) })
      assert.same(parts, { s3.parse_prefix(url) })
    end
  end)

  it("need a key, or none", function()
    for _, url in ipairs({ "s3://vault", "s3://vault/" }) do
      assert.same({ "vault", "" }, { s3.parse_prefix(url) })
      local _, e = errors.try(s3.parse_url, url)
      assert.matches('"' .. url .. '" does not name an object in S3', e.message, 1, true)
      assert.equal("write s3://bucket/key", e.hint)
    end
  end)

  it("say what was meant", function()
    for url, meant in pairs({
      ["vault/a"] = "did you mean s3://vault/a?",
      ["s3:/vault"] = "did you mean s3://vault?",
      ["S3://vault"] = "did you mean s3://vault?",
      [""] = "write s3://bucket/prefix",
      ["s3://"] = "write s3://bucket/prefix",
      ["s3:///a"] = "write s3://bucket/prefix",
      ["https://vault/a"] = "write s3://bucket/prefix",
    }) do
      local _, e = errors.try(s3.parse_prefix, url)
      assert.equal("usage", e.kind)
      assert.equal(meant, e.hint)
    end
  end)
end)
