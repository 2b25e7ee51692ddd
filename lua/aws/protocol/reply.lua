--- Replies that are not what the protocol promises: each is an error, never an empty success.
---
--- A proxy's page with status 200, a text cut short, a list where a structure should be: taken as a
--- success, each of these would make a listing lose items silently.

local errors = require("awsbak.errors")
local headers = require("awsbak.headers")

local reply = {}

local SHOWN = 80 -- characters of a foreign body that a message shows

--- Headers that may hold the id of a request.
reply.REQUEST_ID_HEADERS = { "x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id" }

--- The headers of a reply by name, in lower case; the first where there are several.
---@param response table
---@return table<string, string>
function reply.headers(response)
  local map, list = {}, response.headers
  for i = #list, 1, -1 do
    local pair = list[i]
    map[pair[1]] = pair[2]
  end
  return map
end

--- The id a service gave the request, for its support; nil when it gave none.
---@param response table
---@return string?
function reply.request_id(response)
  local map = reply.headers(response)
  for _, name in ipairs(reply.REQUEST_ID_HEADERS) do
    if map[name] then
      return map[name]
    end
  end
  return nil
end

--- Whether a body may hold values of the user's: what looks like the service's own answer, cut
--- short or broken, is not shown in messages.
local function is_private(body)
  local start = body:match("^%s*(.?.?.?.?.?)"):lower()
  return start:match("^[{[]") ~= nil
    or (start:match("^<") ~= nil and start ~= "<html" and start ~= "<!doc")
end

--- What came, in a few words: `text/html, 5120 bytes: "<html>..."`. Like all messages it is escaped
--- by who prints it.
local function describe(response, hide)
  local kind = (headers.find(response.headers, "content-type") or "no content type"):sub(1, SHOWN)
  local body = response.body
  if body == "" then
    return kind .. ", an empty body"
  elseif hide then
    return ("%s, %d bytes"):format(kind, #body)
  end
  local rest = #body > SHOWN and "..." or ""
  return ('%s, %d bytes: "%s%s"'):format(kind, #body, body:sub(1, SHOWN), rest)
end

local function distrust(response, code, message)
  errors.raise({
    kind = "reply",
    code = code,
    message = message,
    status = response.status,
    request_id = reply.request_id(response),
    retryable = true,
  })
end

--- Raise: the body is not in the promised format.
---@param response table
---@param promised string "JSON"
---@param why string? what the parser said
function reply.foreign(response, promised, why)
  local reason = why and (" (%s)"):format(why) or ""
  distrust(
    response,
    response.body == "" and "empty_reply" or "foreign_reply",
    ("the reply is not the %s that the service promises%s: %s"):format(
      promised,
      reason,
      describe(response, is_private(response.body))
    )
  )
end

---@class aws.Walk a reply on its way to become Lua's
---@field model aws.Model
---@field response table

--- Start to read a reply.
---@param m aws.Model
---@param response table
---@return aws.Walk
function reply.walk(m, response)
  return { model = m, response = response }
end

--- Raise: the body is in the promised format, but not of the promised shape.
---@param walk aws.Walk
---@param what string "a string where an integer is promised"
---@param place string? "Parameters[3].Version"
function reply.misshapen(walk, what, place)
  place = place and place ~= "" and place .. " is " or ""
  distrust(
    walk.response,
    "misshapen_reply",
    ("the reply is not of the shape that the service promises: %s%s"):format(place, what)
  )
end

--- What a port for TLS answers to a request without, with status 400: nginx, Apache httpd, Tomcat.
local TLS_WANTED = {
  "plain HTTP request was sent to HTTPS port",
  "speaking plain HTTP to an SSL-enabled server port",
  "combination of host and port requires TLS",
}

local function wants_tls(response)
  for _, words in ipairs(response.status == 400 and TLS_WANTED or {}) do
    if response.body and response.body:find(words, 1, true) then
      return true
    end
  end
  return false
end

--- What an error reply without a readable body says: the status, and what came.
---@param response table
---@return table fault `code`, `message`, `request_id`
function reply.bare_fault(response)
  local message = "the service answered with status " .. response.status
  if wants_tls(response) then
    message = message .. ": its port is for TLS, so the endpoint's URL must begin with https://"
  elseif response.body and response.body ~= "" then
    message = message .. " and " .. describe(response)
  end
  return {
    code = tostring(response.status),
    message = message,
    request_id = reply.request_id(response),
  }
end

return reply
