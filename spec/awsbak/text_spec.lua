local text = require("awsbak.text")

describe("text.escape", function()
  it("leaves ordinary text alone", function()
    assert.equal("/app/key grün 漢字", text.escape("/app/key grün 漢字"))
  end)

  it("shows control characters", function()
    assert.equal("a\\nb\\tc\\rd\\x00\\x1b[31m\\x7f", text.escape("a\nb\tc\rd\0\27[31m\127"))
  end)

  it("doubles the backslash, so that no text looks like another", function()
    assert.equal("a\\\\nb", text.escape("a\\nb"))
    assert.equal("\\\\\\n", text.escape("\\\n"))
    assert.equal("grün\\\\", text.escape("grün\\"))
  end)

  it("shows what acts without printing: C1 controls, line separators, direction marks", function()
    assert.equal("\\xc2\\x9b1m", text.escape("\u{9b}1m"))
    assert.equal("\\xe2\\x80\\xa8", text.escape("\u{2028}"))
    assert.equal("a\\xe2\\x80\\xaeb", text.escape("a\u{202e}b"))
  end)

  it("shows bytes that are not UTF-8", function()
    assert.equal("\\xff\\x80a\\xc2", text.escape("\xff\x80a\xc2"))
    assert.equal("\\xed\\xa0\\x80", text.escape("\xed\xa0\x80"))
  end)
end)
