--- Reads parameters whole: metadata, value, tags and labels of one version.
---
--- The calls and their limits are those of botocore's model (data/ssm/2014-11-06): a page of
--- DescribeParameters has up to 50 names, one of GetParameterHistory 50 versions; GetParameters
--- takes 10 names. A page may hold fewer matches than there are, or none, and have a next page.

local errors = require("awsbak.errors")
local faults = require("aws.ssm.faults")
local json = require("awsbak.core.json")
local outside = require("awsbak.outside")
local pace = require("aws.ssm.pace")
local paginator = require("aws.paginator")
local record = require("aws.ssm.record")
local replies = require("aws.ssm.replies")
local task = require("awsbak.task")

local M = {}

local PAGE = 50
local BATCH = 10
local HOPELESS = 50 -- values refused, and none read: then the right itself is missing
local UNREADABLE_MAX = 1000 -- refusals that are kept: ten thousand have one reason, and one name it
local MESSAGE_MAX = 1000 -- bytes of what AWS says of each
local SETTLE_TRIES = 5 -- after 0.1, 0.2 ... 1.6 s: metadata can be a second or two behind values

---@class aws.ssm.Reader
---@field vanished integer parameters that were listed and then gone
---@field unreadable table[] `{ name, what = "value"|"tags"|"labels", code, message }` each, the
---  first 1,000
---@field refusals integer how many there were in all
---@field incomplete integer parameters they concern
local Reader = {}
Reader.__index = Reader

--- A reader over one client.
---@param client table an SSM client
---@param options table|nil `tags` (true), `labels` (true), `decrypt` (true), `concurrency` (10)
---@return aws.ssm.Reader
function M.new(client, options)
  options = options or {}
  return setmetatable({
    describe = replies.listing(
      pace.wrap(client.describe_parameters),
      "DescribeParameters",
      "Parameters",
      "Name"
    ),
    get = replies.values(pace.wrap(client.get_parameters)),
    list_tags = replies.listing(
      pace.wrap(client.list_tags_for_resource),
      "ListTagsForResource",
      "TagList",
      "Key"
    ),
    history = replies.listing(
      pace.wrap(client.get_parameter_history),
      "GetParameterHistory",
      "Parameters",
      "Version"
    ),
    tags = options.tags ~= false,
    labels = options.labels ~= false,
    decrypt = options.decrypt ~= false,
    concurrency = options.concurrency or 10,
    values_read = 0,
    rights_missing = 0, -- values refused because the caller may not read them
    vanished = 0,
    unreadable = json.array({}),
    refusals = 0,
    incomplete = 0,
  }, Reader)
end

local function shortened(text)
  if #text <= MESSAGE_MAX then
    return text
  end
  return text:sub(1, utf8.offset(text, 0, MESSAGE_MAX + 1) - 1) .. "..."
end

-- What cannot be read is counted, and the first of it remembered.
function Reader:refuse(name, what, code, message)
  self.refusals = self.refusals + 1
  if self.refusals <= UNREADABLE_MAX then
    self.unreadable[self.refusals] =
      { name = name, what = what, code = code, message = shortened(message) }
  end
  if what == "value" then
    self.incomplete = self.incomplete + 1
  end
end

-- A denied part is remembered and nil; a parameter that is gone is false; anything else is raised.
function Reader:attempt(name, what, call, ...)
  local result, e = errors.try(call, ...)
  if result ~= nil then
    return result
  elseif faults.gone(e) then
    return false
  elseif not faults.of_one_item(e) then
    error(e, 0)
  end
  self:refuse(name, what, e.code, e.message)
  return nil
end

-- Both listings page alike (botocore's paginators-1.json), each call at the operation's pace.
local PAGER = paginator.compile({ input_token = { "NextToken" }, output_token = { "NextToken" } })

local function pages(call, operation, input)
  return paginator.pages(call, PAGER, input, { service = "ssm", operation = operation })
end

-- DescribeParameters with a path leaves the path's own name out, so it is asked for by name. AWS
-- stores the root name `/flat` as `flat`.
local function filters(scope)
  if #scope.paths == 0 then
    return { false }
  end
  local list = {}
  for _, path in ipairs(scope.paths) do
    local names = { path }
    if not path:find("/", 2, true) then
      names[2] = path:sub(2)
    end
    list[#list + 1] = { { Key = "Name", Option = "Equals", Values = names } }
    list[#list + 1] = { { Key = "Path", Option = "Recursive", Values = { path } } }
  end
  return list
end

--- The metadata of every parameter of a scope, a page at a time. A list that changes while it is
--- read can tell a parameter again on the next page; what two neighbouring pages share comes once.
---@param scope aws.ssm.Scope
---@return fun(): table[]|nil iterator over lists of ParameterMetadata
function Reader:pages(scope)
  local before = {} -- the names of the page before: memory stays flat however long the list
  local wanted, at = filters(scope), 0
  local following

  local function select_new(page)
    local list, names = {}, {}
    for _, meta in ipairs(page.Parameters) do
      names[meta.Name] = true
      if not before[meta.Name] and scope:includes(meta.Name) then
        list[#list + 1] = meta
      end
    end
    before = names
    return list
  end

  return function()
    while true do
      local page = following and following()
      if page then
        local list = select_new(page)
        if #list > 0 then
          return list
        end
      elseif at == #wanted then
        return nil
      else
        at = at + 1
        following = pages(self.describe, "DescribeParameters", {
          MaxResults = PAGE,
          ParameterFilters = wanted[at] or nil,
        })
      end
    end
  end
end

local function batches(names)
  local from = 1
  return function()
    if from <= #names then
      local batch = table.move(names, from, math.min(from + BATCH - 1, #names), 1, {})
      from = from + BATCH
      return batch
    end
  end
end

local function no_right(e)
  return e.message:find("not authorized to perform: ssm:GetParameters", 1, true) ~= nil
end

-- Does the right to read seem to be missing altogether? Then ten calls more for each refused batch
-- only take long to say so.
function Reader:hopeless()
  return self.values_read == 0 and self.rights_missing >= HOPELESS
end

--- Raises the refusal when no value at all could be read, for want of the right to.
function Reader:check_any_read()
  local refusal = self.unreadable[1]
  if refusal and self:hopeless() then
    errors.raise({
      kind = "service",
      service = "ssm",
      operation = "GetParameters",
      code = refusal.code,
      message = ("no parameter could be read; %s: %s"):format(refusal.name, refusal.message),
      hint = "docs/iam.md lists the rights; --path limits a run to what may be read",
    })
  end
end

function Reader:refuse_value(name, e)
  self.rights_missing = self.rights_missing + (no_right(e) and 1 or 0)
  self:refuse(name, "value", e.code, e.message)
end

-- One by one. Where there is little hope the last one, which in a sorted list is the first to leave
-- a denied path, speaks for all.
function Reader:fetch_singly(names, values, e)
  local last = #names
  if no_right(e) and self:hopeless() then
    self:fetch({ names[last] }, values)
    last = last - 1
  end
  local skip = last < #names and self:hopeless()
  for i = 1, last do
    if skip then
      self:refuse_value(names[i], e)
    else
      self:fetch({ names[i] }, values)
    end
  end
end

-- One value KMS refuses makes the call for its ten fail; one by one, nine of them are readable.
function Reader:fetch(names, values)
  local told, e = errors.try(self.get, { Names = names, WithDecryption = self.decrypt })
  if told then
    for name, value in pairs(told) do
      values[name] = value
      self.values_read = self.values_read + 1
    end
  elseif #names == 1 and faults.gone(e) then
    values[names[1]] = false
  elseif not faults.of_one_item(e) then
    error(e, 0)
  elseif #names == 1 then
    self:refuse_value(names[1], e)
  else
    self:fetch_singly(names, values, e)
  end
end

--- The values of up to a page of names, decrypted.
---@param names string[]
---@return table<string, table|false> a Parameter by name; false: gone; absent: denied
function Reader:values(names)
  local values = {}
  task.each(batches(names), self.concurrency, function(batch)
    self:fetch(batch, values)
  end)
  return values
end

--- The metadata of up to 50 names.
---@param names string[]
---@return table<string, table> a ParameterMetadata by name
function Reader:metadata(names)
  local found = {}
  local filter = { { Key = "Name", Option = "Equals", Values = names } }
  local input = { MaxResults = PAGE, ParameterFilters = filter }
  for page in pages(self.describe, "DescribeParameters", input) do
    for _, meta in ipairs(page.Parameters) do
      found[meta.Name] = meta
    end
  end
  return found
end

-- A version written between the two calls, or metadata that is behind: read both again until they
-- are of one version. Returns false for a parameter that is gone, nil for one that is unreadable.
function Reader:settle(name, meta, value)
  for try = 0, SETTLE_TRIES do
    if not value then
      return value
    elseif meta and meta.Version == value.Version then
      return meta, value
    elseif try < SETTLE_TRIES then
      outside.sleep(0.1 * 2 ^ try)
      meta = self:metadata({ name })[name]
      value = self:values({ name })[name]
    end
  end
  self:refuse(name, "value", "changing", "metadata and value never were of one version")
  return nil
end

local function list_tags(reader, name)
  return record.tags(reader.list_tags({ ResourceType = "Parameter", ResourceId = name }).TagList)
end

-- Whether the history tells of a version, that one's labels, and the versions of all others. Values
-- are not asked for, so that it needs no right to decrypt.
local function read_history(reader, name, version)
  local own, other, known = json.array({}), {}, false
  local input = { Name = name, MaxResults = PAGE, WithDecryption = false }
  for page in pages(reader.history, "GetParameterHistory", input) do
    for _, old in ipairs(page.Parameters) do
      known = known or old.Version == version
      for _, label in ipairs(old.Labels or {}) do
        if old.Version == version then
          own[#own + 1] = label
        else
          other[label] = old.Version
        end
      end
    end
  end
  table.sort(own)
  return known, { own = own, other = next(other) and other }
end

-- History may be behind values as metadata may.
local function read_labels(reader, name, version)
  for try = 0, SETTLE_TRIES do
    local known, labels = read_history(reader, name, version)
    if known then
      return labels
    elseif try < SETTLE_TRIES then
      outside.sleep(0.1 * 2 ^ try)
    end
  end
  local message = ("the history does not tell of version %d"):format(version)
  errors.raise({ kind = "service", service = "ssm", code = "changing", message = message })
end

-- Adds tags and labels as far as they are wanted and allowed. False when the parameter is gone.
function Reader:complete(whole)
  local name = whole.name
  local tags, labels = {}, {}
  if self.tags then
    tags = self:attempt(name, "tags", list_tags, self, name)
    whole.tags = tags or nil
  end
  if self.labels and tags ~= false then
    labels = self:attempt(name, "labels", read_labels, self, name, whole.version)
    whole.labels = labels and labels.own or nil
    whole.other_labels = labels and labels.other or nil
  end
  if tags == false or labels == false then
    return false
  elseif not (tags and labels) then
    self.incomplete = self.incomplete + 1
  end
  return true
end

--- One whole record from what the lists said of it.
---@param name string
---@param meta table|nil a ParameterMetadata
---@param value table|false|nil a Parameter; false when gone, nil when denied
---@return aws.ssm.Record|nil nil when it is gone; without `value` when that could not be read
function Reader:record(name, meta, value)
  if value ~= nil then
    meta, value = self:settle(name, meta, value)
  end
  local whole = meta and record.from_api(meta, value)
  if meta == false or whole and not self:complete(whole) then
    self.vanished = self.vanished + 1
    return nil
  end
  return whole or nil
end

--- What exists now under up to 50 names.
---@param names string[]
---@return table<string, aws.ssm.Record> by name; absent names do not exist
function Reader:lookup(names)
  local values = self:values(names)
  local existing = {}
  for _, name in ipairs(names) do
    if values[name] ~= false then
      existing[#existing + 1] = name
    end
  end
  local found = {}
  if #existing == 0 then
    return found
  end
  local metas, at = self:metadata(existing), 0
  local function following()
    at = at + 1
    return existing[at]
  end
  task.each(following, self.concurrency, function(name)
    found[name] = self:record(name, metas[name], values[name])
  end)
  return found
end

return M
