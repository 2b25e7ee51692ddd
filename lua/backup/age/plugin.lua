--- Plugins of age: programs age-plugin-NAME, which wrap and unwrap file keys for recipients
--- age1NAME1... and identities AGE-PLUGIN-NAME-1... (C2SP age-plugin.md, recipient-v1 and
--- identity-v1; this is the client's side).
---
--- A plugin is a program of the user's, found in PATH as age finds it; what it says is taken as
--- text from outside all the same: lines, stanzas and time have limits.

local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local process = require("awsbak.core.process")
local secret = require("awsbak.core.secret")
local stanza = require("backup.age.stanza")
local task = require("awsbak.task")

local M = {}

local OUTPUT_MAX = 1024 * 1024 -- bytes of what a plugin said and nobody read yet
local COMMANDS_MAX = 1024 -- of one conversation
local STANZAS_MAX = 128 * 1024 -- bytes: the core takes no more of others
local FILE_KEY = 16 -- bytes
local EXECUTABLE = 73 -- permission bits, octal 111

--- How long a plugin may be silent, in seconds: people press buttons of keys meanwhile.
M.silence = 120

local ENDING = 5 -- seconds in which a plugin ends when it was told to

---@class backup.age.Talk a conversation with one plugin
---@field name string
---@field process userdata
---@field failure string? what the plugin said went wrong
---@field got any what it gave
---@field size integer? bytes of the stanzas that it gave
---@field labels string? of its recipients, in order

local function fail(talk, code, problem, kind)
  errors.raise({
    kind = kind or "io",
    code = code,
    message = ("age-plugin-%s %s"):format(talk.name, problem),
  })
end

--- Where the program is: in a folder of PATH, of which those below the working directory do not
--- count, as with age: whoever could write there would see file keys.
local function find(program)
  for folder in (outside.getenv("PATH") or ""):gmatch("[^:]+") do
    local path = folder .. "/" .. program
    local st = folder:find("^/") and file.stat(path)
    if st and st.type == "file" and st.mode & EXECUTABLE ~= 0 then
      return path
    end
  end
  errors.raise({
    kind = "config",
    code = "plugin",
    message = ("there is no program %s in PATH"):format(program),
    hint = "install the plugin of age that this recipient or identity is of",
  })
end

local function start(name, machine)
  local child = errors.check(process.spawn({
    argv = { find("age-plugin-" .. name), "--age-plugin=" .. machine },
    max_output = OUTPUT_MAX,
    talk = true,
  }))
  return { name = name, process = child }
end

local function send(talk, words, body)
  local ok = talk.process:send(stanza.text(words, body))
  if not ok then
    fail(talk, "plugin", "stopped reading before it was done")
  end
end

local function read_line(talk)
  local line, err = errors.try(task.timeout, M.silence, function()
    return task.await(talk.process:read_line()) or false
  end)
  if line == nil and err.kind == "timeout" then
    fail(talk, "timeout_plugin", ("said nothing for %g s"):format(M.silence), "timeout")
  elseif line == nil and err.code == "too_large" then
    fail(talk, "plugin", ("sent more than %d bytes at once"):format(OUTPUT_MAX))
  elseif line == nil then
    error(err, 0)
  end
  return line or fail(talk, "plugin", "ended before it was done")
end

--- The next stanza: its words and its body.
local function read_stanza(talk)
  local words, body = stanza.read(function()
    return read_line(talk)
  end)
  return words or fail(talk, "plugin", body), body
end

--- --- what a plugin may ask for ---

local asked = {}

function asked.msg(talk, _, body)
  log.note("age-plugin-%s: %s", talk.name, body) -- which escapes it
  return { "ok" }
end

--- Ask on the terminal; nil without one.
local function ask(talk, question)
  local answer = outside.ask_hidden(("age-plugin-%s: %s "):format(talk.name, question))
  return answer and answer:reveal()
end

local function request(talk, _, body)
  local answer = ask(talk, body)
  return { answer and "ok" or "fail" }, answer
end

asked["request-secret"] = request
asked["request-public"] = request

function asked.confirm(talk, words, body)
  local yes = stanza.unbase64(words[2] or "")
  local no = words[3] and stanza.unbase64(words[3])
  if not yes or (words[3] and not no) then
    fail(talk, "plugin", "asked a question that is damaged")
  end
  local choice = no and ("[y: %s, n: %s]"):format(yes, no) or ("[y: %s]"):format(yes)
  local answer = ask(talk, body .. " " .. choice)
  if not answer then
    return { "fail" }
  end
  return { "ok", answer:lower():find("^%s*y") and "yes" or "no" }
end

function asked.error(talk, words, body)
  local of = words[2] == "internal" and "" or (words[2] or "") .. ": "
  talk.failure = talk.failure or of .. body
  return { "ok" }
end

--- Answer the plugin's commands until it is done. `take` has those of the state machine.
local function converse(talk, take)
  for _ = 1, COMMANDS_MAX do
    local words, body = read_stanza(talk)
    if words[1] == "done" then
      return
    end
    local answer = take[words[1]] or asked[words[1]]
    if answer then
      send(talk, answer(talk, words, body))
    else
      send(talk, { "unsupported" })
    end
  end
  fail(talk, "plugin", ("sent more than %d commands"):format(COMMANDS_MAX))
end

--- Let it end by itself, for a while.
local function finish(talk)
  talk.process:end_input()
  local ok, err = errors.try(task.timeout, ENDING, function()
    return task.await(talk.process:wait())
  end)
  if ok == nil and err.kind == "cancelled" then
    error(err, 0)
  end
end

--- Run one state machine: `say` gives its first phase.
local function run(name, machine, say, take)
  local talk = start(name, machine)
  local child <close> = talk.process -- killed, whatever happens
  assert(child)
  say(talk)
  send(talk, { "done" })
  converse(talk, take)
  finish(talk)
  return talk
end

--- --- wrapping ---

local wrapping = {}

wrapping["recipient-stanza"] = function(talk, words, body)
  if words[2] ~= "0" or not words[3] then
    fail(talk, "plugin", "sent a stanza for a file that it was not given")
  end
  local made = stanza.text(table.move(words, 3, #words, 1, {}), body)
  talk.size = (talk.size or 0) + #made
  if talk.size > STANZAS_MAX then
    fail(talk, "plugin", ("gave more than %d bytes for the header of a file"):format(STANZAS_MAX))
  end
  table.insert(talk.got, made)
  return { "ok" }
end

--- What its recipients must have in common with all others of a file (rage and age 1.2 know this
--- extension).
function wrapping.labels(talk, words)
  if talk.labels then
    fail(talk, "plugin", "sent labels twice")
  end
  local labels = table.move(words, 2, #words, 1, {})
  table.sort(labels)
  talk.labels = table.concat(labels, " ")
  return { "ok" }
end

--- Wrap a file key for recipients, and for identities that can be encrypted to, of one plugin.
---@param name string the plugin's
---@param recipients string[]
---@param file_key userdata secret
---@return string[] stanzas their texts; raises kind config without the plugin, kind io, code plugin
---  when it fails, kind timeout when it is silent
---@return string labels that every other recipient of the file must have; mostly none
function M.wrap(name, recipients, file_key)
  local talk = run(name, "recipient-v1", function(talk)
    talk.got = {}
    for _, recipient in ipairs(recipients) do
      send(talk, { recipient:find("^age1") and "add-recipient" or "add-identity", recipient })
    end
    send(talk, { "wrap-file-key" }, file_key:reveal())
    send(talk, { "extension-labels" })
  end, wrapping)
  if talk.failure then
    fail(talk, "plugin", "cannot encrypt: " .. talk.failure)
  elseif #talk.got == 0 or #talk.got > #recipients then
    local count = "gave %d stanzas for %d recipients"
    fail(talk, "plugin", count:format(#talk.got, #recipients))
  end
  return talk.got, talk.labels or ""
end

--- --- unwrapping ---

local unwrapping = {}

unwrapping["file-key"] = function(talk, words, body)
  if words[2] ~= "0" or #body ~= FILE_KEY then
    fail(talk, "plugin", "gave a file key that is none")
  end
  talk.got = talk.got or secret.new(body)
  return { "ok" }
end

--- Unwrap the file key of a file.
---@param name string the plugin's
---@param identities string[]
---@param stanzas table[] of awsbak.core.age.stanzas
---@return userdata? file_key a secret; nil when the plugin opens none of the stanzas
---@return table? err what it said went wrong
--- Raises as wrap does.
function M.unwrap(name, identities, stanzas)
  local talk = run(name, "identity-v1", function(talk)
    for _, identity in ipairs(identities) do
      send(talk, { "add-identity", identity })
    end
    for _, s in ipairs(stanzas) do
      local line = s.text:match("^%-> ([^\n]*)\n")
      send(talk, { "recipient-stanza", "0", line }, stanza.body(s.text))
    end
  end, unwrapping)
  if not talk.got and talk.failure then
    return nil, errors.from({
      kind = "io",
      code = "plugin",
      message = ("age-plugin-%s cannot decrypt: %s"):format(name, talk.failure),
    })
  end
  return talk.got
end

return M
