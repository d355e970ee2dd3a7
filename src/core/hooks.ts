import type { Command } from './checks.ts';
import type { Color } from './color.ts';
import type { Millis } from './observed.ts';
import type { HookPlace, SideName } from './plan.ts';
import type { RolloutVerb } from './record.ts';

/** The turns of a rollout at which hooks run, in their order (DESIGN section 4). */
export const HOOK_MOMENTS = [
  'pre_deploy',
  'pre_switch',
  'post_switch',
  'post_deploy',
  'pre_drain',
  'on_failure',
  'pre_rollback',
  'post_rollback',
] as const;

export type HookMoment = (typeof HOOK_MOMENTS)[number];

/** Where a hook's command runs: on the host, in a fresh container of a service's new image, or in running containers. */
export type HookSpec = { readonly command: Command; readonly timeoutMs: Millis } & (
  | { readonly kind: 'host' }
  | { readonly kind: 'run'; readonly service: string }
  | { readonly kind: 'exec'; readonly service: string }
);

/** Hooks by the moment at which they run; several run one after the other. */
export type Hooks = Readonly<Partial<Record<HookMoment, readonly HookSpec[]>>>;

export const NO_HOOKS: Hooks = {};

/** Between the end of a hook's time and the end of the last process of it, and of Compose around it. */
export const HOOK_GRACE_MS = 10_000;

/** What has hooks: a project, or a release of it. */
interface Hooked {
  readonly hooks: Hooks;
  readonly services: Readonly<Record<string, { readonly hooks: Hooks }>>;
}

/** The hook in a place of a release; undefined if there is none. */
export function hookAt(release: Hooked, { owner, moment, index }: HookPlace): HookSpec | undefined {
  return (owner === null ? release.hooks : release.services[owner]?.hooks)?.[moment]?.[index];
}

/**
 * Whose containers an `exec` hook of a replaced service runs in: the stable ones while only they serve or are about
 * to leave, the candidate's while it comes in or has failed. A shared service has only one side.
 */
const EXEC_SIDE: Readonly<Record<HookMoment, SideName>> = {
  pre_deploy: 'stable',
  pre_switch: 'candidate',
  post_switch: 'candidate',
  post_deploy: 'candidate',
  pre_drain: 'stable',
  on_failure: 'candidate',
  pre_rollback: 'candidate',
  post_rollback: 'stable',
};

/** The same in a rollback by hand, whose stable side is the one that is left. */
const EXEC_SIDE_BY_HAND: Readonly<Partial<Record<HookMoment, SideName>>> = {
  pre_rollback: 'stable',
  post_rollback: 'candidate',
};

/** The side whose containers an `exec` hook of a replaced service runs in. */
export function execSide(verb: RolloutVerb, moment: HookMoment): SideName {
  return (verb === 'rollback' ? EXEC_SIDE_BY_HAND[moment] : undefined) ?? EXEC_SIDE[moment];
}

/** `exec pg_dump … in db`: the command's first word, since the rest of it may hold a password. */
export function hookText(hook: HookSpec): string {
  const program = programOf(hook.command);
  switch (hook.kind) {
    case 'host':
      return `${program} on the host`;
    case 'run':
      return `run ${program} in a new container of ${hook.service}`;
    case 'exec':
      return `exec ${program} in ${hook.service}`;
  }
}

/** Variables in front of a command are not its name. */
function programOf(command: Command): string {
  const words = typeof command === 'string' ? command.trim().split(/\s+/) : command;
  const program = words.find((word) => !/^\w+=/.test(word)) ?? '';
  return words.length > 1 ? `${program} …` : program;
}

/** What a command of a hook or a check is told of the rollout. */
export interface CommandAbout {
  /** Null for a check. */
  readonly hook: HookMoment | null;
  readonly project: string;
  /** Of the candidate; null in place. */
  readonly color: Color | null;
  /** Of the candidate. */
  readonly version: string | null;
  /** Id of the candidate's release. */
  readonly release: string | null;
  /** The version that is being left: on a way back it is the candidate's. Null if nothing served before. */
  readonly from: string | null;
  /** The version that is being brought in: on a way back it is the stable one. */
  readonly to: string | null;
}

/** The variables of a command; what is not known is empty, so that a script can ask for it under `set -u`. */
export function commandEnvironment(about: CommandAbout): Readonly<Record<string, string>> {
  return {
    ...(about.hook === null ? {} : { DEPLOY_HOOK: about.hook }),
    DEPLOY_PROJECT: about.project,
    DEPLOY_COLOR: about.color ?? '',
    DEPLOY_VERSION: about.version ?? '',
    DEPLOY_RELEASE: about.release ?? '',
    DEPLOY_FROM: about.from ?? '',
    DEPLOY_TO: about.to ?? '',
  };
}
