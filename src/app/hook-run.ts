import { messageOf } from '../core/errors.ts';
import { execSide, HOOK_GRACE_MS, hookAt, type HookSpec, hookText } from '../core/hooks.ts';
import type { ObservedContainer, RunningHook } from '../core/observed.ts';
import type { ActionOf, HookPlace } from '../core/plan.ts';
import { type HookEnd, sideOf } from '../core/record.ts';
import type { Release } from '../core/release.ts';
import { replicasOn } from '../core/sides.ts';
import { environmentOf } from './about.ts';
import type { HookResult } from './hook-ports.ts';
import type { Seen } from './measuring.ts';
import { frozen, type Session } from './session.ts';

/** How a hook ended, with the last lines that it printed. */
export interface EndedHook extends HookEnd {
  readonly place: HookPlace;
  readonly tail: readonly string[];
}

interface Running extends RunningHook {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Runs one hook at a time in the background, shows what it prints, and keeps how it ended. */
export class HookRun {
  readonly #session: Session;
  readonly #notify: () => void;
  #running: Running | null = null;
  #ended: EndedHook | null = null;

  constructor(session: Session, notify: () => void) {
    this.#session = session;
    this.#notify = notify;
  }

  /** The hook that runs now; one whose end nobody has taken yet does, or who looks in between would begin it again. */
  get running(): RunningHook | null {
    if (this.#running !== null) return { until: this.#running.until };
    return this.#ended === null ? null : { until: this.#session.ports.clock.now() };
  }

  /** Begins a hook of a release; one that the release does not have has failed. */
  async start(place: ActionOf<'hook'>, seen: Seen): Promise<void> {
    const found = await this.#find(place, seen);
    if (found === null) {
      this.#end(place, { ok: false, text: 'its release is not in the store', tail: [] });
      return;
    }
    const { release, hook } = found;
    const stop = new AbortController();
    const until = this.#session.ports.clock.now() + hook.timeoutMs + HOOK_GRACE_MS;
    const ended = this.#run(place, hook, release, seen, stop.signal).then((result) => {
      this.#running = null;
      this.#tell(place, hook, result.ok ? 'succeeded' : 'failed', result.text);
      if (!stop.signal.aborted) this.#end(place, result);
    });
    this.#running = { until, stop, ended };
  }

  #end(place: HookPlace, { ok, text, tail }: Pick<HookResult, 'ok' | 'text' | 'tail'>): void {
    this.#ended = { place, ok, text, tail };
    this.#notify();
  }

  /** How the hook ended that has ended since the last call. */
  take(): EndedHook | null {
    const ended = this.#ended;
    this.#ended = null;
    return ended;
  }

  /** Ends the hook that runs, and returns when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#running?.stop.abort();
    await this.#running?.ended;
    this.#ended = null;
  }

  async #find(place: HookPlace, { record }: Seen): Promise<{ release: Release; hook: HookSpec } | null> {
    const id = sideOf(record, place.of)?.release ?? null;
    const release = id === null ? null : await this.#session.ports.store.release(id);
    const hook = release === null ? undefined : hookAt(release, place);
    return release === null || hook === undefined ? null : { release, hook };
  }

  async #run(place: HookPlace, hook: HookSpec, release: Release, seen: Seen, signal: AbortSignal): Promise<HookResult> {
    const { ports, directory } = this.#session;
    const { record } = seen;
    const { moment } = place;
    this.#tell(place, hook, 'started', null);
    try {
      const side = sideOf(record, place.of);
      return await ports.hooks.run(
        hook,
        {
          moment,
          environment: environmentOf(record, moment),
          directory,
          frozen:
            hook.kind === 'run' && side !== null
              ? await frozen(this.#session, side, { rollout: record.id, service: hook.service })
              : null,
          containers: hook.kind === 'exec' ? containersFor(hook.service, release, place, seen) : [],
          onLine: (line) => {
            this.#tell(place, hook, 'printed', line);
          },
        },
        signal,
      );
    } catch (error) {
      return { ok: false, exitCode: null, timedOut: false, text: messageOf(error), tail: [] };
    }
  }

  #tell(
    { moment }: HookPlace,
    hook: HookSpec,
    change: 'started' | 'printed' | 'succeeded' | 'failed',
    detail: string | null,
  ): void {
    this.#session.ports.emit({ kind: 'hook', moment, hook: hookText(hook), change, detail });
  }
}

/** A service that deploys replace has two sides; a shared one only runs. */
function containersFor(
  service: string,
  release: Release,
  { moment }: HookPlace,
  { record, observed }: Seen,
): readonly ObservedContainer[] {
  if (service in release.services) return replicasOn(record, observed, execSide(record.verb, moment), service);
  return observed.containers.filter((c) => c.color === null && c.service === service && !c.oneOff);
}
