import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { COMPOSE_LABEL, LABEL } from '../../core/labels.ts';

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

/** Somebody takes a container from its network. These events carry no labels: whose it is only a look can say. */
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
  const labels = [`${LABEL.project}=${project}`, `${COMPOSE_LABEL.project}=${project}`];
  const ofContainers = labels.map((label) => ({ type: ['container'], label: [label], event: EVENTS }));
  await Promise.all([...ofContainers, OF_NETWORKS].map((filters) => follow(docker, filters, changed, signal)));
}

async function follow(docker: Docker, filters: Filters, changed: () => void, signal: AbortSignal): Promise<void> {
  const stream = await docker.getEvents({ filters });
  const destroy = (): void => {
    if (stream instanceof Readable) stream.destroy();
  };
  const reopen = (): void => {
    signal.removeEventListener('abort', destroy);
    changed();
    if (!signal.aborted) setTimeout(() => void reconnect(docker, filters, changed, signal), RECONNECT_MS).unref();
  };
  stream.on('data', changed);
  stream.once('close', reopen);
  stream.on('error', () => undefined);
  signal.addEventListener('abort', destroy, { once: true });
  if (signal.aborted) destroy();
}

async function reconnect(docker: Docker, filters: Filters, changed: () => void, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  try {
    await follow(docker, filters, changed, signal);
  } catch {
    setTimeout(() => void reconnect(docker, filters, changed, signal), RECONNECT_MS).unref();
  }
}
