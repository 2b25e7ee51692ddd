local errors = require("awsbak.errors")
local s3_copy = require("backup.transfer.s3_copy")
local s3_download = require("backup.transfer.s3_download")
local s3_upload = require("backup.transfer.s3_upload")

describe("a transfer of a script", function()
  local place = { s3 = {}, bucket = "b", key = "k" }

  local function message(f, ...)
    local _, err = errors.try(f, ...)
    assert.equal("usage", err.kind)
    return tostring(err)
  end

  it("refuses an option that there is not, and one of the wrong kind", function()
    local ways = {
      ["an upload"] = function(options)
        return message(s3_upload.put, {}, place, options)
      end,
      ["a download"] = function(options)
        return message(s3_download.get, place, {}, options)
      end,
      ["a copy"] = function(options)
        return message(s3_copy.put, place, place, options)
      end,
    }
    for subject, said in pairs(ways) do
      local prepared = { inpt = {}, get_object = print, put_object = print }
      assert.matches('no option "inpt"', said(prepared), 1, true)
      local unknown = ('%s has no option "inpt"; did you mean "input"?'):format(subject)
      assert.matches(unknown, said({ inpt = {} }), 1, true)
      local wrong = ("option force of %s is 1, not true or false"):format(subject)
      assert.matches(wrong, said({ force = 1 }), 1, true)
      assert.matches("what " .. subject .. " is given is 5, not a table", said(5), 1, true)
    end
  end)

  it("says what is missing of its places and its file", function()
    local function said(f, ...)
      return message(f, ...)
    end
    assert.matches("the file of an upload is nothing", said(s3_upload.put, nil, place), 1, true)
    assert.matches("the file of a download is nothing", said(s3_download.get, place), 1, true)
    assert.matches("the target of an upload is false", said(s3_upload.put, {}), 1, true)
    local bare = { bucket = "b", key = "k" }
    assert.matches("the client %(s3%) of the target is nothing", said(s3_upload.put, {}, bare))
    local nameless = { s3 = {}, bucket = "b", key = "" }
    assert.matches('the key of the source is ""', said(s3_copy.put, nameless, place), 1, true)
  end)
end)
