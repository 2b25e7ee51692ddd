local json = require("awsbak.core.json")

-- The rejected documents of JSONTestSuite (n_*), by the reason they are rejected.
local INVALID = {
  ["empty or blank text"] = { "", " ", "\n", "\r\n" },
  ["a second value"] = {
    "[][]",
    "[1] 2",
    "{}}",
    '{"a":"b"}#',
    '{"a":true} "x"',
    "1]",
    "null,",
    "[]x",
  },
  ["missing or extra commas"] = {
    "[1 true]",
    "[1,]",
    "[,1]",
    "[1,,2]",
    "[,]",
    '[""',
    '["",]',
    "[3[4]]",
    "[1:2]",
    '{"a":1,}',
    '{,"a":1}',
    '{"a":1,,"b":2}',
    '{"a":1 "b":2}',
    "[",
    "[1",
    "[1,",
    "{",
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    "]",
    "}",
    "[}",
    "{]",
    "[1}",
    '{"a":1]',
  },
  ["keys that are no strings"] = {
    "{a:1}",
    "{1:1}",
    "{'a':1}",
    "{null:1}",
    "{[1]:2}",
    '{"a" 1}',
    '{"a"::1}',
    '{"a",1}',
    "{:1}",
  },
  ["numbers JSON does not have"] = {
    "+1",
    "01",
    "-01",
    "-",
    "1.",
    ".5",
    "-.5",
    "1.e1",
    "1e",
    "1e+",
    "1E-",
    "0e",
    "0x1F",
    "1_000",
    "NaN",
    "nan",
    "Infinity",
    "-Infinity",
    "inf",
    "-NaN",
    "1+2",
    "1eE2",
    "2.e3",
    "0.1.2",
    "-1.0.",
    "- 1",
    "--1",
    "１",
    "1a",
    "0.3e",
    "9.e+",
    "1 000.0",
    "-foo",
  },
  ["words JSON does not have"] = {
    "tru",
    "True",
    "TRUE",
    "nul",
    "fals",
    "truee",
    "undefined",
    "[nul]",
  },
  ["strings that are not closed or not quoted"] = {
    '"',
    '"a',
    "'a'",
    "abc",
    '"\\"',
    '["a',
    '"\\',
    "[\\n]",
    "“a”",
  },
  ["bad escapes"] = {
    '"\\x00"',
    '"\\a"',
    '"\\u"',
    '"\\u00"',
    '"\\u00A"',
    '"\\u00g0"',
    '"\\U0041"',
    '"\\0"',
    '"\\ "',
    '"\\u 041"',
    '"\\é"',
  },
  ["half a surrogate pair"] = {
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud800\\ud800"',
    '"\\ud800x"',
    '"\\ud800\\n"',
    '"\\uD83D\\u0041"',
    '"\\udc00\\ud800"',
    '"\\ud800\\u"',
  },
  ["control characters in strings"] = { '"a\nb"', '"\t"', '"\0"', '"\31"', '["\n"]' },
  ["other blanks and comments"] = {
    "\f1",
    "\v1",
    "[\f]",
    "\xc2\xa01",
    "\xe2\x81\xa0",
    "/**/1",
    "1//x",
    "#1",
    "[1\0]",
  },
  ["a byte order mark"] = { "\xef\xbb\xbf{}" },
  ["bytes that are not UTF-8"] = {
    '"\xff"',
    '"\x80"',
    '"\xc3"',
    '"\xc0\xaf"',
    '"\xe0\x80\xaf"',
    '"\xed\xa0\x80"',
    '"\xf0\x80\x80\x80"',
    '"\xf4\x90\x80\x80"',
    '"\xf8\x88\x80\x80\x80"',
    '"\xe2\x82"',
    "\xe9",
    "[\xff]",
  },
  ["numbers out of a double's range"] = { "1e400", "-1e999", "123456789e1000" },
}

describe("json.decode", function()
  for reason, texts in pairs(INVALID) do
    it("rejects " .. reason, function()
      for _, text in ipairs(texts) do
        local value, err = json.decode(text)
        assert.is_nil(value, ("%q was taken"):format(text))
        assert.equal("reply", err.kind)
        assert.equal("json", err.code)
        assert.matches("^JSON: ", err.message)
      end
    end)
  end

  it("reads scalars at the top, with blanks around", function()
    assert.equal(1, json.decode(" 1\n"))
    assert.equal("", json.decode('""'))
    assert.equal(true, json.decode("\ttrue"))
    assert.equal(false, json.decode("false\r\n"))
    assert.equal(json.null, json.decode("null"))
  end)

  it("keeps integers of 64 bits exact", function()
    for text, value in pairs({
      ["9007199254740993"] = 9007199254740993,
      ["9223372036854775807"] = math.maxinteger,
      ["-9223372036854775808"] = math.mininteger,
      ["0"] = 0,
      ["-0"] = 0,
    }) do
      local read = json.decode(text)
      assert.equal("integer", math.type(read))
      assert.equal(value, read)
    end
  end)

  it("makes floats of larger integers, fractions and exponents", function()
    assert.equal("float", math.type(json.decode("9223372036854775808")))
    assert.equal(2.0 ^ 63, json.decode("9223372036854775808"))
    assert.equal("float", math.type(json.decode("1.0")))
    assert.equal("float", math.type(json.decode("1e2")))
    assert.equal(-1.5e-7, json.decode("-1.5E-07"))
  end)

  it("tells [] from {}", function()
    local value = json.decode('{"list":[],"map":{}}')
    assert.equal(json.array_mt, getmetatable(value.list))
    assert.is_nil(getmetatable(value.map))
  end)

  it("keeps nulls in their places", function()
    local list = json.decode("[null,1,null]")
    assert.equal(3, #list)
    assert.equal(json.null, list[3])
    assert.equal("null", tostring(json.null))
  end)

  it("undoes every escape", function()
    assert.equal('"\\/\b\f\n\r\t', json.decode([["\"\\\/\b\f\n\r\t"]]))
    assert.equal("A\0é€😀", json.decode([["\u0041\u0000\u00e9\u20AC\ud83d\uDE00"]]))
  end)

  it("takes the last of equal keys", function()
    assert.equal(2, json.decode('{"a":1,"a":2}').a)
  end)

  it("refuses equal keys when told to, in one object", function()
    for _, text in ipairs({ '{"a":1,"a":2}', '[{"x":{"a":null,"b":1,"\\u0061":2}}]' }) do
      local _, err = json.decode(text, { unique_keys = true })
      assert.equal('JSON: the key "a" comes twice', err.message)
    end
    local nested = '{"a":{"a":1},"b":[{"a":1},{"a":2}]}'
    assert.equal(2, json.decode(nested, { unique_keys = true }).b[2].a)
  end)

  it("nests up to 200 deep, or as deep as asked", function()
    assert.is_table(json.decode(("["):rep(200) .. ("]"):rep(200)))
    local _, err = json.decode(("["):rep(201) .. ("]"):rep(201))
    assert.equal("JSON: nested more than 200 deep", err.message)
    assert.is_table(
      json.decode(('[{"a":'):rep(500) .. "1" .. ("}]"):rep(500), { max_depth = 1000 })
    )
    _, err = json.decode("[[1]]", { max_depth = 1 })
    assert.equal("JSON: nested more than 1 deep", err.message)
  end)

  it("refuses numbers of more than 400 characters", function()
    assert.equal(0.0, json.decode("0." .. ("0"):rep(398)))
    local _, err = json.decode("0." .. ("0"):rep(399))
    assert.equal("JSON: number of more than 400 characters at byte 1", err.message)
  end)

  it("says where a text goes wrong", function()
    local function message(text)
      return select(2, json.decode(text)).message
    end
    assert.equal("JSON: the text is empty", message(""))
    assert.equal("JSON: the text ends too early, after 6 bytes", message('{"a":1'))
    assert.equal("JSON: the text ends inside a string, after 5 bytes", message('{"abc'))
    assert.equal("JSON: unexpected '<' at byte 1", message("<html>"))
    assert.equal("JSON: unexpected byte 0x1b at byte 2", message("[\27[0m]"))
  end)

  it("never takes a text cut short", function()
    local text =
      '{"Parameters":[{"Name":"/a","Version":1,"Value":"\\u00e9\\n"},{"x":[true,-1.5e3]}],"T":{}}'
    for n = 0, #text - 1 do
      assert.is_nil((json.decode(text:sub(1, n))), "cut after " .. n)
    end
  end)

  it("raises for misuse", function()
    assert.has_error(function()
      json.decode(1)
    end)
    assert.has_error(function()
      json.decode("1", { depth = 1 })
    end)
    assert.has_error(function()
      json.decode("1", { max_depth = 0 })
    end)
    assert.has_error(function()
      json.decode("1", { max_depth = 1001 })
    end)
  end)
end)

describe("json.encode", function()
  it("sorts keys bytewise", function()
    assert.equal(
      '{"":0,"A":3,"a":1,"a\\u0000":4,"aa":2,"é":5}',
      json.encode({ a = 1, aa = 2, A = 3, ["a\0"] = 4, ["é"] = 5, [""] = 0 })
    )
  end)

  it("writes lists, marked lists and maps", function()
    assert.equal("[1,[],{},[{}]]", json.encode({ 1, json.array(), {}, { {} } }))
    assert.equal('{"null":null}', json.encode({ null = json.null }))
  end)

  it("escapes only what must be", function()
    assert.equal(
      [["\"\\/\b\f\n\r\t\u0000\u001f]] .. '\127é😀"',
      json.encode('"\\/\b\f\n\r\t\0\31\127é😀')
    )
  end)

  it("writes floats with the least of 15, 16 or 17 digits that reads back", function()
    for text, number in pairs({
      ["0.1"] = 0.1,
      ["0.30000000000000004"] = 0.1 + 0.2,
      ["100.0"] = 100.0,
      ["-0.0"] = -0.0,
      ["1e+300"] = 1e300,
      ["4.94065645841247e-324"] = 5e-324,
      ["1.7976931348623157e+308"] = 1.7976931348623157e308,
      ["1700000000.123"] = 1700000000.123,
    }) do
      assert.equal(text, json.encode(number))
    end
  end)

  it("returns an error for a string that is not UTF-8", function()
    local text, err = json.encode({ a = "\xff" })
    assert.is_nil(text)
    assert.equal("utf8", err.code)
    assert.is_nil((json.encode({ ["\xff"] = 1 })))
  end)

  it("raises for what JSON cannot say", function()
    local cycle = {}
    cycle.cycle = cycle
    for _, value in ipairs({
      1 / 0,
      -1 / 0,
      0 / 0,
      print,
      { 1, nil, 3 },
      { 1, a = 2 },
      { [1.5] = 1 },
      { [true] = 1 },
      { [0] = 1 },
      cycle,
      setmetatable({ a = 1 }, json.array_mt),
    }) do
      assert.has_error(function()
        json.encode(value)
      end)
    end
  end)
end)

describe("JSON, there and back", function()
  local function text(random)
    local parts = {}
    for i = 1, random(0, 6) do
      local kind = random(4)
      parts[i] = kind == 1 and string.char(random(0, 127))
        or kind == 2 and utf8.char(random(0x80, 0xd7ff))
        or kind == 3 and utf8.char(random(0xe000, 0x10ffff))
        or ("x"):rep(random(0, 40))
    end
    return table.concat(parts)
  end

  local function scalar(random)
    local kind = random(6)
    if kind == 1 then
      return text(random)
    end
    if kind == 2 then
      return random(0)
    end
    if kind == 3 then
      return random(-1000, 1000)
    end
    if kind == 4 then
      return random(2) == 1
    end
    if kind == 5 then
      return json.null
    end
    local float
    repeat
      float = string.unpack("d", string.pack("j", random(0)))
    until float == float and float ~= 1 / 0 and float ~= -1 / 0
    return float
  end

  local function value(random, depth)
    if depth == 0 or random(3) == 1 then
      return scalar(random)
    end
    local t = random(2) == 1 and json.array() or {}
    for i = 1, random(0, 5) do
      t[getmetatable(t) and i or text(random)] = value(random, depth - 1)
    end
    return t
  end

  it("gives the same value and the same bytes", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    for round = 1, 2000 do
      local before = value(math.random, 4)
      local first = assert(json.encode(before))
      local after = json.decode(first)
      local name = ("seed %d, round %d: %s"):format(seed, round, first)
      assert.same(before, after, name)
      assert.equal(math.type(before), math.type(after), name)
      assert.equal(first, json.encode(after), name)
    end
  end)
end)
