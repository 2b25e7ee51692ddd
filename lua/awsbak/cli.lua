--- The command line: which words are flags, which a script, which a command.

local M = {}

local function run_spec(words)
  package.path = "./?.lua;./?/init.lua;" .. package.path
  _G.arg = { [0] = "awsbak spec", table.unpack(words) }
  require("busted.runner")({ standalone = false })
  return 0
end

--- Run the program.
---@param argv string[] argv[0] is the program, argv[1] the first word
---@return integer exit code
function M.main(argv)
  local word = argv[1]
  if word == "-e" then
    assert(load(argv[2], "=(command line)", "t"))()
  elseif word == "spec" then
    return run_spec({ table.unpack(argv, 2) })
  elseif word and word:find("[/]") or word:find("%.lua$") then
    _G.arg = { [0] = word, table.unpack(argv, 2) }
    assert(loadfile(word, "t"))(table.unpack(argv, 2))
  end
  return 0
end

return M
