/** A shell that asks `rekeyd` what may come next: its script, and where that goes. */
export interface CompletionScript {
  readonly script: string
  readonly install: string
}

/** What the scripts read for "names of files": no candidate of rekeyd starts with a colon. */
export const filesMark = ':files'

const bash = `# bash completion for rekeyd
_rekeyd() {
  local candidate
  COMPREPLY=()
  while IFS=$'\\t' read -r candidate _; do
    if [[ $candidate == ${filesMark} ]]; then
      compopt -o default
    else
      COMPREPLY+=("$candidate")
    fi
  done < <(rekeyd __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _rekeyd rekeyd
`

const zsh = `#compdef rekeyd
_rekeyd() {
  local line candidate
  local -a candidates
  for line in "\${(@f)$(rekeyd __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == ${filesMark} ]]; then
      compset -P '--*='
      _files
      return
    fi
    candidate=\${line%%$'\\t'*}
    [[ -n $candidate ]] && candidates+=("\${candidate//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe rekeyd candidates
}
if [[ $funcstack[1] == _rekeyd ]]; then
  _rekeyd "$@"
else
  compdef _rekeyd rekeyd
fi
`

const fish = `# fish completion for rekeyd
function __rekeyd_complete
  set -l typed (commandline -ct)
  set -l words (commandline -opc)
  for line in (rekeyd __complete -- $words[2..] "$typed" 2>/dev/null)
    if test "$line" = ${filesMark}
      set -l option (string match -r -- '^--[^=]*=' "$typed"; or echo)
      printf '%s\\n' $option(__fish_complete_path (string replace -r -- '^--[^=]*=' '' "$typed"))
    else
      printf '%s\\n' $line
    end
  end
end
complete -c rekeyd -f -a '(__rekeyd_complete)'
`

/** By the name of the shell. */
export const completionScripts = {
  bash: {
    script: bash,
    install: 'rekeyd completion bash > /etc/bash_completion.d/rekeyd',
  },
  zsh: {
    script: zsh,
    install: 'rekeyd completion zsh > /usr/local/share/zsh/site-functions/_rekeyd',
  },
  fish: {
    script: fish,
    install: 'rekeyd completion fish > ~/.config/fish/completions/rekeyd.fish',
  },
} as const satisfies Record<string, CompletionScript>
