--- Make shells complete awsbak's commands, flags, services, operations, members and values.

local completion = require("awsbak.completion")
local errors = require("awsbak.errors")
local names = require("aws.names")
local output = require("awsbak.output")
local policy = require("awsbak.policy")

local SCRIPTS = {
  -- Bash takes what follows = or : for a word of its own (COMP_WORDBREAKS).
  bash = [==[
_awsbak() {
  local IFS=$'\n' line=${COMP_LINE:0:COMP_POINT} word
  COMPREPLY=($(awsbak completion --line="$line" 2>/dev/null))
  word=${line##*[[:space:]]}
  case $word in
    *[=:]*) COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*[=:]}"}"}") ;;
  esac
  case ${COMPREPLY[0]-} in
    *=) compopt -o nospace 2>/dev/null ;;
  esac
}
complete -o default -F _awsbak awsbak
]==],
  fish = [==[
function __awsbak_candidates
    set -l found (awsbak completion --line=(commandline -cp | string collect) 2>/dev/null)
    if set -q found[1]
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c awsbak -f -a '(__awsbak_candidates)'
]==],
  zsh = [==[
#compdef awsbak
_awsbak() {
  local -a found open
  found=("${(@f)$(awsbak completion --line="${words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}")
  found=("${(@)found:#}")
  if (( ! $#found )); then
    _files
    return
  fi
  open=("${(@M)found:#*=}")
  found=("${(@)found:#*=}")
  (( $#open )) && compadd -S '' -- "${(@)open}"
  (( $#found )) && compadd -- "${(@)found}"
}
compdef _awsbak awsbak
]==],
}

local function candidates(line)
  local more = { profile = names.profiles, region = names.regions }
  -- A line that is half written may be wrong in any way: then there is nothing to say.
  for _, candidate in ipairs(errors.try(completion.candidates, line, more) or {}) do
    output.text(candidate, "\n")
  end
end

return policy({
  name = "completion",
  summary = "Make a shell complete commands, operations of AWS, and their input.",
  description = [[
Writes a script for the shell. In ~/.bashrc: source <(awsbak completion bash). In ~/.zshrc, after
compinit: source <(awsbak completion zsh). For fish, once:
awsbak completion fish > ~/.config/fish/completions/awsbak.fish]],
  options = {
    {
      "shell",
      positional = true,
      kind = "choice",
      choices = { "bash", "fish", "zsh" },
      help = "bash, fish or zsh",
    },
    { "line", help = "instead, write what the last word of this command line may become" },
  },
  examples = { "awsbak completion bash", "awsbak completion --line 'awsbak api ssm put-'" },
  run = function(o)
    output.take_stdout()
    if o.line then
      candidates(o.line)
    elseif o.shell then
      output.text(SCRIPTS[o.shell])
    else
      errors.raise({
        kind = "usage",
        code = "bad_option",
        message = "the shell is missing",
        hint = "give bash, fish or zsh",
      })
    end
  end,
})
