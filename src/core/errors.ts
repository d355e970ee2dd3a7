/** Exit codes of every command (DESIGN section 11); 125 to 127 are Docker's own. */
export const EXIT = {
  ok: 0,
  failed: 1,
  invalid: 2,
  paused: 3,
  wayBackPaused: 4,
  refused: 5,
  superseded: 6,
  unreachable: 7,
  timeout: 124,
  interrupted: 130,
} as const;

/** Every error code with its exit code and what a person does next unless the error itself knows better. */
export const ERRORS = {
  'invalid-config': { exit: EXIT.invalid, next: 'correct the lines named above and run the command again' },
  'invalid-version': {
    exit: EXIT.invalid,
    next: 'use a name that is valid as an image tag: letters, digits, ".", "_" and "-", 128 at most',
  },
  'invalid-usage': { exit: EXIT.invalid, next: 'see docker-deploy-bg help' },
  'nothing-depends-on-version': {
    exit: EXIT.invalid,
    next: 'docker-deploy-bg init shows what to write; by hand: ${VERSION} in the images that a deploy shall replace, or x-deploy-bg: {version_env: TAG} for another variable',
  },
  'compose-rejected': {
    exit: EXIT.invalid,
    next: 'correct what Compose names; `docker compose config` shows the same',
  },
  'image-missing': { exit: EXIT.failed, next: 'check the tag, or build or push the image first' },
  'registry-unreachable': {
    exit: EXIT.unreachable,
    next: 'see that the registry can be reached from here, then run the command again',
  },
  'registry-refused': { exit: EXIT.failed, next: 'log in to the registry as the user who runs this: docker login' },
  'proxy-not-wired': { exit: EXIT.invalid, next: 'make the proxy import the generated files, as the README shows' },
  'proxy-rejected': { exit: EXIT.invalid, next: 'correct the proxy configuration or template that the proxy names' },
  'proxy-unreachable': { exit: EXIT.failed, next: 'see that the proxy container runs: docker compose ps' },
  'shared-failed': { exit: EXIT.failed, next: 'see the service’s logs; nothing of the release was started' },
  'rollout-failed': {
    exit: EXIT.failed,
    next: 'correct the cause named above and deploy again, with --build where the image changes',
  },
  'rollout-paused': {
    exit: EXIT.paused,
    next: 'docker-deploy-bg promote goes on, docker-deploy-bg abort takes it back',
  },
  'way-back-paused': {
    exit: EXIT.wayBackPaused,
    next: 'run docker-deploy-bg status, mend what it names, then docker-deploy-bg rollback',
  },
  locked: { exit: EXIT.refused, next: 'wait for the other command to end, then run this one again' },
  'foreign-store': {
    exit: EXIT.refused,
    next: 'deploy from the other checkout, or add --take-over to make this one the owner',
  },
  'nothing-to-go-back-to': {
    exit: EXIT.refused,
    next: 'docker-deploy-bg history lists the releases there are, docker-deploy-bg rollback --to VERSION goes to any of them',
  },
  'unknown-release': { exit: EXIT.refused, next: 'docker-deploy-bg history lists the releases there are' },
  'not-possible': { exit: EXIT.refused, next: 'run docker-deploy-bg status to see the state' },
  'not-allowed': { exit: EXIT.refused, next: 'ask the agent by its unix socket, .deploy-bg/agent.sock' },
  'not-confirmed': { exit: EXIT.refused, next: 'answer yes, or add --yes' },
  'state-unreadable': {
    exit: EXIT.refused,
    next: 'restore the file or move it away; running containers are not touched',
  },
  'state-unwritable': { exit: EXIT.refused, next: 'make the folder writable, or set DEPLOY_BG_STATE_DIR' },
  superseded: { exit: EXIT.superseded, next: 'run docker-deploy-bg status to see who took over' },
  'engine-unreachable': {
    exit: EXIT.unreachable,
    next: 'start the engine, or check DOCKER_HOST, --context and your permissions',
  },
  'compose-missing': { exit: EXIT.unreachable, next: 'install Docker Compose 2.27 or later' },
  'agent-unreachable': {
    exit: EXIT.unreachable,
    next: 'start it: docker compose up -d deploy-bg-agent; docker-deploy-bg agent init adds one to a project',
  },
  'engine-failed': {
    exit: EXIT.failed,
    next: 'see the engine’s words above, then run the command again: it goes on where it stopped',
  },
  timeout: { exit: EXIT.timeout, next: 'run docker-deploy-bg status; the rollout is continued by the next command' },
  interrupted: { exit: EXIT.interrupted, next: 'run docker-deploy-bg status' },
  internal: {
    exit: EXIT.failed,
    next: 'this is a defect: please report it with the output of docker-deploy-bg --progress json',
  },
} as const satisfies Record<string, { exit: number; next: string }>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorParts {
  /** What happened, one sentence. */
  readonly what: string;
  /** What still serves, one sentence; left out if nothing was touched or nothing is known. */
  readonly serves?: string | undefined;
  /** What to do next, if better is known than the table's default. */
  readonly next?: string | undefined;
  /** Evidence: health log, last log lines, diagnostics. */
  readonly details?: readonly string[] | undefined;
  readonly cause?: unknown;
}

/** The one error that people see: three parts, a stable code and the exit code of the table. */
export class DeployError extends Error {
  readonly code: ErrorCode;
  readonly exit: number;
  readonly serves: string | null;
  readonly next: string;
  readonly details: readonly string[];

  constructor(code: ErrorCode, parts: ErrorParts) {
    super(parts.what, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = 'DeployError';
    this.code = code;
    this.exit = ERRORS[code].exit;
    this.serves = parts.serves ?? null;
    this.next = parts.next ?? ERRORS[code].next;
    this.details = parts.details ?? [];
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
