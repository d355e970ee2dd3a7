import type Docker from 'dockerode';
import { isColor } from '../../core/color.ts';
import { COMPOSE_LABEL, LABEL, releaseInPlace } from '../../core/labels.ts';
import type { ContainerState, Health, ObservedContainer } from '../../core/observed.ts';

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

/** What the planner needs of an inspect answer. Pure. */
export function observedContainer(info: Docker.ContainerInspectInfo): ObservedContainer {
  return {
    ...identityOf(info),
    ...stateOf(info.State),
    restarts: info.RestartCount,
    createdAt: Date.parse(info.Created),
    addresses: addressesOf(info),
  };
}

function identityOf(info: Docker.ContainerInspectInfo) {
  const labels = info.Config.Labels;
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
    number: Number(labels[COMPOSE_LABEL.number] ?? '1'),
    imageId: info.Image,
    image: info.Config.Image,
    version: environment(info.Config.Env, 'DEPLOY_VERSION'),
    configHash: labels[COMPOSE_LABEL.configHash] ?? null,
  };
}

function stateOf(state: Docker.ContainerInspectInfo['State']) {
  const ended = state.Status === 'exited' || state.Status === 'dead' || state.Status === 'restarting';
  return {
    state: STATES.has(state.Status) ? (state.Status as ContainerState) : 'dead',
    health: healthOf(state.Health?.Status),
    exitCode: ended ? state.ExitCode : null,
    oomKilled: state.OOMKilled,
    startedAt: moment(state.StartedAt),
    finishedAt: ended ? moment(state.FinishedAt) : null,
    pid: state.Pid > 0 ? state.Pid : null,
  };
}

function healthOf(status: string | undefined): Health {
  return status !== undefined && HEALTHS.has(status) ? (status as Health) : 'none';
}

/** The engine writes the year 1 for "never". */
function moment(text: string): number | null {
  const at = Date.parse(text);
  return Number.isNaN(at) || at <= 0 ? null : at;
}

function environment(variables: readonly string[] | null, name: string): string | null {
  const found = variables?.find((variable) => variable.startsWith(`${name}=`));
  return found === undefined ? null : found.slice(name.length + 1);
}

function addressesOf(info: Docker.ContainerInspectInfo): Record<string, string> {
  const networks = Object.entries(info.NetworkSettings.Networks);
  return Object.fromEntries(
    networks.flatMap(([name, { IPAddress, GlobalIPv6Address }]) => {
      const address = IPAddress === '' ? GlobalIPv6Address : IPAddress;
      return address === '' ? [] : [[name, address]];
    }),
  );
}
