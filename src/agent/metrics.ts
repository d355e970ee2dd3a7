import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { follow } from '../app/follow.ts';
import type { JournalEntry, Ports } from '../app/ports.ts';
import { apply } from '../core/apply.ts';
import type { EventSink, ProgressEvent } from '../core/events.ts';
import { type RolloutRecord, upgraded } from '../core/record.ts';
import { isTerminal } from '../core/state.ts';

const SECONDS = [1, 2, 5, 10, 20, 60, 120, 300, 900, 3600];

/** What Prometheus reads: rollouts whoever runs them, by the journal; requests by those that run here. */
export class Metrics {
  readonly registry = new Registry();
  readonly #records = new Map<string, RolloutRecord>();
  readonly #ended = new Counter({
    name: 'deploy_bg_rollouts_total',
    help: 'Rollouts that ended, by verb and state.',
    labelNames: ['verb', 'state'],
    registers: [this.registry],
  });
  readonly #duration = new Histogram({
    name: 'deploy_bg_rollout_duration_seconds',
    help: 'From the acceptance of a rollout to its end: the traffic has moved, or is back.',
    labelNames: ['verb'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #state = new Gauge({
    name: 'deploy_bg_rollout_state',
    help: '1 for the state of the last rollout.',
    labelNames: ['state'],
    registers: [this.registry],
  });
  readonly #weight = new Gauge({
    name: 'deploy_bg_candidate_weight_percent',
    help: 'Share of the traffic that the proxy sends to the candidate of the last rollout.',
    registers: [this.registry],
  });
  readonly #failures = new Counter({
    name: 'deploy_bg_container_failures_total',
    help: 'Candidate containers that failed.',
    labelNames: ['service'],
    registers: [this.registry],
  });
  readonly #requests = new Counter({
    name: 'deploy_bg_drained_requests_total',
    help: 'Requests that were in flight when a container left the proxy, by what became of them.',
    labelNames: ['result'],
    registers: [this.registry],
  });
  readonly #drain = new Histogram({
    name: 'deploy_bg_drain_duration_seconds',
    help: 'How long a container took to finish its requests.',
    buckets: SECONDS,
    registers: [this.registry],
  });

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
    if (event.kind !== 'drained') return;
    this.#requests.inc({ result: 'finished' }, event.finished);
    this.#requests.inc({ result: 'cut' }, event.cut);
    this.#drain.observe(event.ms / 1000);
  };

  /** Only the last one changes; a folded journal tells all of them again. */
  #remember(record: RolloutRecord): RolloutRecord {
    this.#records.clear();
    this.#records.set(record.id, record);
    return record;
  }

  #show({ state, weight }: RolloutRecord): void {
    this.#state.reset();
    this.#state.set({ state }, 1);
    this.#weight.set(weight ?? 0);
  }

  #count({ verb, state, acceptedAt }: RolloutRecord, at: number): void {
    this.#ended.inc({ verb, state });
    this.#duration.observe({ verb }, (at - acceptedAt) / 1000);
  }
}
