local path = require("aws.ssm.path")

describe("aws.ssm.path", function()
  local function refusal(f, ...)
    local ok, e = pcall(f, ...)
    assert.is_false(ok)
    return tostring(e)
  end

  describe("scope", function()
    it(
      "takes in the path itself and what is below it, never a sibling that begins alike",
      function()
        local scope = path.scope({ "/app" })
        assert.is_true(scope:includes("/app"))
        assert.is_true(scope:includes("/app/x/y"))
        assert.is_false(scope:includes("/apple"))
        assert.is_false(scope:includes("/ap"))
      end
    )

    it("takes in every name, root names too, without a path and with /", function()
      for _, paths in ipairs({ {}, { "/" }, { "/a", "/" } }) do
        assert.is_true(path.scope(paths):includes("flat"))
        assert.is_true(path.scope(paths):includes("/deep/er"))
      end
      assert.is_true(path.scope(nil):includes("flat"))
    end)

    it("knows a root name with and without its slash", function()
      assert.is_true(path.scope({ "/flat" }):includes("flat"))
      assert.is_true(path.scope({ "/flat" }):includes("/flat"))
    end)

    it("drops a path that lies inside another", function()
      assert.same(
        { "/a", "/a-b", "/c/d" },
        path.scope({ "/c/d", "/a/x", "/a-b", "/a/", "/a" }).paths
      )
    end)

    it("refuses what is not a path, with the path that was meant", function()
      assert.matches("%-%-path /app", refusal(path.scope, { "app" }))
      assert.matches("not a path", refusal(path.scope, { "/a//b" }))
      assert.matches("not a path", refusal(path.scope, { "/a b" }))
      assert.matches("not a path", refusal(path.scope, { "" }))
    end)
  end)

  describe("rename", function()
    local function rename(name, ...)
      return path.rename(name, path.renames({ ... }))
    end

    it("refuses two for one path", function()
      local _, e = pcall(path.renames, { "/a=/b", "/c=/d", "/a/=/e" })
      assert.equal("--rename: more than one for /a", e.message)
    end)

    it("replaces whole components only", function()
      assert.equal("/b/x", rename("/a/x", "/a=/b"))
      assert.equal("/b", rename("/a", "/a=/b"))
      assert.equal("/ab/x", rename("/ab/x", "/a=/b"))
    end)

    it("moves everything below a new root, and a tree to the root", function()
      assert.equal("/copy/x", rename("/x", "/=/copy"))
      assert.equal("/copy/flat", rename("flat", "/=/copy"))
      assert.equal("/x", rename("/a/x", "/a=/"))
    end)

    it("lets the longest of several prefixes win, once", function()
      assert.equal("/deep/x", rename("/a/b/x", "/a=/other", "/a/b=/deep", "/deep=/again"))
    end)

    it("refuses what is not OLD=NEW", function()
      for _, text in ipairs({ "/a", "=/b", "/a=", "/a=/b=/c", "a=/b" }) do
        assert.matches("%-%-rename", refusal(path.renames, { text }))
      end
    end)
  end)

  describe("invalid", function()
    it("accepts what Parameter Store accepts", function()
      for _, name in ipairs({ "flat", "/a", "/a/B_c.d-e/1", "/myaws/x", "/a" .. ("/b"):rep(14) }) do
        assert.is_nil(path.invalid(name))
      end
    end)

    it("tells why a name cannot be created", function()
      assert.matches("aws", path.invalid("/aws/service/x"))
      assert.matches("AWS's own", path.invalid("SSMthing"))
      assert.matches("begins with /", path.invalid("a/b"))
      assert.matches("15 levels", path.invalid(("/b"):rep(16)))
      assert.matches("letters", path.invalid("/a b"))
      assert.matches("empty", path.invalid("/"))
      assert.matches("empty", path.invalid(""))
    end)
  end)
end)
