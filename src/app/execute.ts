import { type Decision, wait, type Wait } from '../core/decision.ts';
import { DeployError, messageOf } from '../core/errors.ts';
import { next } from '../core/next.ts';
import type { Attempt, Observed } from '../core/observed.ts';
import type { Action } from '../core/plan.ts';
import { redact } from '../core/redact.ts';
import { currentStep, type RecordEvent, type RolloutRecord, runKey } from '../core/record.ts';
import { placeOf } from '../core/sides.ts';
import { brokenShared } from '../core/steps/containers.ts';
import { isTerminal } from '../core/state.ts';
import { steering } from '../core/steer.ts';
import { perform } from './actions.ts';
import { evidenceOf } from './evidence.ts';
import { HookRun } from './hook-run.ts';
import { Measuring } from './measuring.ts';
import { noteEvent } from './note-event.ts';
import { type FailureEvidence, failureOf, servesText } from './outcome.ts';
import { report, reportStart } from './report.ts';
import { observe, type Session } from './session.ts';
import { stopReason } from './stopping.ts';
import { Watcher, type Watched } from './watcher.ts';

/** How a rollout came to rest, and why if it failed. */
export interface Executed {
  readonly record: RolloutRecord;
  readonly evidence: FailureEvidence;
}

/** Errors of the proxy that no second try mends. */
const FATAL: ReadonlySet<string> = new Set([
  'proxy-rejected',
  'proxy-not-wired',
  'image-missing',
  'invalid-config',
  'state-unwritable',
]);

/** After these nobody here may go on: another process has the project, or there is no engine to act on. */
const ENDS_THE_PROCESS: ReadonlySet<string> = new Set(['superseded', 'engine-unreachable', 'compose-missing']);

/** Actions whose failure the planner judges; the others end the process, and the next command goes on. */
const JUDGED: ReadonlySet<string> = new Set([
  'create',
  'start',
  'run',
  'start-shared',
  'prepare',
  'route',
  'remove-networks',
]);

/** Actions after which the engine is as it was seen before. */
const OF_PROXY: ReadonlySet<string> = new Set(['prepare', 'route']);

/** Actions that end what may be the last to serve. */
const TAKES_AWAY: ReadonlySet<string> = new Set(['stop', 'remove']);

/**
 * Runs a rollout until it rests: completed, back, paused or held. Every decision is `next()`'s; an intent is in the
 * journal before each action and its result after. The signal means abort: the way back, not a stop.
 */
export async function execute(
  session: Session,
  record: RolloutRecord,
  signal: AbortSignal,
  continued: boolean,
): Promise<Executed> {
  const execution = new Execution(session, record, signal);
  reportStart(session.ports.emit, record, continued);
  try {
    const executed = await execution.run();
    await session.lock.check();
    await tellRest(session, executed, signal);
    return executed;
  } finally {
    await execution.close();
  }
}

/** Others follow this rollout by the journal: they end with the same words and the same exit code. */
async function tellRest(
  { ports, secrets }: Session,
  { record, evidence }: Executed,
  signal: AbortSignal,
): Promise<void> {
  const failure = failureOf(record, evidence, stopReason(signal));
  const clean = (text: string): string => redact(text, secrets);
  const error = failure && {
    code: failure.code,
    what: clean(failure.message),
    next: clean(failure.next),
    details: failure.details.map(clean),
  };
  await ports.store.append({ kind: 'rested', at: ports.clock.now(), rollout: record.id, error });
}

class Execution {
  #record: RolloutRecord;
  #seen: Observed | null = null;
  #seenAt = 0;
  #routerSeen = false;
  #attempts: Record<string, Attempt> = {};
  #cause: DeployError | null = null;
  #details: readonly string[] = [];
  readonly #session: Session;
  readonly #signal: AbortSignal;
  readonly #watcher: Watcher;
  readonly #measuring: Measuring;
  readonly #hooks: HookRun;

  constructor(session: Session, record: RolloutRecord, signal: AbortSignal) {
    this.#session = session;
    this.#record = record;
    this.#signal = signal;
    this.#watcher = new Watcher(session.ports, session.router);
    this.#measuring = new Measuring(session, this.#watcher.notify);
    this.#hooks = new HookRun(session, this.#watcher.notify);
    for (const each of this.#ends()) each.addEventListener('abort', this.#watcher.notify);
  }

  async run(): Promise<Executed> {
    await this.#watcher.start(this.#session.project);
    for (;;) {
      this.#leaveIfToGo();
      await this.#noticeRequests();
      await this.#noticeEnds();
      const decision = this.#atPause(next(this.#record, await this.#look(), this.#session.ports.clock.now()));
      if (decision.kind === 'leave' || decision.kind === 'finished') break;
      if (this.#needsNewLook(decision)) this.#seen = null;
      else await this.#follow(decision);
    }
    return { record: this.#record, evidence: { cause: this.#cause, details: this.#details } };
  }

  async close(): Promise<void> {
    for (const each of this.#ends()) each.removeEventListener('abort', this.#watcher.notify);
    this.#watcher.close();
    await Promise.all([this.#measuring.close(), this.#hooks.stop()]);
  }

  /** Whatever ends a wait before its time. */
  #ends(): readonly AbortSignal[] {
    const { leaving } = this.#session.ports;
    return leaving === undefined ? [this.#signal] : [this.#signal, leaving];
  }

  /** Between two decisions the journal says all that whoever comes next has to know. */
  #leaveIfToGo(): void {
    if (this.#session.ports.leaving?.aborted !== true) return;
    const { verb, candidate } = this.#record;
    throw new DeployError('interrupted', {
      what: `left in the middle: ${verb} of ${candidate.version ?? this.#record.id}`,
      serves: servesText(this.#record),
      next: 'it goes on where it stands with the agent’s next start, or the next command',
    });
  }

  /** What people ask: by Ctrl-C here, or by a verb in another terminal. */
  async #noticeRequests(): Promise<void> {
    const { store, emit } = this.#session.ports;
    const aborts = this.#signal.aborted && !this.#leavesPause() ? steering(this.#record, 'abort') : null;
    // Requests, and every change of the record, are for who has the project: a process that slept may not have it any more.
    await this.#session.lock.check();
    if (aborts !== null) await this.#change(aborts);
    for (let verb = await store.takeRequest(); verb !== null; verb = await store.takeRequest()) {
      const event = steering(this.#record, verb);
      if (event !== null) await this.#change(event);
      else emit({ kind: 'warning', code: null, message: `asked to ${verb}, which is not possible now`, hint: null });
    }
  }

  /** What ended in the background: measurements, unless nobody wants them any more, and a hook. */
  async #noticeEnds(): Promise<void> {
    const wanted = new Set(this.#record.runs.map(runKey));
    for (const event of this.#measuring.take()) if (wanted.has(event.run)) await this.#change(event);
    const hook = this.#hooks.take();
    if (hook === null) return;
    const { ok, text, tail, place } = hook;
    if (!ok) this.#details = [...this.#details, ...tail.map((line) => `${place.moment}: ${line}`)];
    await this.#change({ kind: 'hook-ended', ok, text });
  }

  /** Nothing is under way at a pause: a time that is over there changes nothing (ORACLE X05). */
  #leavesPause(): boolean {
    return this.#record.state === 'paused' && stopReason(this.#signal) === 'timeout';
  }

  /** A pause that only a person can end is left, unless somebody asked to watch what happens there. */
  #atPause(decision: Decision): Decision {
    if (this.#leavesPause()) return { kind: 'leave', until: null };
    // A Ctrl-C that came since it was looked for is an abort still to be taken, not a wish to leave.
    const mayStay = !this.#signal.aborted || steering(this.#record, 'abort') !== null;
    const stays = this.#session.attach && mayStay && !isTerminal(this.#record.state);
    return stays && decision.kind === 'leave' ? wait('a person to go on', Infinity) : decision;
  }

  #follow(decision: Exclude<Decision, { kind: 'leave' | 'finished' }>): Promise<void> {
    switch (decision.kind) {
      case 'act':
        return this.#act(decision.action);
      case 'event':
        return this.#change(decision.event);
      case 'wait':
        return this.#wait(decision.wait);
    }
  }

  /** The traffic is not moved by a look that the engine has news of. */
  #needsNewLook(decision: Decision): boolean {
    return decision.kind === 'act' && decision.action.kind === 'route' && this.#watcher.takeNews();
  }

  /** Looks again only after something could have changed; the proxy is asked once it was told something. */
  async #look(): Promise<Observed> {
    const asksRouter = this.#asksRouter();
    const { ports, project, router } = this.#session;
    if (this.#seen === null) {
      this.#seenAt = ports.clock.now();
      this.#watcher.takeNews(); // of what happened before this look
      this.#seen = await observe(ports, project, asksRouter ? router : null);
    } else if (asksRouter && !this.#routerSeen) this.#seen = { ...this.#seen, router: await router.read() };
    this.#routerSeen = asksRouter;
    return {
      ...this.#seen,
      probes: this.#watcher.probes,
      drains: this.#watcher.drains,
      hook: this.#hooks.running,
      attempts: this.#attempts,
    };
  }

  #asksRouter(): boolean {
    return this.#attempts['route'] !== undefined;
  }

  async #act(action: Action): Promise<void> {
    const { ports, lock } = this.#session;
    await ports.store.append({ kind: 'intent', at: ports.clock.now(), rollout: this.#record.id, action });
    await lock.check();
    if (this.#isOutdated(action)) {
      // Its intent has no result, as after a crash: what is decided next stands below it.
      this.#seen = null;
      return;
    }
    const error = await this.#tryTo(action);
    const at = ports.clock.now();
    const words = error === null ? null : redact(error.message, this.#session.secrets);
    await ports.store.append({ kind: 'result', at, rollout: this.#record.id, action: action.kind, error: words });
    if (!OF_PROXY.has(action.kind)) this.#seen = null;
    this.#routerSeen = false;
    if (error === null) this.#attempts[keyOf(action)] = { at, error: null, fatal: false };
    else this.#judge(action, error, at);
  }

  /** Nobody is ended by a look that the engine has news of: those who were to serve instead may be gone. */
  #isOutdated({ kind }: Action): boolean {
    return TAKES_AWAY.has(kind) && this.#watcher.takeNews();
  }

  async #tryTo(action: Action): Promise<Error | null> {
    try {
      const observed = await this.#look();
      await perform({ session: this.#session, hooks: this.#hooks, record: this.#record, observed }, action);
      return null;
    } catch (error) {
      return error instanceof Error ? error : new Error(messageOf(error));
    }
  }

  #judge(action: Action, error: Error, at: number): void {
    const code = error instanceof DeployError ? error.code : 'internal';
    if (ENDS_THE_PROCESS.has(code) || !JUDGED.has(action.kind)) throw error;
    if (error instanceof DeployError) this.#cause ??= error;
    const isForbidden = code === 'not-possible' && OF_PROXY.has(action.kind);
    this.#attempts[keyOf(action)] = { at, error: error.message, fatal: isForbidden || FATAL.has(code) };
  }

  async #change(given: RecordEvent): Promise<void> {
    if (given.kind === 'container-failed') await this.#gather(given.failure.id);
    if (given.kind === 'state') await this.#gatherShared();
    const noted = await noteEvent(this.#session, this.#record, given);
    const { before, after } = noted;
    this.#record = after;
    if (after.cursor !== before.cursor || after.steps !== before.steps) await this.#leaveStep();
    const details = [...this.#details, ...(this.#cause?.details ?? [])];
    report(this.#session.ports.emit, { ...noted, observed: await this.#look(), details });
  }

  /** What belongs to a step ends with it. */
  async #leaveStep(): Promise<void> {
    this.#attempts = {};
    await this.#hooks.stop();
  }

  async #gather(container: string | null): Promise<void> {
    if (container !== null)
      this.#details = [...this.#details, ...(await evidenceOf(this.#session.ports.engine, container))];
  }

  /** Shared services that keep the release from being started. */
  async #gatherShared(): Promise<void> {
    const step = currentStep(this.#record);
    if (step?.kind !== 'shared') return;
    for (const { id, name } of brokenShared(await this.#look(), step)) {
      await this.#gather(id);
      this.#cause ??= new DeployError('shared-failed', { what: `${name} does not serve` });
    }
  }

  async #wait(wait: Wait): Promise<void> {
    this.#session.ports.emit({
      kind: 'waiting',
      what: wait.what,
      until: Number.isFinite(wait.deadline) ? wait.deadline : null,
    });
    const containers = (await this.#look()).containers.map((container): Watched => {
      const { candidate, stable } = this.#record;
      const isCandidates = container.color === placeOf(candidate, container.service);
      const service = (isCandidates ? candidate : stable)?.services[container.service];
      return { container, probe: service?.route?.probe ?? null };
    });
    this.#measuring.follow(wait.measure, { record: this.#record, observed: await this.#look() });
    await this.#watcher.wait(wait, containers);
    // A probe or a count of requests says nothing new of the engine, and there are many of them.
    if (this.#watcher.takeNews() || this.#asksRouter() || this.#isOld(wait.until)) this.#seen = null;
  }

  /** What is decided at the end of a wait is decided by a new look, and no look is older than a fallback poll. */
  #isOld(waitEnds: number): boolean {
    const { clock, pollMs } = this.#session.ports;
    const now = clock.now();
    return now >= waitEnds || now - this.#seenAt >= pollMs;
  }
}

/** Actions on different services are different attempts. */
function keyOf(action: Action): string {
  return 'service' in action ? `${action.kind} ${action.service}` : action.kind;
}
