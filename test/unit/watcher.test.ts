import { setTimeout as timeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Ports, Router } from '../../src/app/ports.ts';
import { Watcher } from '../../src/app/watcher.ts';
import type { Wait } from '../../src/core/decision.ts';
import type { ObservedContainer } from '../../src/core/observed.ts';
import type { ProbeSpec } from '../../src/core/project.ts';

const PROBE: ProbeSpec = { port: 3000, path: '/', intervalMs: 1000, timeoutMs: 1000, status: [200, 399] };
const WEB = { id: 'web-1', service: 'web', name: 'web-1' } as ObservedContainer;
const POLL_MS = 5;

let watcher: Watcher;
let engineSays: () => void = () => undefined;

beforeEach(async () => {
  const ports = {
    clock: {
      now: () => Date.now(),
      wait: (ms: number, signal?: AbortSignal) =>
        timeout(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined),
    },
    store: { watchRequests: () => undefined },
    engine: {
      watch: (_project: string, changed: () => void) => {
        engineSays = changed;
        return Promise.resolve();
      },
    },
    prober: { probe: () => Promise.resolve({ ok: false, detail: 'connection refused', at: 0 }) },
    emit: () => undefined,
    pollMs: POLL_MS,
  } as unknown as Ports;
  watcher = new Watcher(ports, {} as Router);
  await watcher.start('shop');
});
afterEach(() => {
  watcher.close();
});

const newsAfter = async (probe: readonly string[]): Promise<boolean> => {
  const wait: Wait = { what: 'web', until: Infinity, deadline: Infinity, probe, drain: [], measure: [] };
  await watcher.wait(wait, [{ container: WEB, probe: PROBE }]);
  return watcher.takeNews();
};

it('a probe that says something new is no news of the engine', async () => {
  expect(await newsAfter(['web-1'])).toBe(false);
  expect(watcher.probes['web-1']).toMatchObject({ detail: 'connection refused' });
});

it('an event of the engine is told once, also one that came while nobody waited', async () => {
  engineSays();
  expect(await newsAfter([])).toBe(true);
  expect(await newsAfter([])).toBe(false);
});
