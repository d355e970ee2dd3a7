import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { follow } from '../app/follow.ts';
import type { JournalEntry, Ports, Prober } from '../app/ports.ts';
import { isFinished } from '../app/recover.ts';
import { apply } from '../core/apply.ts';
import type { EventSink, ProgressEvent } from '../core/events.ts';
import type { Millis } from '../core/observed.ts';
import { currentStep, type RolloutRecord, type RolloutVerb, upgraded } from '../core/record.ts';
import { isTerminal, type State, TRANSITIONS } from '../core/state.ts';

const PREFIX = 'deploy_bg_';
const SECONDS = [1, 2, 5, 10, 20, 60, 120, 300, 900, 3600];
const PROBE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const WAIT_SECONDS = [0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600];
const REQUESTS = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

const VERBS: readonly RolloutVerb[] = ['deploy', 'rollback', 'reset'];
const STATES = Object.keys(TRANSITIONS) as State[];

/** What Prometheus reads: rollouts whoever runs them, by the journal; requests by those that run here. */
export class Metrics {
  readonly registry = new Registry();
  readonly #records = new Map<string, RolloutRecord>();
  readonly #ended = this.#counter('rollouts_total', 'Rollouts that ended, by verb and state.', ['verb', 'state']);
  readonly #duration = this.#histogram(
    'rollout_duration_seconds',
    'From the acceptance of a rollout to its end: the traffic has moved, or is back.',
    SECONDS,
    ['verb'],
  );
  readonly #state = this.#gauge('rollout_state', '1 for the state of the last rollout.', ['state']);
  readonly #step = this.#gauge(
    'rollout_step',
    '1 for the kind of step that the last rollout stands at, as long as it is not over.',
    ['step'],
  );
  readonly #weight = this.#gauge(
    'candidate_weight_percent',
    'Share of the traffic that the proxy sends to the candidate of the last rollout.',
  );
  readonly #failures = this.#counter('container_failures_total', 'Candidate containers that failed.', ['service']);
  readonly #routerChanges = this.#counter(
    'router_changes_total',
    'How often the proxy was told other routes, by whether it took them.',
    ['result'],
  );
  readonly #requests = this.#counter(
    'drained_requests_total',
    'Requests that were in flight when a container left the proxy, by what became of them.',
    ['result'],
  );
  readonly #drain = this.#histogram(
    'drain_duration_seconds',
    'How long a container took to finish its requests.',
    SECONDS,
  );
  readonly #inFlight = this.#histogram(
    'in_flight_at_switch',
    'Requests that a container held when it left the proxy.',
    REQUESTS,
  );
  readonly #probe = this.#histogram(
    'probe_duration_seconds',
    'How long a replica took to answer a probe, or not to.',
    PROBE_SECONDS,
    ['service', 'result'],
  );
  readonly #lockWait = this.#histogram(
    'lock_wait_seconds',
    'How long the project was waited for, because another command was at work.',
    WAIT_SECONDS,
  );
  readonly #scheduled = this.#gauge(
    'update_scheduled',
    '1 if the compose files have a schedule for updates, and the agent keeps it.',
  );
  readonly #updated = this.#gauge(
    'update_last_success_timestamp_seconds',
    'When an update by the schedule was done, or found nothing to do; before the first, since when there is a schedule.',
  );

  /** What is counted is there from the start: of a series that begins with 1 nobody sees that it grew. */
  constructor() {
    for (const verb of VERBS) for (const state of STATES.filter(isTerminal)) this.#ended.inc({ verb, state }, 0);
    for (const result of ['finished', 'cut']) this.#requests.inc({ result }, 0);
    for (const result of ['ok', 'failed']) this.#routerChanges.inc({ result }, 0);
  }

  /** Follows the journal until the signal fires. What ended before is no news. */
  async follow(ports: Ports, signal: AbortSignal): Promise<void> {
    let counts = false;
    for await (const entries of follow(ports, null, signal)) {
      for (const entry of entries) this.read(entry, counts);
      counts = true;
    }
  }

  /** @param counts it happened while somebody was there to count */
  read(entry: JournalEntry, counts: boolean): void {
    if (entry.kind === 'accepted') this.#show(this.#remember(upgraded(entry.record)));
    if (entry.kind === 'result' && entry.action === 'route' && counts) this.routed(entry.error === null);
    if (entry.kind !== 'event') return;
    const before = this.#records.get(entry.rollout);
    if (before === undefined) return;
    const after = this.#remember(apply(before, entry.event, entry.at));
    this.#show(after);
    if (!counts) return;
    if (entry.event.kind === 'container-failed') this.#failures.inc({ service: entry.event.failure.service });
    if (!isTerminal(before.state) && isTerminal(after.state)) this.#count(after, entry.at);
  }

  /** What the rollouts that run here tell. */
  readonly emit: EventSink = (event: ProgressEvent) => {
    if (event.kind === 'lock-taken') this.#lockWait.observe(event.waitedMs / 1000);
    if (event.kind !== 'drained') return;
    this.#requests.inc({ result: 'finished' }, event.finished);
    this.#requests.inc({ result: 'cut' }, event.cut);
    this.#inFlight.observe(event.inFlightAtSwitch);
    this.#drain.observe(event.ms / 1000);
  };

  /** The proxy was told other routes. */
  routed(isTaken: boolean): void {
    this.#routerChanges.inc({ result: isTaken ? 'ok' : 'failed' });
  }

  /** A prober whose answers are timed. */
  timed(prober: Prober): Prober {
    return {
      probe: async (container, spec) => {
        const end = this.#probe.startTimer({ service: container.service });
        const reading = await prober.probe(container, spec);
        end({ result: reading.ok ? 'ok' : 'failed' });
        return reading;
      },
    };
  }

  /** Whether updates run by a schedule from now on. */
  scheduled(isScheduled: boolean, now: Millis): void {
    this.#scheduled.set(isScheduled ? 1 : 0);
    if (isScheduled) this.updated(now);
  }

  /** An update by the schedule has ended well. */
  updated(now: Millis): void {
    this.#updated.set(now / 1000);
  }

  /** Only the last one changes; a folded journal tells all of them again. */
  #remember(record: RolloutRecord): RolloutRecord {
    this.#records.clear();
    this.#records.set(record.id, record);
    for (const service of Object.keys(record.candidate.services)) this.#failures.inc({ service }, 0);
    return record;
  }

  #show(record: RolloutRecord): void {
    const { state, weight } = record;
    this.#state.reset();
    this.#state.set({ state }, 1);
    this.#step.reset();
    const step = isFinished(record) ? undefined : currentStep(record);
    if (step !== undefined) this.#step.set({ step: step.kind }, 1);
    this.#weight.set(weight ?? 0);
  }

  #count({ verb, state, acceptedAt }: RolloutRecord, at: number): void {
    this.#ended.inc({ verb, state });
    this.#duration.observe({ verb }, (at - acceptedAt) / 1000);
  }

  #counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
  }

  #gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new Gauge({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
  }

  #histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames: readonly L[] = [],
  ): Histogram<L> {
    const registers = [this.registry];
    return new Histogram({ name: PREFIX + name, help, buckets: [...buckets], labelNames, registers });
  }
}
