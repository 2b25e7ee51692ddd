--- awsbak as age-plugin-awskms: the plugin's side of age's protocol, for keys of KMS, so that
--- `age` itself encrypts to them and opens what is for them (C2SP age-plugin.md;
--- docs/formats/age-awskms.md).
---
--- Phase 1 collects what the client says, phase 2 answers. A client is trusted as whoever started
--- us is, but has limits all the same.

local age = require("awsbak.core.age")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local kms = require("backup.age.kms")
local secret = require("awsbak.core.secret")
local stanza = require("backup.age.stanza")
local task = require("awsbak.task")
local texts = require("awsbak.text")

local M = {}

local COMMANDS_MAX = 4096 -- of phase 1
local LINE_MAX = 64 * 1024 -- bytes: a stanza's arguments may be long
local READ = 64 * 1024 -- bytes at once

---@class backup.age.Client the other side
---@field input userdata pipe
---@field output userdata pipe
---@field rest string read and not used yet

local function fail(problem)
  local message = "the program that started us " .. problem
  errors.raise({ kind = "io", code = "plugin", message = message })
end

local function next_line(client)
  while true do
    local line, after = client.rest:match("^([^\n]*)\n()")
    if line then
      client.rest = client.rest:sub(after)
      return line
    elseif #client.rest > LINE_MAX then
      fail("sent a line that is too long")
    end
    local bytes = task.await(client.input:read(READ))
    if not bytes or bytes == "" then
      fail("ended before it was done")
    end
    client.rest = client.rest .. bytes
  end
end

local function receive(client)
  local words, body = stanza.read(function()
    return next_line(client)
  end)
  return words or fail(body), body
end

--- Say something, and wait for the answer, whatever it is.
local function say(client, words, body)
  task.await(client.output:write(stanza.text(words, body)))
  receive(client)
end

--- The commands of phase 1, as { words, body }.
local function first_phase(client)
  local commands = {}
  for _ = 1, COMMANDS_MAX do
    local words, body = receive(client)
    if words[1] == "done" then
      return commands
    end
    commands[#commands + 1] = { words = words, body = body }
  end
  fail(("sent more than %d commands"):format(COMMANDS_MAX))
end

--- The ARN of a recipient or identity of ours; nil, and why not.
local function read_arn(text)
  local name, arn = age.plugin(text or "")
  if name ~= kms.NAME then
    return nil, "it is none of the plugin " .. kms.NAME
  elseif arn == "" and text:find("^AGE%-PLUGIN%-") then
    return arn
  end
  local ok, err = errors.try(kms.check, arn)
  return ok and arn, err and err.message
end

--- Tell what is wrong with keys: nothing else may be done then.
local function say_problems(client, problems)
  for _, problem in ipairs(problems) do
    say(client, problem.words, texts.escape(problem.message)) -- age prints it
  end
  return #problems > 0
end

--- --- recipient-v1 ---

--- ARNs to wrap for, file keys, and what is wrong.
local function read_wishes(commands)
  local arns, file_keys, problems = {}, {}, {}
  local counts = { recipient = 0, identity = 0 }
  for _, command in ipairs(commands) do
    local kind = command.words[1]:match("^add%-(%a+)$")
    if counts[kind] then
      local arn, problem = read_arn(command.words[2])
      if arn == "" then
        arn, problem = nil, "it does not say to which key of KMS to encrypt"
      end
      if arn then
        arns[#arns + 1] = { arn = arn, words = { "error", kind, tostring(counts[kind]) } }
      else
        local words = { "error", kind, tostring(counts[kind]) }
        problems[#problems + 1] = { words = words, message = problem }
      end
      counts[kind] = counts[kind] + 1
    elseif command.words[1] == "wrap-file-key" then
      file_keys[#file_keys + 1] = command.body
    end
  end
  return arns, file_keys, problems
end

--- All stanzas, as { file index, text }; nothing when one cannot be made.
local function wrap_all(arns, file_keys, problems)
  local made = {}
  for index, file_key in ipairs(file_keys) do
    for _, entry in ipairs(arns) do
      local text, err = errors.try(kms.wrap, entry.arn, secret.new(file_key))
      if not text then
        problems[#problems + 1] = { words = entry.words, message = err.message }
        return {}
      end
      made[#made + 1] = { index = index - 1, text = text }
    end
  end
  return made
end

local machines = {}

machines["recipient-v1"] = function(client)
  local arns, file_keys, problems = read_wishes(first_phase(client))
  local made = #problems == 0 and wrap_all(arns, file_keys, problems) or {}
  if say_problems(client, problems) then
    return
  end
  for _, s in ipairs(made) do
    local line = s.text:match("^%-> ([^\n]*)\n")
    local words = { "recipient-stanza", tostring(s.index), line }
    say(client, words, stanza.body(s.text))
  end
end

--- --- identity-v1 ---

--- ARNs, stanzas by file, the files in order, and what is wrong with identities.
local function read_questions(commands)
  local arns, by_file, files, problems = {}, {}, {}, {}
  local count = 0
  for _, command in ipairs(commands) do
    local words = command.words
    if words[1] == "add-identity" then
      local arn, problem = read_arn(words[2])
      if arn then
        arns[#arns + 1] = arn
      else
        local of = { "error", "identity", tostring(count) }
        problems[#problems + 1] = { words = of, message = problem }
      end
      count = count + 1
    elseif words[1] == "recipient-stanza" and words[2] and words[2]:find("^%d+$") and words[3] then
      local index = words[2]
      if not by_file[index] then
        by_file[index] = {}
        files[#files + 1] = index
      end
      local s = table.move(words, 3, #words, 1, {})
      s.text = stanza.text(s, command.body)
      table.insert(by_file[index], s)
    end
  end
  return arns, by_file, files, problems
end

machines["identity-v1"] = function(client)
  local arns, by_file, files, problems = read_questions(first_phase(client))
  if say_problems(client, problems) then
    return
  end
  for _, index in ipairs(files) do
    local file_key, err = errors.try(kms.unwrap, arns, by_file[index])
    if file_key then
      say(client, { "file-key", index }, file_key:reveal())
    elseif err and err.kind == "cancelled" then
      error(err, 0)
    elseif err then
      say(client, { "error", "internal" }, texts.escape(err.message))
    end
  end
end

--- Answer the client on standard input and output.
---@param machine string recipient-v1 or identity-v1
--- Raises kind usage for another; kind io when the client does not keep to the protocol.
function M.run(machine)
  local answer = machines[machine]
  if not answer then
    errors.raise({
      kind = "usage",
      code = "plugin",
      message = ('there is no state machine "%s"'):format(machine),
      hint = "recipient-v1 and identity-v1 are known",
    })
  end
  local input <close> = errors.check(file.stdin())
  local output <close> = errors.check(file.stdout())
  local client = { input = input, output = output, rest = "" }
  answer(client)
  task.await(output:write(stanza.text({ "done" })))
end

return M
