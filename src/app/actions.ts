import { colorService, composeProject } from '../core/color.ts';
import type { Observed, ObservedContainer } from '../core/observed.ts';
import type { ActionKind, ActionOf } from '../core/plan.ts';
import type { PreStopHook } from '../core/project.ts';
import type { RolloutRecord } from '../core/record.ts';
import type { Release } from '../core/release.ts';
import { requireSide } from '../core/sides.ts';
import type { HookRun } from './hook-run.ts';
import type { FrozenRelease } from './ports.ts';
import { frozen, type Session } from './session.ts';

/** What an action may look at besides itself. */
export interface ActionContext {
  readonly session: Session;
  /** Where hooks run while the rollout looks on. */
  readonly hooks: HookRun;
  readonly record: RolloutRecord;
  readonly observed: Observed;
}

type Actions = { readonly [K in ActionKind]: (context: ActionContext, action: ActionOf<K>) => Promise<void> };

/** One function a kind of action: a missing one does not compile. Each is safe to repeat. */
const ACTIONS: Actions = {
  'start-shared': async ({ session }, { service }) => {
    if (session.files === null)
      throw new Error(`${service} does not run, and there are no compose files to start it from`);
    await session.ports.compose.startShared(session.files, service);
  },
  run: async ({ session, record }, { service }) => {
    const release = await frozen(session, record.candidate, { rollout: record.id, service });
    await session.ports.compose.freeze(release);
    await session.ports.compose.runOnce(release, service);
  },
  create: async ({ session, record }, { side, service, total }) => {
    const release = await frozen(session, requireSide(record, side), { rollout: record.id, service });
    const { compose, engine } = session.ports;
    if (release.color === null) await pointTag(session, release, service);
    await compose.freeze(release);
    if ((await compose.up(release, service, total)) === 'started') return;
    await engine.startCreated(composeProject(record.project, release.color), colorService(service, release.color));
  },
  start: async (context, { containers }) => {
    await Promise.all(containers.map((id) => startContainer(context, id)));
  },
  stop: async (context, { containers }) => {
    await Promise.all(containers.map((id) => stopContainer(context, id)));
  },
  prepare: ({ session }, { routes }) => session.router.prepare(routes),
  route: ({ session }, { routes }) => session.router.apply(routes),
  remove: async (context, { containers, graceful }) => {
    await Promise.all(containers.map((id) => removeContainer(context, id, graceful)));
  },
  'remove-networks': ({ session, record }, { side }) =>
    session.ports.engine.removeNetworks(composeProject(record.project, requireSide(record, side).color)),
  'set-color': ({ session }, { color }) => session.ports.store.setColor(color),
  hook: (context, action) => context.hooks.start(action, context),
};

/** Performs one action; throws what the adapter throws. */
export function perform<K extends ActionKind>(context: ActionContext, action: ActionOf<K>): Promise<void> {
  const run: (context: ActionContext, action: ActionOf<K>) => Promise<void> = ACTIONS[action.kind];
  return run(context, action);
}

/** In place images go by the user's own tag: it has to name what the release was made of, wherever it went since. */
async function pointTag({ ports }: Session, { release }: FrozenRelease, service: string): Promise<void> {
  const spec = release.services[service];
  if (spec === undefined || (await ports.engine.image(spec.image))?.id === spec.imageId) return;
  await ports.engine.tag(spec.imageId, spec.image);
  const message = `${spec.image} names the image of ${release.version} again`;
  ports.emit({ kind: 'warning', code: null, message, hint: null });
}

/** Without its restart policy, or a restart of the engine would start it beside what replaces it. */
async function stopContainer(context: ActionContext, id: string): Promise<void> {
  const { engine } = context.session.ports;
  const container = context.observed.containers.find((c) => c.id === id);
  if (container === undefined) return;
  await engine.setRestart(id, 'no');
  await engine.stop(id, await stopOptions(context, container));
}

/** With the restart policy that a stop took away. */
async function startContainer(context: ActionContext, id: string): Promise<void> {
  const { engine } = context.session.ports;
  const container = context.observed.containers.find((c) => c.id === id);
  const release = container === undefined ? null : await releaseOf(context, container);
  const restart = release?.services[container?.service ?? '']?.restart;
  if (restart !== undefined) await engine.setRestart(id, restart);
  await engine.start(id);
}

async function removeContainer(context: ActionContext, id: string, graceful: boolean): Promise<void> {
  const { engine, emit } = context.session.ports;
  const container = context.observed.containers.find((c) => c.id === id);
  if (container === undefined) return;
  if (graceful && container.state !== 'exited') await engine.stop(id, await stopOptions(context, container));
  await engine.remove(id);
  emit({ kind: 'container', service: container.service, container: container.name, change: 'removed', detail: null });
}

/** As the release says that the container is of; adopted ones are stopped as their successor's file says. */
async function stopOptions(
  context: ActionContext,
  container: ObservedContainer,
): Promise<{ graceMs: number; preStop: readonly PreStopHook[] }> {
  const service = (await releaseOf(context, container))?.services[container.service];
  return { graceMs: service?.stopGraceMs ?? 10_000, preStop: service?.preStop ?? [] };
}

async function releaseOf({ session, record }: ActionContext, container: ObservedContainer): Promise<Release | null> {
  const { store } = session.ports;
  const own = container.release === null ? null : await store.release(container.release);
  const { release: successor } = record.candidate;
  return own ?? (successor === null ? null : store.release(successor));
}
