import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { COMPOSE_LABEL, LABEL } from '../../core/labels.ts';
import { statusCode } from './status-code.ts';

/** Between the end of an event stream and the next try to open one. */
const RECONNECT_MS = 250;

/** What changes a decision; the exec events of health checks do not. */
const EVENTS = [
  'create',
  'start',
  'die',
  'stop',
  'oom',
  'pause',
  'unpause',
  'restart',
  'destroy',
  'rename',
  'health_status',
];

type Filters = Readonly<Record<string, string[]>>;

/** Somebody takes a container from its network. */
const OF_NETWORKS: Filters = { type: ['network'], event: ['disconnect'] };

/**
 * Calls back for every container event of a project, and when one leaves a network, until the signal fires. An event stream that ends is opened
 * again; whoever listens then looks at everything, since events in between are lost for good.
 */
export async function watchContainers(
  docker: Docker,
  project: string,
  changed: () => void,
  signal: AbortSignal,
): Promise<void> {
  const labels = [LABEL.project, COMPOSE_LABEL.project];
  const ofContainers = labels.map((label) => ({
    filters: { type: ['container'], label: [`${label}=${project}`], event: EVENTS },
    heard: changed,
  }));
  const ofNetworks = { filters: OF_NETWORKS, heard: (event: string) => void whenOurs(docker, event, project, changed) };
  await Promise.all([...ofContainers, ofNetworks].map((part) => follow(docker, { ...part, changed }, signal)));
}

interface NetworkEvent {
  readonly Actor: { readonly Attributes: { readonly container?: string } };
}

/** Events of networks carry no labels: whose container it is only a look at it can say. One that is gone had events of its own. */
async function whenOurs(docker: Docker, event: string, project: string, changed: () => void): Promise<void> {
  try {
    const { Actor } = JSON.parse(event) as NetworkEvent;
    const { Config } = await docker.getContainer(Actor.Attributes.container ?? '').inspect();
    if ([LABEL.project, COMPOSE_LABEL.project].some((label) => Config.Labels[label] === project)) changed();
  } catch (error) {
    if (statusCode(error) !== 404) changed();
  }
}

interface Part {
  readonly filters: Filters;
  /** Called with each event. */
  readonly heard: (event: string) => void;
  /** Called when events may have been missed. */
  readonly changed: () => void;
}

async function follow(docker: Docker, part: Part, signal: AbortSignal): Promise<void> {
  const stream = await docker.getEvents({ filters: part.filters });
  if (!(stream instanceof Readable)) return;
  const destroy = (): void => void stream.destroy();
  const reopen = (): void => {
    signal.removeEventListener('abort', destroy);
    part.changed();
    if (!signal.aborted) setTimeout(() => void reconnect(docker, part, signal), RECONNECT_MS).unref();
  };
  createInterface({ input: stream }).on('line', part.heard);
  stream.once('close', reopen);
  stream.on('error', () => undefined);
  signal.addEventListener('abort', destroy, { once: true });
  if (signal.aborted) destroy();
}

async function reconnect(docker: Docker, part: Part, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  try {
    await follow(docker, part, signal);
  } catch {
    setTimeout(() => void reconnect(docker, part, signal), RECONNECT_MS).unref();
  }
}
