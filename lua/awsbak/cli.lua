--- The command line: which words are flags, which a script, which a command.

local M = {}

--- Run the program.
---@param argv string[] argv[0] is the program, argv[1] the first word
---@return integer exit code
function M.main(argv)
  if argv[1] == "-e" then
    assert(load(argv[2], "=(command line)", "t"))()
  end
  return 0
end

return M
