--- Who is asking: the headers of a request that name the program, its environment and its trace.
---
--- Form of the User-Agent: botocore 1.44.5, useragent.py. Left out is what is of no use to whoever
--- reads a trail: kernel, machine, and the letters (`m/`) by which AWS counts what its own SDKs are
--- used for.

local log = require("awsbak.log")
local outside = require("awsbak.outside")
local sys = require("awsbak.core.sys")

local agent = {}

local APP_ID_MAX = 50 -- characters that AWS recommends at most (botocore/args.py)

--- A value with "-" in place of each character that may not stand in a User-Agent.
local function clean(text, also)
  text = text:gsub(utf8.charpattern, function(character)
    return #character > 1 and "-" or nil
  end)
  return (text:gsub("[^%w!$%%&'*+%-.^_`|~," .. also .. "]", "-"))
end

local function app_id(cfg)
  local id, source = cfg:get("sdk_ua_app_id")
  if id and #id > APP_ID_MAX then
    log.warn_once("sdk_ua_app_id (%s) has more than %d characters", source, APP_ID_MAX)
  end
  return id
end

--- The User-Agent of a client's requests:
--- `awsbak/0.1.0 ua/2.1 os/linux lang/lua#5.4 exec-env/x cfg/retry-mode#standard app/shop`.
---@param cfg aws.Config
---@return string
function agent.of(cfg)
  local parts = {
    "awsbak/" .. sys.version,
    "ua/2.1",
    "os/linux",
    "lang/lua#" .. _VERSION:match("[%d.]+"),
  }
  local environment, id = cfg:get("execution_env"), app_id(cfg)
  if environment then
    parts[#parts + 1] = "exec-env/" .. clean(environment, "")
  end
  parts[#parts + 1] = "cfg/retry-mode#" .. cfg.retry_mode
  if id then
    parts[#parts + 1] = "app/" .. clean(id, "#")
  end
  return table.concat(parts, " ")
end

--- The value of X-Amzn-Trace-Id by which Lambda tells a function that calls itself without end; nil
--- outside of Lambda. (botocore 1.44.5, handlers.py, add_recursion_detection_header)
---@return string?
function agent.trace()
  local id = outside.getenv("AWS_LAMBDA_FUNCTION_NAME") and outside.getenv("_X_AMZN_TRACE_ID")
  return id
    and (
      id:gsub("[^%w_.~%-=;:+&%[%]{}\"',]", function(c)
        return ("%%%02X"):format(c:byte())
      end)
    )
end

return agent
