#!/usr/bin/env bash
# Deploys a version of a project on a server, over ssh, and ends as the deploy ends there: ./deploy.sh VERSION [ARGUMENT...]
#
#   DEPLOY_HOST         the server
#   DEPLOY_DIRECTORY    the project's folder on it
#   DEPLOY_KNOWN_HOSTS  the server's public key, as ssh-keyscan prints it and you have compared it once
#   DEPLOY_KEY          the private key; empty: what ssh finds, as an agent
#   DEPLOY_USER         who owns the folder; empty: as ssh decides
#   DEPLOY_PORT         empty: as ssh decides
#   DEPLOY_VERSION, DEPLOY_ARGUMENTS   instead of the words of the command; arguments are split at white space
#
# Exit codes are those of docs/reference.md, and 255 if the connection could not be made or broke.
set -euo pipefail

say() { printf 'deploy.sh: %s\n' "$*" >&2; }

# For the next steps of a pipeline, where there are some.
finish() {
  [ -z "${GITHUB_OUTPUT:-}" ] || printf 'outcome=%s\nexit-code=%s\n' "$(outcome "$1")" "$1" >>"$GITHUB_OUTPUT"
  exit "$1"
}

outcome() {
  case $1 in
    0) echo completed ;;
    1) echo rolled-back ;;
    2) echo invalid ;;
    3) echo paused ;;
    4) echo way-back-paused ;;
    5) echo refused ;;
    6) echo superseded ;;
    7) echo unreachable ;;
    124) echo timeout ;;
    130) echo interrupted ;;
    255) echo no-connection ;;
    *) echo unknown ;;
  esac
}

need() {
  [ -n "${!1:-}" ] || { say "$1 is not set: the head of this script says what it is"; finish 2; }
}

# One word for the shell of the server, whatever is in it.
quoted() {
  local escaped=${1//\'/\'\\\'\'}
  printf " '%s'" "$escaped"
}

# The line that the server runs. Nothing behind `--` is an option.
remote_line() {
  local word
  printf 'cd --%s && exec docker-deploy-bg deploy' "$(quoted "$DEPLOY_DIRECTORY")"
  for word in "${@:2}"; do quoted "$word"; done
  printf ' --%s' "$(quoted "$1")"
}

main() {
  local version=${1:-${DEPLOY_VERSION:-}} host=${DEPLOY_HOST:-} arguments=("${@:2}") options exit=0
  [ -n "$version" ] || { say 'no version is given'; finish 2; }
  need DEPLOY_HOST
  need DEPLOY_DIRECTORY
  need DEPLOY_KNOWN_HOSTS
  [ $# -gt 0 ] || read -r -d '' -a arguments <<<"${DEPLOY_ARGUMENTS:-}" || true

  umask 077
  SECRETS=$(mktemp -d)
  trap 'rm -rf "$SECRETS"' EXIT
  printf '%s\n' "$DEPLOY_KNOWN_HOSTS" >"$SECRETS/known_hosts"
  options=(
    -T -n -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4
    -o StrictHostKeyChecking=yes -o "UserKnownHostsFile=$SECRETS/known_hosts" -o GlobalKnownHostsFile=/dev/null
  )
  if [ -n "${DEPLOY_KEY:-}" ]; then
    printf '%s\n' "${DEPLOY_KEY//$'\r'/}" >"$SECRETS/key"
    options+=(-o IdentitiesOnly=yes -i "$SECRETS/key")
  fi
  [ -z "${DEPLOY_USER:-}" ] || options+=(-l "$DEPLOY_USER")
  [ -z "${DEPLOY_PORT:-}" ] || options+=(-p "$DEPLOY_PORT")

  ssh "${options[@]}" -- "$host" "$(remote_line "$version" "${arguments[@]}")" || exit=$?
  case $exit in
    127) say 'the server has no docker-deploy-bg in the PATH of ssh: link it into /usr/local/bin' ;;
    255) say 'no connection, or it broke. A deploy that has begun goes on: the same again watches it, or finds it done' ;;
  esac
  finish "$exit"
}

main "$@"
