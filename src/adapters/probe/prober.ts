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

/** A megabyte that is read while containers start, and not at all by commands that probe nothing. */
const undici = async (): Promise<typeof import('undici')> => (await import('undici')).default;

async function askOnce(address: string, spec: ProbeSpec, clock: Clock): Promise<Answer> {
  const { Client } = await undici();
  const host = address.includes(':') ? `[${address}]` : address;
  const client = new Client(`http://${host}:${spec.port}`, { connect: { timeout: spec.timeoutMs } });
  const started = clock.now();
  try {
    const signal = AbortSignal.timeout(spec.timeoutMs);
    const { statusCode, body } = await client.request({ path: spec.path, method: 'GET', signal });
    await body.dump({ limit: 65_536, signal });
    return judged(statusCode, spec, clock.now() - started);
  } catch (error) {
    return { ok: false, detail: reason(error, spec) };
  } finally {
    await client.destroy().catch(() => undefined);
  }
}

function judged(status: number, { status: [lowest, highest] }: ProbeSpec, ms: number): Answer {
  if (status >= lowest && status <= highest) return { ok: true, detail: `${status} in ${ms} ms` };
  return { ok: false, detail: `${status}, wanted ${lowest} to ${highest}` };
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the container',
  ENETUNREACH: 'no route to the container',
  UND_ERR_SOCKET: 'connection closed without an answer',
};

function reason(error: unknown, { timeoutMs }: ProbeSpec): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const late = error instanceof Error && error.name === 'TimeoutError';
  if (late || code === 'UND_ERR_CONNECT_TIMEOUT') return `no answer within ${timeoutMs} ms`;
  return REASONS[code] ?? messageOf(error);
}
