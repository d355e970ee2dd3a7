import { EXIT } from '../core/errors.ts';
import { type Leftover, leftovers } from '../core/leftovers.ts';
import type { Ports } from './ports.ts';
import { settle } from './recover.ts';
import { forgetOldReleases } from './releases.ts';
import { inSession, locate, observe, type Location, type Session } from './session.ts';
import { type Known, survey } from './state.ts';

export interface CleanupItem {
  readonly kind: string;
  readonly name: string;
  readonly why: string;
}

export interface CleanupResult {
  readonly removed: readonly CleanupItem[];
  readonly exit: number;
}

/** Finishes what a killed command left, then removes what is not live. Shows it only, with `dryRun`. */
export async function cleanup(
  ports: Ports,
  options: { readonly dryRun: boolean },
  signal: AbortSignal,
): Promise<CleanupResult> {
  const location = await locate(ports, 'cleanup');
  if (options.dryRun) return { removed: await wouldRemove(ports, location), exit: EXIT.ok };
  return inSession(ports, location, { verb: 'cleanup', files: null }, (session) =>
    cleanupIn(session, location, signal),
  );
}

async function cleanupIn(session: Session, location: Location, signal: AbortSignal): Promise<CleanupResult> {
  await settle(session, signal, { forwardTo: null, endHold: true });
  const strays = await removeStrays(session, 'leftovers');
  const releases = await forgetOldReleases(session, location.history);
  const forgotten = releases.map(({ id, version }) => {
    return { kind: 'release', name: id, why: `${version} is not kept for rollback any more` };
  });
  const tags = await removeLooseTags(session);
  await agreeOnColor(session, await survey(session));
  return { removed: [...strays, ...forgotten, ...tags], exit: EXIT.ok };
}

async function wouldRemove(ports: Ports, location: Location): Promise<CleanupItem[]> {
  const router = ports.router({ spec: location.proxy, project: location.project });
  const { observed, live, records } = await survey({
    ports,
    project: location.project,
    router,
    replaced: location.replaced,
  });
  return leftovers(observed, live, records, location.replaced).map(({ kind, name, why }) => ({ kind, name, why }));
}

/** Removes the leftovers, or everything that is in a color, gracefully. */
export async function removeStrays(
  session: Session,
  which: 'leftovers' | 'everything in a color',
): Promise<CleanupItem[]> {
  const { observed, live, records } = await survey(session);
  const found: readonly Leftover[] = leftovers(
    observed,
    which === 'leftovers' ? live : { kind: 'none' },
    which === 'leftovers' ? records : [],
    session.replaced,
  );
  await Promise.all(found.flatMap((item) => (item.kind === 'container' ? [removeContainer(session, item.id)] : [])));
  const after = await observe(session.ports, session.project, null);
  const empty = after.networks.filter(
    (name) =>
      name !== session.project && !after.containers.some((c) => c.color !== null && name.endsWith(`-${c.color}`)),
  );
  for (const name of empty) await session.ports.engine.removeNetworks(name);
  return found.map(({ kind, name, why }) => ({ kind, name, why }));
}

async function removeContainer(session: Session, id: string): Promise<void> {
  await session.lock.check();
  await session.ports.engine.stop(id, { graceMs: 10_000, preStop: [] });
  await session.ports.engine.remove(id);
}

/** Our own tags whose release is gone. */
async function removeLooseTags({ ports, project }: Session): Promise<CleanupItem[]> {
  const kept = new Set(
    (await ports.store.releases()).flatMap((release) => Object.values(release.services).map((s) => s.pinnedImage)),
  );
  const loose = (await ports.engine.pinnedTags(project)).filter((tag) => !kept.has(tag));
  for (const tag of loose) await ports.engine.untag(tag);
  return loose.map((name) => ({ kind: 'image tag', name, why: 'its release is gone' }));
}

/** `.deployment-color` follows the evidence. */
async function agreeOnColor({ ports }: Session, { live, observed }: Known): Promise<void> {
  if (live.kind === 'unclear') return;
  const color = live.kind === 'color' ? live.color : null;
  if (observed.color !== color) await ports.store.setColor(color);
}
