import * as z from 'zod';
import { isColor } from '../../core/color.ts';
import { COMPOSE_LABEL, LABEL, releaseInPlace } from '../../core/labels.ts';
import type { ContainerState, Health, ObservedContainer } from '../../core/observed.ts';
import { addressesOf, networkSettings } from './networks.ts';

const STATES: ReadonlySet<string> = new Set([
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
]);
const HEALTHS: ReadonlySet<string> = new Set(['starting', 'healthy', 'unhealthy']);

/** What is read of an inspect answer. Engines leave out what is empty, or write null; a state they always have. */
const answer = z.object({
  Id: z.string().min(1),
  Name: z.string(),
  Created: z.iso.datetime({ offset: true }),
  RestartCount: z.number().nullish(),
  Image: z.string(),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number().nullish(),
    OOMKilled: z.boolean().nullish(),
    Pid: z.number().nullish(),
    StartedAt: z.string().nullish(),
    FinishedAt: z.string().nullish(),
    Health: z.object({ Status: z.string().nullish() }).nullish(),
  }),
  Config: z.object({
    Image: z.string(),
    Env: z.array(z.string()).nullish(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
  NetworkSettings: networkSettings,
});
type Answer = z.output<typeof answer>;

/** What the planner needs of an inspect answer. Pure. @throws if it is none: what is not known is not guessed */
export function observedContainer(info: unknown): ObservedContainer {
  const parsed = answer.parse(info);
  return {
    ...identityOf(parsed),
    ...stateOf(parsed.State),
    restarts: parsed.RestartCount ?? 0,
    createdAt: Date.parse(parsed.Created),
    addresses: addressesOf(parsed.NetworkSettings),
  };
}

function identityOf(info: Answer) {
  const labels = info.Config.Labels ?? {};
  const color = labels[LABEL.color];
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    service: labels[LABEL.service] ?? labels[COMPOSE_LABEL.service] ?? '',
    color: isColor(color) ? color : null,
    release: labels[LABEL.release] ?? releaseInPlace(labels[COMPOSE_LABEL.configFiles]),
    rollout: labels[LABEL.rollout] ?? null,
    store: labels[LABEL.store] ?? null,
    oneOff: labels[COMPOSE_LABEL.oneoff] === 'True',
    number: numberOf(labels[COMPOSE_LABEL.number]),
    imageId: info.Image,
    image: info.Config.Image,
    version: environment(info.Config.Env ?? [], 'DEPLOY_VERSION'),
    configHash: labels[COMPOSE_LABEL.configHash] ?? null,
  };
}

function numberOf(label: string | undefined): number {
  return label !== undefined && /^\d{1,9}$/.test(label) ? Number(label) : 1;
}

function stateOf(state: Answer['State']) {
  const ended = state.Status === 'exited' || state.Status === 'dead' || state.Status === 'restarting';
  const pid = state.Pid ?? 0;
  return {
    state: STATES.has(state.Status) ? (state.Status as ContainerState) : 'dead',
    health: healthOf(state.Health?.Status),
    exitCode: ended ? (state.ExitCode ?? null) : null,
    oomKilled: state.OOMKilled ?? false,
    startedAt: moment(state.StartedAt),
    finishedAt: ended ? moment(state.FinishedAt) : null,
    pid: pid > 0 ? pid : null,
  };
}

function healthOf(status: string | null | undefined): Health {
  return status != null && HEALTHS.has(status) ? (status as Health) : 'none';
}

/** The engine writes the year 1 for "never". */
function moment(text: string | null | undefined): number | null {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) || at <= 0 ? null : at;
}

function environment(variables: readonly string[], name: string): string | null {
  const found = variables.find((variable) => variable.startsWith(`${name}=`));
  return found === undefined ? null : found.slice(name.length + 1);
}
