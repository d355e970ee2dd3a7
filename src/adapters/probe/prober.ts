import { request } from 'node:http';
import type { Clock, Prober } from '../../app/ports.ts';
import { messageOf } from '../../core/errors.ts';
import type { ObservedContainer, ProbeReading } from '../../core/observed.ts';
import type { ProbeSpec } from '../../core/project.ts';

export interface ProberDeps {
  readonly clock: Clock;
  /** Names of networks that the proxy is in: a probe goes there first, as the requests will. */
  readonly preferred?: () => Promise<readonly string[]>;
}

type Answer = { readonly ok: boolean; readonly detail: string };

/** Asks containers at their addresses. A fresh connection each time: a kept one may outlive its server. */
export function createProber({ clock, preferred }: ProberDeps): Prober {
  const addressesOf = async ({ addresses }: ObservedContainer): Promise<readonly string[]> => {
    const first = (await preferred?.().catch(() => [])) ?? [];
    const names = Object.keys(addresses).toSorted((a, b) => Number(first.includes(b)) - Number(first.includes(a)));
    return names.flatMap((name) => addresses[name] ?? []).filter((address) => address !== '');
  };
  return {
    async probe(container, spec): Promise<ProbeReading> {
      const addresses = await addressesOf(container);
      const { ok, detail } = await firstAnswer(addresses, spec, clock);
      return { ok, detail, at: clock.now() };
    },
  };
}

/** Any address that answers counts; they are asked at once, because one network of several may be unreachable from here. */
async function firstAnswer(addresses: readonly string[], spec: ProbeSpec, clock: Clock): Promise<Answer> {
  if (addresses.length === 0) return { ok: false, detail: 'the container has no address' };
  const answers = addresses.map((address) => askOnce(address, spec, clock));
  const good = answers.map(async (answer) => {
    const { ok, detail } = await answer;
    return ok ? { ok, detail } : Promise.reject(new Error(detail));
  });
  // Of several refusals the one from the preferred network is told.
  return Promise.any(good).catch(async () => (await answers[0]) ?? { ok: false, detail: 'no answer' });
}

async function askOnce(address: string, spec: ProbeSpec, clock: Clock): Promise<Answer> {
  const started = clock.now();
  try {
    return judged(await replyOf(address, spec), spec, clock.now() - started);
  } catch (error) {
    return { ok: false, detail: reason(error, spec) };
  }
}

interface Reply {
  readonly status: number;
  /** How it begins, where it is for people: what a health check says of itself. */
  readonly words: string;
}

/** A page is no sentence. */
const WORDS = /^$|^text\/plain|json\b/;
const WORDS_LENGTH = 120;

/** A whole answer; Node's own client, because undici would be half of what a deploy loads. */
function replyOf(host: string, { port, path, timeoutMs }: ProbeSpec): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const call = request({ host, port, path, agent: false, signal }, (answer) => {
      const isText = WORDS.test(answer.headers['content-type'] ?? '');
      let words = '';
      answer.setEncoding('utf8').on('data', (text: string) => {
        if (isText && words.length < WORDS_LENGTH) words = (words + text).slice(0, WORDS_LENGTH);
      });
      answer.on('error', reject).on('end', () => {
        resolve({ status: answer.statusCode ?? 0, words: words.replace(/[^\p{L}\p{N}\p{P}\p{S}]+/gu, ' ').trim() });
      });
    });
    call.on('error', reject).end();
  });
}

function judged({ status, words }: Reply, { status: [lowest, highest] }: ProbeSpec, ms: number): Answer {
  if (status >= lowest && status <= highest) return { ok: true, detail: `${status} in ${ms} ms` };
  const said = words === '' ? '' : ` (“${words}”)`;
  return { ok: false, detail: `${status}, wanted ${lowest} to ${highest}${said}` };
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed without an answer',
  EHOSTUNREACH: 'no route to the container',
  ENETUNREACH: 'no route to the container',
};

function reason(error: unknown, { timeoutMs }: ProbeSpec): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ABORT_ERR' || (error instanceof Error && error.name === 'TimeoutError'))
    return `no answer within ${timeoutMs} ms`;
  return REASONS[code] ?? messageOf(error);
}
