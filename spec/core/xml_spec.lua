local xml = require("awsbak.core.xml")

local function error_of(text, options)
  local node, err = xml.parse(text, options)
  assert.is_nil(node, ("%q was taken"):format(text:sub(1, 60)))
  assert.equal("reply", err.kind)
  return err
end

describe("xml.parse", function()
  it("gives names, texts and children in order", function()
    local root = xml.parse("<List><Key>a</Key><Size>5</Size><Key/></List>")
    assert.same({
      name = "List",
      { name = "Key", text = "a" },
      { name = "Size", text = "5" },
      { name = "Key", text = "" },
    }, root)
  end)

  it("strips namespaces from elements and attributes", function()
    local root = xml.parse([[<?xml version="1.0" encoding="UTF-8"?>
      <s:Grant xmlns:s="http://s3" xmlns:xsi="http://xsi" xmlns="http://d">
        <Grantee xsi:type="Group" other="1"><URI>u</URI></Grantee>
      </s:Grant>]])
    assert.equal("Grant", root.name)
    assert.same({ type = "Group", other = "1" }, root[1].attr)
    assert.equal("URI", root[1][1].name)
  end)

  it("keeps a leaf's text as it is, and drops the blanks between elements", function()
    local root = xml.parse(
      "<a>\n  <b> x\ty\n</b>\n  <c><![CDATA[<&]]>&amp;&lt;&gt;&quot;&apos;&#10;&#x20AC;</c>\n</a>"
    )
    assert.is_nil(root.text)
    assert.equal(" x\ty\n", root[1].text)
    assert.equal("<&&<>\"'\n€", root[2].text)
  end)

  it("keeps a text around comments and instructions whole", function()
    assert.equal("onetwo", xml.parse("<a>one<!-- x --><?p i?>two</a>").text)
  end)

  it("reads long texts and many elements", function()
    local long = ("é"):rep(100000)
    assert.equal(long, xml.parse("<a>" .. long .. "</a>").text)
    local root = xml.parse("<a>" .. ("<b>1</b>"):rep(50000) .. "</a>")
    assert.equal(50000, #root)
  end)

  it("refuses a document type, so that no entity can expand", function()
    for _, text in ipairs({
      "<!DOCTYPE html><html/>",
      '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
      '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
      '<!DOCTYPE a [<!ENTITY a "' .. ("x"):rep(1000) .. '"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>',
    }) do
      assert.equal("dtd", error_of(text).code)
    end
    assert.equal("xml", error_of("<a>&unknown;</a>").code)
  end)

  it("rejects what is not well-formed, naming the line", function()
    for _, text in ipairs({
      "",
      " ",
      "text",
      "<a>",
      "<a></b>",
      "<a><b></a></b>",
      "<a/><b/>",
      "<a/>text",
      "<a x=1/>",
      "<a x='1' x='2'/>",
      "<a b:x='1' xmlns:b='u' c:x='2' xmlns:c='u'/>",
      "<p:a/>",
      "<a>\0</a>",
      "<a>\1</a>",
      "<a>\xff</a>",
      "<a>]]></a>",
      "<1a/>",
      "<a>&#0;</a>",
      "<a>&#xD800;</a>",
      "<a><!-- -- --></a>",
      "{}",
      "\xef\xbb\xbf",
      "<html><br></html>",
    }) do
      assert.equal("xml", error_of(text).code)
    end
    assert.equal("XML: mismatched tag at line 3", error_of("<a>\n<b>\n</c></a>").message)
  end)

  it("never takes a document cut short", function()
    local text =
      '<?xml version="1.0"?><R xmlns="u"><C><Key>a&amp;b</Key></C><C a="1"><Key/></C></R>'
    for n = 0, #text - 1 do
      error_of(text:sub(1, n))
    end
  end)

  it("nests up to 100 deep, or as deep as asked", function()
    local function nested(depth)
      return ("<a>"):rep(depth) .. ("</a>"):rep(depth)
    end
    assert.is_table(xml.parse(nested(100)))
    assert.equal("XML: nested deeper than 100 at line 1", error_of(nested(101)).message)
    assert.is_table(xml.parse(nested(1000), { max_depth = 1000 }))
    error_of(nested(2), { max_depth = 1 })
  end)

  it("takes up to 100 attributes", function()
    local function with_attributes(count)
      local parts = {}
      for i = 1, count do
        parts[i] = (' a%d="%d"'):format(i, i)
      end
      return "<a" .. table.concat(parts) .. "/>"
    end
    assert.equal("100", xml.parse(with_attributes(100)).attr.a100)
    assert.matches("more attributes than 100", error_of(with_attributes(101)).message)
  end)

  it("bounds the number of elements", function()
    local err = error_of("<a>" .. ("<b/>"):rep(2 * 1024 * 1024) .. "</a>")
    assert.equal("too_large", err.code)
  end)

  it("raises for misuse", function()
    assert.has_error(function()
      xml.parse(1)
    end)
    assert.has_error(function()
      xml.parse("<a/>", { depth = 1 })
    end)
    assert.has_error(function()
      xml.parse("<a/>", { max_depth = 0 })
    end)
  end)
end)
