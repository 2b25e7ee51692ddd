--- An operator at work: a home folder, keys for an endpoint on loopback, and the awsbak program.
---
---   local op <close> = operator.new(server.url)
---   op:keygen()
---   local r = op:run({ "ssm", "backup", "--to", op:path("x.age") })

local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local server = require("spec.support.server")
local shell = require("spec.support.shell")

local operator = {}
operator.__index = operator

--- Whose keys they work with.
operator.KEYS = { access_key_id = "AKIDSPEC", secret_access_key = "spec-secret-access-key" }

--- An operator whose requests go to one endpoint.
---@param endpoint string URL
---@return table op
function operator.new(endpoint)
  local self = setmetatable({ home = scratch.new() }, operator)
  self.env = {
    AWS_ACCESS_KEY_ID = operator.KEYS.access_key_id,
    AWS_SECRET_ACCESS_KEY = operator.KEYS.secret_access_key,
    AWS_REGION = "us-east-1",
    AWS_ENDPOINT_URL = endpoint,
  }
  return self
end

--- An operator with keys, and a parameter store of their own that ends with them.
---@param count integer parameters in it
---@return table op
---@return table fake the server, to be scripted
function operator.beside_ssm(count)
  local fake = server.start({ ssm = count })
  local op = operator.new(fake.url)
  op.fake = fake
  op:keygen()
  return op, fake
end

--- A file in the operator's home.
---@param name string
---@return string
function operator:path(name)
  return self.home:path(name)
end

--- Runs awsbak.
---@param words string[]
---@param options table|nil `env` (in addition; false unsets), `stdin`, `prefix`
---@return table result `{ status, stdout, stderr }`
function operator:run(words, options)
  options = options or {}
  local env = {}
  for name, value in pairs(self.env) do
    env[name] = value
  end
  for name, value in pairs(options.env or {}) do
    env[name] = value or nil
  end
  return program.run(words, {
    env = env,
    home = self.home.folder,
    stdin = options.stdin,
    prefix = options.prefix,
  })
end

--- Runs awsbak and expects it to succeed.
---@param words string[]
---@param options table|nil as for run
---@return table result
function operator:must(words, options)
  local result = self:run(words, options)
  if result.status ~= 0 then
    local line = table.concat(words, " ")
    error(("awsbak %s: exit code %s\n%s"):format(line, result.status, result.stderr), 2)
  end
  return result
end

--- Makes the operator's identity and signing key; the public halves are `recipient` and `signer`.
function operator:keygen()
  local made = operator.rows(self:must({ "keygen" }))[1]
  self.recipient, self.signer = made.recipient, made.signer
end

--- The lines of a plain archive, unpacked by the zstd program.
---@param name string
---@return string[] lines with their line feeds
function operator:lines(name)
  local pipe = assert(io.popen("zstd -dcq " .. shell.quote(self:path(name))))
  local list = {}
  for line in pipe:lines("L") do
    list[#list + 1] = line
  end
  pipe:close()
  return list
end

--- The JSON lines a run printed; the last one is the summary.
---@param result table
---@return table[] rows
---@return table|nil summary
function operator.rows(result)
  local json = require("awsbak.core.json")
  local rows, summary = {}, nil
  for line in result.stdout:gmatch("[^\n]+") do
    local row = assert(json.decode(line))
    if row.type == "summary" then
      summary = row
    else
      rows[#rows + 1] = row
    end
  end
  return rows, summary
end

--- The same by key.
---@param result table
---@return table<string, table> rows by their `key`
---@return table|nil summary
function operator.by_key(result)
  local rows, summary = operator.rows(result)
  local found = {}
  for _, row in ipairs(rows) do
    found[row.key] = row
  end
  return found, summary
end

--- Removes the home folder, and ends the store that was made with it.
function operator:close()
  self.home:close()
  if self.fake then
    self.fake:close()
  end
end

operator.__close = operator.close

return operator
