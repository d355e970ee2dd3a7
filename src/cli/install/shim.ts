import { SHIM_MARKER } from '../docker-binary.ts';
import { shellWord, WANTS_US } from './shell-words.ts';

/**
 * The `docker` launcher: hands `docker [flags] deploy-bg …` to the executable and becomes the real docker for all
 * else. It stands before every docker call of its user, so it starts no process of its own.
 * The real docker is the first one in PATH behind this launcher that is no launcher of ours, or else one before it, so
 * that neither two of them nor one and a wrapper of its user call each other in a circle. Only the first line of it is
 * read, and of a script the second.
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

real= before= found=
saved=$IFS
IFS=:
set -f
for folder in $PATH; do
  file=\${folder:-.}/docker first= second=
  { [ -f "$file" ] && [ -x "$file" ]; } || continue
  if [ -z "$found" ] && [ "$file" -ef "$0" ]; then
    found=1 before=$real real=
    continue
  fi
  [ -z "$real" ] || continue
  { IFS= read -r first && [ "$first" = '#!/bin/sh' ] && IFS= read -r second; } 2>/dev/null <"$file"
  case $second in
    *'${SHIM_MARKER}'*) ;;
    *) real=$file ;;
  esac
done
set +f
IFS=$saved
# One that stands before may be a wrapper that calls this launcher: it is called once.
if [ -z "$real" ] && [ -z "\${DEPLOY_BG_LAUNCHER-}" ]; then
  real=$before
  export DEPLOY_BG_LAUNCHER=1
fi
[ -n "$real" ] || { echo 'docker: there is no docker in PATH besides' "$0" >&2; exit 127; }
exec "$real" "$@"
`;
}
