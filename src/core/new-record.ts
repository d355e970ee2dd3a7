import type { Compiled } from './compile.ts';
import type { RolloutRecord, RolloutVerb } from './record.ts';
import { type GivenTimes, withTimes } from './times.ts';

/** A new record, ready to be accepted. */
export function newRecord(
  compiled: Extract<Compiled, { kind: 'rollout' }>,
  about: { id: string; verb: RolloutVerb; project: string; now: number; times?: GivenTimes },
): RolloutRecord {
  const { times = {} } = about;
  const wired = compiled.steps.some((step) => step.kind === 'wire');
  return {
    format: 1,
    id: about.id,
    verb: about.verb,
    project: about.project,
    acceptedAt: about.now,
    endedAt: null,
    stable: withTimes(compiled.stable, times),
    candidate: withTimes(compiled.candidate, times),
    state: 'pending',
    pauseReason: null,
    message: null,
    steps: compiled.steps,
    cursor: 0,
    stepStartedAt: about.now,
    // Without a wire step the proxy works by our files already, with all traffic on the stable side.
    weight: wired ? null : 0,
    weightAt: null,
    downSince: null,
    downMs: null,
    ready: {},
    failures: [],
    scale: compiled.scale,
    strays: compiled.strays,
    discarded: [],
    staleRoutes: false,
    aborted: false,
    replaced: false,
    gateUntil: null,
    ungated: false,
    runs: [],
    hookEnd: null,
    hooks: compiled.hooks,
    aside: [],
  };
}
