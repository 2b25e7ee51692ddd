--- Follow a listing page after page, as the model's paginator says.
---
--- Stricter than botocore (paginate.py) where it would lose items or never end: a page that says
--- there is more but gives no token is an error, and so is a token that comes a second time, in
--- whatever distance. One page is held at a time.

local errors = require("awsbak.errors")
local jmespath = require("awsbak.jmespath")
local json = require("awsbak.core.json")
local values = require("awsbak.jmespath.values")

local paginator = {}

---@class aws.Pager a paginator of the model with its paths compiled
---@field input_tokens string[] members of the input that take the tokens
---@field output_tokens (fun(page: table): any)[] where a page has them
---@field result_keys (fun(page: table): any)[] where a page has items; the first is the main one
---@field result_names string[] the same as text
---@field more_results (fun(page: table): any)? whether there are more pages, where a page says so

local function compile_all(expressions)
  local compiled = {}
  for i, expression in ipairs(expressions or {}) do
    compiled[i] = jmespath.compile(expression)
  end
  return compiled
end

--- Make a paginator of the model ready for use.
---@param description table as model:paginator() gives it
---@return aws.Pager
--- Raises kind usage, code jmespath, when one of its paths is wrong.
function paginator.compile(description)
  return {
    input_tokens = description.input_token,
    output_tokens = compile_all(description.output_token),
    result_keys = compile_all(description.result_key),
    result_names = description.result_key or {},
    more_results = description.more_results and jmespath.compile(description.more_results),
  }
end

---@class aws.Subject who calls, for messages
---@field service string "ssm"
---@field operation string "DescribeParameters"

---@param subject aws.Subject
local function distrust(subject, code, message)
  errors.raise({
    kind = "reply",
    code = code,
    message = message,
    service = subject.service,
    operation = subject.operation,
  })
end

--- The tokens of the page after `page`: { member = token }, or nil after the last one.
local function next_tokens(pager, page, subject)
  local more = true
  if pager.more_results then
    more = pager.more_results(page)
  end
  if not more then
    return nil
  end
  local tokens = {}
  for i, read in ipairs(pager.output_tokens) do
    local token = read(page)
    if token ~= nil and token ~= "" and token ~= json.null then
      tokens[pager.input_tokens[i]] = token
    end
  end
  if next(tokens) then
    return tokens
  elseif pager.more_results then
    distrust(
      subject,
      "missing_token",
      "the service says there are more pages, but not where they begin"
    )
  end
  return nil
end

--- A function that raises when tokens come a second time. It remembers one, after 1, 2, 4, 8 ...
--- pages, so that a circle of any length is found within twice its length and memory stays flat.
local function watch_circles(first, subject)
  local kept, taken, room = first, 0, 1
  return function(tokens)
    if values.equal(tokens, kept) then
      distrust(
        subject,
        "repeated_token",
        "the service gave the same page token twice, so the list would not end"
      )
    end
    taken = taken + 1
    if taken == room then
      kept, taken, room = tokens, 0, room * 2
    end
  end
end

local function with_tokens(input, pager, tokens)
  local changed = {}
  for name, value in pairs(input) do
    changed[name] = value
  end
  for _, name in ipairs(pager.input_tokens) do
    changed[name] = tokens[name]
  end
  return changed
end

local function starting_tokens(input, pager)
  local tokens = {}
  for _, name in ipairs(pager.input_tokens) do
    tokens[name] = input[name]
  end
  return tokens
end

--- Iterate over the replies of a listing.
---@param call fun(input: table): table one call of the operation
---@param pager aws.Pager
---@param input table may hold tokens to start from; not changed
---@param subject aws.Subject
---@return fun(): table?, table? the next page, nil after the last; and the tokens of the one after
--- The iterator raises what `call` raises, and kind reply, codes repeated_token and missing_token.
function paginator.pages(call, pager, input, subject)
  local ask = input
  local watch = watch_circles(starting_tokens(input, pager), subject)
  return function()
    if not ask then
      return nil
    end
    local page = call(ask)
    local tokens = next_tokens(pager, page, subject)
    if tokens then
      watch(tokens)
    end
    ask = tokens and with_tokens(input, pager, tokens)
    return page, tokens
  end
end

--- Iterate over the items of a listing, those of its main result key (`Contents` of ListObjectsV2:
--- what else a page has, its `CommonPrefixes` say, is for `pages`).
---@param call fun(input: table): table one call of the operation
---@param pager aws.Pager
---@param input table
---@param subject aws.Subject
---@return fun(): any the next item, nil after the last
--- The iterator raises as `pages` does.
function paginator.each(call, pager, input, subject)
  local next_page = paginator.pages(call, pager, input, subject)
  local items, at = {}, 0
  return function()
    at = at + 1
    while items[at] == nil do
      items, at = {}, 1 -- so that the page is garbage when the next one is read
      local page = next_page()
      if not page then
        return nil
      end
      items = pager.result_keys[1](page) or items
    end
    return items[at]
  end
end

return paginator
