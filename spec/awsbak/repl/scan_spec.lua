local scan = require("awsbak.repl.scan")

--- The place at the end of a text, as a line: kind, word, and what is known of it.
local function place(text)
  local p = scan.place(text)
  if not p then
    return nil
  end
  local parts = { p.kind, p.word }
  for _, step in ipairs(p.chain or {}) do
    parts[#parts + 1] = type(step) == "table" and "<" .. step.module .. ">" or step
  end
  local call = p.call
  if call then
    local steps = table.move(call.chain, 1, #call.chain, 1, {})
    for i, step in ipairs(steps) do
      steps[i] = type(step) == "table" and "<" .. step.module .. ">" or step
    end
    local path = #call.path > 0 and ":" .. table.concat(call.path, "/") or ""
    parts[#parts + 1] = ("in %s#%d%s"):format(table.concat(steps, "."), call.index, path)
  end
  parts[#parts + 1] = p.is_key and "key" or p.is_value and "value" or nil
  return table.concat(parts, " ")
end

describe("awsbak.repl.scan", function()
  for text, expected in pairs({
    [""] = "name ",
    ["pri"] = "name pri",
    ["x = pri"] = "name pri",
    ["ssm."] = "field  ssm",
    ["return aws . ssm.get_"] = "field get_ aws ssm",
    ["f(1).x; aws.ssm:ge"] = "field ge aws ssm",
    ['require("aws.ssm").put'] = "field put <aws.ssm>",
    ["require 'aws.ssm'.each.des"] = "field des <aws.ssm> each",
    ['require("aws.'] = "string aws. in require#1",
    ["require 'aws."] = "string aws. in require#1",
    ["ssm.put_parameter{ "] = "name  in ssm.put_parameter#1 key",
    ["ssm.put_parameter{ Na"] = "name Na in ssm.put_parameter#1 key",
    ['ssm.put_parameter{ Name = "a, {", Ti'] = "name Ti in ssm.put_parameter#1 key",
    ["ssm.put_parameter({ Tier = "] = "name  in ssm.put_parameter#1:Tier value",
    ['ssm.put_parameter{ Tier = "St'] = "string St in ssm.put_parameter#1:Tier",
    ["s.f{ ['a b'] = '"] = "string  in s.f#1:a b",
    ["s.f{ Tags = { { "] = "name  in s.f#1:Tags/0 key",
    ["s.f{ Tags = { { Key = 1 }, { Va"] = "name Va in s.f#1:Tags/0 key",
    ["s.f{ Tags = { {} }, A = { B = '"] = "string  in s.f#1:A/B",
    ["s.f({}, { at"] = "name at in s.f#2 key",
    ['kms.call("Enc'] = "string Enc in kms.call#1",
    ["pcall(ssm.get_parameter, { N"] = "name N in pcall#2 key",
    ["{ 1, a"] = "name a",
    ["x = { a = b"] = "name b",
    ["f{ a + b"] = "name b",
    ["-- a 'comment'\nx.y"] = "field y x",
    ["--[[ long\n]] x.y"] = "field y x",
    ["s = [[ x{ ]] f."] = "field  f",
    ["s = 'it\\'s {' f."] = "field  f",
  }) do
    it(("sees %q"):format(text), function()
      assert.equal(expected, place(text))
    end)
  end

  it("says nothing in comments, long strings, numbers, and after what it cannot follow", function()
    for _, text in ipairs({ "-- ss", "--[[ a\nss", "x = [[ss", "x = 12", "f().x", "t[1].x" }) do
      assert.is_nil(place(text), text)
    end
  end)

  it("knows keys that are given, and a first argument", function()
    assert.same({ Name = true, [""] = nil }, scan.place("s.f{ Name = 1, ").call.given)
    assert.equal("Encrypt", scan.place('kms.call("Encrypt", { K').call.first)
    assert.equal("Encrypt", scan.place('kms.call("Encrypt", { A = { "').call.first)
  end)

  it("bears whatever is typed", function()
    local pieces = { "(", "{", "[", ")", "}", "]", ",", "=", ".", ":", "'", '"', "[[", "--", "x" }
    local seed = 7
    for _ = 1, 2000 do
      local text = {}
      for i = 1, 12 do
        seed = (seed * 1103515245 + 12345) % 2147483648
        text[i] = pieces[seed // 65536 % #pieces + 1]
      end
      scan.place(table.concat(text))
    end
  end)
end)
