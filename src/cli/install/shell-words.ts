/** A text as one word of a POSIX shell, whatever is in it. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * Body of a POSIX shell function: true if the words of a docker command line mean us. Docker's global flags may stand
 * before; anything else that comes first means docker itself.
 */
export const WANTS_US = `\
  while [ $# -gt 0 ]; do
    case $1 in
      deploy-bg) return 0 ;;
      help) [ "\${2-}" = deploy-bg ]; return ;;
      -c|--context|-H|--host|-l|--log-level|--config|--tlscacert|--tlscert|--tlskey)
        shift; [ $# -gt 0 ] || return 1 ;;
      --*=*|-[cHl]?*|-D|--debug|--tls|--tlsverify) ;;
      *) return 1 ;;
    esac
    shift
  done
  return 1`;
