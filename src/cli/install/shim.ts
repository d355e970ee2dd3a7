import { SHIM_MARKER } from '../docker-binary.ts';
import { shellWord, WANTS_US } from './shell-words.ts';

/**
 * The `docker` launcher: hands `docker [flags] deploy-bg …` to the executable and becomes the real docker for all
 * else. It stands before every docker call of its user, so it starts no process of its own.
 *
 * The real docker is the first one behind this launcher in PATH: looking only behind it means that two launchers
 * cannot call each other in a circle.
 */
export function shimScript(executable: string): string {
  return `\
#!/bin/sh
# ${SHIM_MARKER}: \`docker deploy-bg\` goes there, everything else to the real docker.
ours=${shellWord(executable)}

wants_us() {
${WANTS_US}
}

if wants_us "$@"; then
  [ -x "$ours" ] || ours=$(command -v docker-deploy-bg) || {
    echo 'docker deploy-bg: docker-deploy-bg is gone; install it again, or remove this launcher:' "$0" >&2
    exit 127
  }
  exec "$ours" "$@"
fi

before= behind= passed=
saved=$IFS
IFS=:
set -f
for folder in $PATH; do
  file=\${folder:-.}/docker
  if [ "$file" -ef "$0" ]; then
    passed=yes
  elif [ -f "$file" ] && [ -x "$file" ]; then
    if [ -n "$passed" ]; then behind=$file; break; fi
    [ -n "$before" ] || before=$file
  fi
done
set +f
IFS=$saved
# Called by its path, from outside of PATH: then every docker in PATH is a real one.
[ -n "$passed" ] || behind=$before
[ -n "$behind" ] || { echo 'docker: there is no docker in PATH behind' "$0" >&2; exit 127; }
exec "$behind" "$@"
`;
}
