import type { Shell } from '../invocation.ts';

const COMMAND = 'docker-deploy-bg';

/** A script that has a shell ask us for what can stand next, as docker's own completion does for `docker deploybg`. */
export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}

/** Each asks with the words before the cursor and the one that is begun; lines with a colon are directives. */
const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `\
_docker_deploy_bg_complete() {
  local line words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  while IFS= read -r line; do
    [[ $line == :* ]] || COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("\${COMP_WORDS[0]}" __complete "\${words[@]}" 2>/dev/null)
}
complete -F _docker_deploy_bg_complete ${COMMAND}
`,
  zsh: `\
#compdef ${COMMAND}
_docker_deploy_bg_complete() {
  local line
  local -a found
  while IFS= read -r line; do
    [[ $line == :* ]] || found+=("\${\${line//:/\\\\:}/$'\\t'/:}")
  done < <("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe '${COMMAND}' found
}
compdef _docker_deploy_bg_complete ${COMMAND}
`,
  fish: `\
function __docker_deploy_bg_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] __complete $words[2..] 2>/dev/null | string match -v ':*'
end
complete -c ${COMMAND} -f -a '(__docker_deploy_bg_complete)'
`,
};
