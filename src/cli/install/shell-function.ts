import type { Shell } from '../invocation.ts';
import { shellWord, WANTS_US } from './shell-words.ts';

/** A shell function with the same effect as the launcher: `eval "$(docker-deploy-bg shell-init bash)"`. */
export function shellFunction(shell: Shell, executable: string): string {
  return shell === 'fish' ? fishFunction(executable) : posixFunction(executable);
}

function posixFunction(executable: string): string {
  return `\
_docker_deploy_bg_wanted() {
${WANTS_US}
}
docker() {
  if _docker_deploy_bg_wanted "$@"; then
    ${shellWord(executable)} "$@"
  else
    command docker "$@"
  fi
}
`;
}

function fishFunction(executable: string): string {
  return `\
function docker
    set -l words $argv
    while set -q words[1]
        switch $words[1]
            case deploy-bg
                ${fishWord(executable)} $argv
                return
            case help
                if test "$words[2]" = deploy-bg
                    ${fishWord(executable)} $argv
                    return
                end
                break
            case -c --context -H --host -l --log-level --config --tlscacert --tlscert --tlskey
                set -e words[1]
                set -q words[1]; and set -e words[1]
            case '--*=*' '-c*' '-H*' '-l*' -D --debug --tls --tlsverify
                set -e words[1]
            case '*'
                break
        end
    end
    command docker $argv
end
`;
}

/** In fish's single quotes a backslash escapes itself and the quote. */
function fishWord(text: string): string {
  return `'${text.replace(/[\\']/g, (sign) => `\\${sign}`)}'`;
}
