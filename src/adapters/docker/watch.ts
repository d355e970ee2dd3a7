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

/**
 * Calls back for every container event of a project until the signal fires. An event stream that ends is opened
 * again; whoever listens then looks at everything, since events in between are lost for good.
 */
export async function watchContainers(
  docker: Docker,
  project: string,
  changed: () => void,
  signal: AbortSignal,
): Promise<void> {
  const labels = [`${LABEL.project}=${project}`, `${COMPOSE_LABEL.project}=${project}`];
  await Promise.all(labels.map((label) => follow(docker, label, changed, signal)));
}

async function follow(docker: Docker, label: string, changed: () => void, signal: AbortSignal): Promise<void> {
  const stream = await docker.getEvents({ filters: { type: ['container'], label: [label], event: EVENTS } });
  const destroy = (): void => {
    if (stream instanceof Readable) stream.destroy();
  };
  const reopen = (): void => {
    signal.removeEventListener('abort', destroy);
    changed();
    if (!signal.aborted) setTimeout(() => void reconnect(docker, label, changed, signal), RECONNECT_MS).unref();
  };
  stream.on('data', changed);
  stream.once('close', reopen);
  stream.on('error', () => undefined);
  signal.addEventListener('abort', destroy, { once: true });
  if (signal.aborted) destroy();
}

async function reconnect(docker: Docker, label: string, changed: () => void, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  try {
    await follow(docker, label, changed, signal);
  } catch {
    setTimeout(() => void reconnect(docker, label, changed, signal), RECONNECT_MS).unref();
  }
}
