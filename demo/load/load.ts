import { setMaxListeners } from 'node:events';
import { Http1Sender } from './http1.ts';
import { Http2Sender } from './http2.ts';
import { Ledger } from './ledger.ts';
import { Pace } from './pace.ts';
import {
  KINDS,
  type Kind,
  type KindOptions,
  type Load,
  type LoadOptions,
  type LoadReport,
  type Sender,
  type Target,
} from './types.ts';
import { Waiters } from './waiters.ts';
import { WebsocketSender } from './websocket.ts';

export * from './types.ts';
export { summary } from './waiters.ts';

/** About 300 requests a second: enough to see a window of a few milliseconds, gentle on two cores. */
export const DEFAULT_KINDS: Readonly<Record<Kind, number>> = {
  kept: 10,
  fresh: 4,
  post: 4,
  slow: 4,
  stream: 4,
  websocket: 4,
  'kept-h2': 4,
};

const EVERY_MS: Readonly<Record<Kind, number>> = {
  kept: 50,
  fresh: 100,
  post: 100,
  slow: 250,
  stream: 250,
  websocket: 200,
  'kept-h2': 50,
};

const PATHS: Readonly<Record<Kind, string>> = {
  kept: '/',
  fresh: '/',
  post: '/echo',
  slow: '/slow?ms=3000',
  stream: '/stream?ms=8000&every=200',
  websocket: '/ws',
  'kept-h2': '/',
};

const IDLE_MS = 1000;
const TIMEOUT_MS = 10_000;
const STOP_MS = 15_000;

type Settled = Required<KindOptions>;

function settle(kind: Kind, wanted: number | KindOptions): Settled {
  const options = typeof wanted === 'number' ? { concurrency: wanted } : wanted;
  return { everyMs: EVERY_MS[kind], path: PATHS[kind], ...options };
}

/** The kinds to send; throws when kept-h2 is asked for without TLS. */
function kindsOf(options: LoadOptions): [Kind, Settled][] {
  const secure = new URL(options.url).protocol === 'https:';
  if (options.kinds?.['kept-h2'] && !secure) throw new Error('kept-h2 needs an https URL');
  const wanted: LoadOptions['kinds'] = options.kinds ?? {
    ...DEFAULT_KINDS,
    'kept-h2': secure ? DEFAULT_KINDS['kept-h2'] : 0,
  };
  return KINDS.map((kind) => [kind, settle(kind, wanted[kind] ?? 0)]);
}

function targetOf(options: LoadOptions, path: string): Target {
  const url = new URL(options.url);
  const { host = url.host, idleMs = IDLE_MS, timeoutMs = TIMEOUT_MS } = options;
  return { url, host, path, idleMs, timeoutMs };
}

function senderOf(kind: Kind, target: Target, ledger: Ledger): Sender {
  if (kind === 'websocket')
    return new WebsocketSender(target, (error) => {
      ledger.loss(kind, error);
    });
  return kind === 'kept-h2' ? new Http2Sender(kind, target) : new Http1Sender(kind, target);
}

interface Worker {
  readonly sender: Sender;
  readonly done: Promise<void>;
}

async function work(kind: Kind, sender: Sender, pace: Pace, ledger: Ledger): Promise<void> {
  while (await pace.turn()) {
    const id = ledger.begin(kind);
    ledger.settle(id, await sender.send(id));
  }
}

function startWorkers(options: LoadOptions, ledger: Ledger, stopped: AbortSignal): Worker[] {
  return kindsOf(options).flatMap(([kind, { concurrency, everyMs, path }]) =>
    Array.from({ length: concurrency }, (_, n) => {
      const sender = senderOf(kind, targetOf(options, path), ledger);
      const pace = new Pace(everyMs, (n * everyMs) / concurrency, stopped);
      return { sender, done: work(kind, sender, pace, ledger) };
    }),
  );
}

/** Resolves when all workers have ended, or after `ms`. */
async function allDone(workers: readonly Worker[], ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([Promise.all(workers.map(({ done }) => done)), bound]);
  clearTimeout(timer);
}

/**
 * Starts to send requests of all kinds, each accounted for one by one, until stopped. Nothing is ever sent twice, but
 * for what the server says it has not looked at (HTTP/2 GOAWAY and REFUSED_STREAM, websocket messages under way when
 * the server closes in order), and that is counted apart. Throws when the options contradict each other.
 */
export function startLoad(options: LoadOptions): Load {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // one for each worker that waits for its turn
  const ledger = new Ledger(() => {
    waiters.notify();
  });
  const waiters = new Waiters(() => ledger.report());
  const workers = startWorkers(options, ledger, stopping.signal);
  let stopped: Promise<LoadReport> | undefined;

  const stop = async (): Promise<LoadReport> => {
    const { stopMs = STOP_MS } = options;
    stopping.abort();
    await allDone(workers, stopMs);
    ledger.giveUp(`not ended ${stopMs} ms after the load was stopped`);
    ledger.finish();
    waiters.finish();
    await Promise.all(workers.map(({ sender }) => sender.close()));
    return ledger.report();
  };

  return {
    report: () => ledger.report(),
    waitFor: (predicate, deadlineMs, what) => waiters.add(predicate, deadlineMs, what),
    stop: () => (stopped ??= stop()),
  };
}
