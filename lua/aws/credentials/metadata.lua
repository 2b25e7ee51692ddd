--- Small requests to the services that hand keys to a machine or container: never through a proxy,
--- with short answers and short waits.

local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local outside = require("awsbak.outside")
local time = require("awsbak.time")

local metadata = {}

local ANSWER_MAX = 64 * 1024 -- bytes

--- Send one request. Raises the error of awsbak.http.
---@param method string
---@param url string
---@param headers string[][]
---@param timeout number seconds, for connecting and again for the answer
---@return table response
function metadata.send(method, url, headers, timeout)
  return outside.send({
    method = method,
    url = url,
    headers = headers,
    proxy = "",
    timeout_connect = timeout,
    timeout = timeout,
    timeout_total = 2 * timeout,
    max_body = ANSWER_MAX,
  })
end

--- Call `try` until it returns something, or `attempts` times; failures of the network count,
--- others raise.
---@param attempts integer
---@param pause number seconds between
---@param try fun(): any?, any? a result, or nil and an error table to keep
---@return any? result
---@return awsbak.Error? err the last one
function metadata.attempts(attempts, pause, try)
  local last
  for n = 1, attempts do
    local result, err = errors.try(try)
    if result ~= nil then
      return result
    end
    if err and err.kind ~= "network" and err.kind ~= "timeout" and err.kind ~= "reply" then
      error(err, 0)
    end
    last = err
    if n < attempts and pause > 0 then
      outside.sleep(pause)
    end
  end
  return nil, last
end

--- The parts of keys in the JSON that these services answer with, or nil and what is wrong.
---@param text string
---@return table? parts as credentials.keys takes them
---@return string? wrong
function metadata.parse(text)
  local said = json.decode(text)
  if type(said) ~= "table" then
    return nil, "the answer is not JSON"
  end
  for _, name in ipairs({ "AccessKeyId", "SecretAccessKey", "Token", "Expiration" }) do
    if type(said[name]) ~= "string" then
      return nil,
        ("the answer has no %s%s"):format(
          name,
          type(said.Code) == "string" and " (" .. said.Code .. ")" or ""
        )
    end
  end
  local expires = time.parse(said.Expiration)
  if not expires then
    return nil, "the answer's Expiration is no time"
  end
  return {
    access_key_id = said.AccessKeyId,
    secret_access_key = said.SecretAccessKey,
    session_token = said.Token,
    account_id = type(said.AccountId) == "string" and said.AccountId or nil,
    expires = expires,
  }
end

return metadata
